import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Attention whose product, mask, softmax and sum were written at several ranks, with columns beside the scores, or with a table of
/// relative positions.
@Suite struct AttentionRankTests {
  private static let sizes: [[Name: Int]] = [
    ["B": 2, "M": 5, "N": 7, "Y": 2, "X": 3], ["B": 1, "M": 50, "N": 130, "Y": 9, "X": 16],
    ["B": 2, "M": 3, "N": 1100, "Y": 1, "X": 40],
    ["B": 1, "M": 1, "N": 1, "Y": 1, "X": 1],
  ]

  private func expect(_ graph: Graph, _ element: ElementType) throws {
    try expectAgreement(graph, at: Self.sizes, attentions: 1, targets: element == .f32 ? nil : [allHostTargets.last!])
  }

  /// Heads merged with sequences for the products, a mask in four dimensions, a softmax in three.
  @Test(arguments: floatTypes) func mergedHeads(_ element: ElementType) throws {
    let graph = try graph(
      "%q: \(element)[2*B, M, 4], %k: \(element)[2*B, N, 4], %v: \(element)[2*B, N, 5], %keep: bool[B, N], %bias: \(element)[2, M, 1]",
      """
      %s = contract %q, %k {subscripts = "xid,xjd->xij"}
      %t = reshape %s : \(element)[B, 2, M, N]
      %m = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N]
      %b = broadcast %bias {dims = [1, 2, 3]} : \(element)[B, 2, M, N]
      %u = add %t, %b
      %y = select %m, %u, -inf
      %x = reshape %y : \(element)[2*B, M, N]
      %p = softmax %x {dim = 2}
      %out = contract %p, %v {subscripts = "xij,xje->xie"}
      return %out
      """)
    try expect(graph, element)
  }

  /// A neighbourhood in an image, queries and keys in two dimensions.
  @Test(arguments: floatTypes) func twoAxes(_ element: ElementType) throws {
    let graph = try graph(
      "%q: \(element)[B, Y, X, 2, 4], %k: \(element)[B, Y, X, 2, 4], %v: \(element)[B, Y, X, 2, 5]",
      """
      %s = contract %q, %k {subscripts = "byxhd,btrhd->bhyxtr"}
      %y = iota {dim = 2} : i32[B, 2, Y, X, Y, X]
      %x = iota {dim = 3} : i32[B, 2, Y, X, Y, X]
      %t = iota {dim = 4} : i32[B, 2, Y, X, Y, X]
      %r = iota {dim = 5} : i32[B, 2, Y, X, Y, X]
      %dy = subtract %y, %t
      %dx = subtract %x, %r
      %ay = absolute %dy
      %ax = absolute %dx
      %far = maximum %ay, %ax
      %live = less_equal %far, 2
      %a = select %live, %s, -inf
      %f = reshape %a : \(element)[B, 2, Y, X, Y*X]
      %g = softmax %f {dim = 4}
      %p = reshape %g : \(element)[B, 2, Y, X, Y, X]
      %out = contract %p, %v {subscripts = "bhyxtr,btrhe->byxhe"}
      return %out
      """)
    try expect(graph, element)
  }

  /// Columns of a constant on both sides of the scores.
  @Test(arguments: floatTypes) func columnsBesideScores(_ element: ElementType) throws {
    let graph = try graph(
      "%q: \(element)[2, M, 4], %k: \(element)[2, N, 4], %v: \(element)[2, N, 5], %r: \(element)[2, 3]",
      """
      %s = contract %q, %k {subscripts = "hid,hjd->hij"}
      %n = broadcast %r {dims = [0, 2]} : \(element)[2, M, 3]
      %c = concatenate %n, %s {dim = 2}
      %x = pad %c {low = [0, 0, 1], high = [0, 0, 2], value = 0.5}
      %y = softmax %x {dim = 2}
      %p = slice %y {start = [0, 0, 4], stop = [2, M, N + 4]}
      %out = contract %p, %v {subscripts = "hij,hje->hie"}
      return %out
      """)
    try expect(graph, element)
  }

  /// Relative keys and queries by a table, clipped; the second table has no row for some distances, which gives NaN.
  @Test(arguments: floatTypes, [4, 9]) func relativePositions(_ element: ElementType, _ reach: Int) throws {
    let graph = try graph(
      "%q: \(element)[B, 2, M, 4], %k: \(element)[B, 2, N, 4], %v: \(element)[B, 2, N, 5], %table: \(element)[9, 4], "
        + "%heads: \(element)[2, 9, 4]",
      """
      %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"}
      %i = iota {dim = 0} : i32[M, N]
      %j = iota {dim = 1} : i32[M, N]
      %d = subtract %i, %j
      %low = maximum %d, -4
      %high = minimum %low, \(reach)
      %at = add %high, 4
      %e = gather %table, %at {dim = 0}
      %h = gather %heads, %at {dim = 1}
      %a = contract %q, %e {subscripts = "bhid,ijd->bhij"}
      %b = contract %k, %h {subscripts = "bhjd,hijd->bhij"}
      %t = add %s, %a
      %x = add %t, %b
      %p = softmax %x {dim = 3}
      %out = contract %p, %v {subscripts = "bhij,bhje->bhie"}
      return %out
      """)
    try expect(graph, element)
  }

  /// A mask put together from parts, with and without keys of the past.
  @Test func partsOfMasks() throws {
    let graph = try graph(
      "%q: f32[M, 4], %k: f32[N + M, 4], %v: f32[N + M, 5]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"}
      %i = iota {dim = 0} : i32[M, M]
      %j = iota {dim = 1} : i32[M, M]
      %past = less_equal %j, %i
      %live = pad %past {high = [0, 0], low = [0, N], value = true}
      %x = select %live, %s, -inf
      %p = softmax %x {dim = 1}
      %out = contract %p, %v {subscripts = "ij,je->ie"}
      return %out
      """)
    try expectAgreement(graph, at: [["M": 5, "N": 0], ["M": 70, "N": 130], ["M": 1, "N": 1], ["M": 0, "N": 3]], attentions: 1)
  }

  /// A way to write attention whose ops have dimensions split and merged differently, and the attentions that it becomes.
  struct Spelling: Sendable, CustomTestStringConvertible {
    let name: String
    var attentions = 1
    let result: @Sendable (GraphBuilder) -> Tensor
    var testDescription: String { name }

    init(_ name: String, attentions: Int = 1, _ result: @escaping @Sendable (GraphBuilder) -> Tensor) {
      (self.name, self.attentions, self.result) = (name, attentions, result)
    }
  }

  /// Scores of 8 heads of queries that share 2 heads of keys, in the shape `[B, 2, 4*M, N]`, changed in the shape `[B, 8, M, N]`.
  private static func groupedRows(_ g: GraphBuilder, _ change: (Tensor) -> Tensor) -> Tensor {
    let (q, k) = (g.input("q", .f32, ["B", 8, "M", 16]), g.input("k", .f32, ["B", 2, "N", 16]))
    let scores = matmul(q.reshape(["B", 2, "4*M", 16]), k.transposed()) / 4
    return matmul(change(scores.reshape(["B", 8, "M", "N"])).reshape(["B", 2, "4*M", "N"]), g.input("v", .f32, ["B", 2, "N", 5]))
  }

  /// Weights with one dimension of `4*B`, guarded against NaN, and what they weigh in four dimensions.
  private static func mergedHeads(_ g: GraphBuilder, _ change: (Tensor) -> Tensor) -> Tensor {
    let (q, k) = (g.input("q", .f32, ["4*B", "M", 16]), g.input("k", .f32, ["4*B", "N", 16]))
    let weights = softmax(matmul(q, k.transposed()) / 4)
    return matmul(change(weights).reshape(["B", 4, "M", "N"]), g.input("v", .f32, ["B", 4, "N", 5]))
  }

  static let spellings: [Spelling] = [
    Spelling("softmax of all heads") { g in
      let mask = g.input("mask", .bool, ["B", 8, "M", "N"])
      return groupedRows(g) { softmax($0.where(mask, else: -.infinity)) }
    },
    Spelling("mask of all heads") { g in
      let (q, k) = (g.input("q", .f32, ["B", 8, "M", 16]), g.input("k", .f32, ["B", 2, "N", 16]))
      let mask = g.input("mask", .bool, ["B", 8, "M", "N"])
      let scores = matmul(q.reshape(["B", 2, "4*M", 16]), k.transposed()) / 4
      let masked = scores.reshape(["B", 8, "M", "N"]).where(mask, else: -.infinity).reshape(["B", 2, "4*M", "N"])
      return matmul(softmax(masked), g.input("v", .f32, ["B", 2, "N", 5]))
    },
    Spelling("causal for all heads") { g in
      groupedRows(g) { softmax($0.where($0.index(3) <= $0.index(2), else: -.infinity)) }
    },
    Spelling("heads of keys in the batch") { g in
      let (q, k) = (g.input("q", .f32, ["2*B", 4, "M", 16]), g.input("k", .f32, ["2*B", "N", 16]))
      let mask = g.input("mask", .bool, ["B", 8, "M", "N"])
      let scores = matmul(q, k.reshape(["2*B", 1, "N", 16]).transposed()) / 4
      let masked = scores.reshape(["B", 8, "M", "N"]).where(mask, else: -.infinity).reshape(["2*B", 4, "M", "N"])
      return matmul(softmax(masked), g.input("v", .f32, ["2*B", "N", 5]).reshape(["2*B", 1, "N", 5]))
    },
    Spelling("NaN guarded before the rank changes") { g in mergedHeads(g) { $0.where($0 == $0, else: 0) } },
    Spelling("rows guarded before the rank changes") { g in
      let keep = g.input("keep", .bool, ["4*B", "M", 1])
      return mergedHeads(g) { $0.where(keep, else: 0) }
    },
    Spelling("a factor before the rank changes") { g in
      let factor = g.input("factor", .f32, ["4*B", "M", "N"])
      return mergedHeads(g) { $0 * factor }
    },
    Spelling("squares before the rank changes", attentions: 0) { g in mergedHeads(g) { $0 * $0 } },
    Spelling("two axes by sums that keep dimensions") { g in
      let (q, k) = (g.input("q", .f32, ["B", "M", 16]), g.input("k", .f32, ["B", "Y", "X", 16]))
      let scores = matmul(q, k.reshape(["B", "Y*X", 16]).transposed()).reshape(["B", "M", "Y", "X"]) / 4
      let e = exp(scores)
      let p = e / e.sum(-1, keepingDimensions: true).sum(-2, keepingDimensions: true)
      return matmul(p.reshape(["B", "M", "Y*X"]), g.input("v", .f32, ["B", "Y*X", 5]))
    },
    Spelling("two axes by logarithms of sums") { g in
      let (q, k) = (g.input("q", .f32, ["B", "M", 16]), g.input("k", .f32, ["B", "Y", "X", 16]))
      let scores = matmul(q, k.reshape(["B", "Y*X", 16]).transposed()).reshape(["B", "M", "Y", "X"]) / 4
      let logarithm = logSumExp(logSumExp(scores, dimension: -1), dimension: -1)
      let p = exp(scores - logarithm.reshape(["B", "M", 1, 1]))
      return matmul(p.reshape(["B", "M", "Y*X"]), g.input("v", .f32, ["B", "Y*X", 5]))
    },
  ]

  @Test(arguments: spellings) func spelling(_ spelling: Spelling) throws {
    try expectAgreement(Graph("ranks", spelling.result), at: Self.sizes, attentions: spelling.attentions)
  }
}
