import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Contractions and linear layers.
@Suite struct ProductTests {
  static let subscripts: [(subscripts: String, left: String, right: String)] = [
    ("ij,jk->ik", "M, K", "K, N"), ("ij,kj->ik", "M, K", "N, K"), ("ji,jk->ki", "K, M", "K, N"),
    ("i,j->ij", "M", "N"), ("i,i->", "K", "K"), ("i,i->i", "N", "N"), ("ij,j->i", "M, K", "K"), ("j,jk->k", "K", "K, N"),
    ("bij,bjk->bik", "2, M, K", "2, K, N"), ("bhid,bhjd->bhij", "2, 3, M, K", "2, 3, N, K"),
    ("ibhd,jbhd->hbij", "M, 2, 3, K", "N, 2, 3, K"), ("bihd,bjhd->bhij", "2, M, 3, K", "2, N, 3, K"),
    ("aibj,jbk->kai", "2, M, 3, K", "K, 3, N"), ("ijab,abk->ijk", "M, 2, 3, K", "3, K, N"),
    ("iab,kba->ik", "M, 3, K", "N, K, 3"), ("ij,klj->kil", "M, K", "N, 3, K"), ("ij,->ij", "M, N", ""), (",ij->ji", "", "M, N"),
    ("xi,xj->xij", "N, M", "N, K"), ("ihe,hed->id", "M, 2, K", "2, K, N"),
  ]

  @Test(arguments: subscripts.indices, floatTypes) func contractions(_ number: Int, _ element: ElementType) throws {
    let (subscripts, left, right) = Self.subscripts[number]
    let graph = try graph(
      "%x: \(element)[\(left)], %y: \(element)[\(right)], parameter %unused: f32[M, N, K]",
      "%r = contract %x, %y {subscripts = \"\(subscripts)\"}\nreturn %r")
    let lengths = [(1, 1, 1), (3, 5, 2), (7, 49, 9), (97, 3, 4), (2, 2, 0), (0, 3, 2), (3, 0, 2), (2, 17, 130)]
    var bindings: [[Name: Int]] = []
    for (m, n, k) in lengths {
      // "ijab,abk" shares letters with constants: K and 3 must fit where both name one letter.
      bindings.append(["M": m, "N": n, "K": number == 13 ? 3 : k])
    }
    try expectAgreement(graph, at: bindings, Tolerance(roundings: 1), note: subscripts + " ")
  }

  /// The right operand a parameter: packed at load. Operands that are views.
  @Test(arguments: floatTypes) func packedWeightsAndViews(_ element: ElementType) throws {
    let graph = try graph(
      """
      %x: \(element)[B, S, 20], parameter %w: \(element)[20, 50], parameter %u: \(element)[3, 7, 20], %y: \(element)[S, B, 9]
      """,
      """
      %a = contract %x, %w {subscripts = "bsi,io->bso"}
      %t = slice %w {start = [0, 1], stop = [10, 50], step = [1, 3]}
      %z = slice %x {start = [0, 0, 0], stop = [B, S, 20], step = [1, 1, 2]}
      %b = contract %z, %t {subscripts = "bsi,io->obs"}
      %c = contract %x, %u {subscripts = "bsi,hoi->bhso"}
      %d = contract %x, %y {subscripts = "bsi,sbj->bij"}
      %one = slice %y {start = [0, 0, 0], stop = [S, B, 1]}
      %wide = broadcast %one {dims = [0, 1, 2]} : \(element)[S, B, 9]
      %e = contract %wide, %y {subscripts = "sbi,sbj->ij"}
      return %a, %b, %c, %d, %e
      """)
    try expectAgreement(
      graph, at: [["B": 2, "S": 3], ["B": 1, "S": 1], ["B": 3, "S": 40], ["B": 1, "S": 0]], Tolerance(roundings: 1))
  }

  /// Epilogues on the accumulators: bias, activation, residual, conversion, in all layouts of the result.
  @Test(arguments: floatTypes) func epilogues(_ element: ElementType) throws {
    let graph = try graph(
      "%x: \(element)[B, S, 20], parameter %w: \(element)[50, 20], parameter %b: \(element)[50], %r: \(element)[B, S, 50], %k: \(element)",
      """
      %p = contract %x, %w {subscripts = "bsi,oi->bso"}
      %c = broadcast %b {dims = [2]} : \(element)[B, S, 50]
      %q = add %p, %c
      %g = gelu %q
      %h = add %g, %r
      %m = contract %x, %w {subscripts = "bsi,oi->obs"}
      %n = multiply %m, %k
      %o = transpose %n {permutation = [1, 0, 2]}
      %u = contract %x, %w {subscripts = "bsi,oi->bso"}
      %v = greater %u, 0.0
      %y = contract %x, %w {subscripts = "bsi,oi->bso"}
      %s = reshape %y : \(element)[B, S, 5, 10]
      %t = transpose %s {permutation = [0, 2, 1, 3]}
      return %h, %o, %v, %t
      """)
    // Comparisons at 0 of nearly 0 would flip: the inputs are small whole numbers there.
    let inputs = try [(2, 3), (1, 1), (1, 97), (3, 0)].map { size in
      var inputs = try randomInputs(graph, ["B": size.0, "S": size.1])
      for name in ["x", "w"] as [Name] { inputs[name]!.reals = inputs[name]!.reals.map { ($0 * 4).rounded() } }
      return inputs
    }
    // %p is stored, and %h computed from that.
    try expectAgreement(graph, inputs, Tolerance(roundings: 2))
  }

  /// 16-bit operands whose products are summed and given in a wider type: bf16 in, f32 out. Depths that are odd, empty, a pair; one that
  /// no pairs are known of; columns that fill no panel; depths of several dimensions.
  @Test(arguments: [ElementType.f16, .bf16], [ElementType.f32, .f64]) func wideSums(_ narrow: ElementType, _ wide: ElementType)
    throws
  {
    for depth in ["0", "1", "2", "7", "64", "K", "2*K"] {
      let graph = try graph(
        "%x: \(narrow)[2, M, \(depth)], parameter %w: \(narrow)[50, \(depth)], %y: \(narrow)[2, \(depth), 3, M], %b: \(wide)[50]",
        """
        %u = convert %x : \(wide)[2, M, \(depth)]
        %v = convert %w : \(wide)[50, \(depth)]
        %t = convert %y : \(wide)[2, \(depth), 3, M]
        %a = contract %u, %v {subscripts = "bmk,nk->bmn"}
        %c = broadcast %b {dims = [2]} : \(wide)[2, M, 50]
        %p = contract %u, %v {subscripts = "bmk,nk->bnm"}
        %q = transpose %p {permutation = [0, 2, 1]}
        %d = add %q, %c
        %e = convert %d : \(narrow)[2, M, 50]
        %f = contract %u, %t {subscripts = "bmk,bkhn->bhmn"}
        %g = contract %t, %u {subscripts = "bkhn,bmk->bnhm"}
        return %a, %d, %e, %f, %g
        """)
      try expectAgreement(
        graph, at: [["M": 1, "K": 3], ["M": 9, "K": 6], ["M": 97, "K": 1], ["M": 0, "K": 2], ["M": 3, "K": 0]],
        Tolerance(roundings: 1),
        note: "\(depth) ")
      try expectAgreement(graph, at: [["M": 5, "K": 4]], Tolerance(roundings: 1), pipeline: PassPipeline([]), note: "\(depth) ")
    }
  }

  /// Depths that are multiplied in parts: two, more, a last one that is shorter; of odd length, and so deep that the compiler chooses to.
  @Test(arguments: floatTypes) func depthInParts(_ element: ElementType) throws {
    for (depth, part) in [(32, 16), (40, 8), (17, 6), (7, 6), (6, 6), (9, 1), (50, 33)] {
      let graph = try graph(
        "%x: \(element)[M, \(depth)], parameter %w: \(element)[\(depth), 100], %b: \(element)[M, 100]",
        """
        %r = linear %x, %w, %b epilogue (%acc: \(element), %b: \(element)) {
          %s = add %acc, %b
          yield %s
        } {subscripts = "ik,kj->ij", tile = [8, 48, \(part)]}
        return %r
        """)
      try expectAgreement(graph, at: [["M": 1], ["M": 19], ["M": 0]], Tolerance(roundings: 1), note: "\(depth) by \(part) ")
    }
    let deep = try graph(
      "%x: \(element)[M, 9001], parameter %w: \(element)[9001, 3]",
      "%r = contract %x, %w {subscripts = \"ik,kj->ij\"}\nreturn %r")
    try expectAgreement(deep, at: [["M": 2]], Tolerance(f32: 1e-5, roundings: 1))
  }

  /// A few rows, whose right operand is packed at load alone: read by rows or along the depth, in blocks of columns and parts of the
  /// depth; one that is neither, and parameters.
  @Test(arguments: floatTypes) func fewRows(_ element: ElementType) throws {
    for rows in [1, 3, 16] {
      let graph = try graph(
        """
        %x: \(element)[2, \(rows), K], %y: \(element)[K, N], %z: \(element)[2, N, K], %t: \(element)[K, N, 2], %v: \(element)[K],
        parameter %w: \(element)[70, 130], %u: \(element)[\(rows), 70], %d: \(element)[130, 1100], %e: \(element)[\(rows), 130]
        """,
        """
        %s = slice %x {start = [0, 0, 0], stop = [1, \(rows), K]}
        %q = reshape %s : \(element)[\(rows), K]
        %a = contract %q, %y {subscripts = "ik,kj->ij"}
        %b = contract %x, %z {subscripts = "bik,bjk->bij"}
        %c = contract %q, %t {subscripts = "ik,kjb->bij"}
        %f = contract %v, %y {subscripts = "k,kj->j"}
        %g = contract %u, %w {subscripts = "ik,kj->ij"}
        %h = gelu %g
        %m = contract %e, %d {subscripts = "ik,kj->ij"}
        %n = contract %x, %y {subscripts = "bik,kj->ijb"}
        return %a, %b, %c, %f, %h, %m, %n
        """)
      try expectAgreement(
        graph, at: [["K": 5, "N": 7], ["K": 64, "N": 100], ["K": 0, "N": 3], ["K": 33, "N": 1], ["K": 2, "N": 0]],
        Tolerance(f32: 4e-6, roundings: 1), note: "\(rows) rows ")
    }
  }

  /// Widths of panels: one vector to four.
  @Test(arguments: [1, 16, 30, 64, 65, 128, 200]) func panelWidths(_ columns: Int) throws {
    let graph = try graph(
      "%x: f32[M, 9], parameter %w: f32[9, \(columns)]", "%r = contract %x, %w {subscripts = \"ik,kj->ij\"}\nreturn %r")
    try expectAgreement(graph, at: [["M": 1], ["M": 100]])
  }

  /// Values that are rounded as they are stored and widened as they are read, through views and by several users.
  @Test(arguments: [ElementType.f16, .bf16]) func roundedBetweenKernels(_ narrow: ElementType) throws {
    let graph = try graph(
      "%x: f32[T, 12], parameter %w: f32[12, 12], parameter %s: f32[12], %i: i32[T]",
      """
      %n = rms_norm %x, %s {epsilon = 1.0e-6}
      %a = convert %n : \(narrow)[T, 12]
      %b = convert %a : f32[T, 12]
      %v = convert %w : \(narrow)[12, 12]
      %u = convert %v : f32[12, 12]
      %p = contract %b, %u {subscripts = "tk,nk->tn"}
      %r = add %p, %b
      %c = convert %r : \(narrow)[T, 12]
      %d = reshape %c : \(narrow)[T, 3, 4]
      %e = transpose %d {permutation = [1, 0, 2]}
      %f = convert %e : f32[3, T, 4]
      %m = softmax %f {dim = 2}
      %o = convert %m : \(narrow)[3, T, 4]
      %g = gather %b, %i {dim = 0}
      %h = convert %g : \(narrow)[T, 12]
      %k = scatter_add %x, %i, %x {dim = 0}
      %l = convert %k : \(narrow)[T, 12]
      %q = softmax %x {dim = 0}
      %y = convert %q : \(narrow)[T, 12]
      %z = convert %y : f64[T, 12]
      %j = convert %b : f64[T, 12]
      %small = convert %j : \(narrow)[T, 12]
      return %e, %o, %h, %l, %z, %b, %small
      """)
    let inputs = try [1, 5, 40].map { length in
      try randomInputs(
        graph, ["T": length],
        given: ["i": ReferenceArray(.i32, [length], integers: (0..<length).map { Int64($0 * 7 % length) })])
    }
    // Where a value lies between two narrow ones, one more or less in f32 decides: what is computed from it differs by a whole unit.
    try expectAgreement(graph, inputs, Tolerance(f32: narrow == .bf16 ? 1.6e-2 : 2e-3, f64: narrow == .bf16 ? 1.6e-2 : 2e-3))
    try expectAgreement(
      graph, inputs, Tolerance(f32: narrow == .bf16 ? 1.6e-2 : 2e-3, f64: narrow == .bf16 ? 1.6e-2 : 2e-3),
      pipeline: PassPipeline([]))
  }

  /// Operands of different types.
  @Test func mixedOperands() throws {
    let graph = try graph(
      "%x: f32[M, 20], parameter %w: bf16[30, 20], %y: f16[20, M]",
      """
      %v = convert %w : f32[30, 20]
      %t = convert %y : f32[20, M]
      %a = contract %x, %v {subscripts = "mk,nk->mn"}
      %b = contract %t, %v {subscripts = "km,nk->mn"}
      %c = gelu %b
      return %a, %c
      """)
    try expectAgreement(graph, at: [["M": 1], ["M": 17], ["M": 0]])
  }
}
