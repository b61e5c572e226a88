import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Attention written out as plain tensor math over `%q`, `%k` and `%v`; it must become one attention op.
struct AttentionGraph {
  var element: ElementType = .f32
  /// The type of scores, weights and the result, to which operands are converted; nil for the operands' own.
  var wide: ElementType?
  /// The heads' dimensions: `B, 2`.
  var batch = ["B", "2"]
  /// Which of them keys and values have; nil for all.
  var keyBatch: [Int]?
  var rows = "M"
  var columns = "N"
  var width = 4
  var valueWidth = 5
  var scale = 0.4
  var arguments: [String] = []
  /// Lines between `%s`, the product scaled, and `%x`, the scores that the softmax sees; `$B`, `$I` and `$S` stand for the number of
  /// batch dimensions, `i32[...]` and `[...]` of the scores.
  var score = ["%x = multiply %s, 1.0"]
  /// Lines from there to `%w`, the weights, and to what else is returned.
  var weights = ["%w = softmax %x {dim = $j}"]
  var returns = "%out"

  func graph() throws -> Graph {
    let batchLetters = Array("ABCD".prefix(batch.count))
    let keyBatch = self.keyBatch ?? Array(batch.indices)
    let (letters, keyLetters) = (String(batchLetters), String(keyBatch.map { batchLetters[$0] }))
    func type(_ extents: [String]) -> String { "[\((batch + extents).joined(separator: ", "))]" }
    func keyType(_ extents: [String]) -> String { "[\((keyBatch.map { batch[$0] } + extents).joined(separator: ", "))]" }
    let shape = type([rows, columns])
    let arguments =
      [
        "%q: \(element)\(type([rows, "\(width)"]))", "%k: \(element)\(keyType([columns, "\(width)"]))",
        "%v: \(element)\(keyType([columns, "\(valueWidth)"]))",
      ] + arguments
    let (i, j) = (batch.count, batch.count + 1)
    let wide = self.wide ?? element
    func operand(_ name: String, _ type: String) -> String {
      wide == element ? "" : "%\(name)w = convert %\(name) : \(wide)\(type)"
    }
    let suffix = wide == element ? "" : "w"
    var lines = [
      operand("q", type([rows, "\(width)"])), operand("k", keyType([columns, "\(width)"])),
      operand("v", keyType([columns, "\(valueWidth)"])),
      "%p0 = contract %q\(suffix), %k\(suffix) {subscripts = \"\(letters)id,\(keyLetters)jd->\(letters)ij\"}",
      "%s = multiply %p0, \(scale)",
      "%count = extent {value = [N]} : i32", "%i = iota {dim = \(i)} : i32\(shape)", "%j = iota {dim = \(j)} : i32\(shape)",
    ]
    lines += (score + weights).map { line in
      line.replacing("$S", with: shape).replacing("$I", with: "i32\(shape)").replacing("$F", with: "\(wide)\(shape)")
        .replacing("$B", with: "bool\(shape)").replacing("$N", with: "%count").replacing("$i", with: "\(i)").replacing(
          "$j", with: "\(j)")
    }
    lines += [
      "%out = contract %w, %v\(suffix) {subscripts = \"\(letters)ij,\(keyLetters)je->\(letters)ie\"}", "return \(returns)",
    ]
    return try DifferentialTests.graph(arguments.joined(separator: ", "), lines.joined(separator: "\n"))
  }
}

/// A mask or a change of the scores.
struct ScoreForm: Sendable, CustomTestStringConvertible {
  let name: String
  var arguments: [String] = []
  let lines: [String]
  var testDescription: String { name }

  init(_ name: String, _ arguments: [String] = [], _ lines: String...) {
    (self.name, self.arguments, self.lines) = (name, arguments, lines)
  }

  static let masked = "%x = select %live, %s, -inf"

  static let masks: [ScoreForm] = [
    ScoreForm("dense", [], "%x = multiply %s, 1.0"),
    ScoreForm("causal", [], "%live = less_equal %j, %i", masked),
    ScoreForm("strictly causal", [], "%live = less %j, %i", masked),
    ScoreForm("anticausal", [], "%live = greater_equal %j, %i", masked),
    ScoreForm("window", [], "%d = subtract %i, %j", "%a = less_equal %j, %i", "%b = less %d, 7", "%live = and %a, %b", masked),
    ScoreForm("two-sided window", [], "%d = subtract %i, %j", "%e = absolute %d", "%live = less_equal %e, 5", masked),
    ScoreForm("documents", [], "%a = divide %i, 40", "%b = divide %j, 40", "%live = equal %a, %b", masked),
    ScoreForm(
      "causal documents", [], "%a = divide %i, 25", "%b = divide %j, 25", "%c = equal %a, %b", "%d = less_equal %j, %i",
      "%live = and %c, %d",
      masked),
    ScoreForm("prefix", [], "%a = less_equal %j, %i", "%b = less %j, 10", "%live = or %a, %b", masked),
    ScoreForm("dilated", [], "%d = subtract %i, %j", "%r = remainder %d, 3", "%live = equal %r, 0", masked),
    ScoreForm(
      "strided and local", [], "%d = subtract %i, %j", "%r = remainder %j, 8", "%a = equal %r, 7", "%b = less %d, 4",
      "%c = or %a, %b",
      "%e = less_equal %j, %i", "%live = and %c, %e", masked),
    ScoreForm(
      "block diagonal of clamped indices", [], "%a = minimum %i, 20", "%b = maximum %j, 3", "%live = less_equal %b, %a", masked),
    ScoreForm("nothing", [], "%live = less %j, 0", masked),
    ScoreForm("not the diagonal", [], "%a = equal %i, %j", "%live = not %a", masked),
    ScoreForm(
      "offset from the end", [], "%n = extent {value = [N - M]} : i32", "%l = add %i, %n", "%live = less_equal %j, %l", masked),
    ScoreForm(
      "different masks per head", [], "%h = iota {dim = 1} : $I", "%m = multiply %h, 4", "%l = add %i, %m",
      "%live = less_equal %j, %l", masked),
    ScoreForm("lengths", ["%length: i32[B]"], "%l = broadcast %length {dims = [0]} : $I", "%live = less %j, %l", masked),
    ScoreForm("keep per key", ["%keep: bool[B, N]"], "%live = broadcast %keep {dims = [0, 3]} : $B", masked),
    ScoreForm(
      "keep per pair and causal", ["%keep: bool[M, N]"], "%kk = broadcast %keep {dims = [2, 3]} : $B", "%c = less_equal %j, %i",
      "%live = and %kk, %c", masked),
    ScoreForm(
      "same colour by table", ["%a: i32[M]", "%b: i32[N]"], "%ai = broadcast %a {dims = [2]} : $I",
      "%bj = broadcast %b {dims = [3]} : $I",
      "%live = equal %ai, %bj", masked),
  ]

  static let scores: [ScoreForm] = [
    ScoreForm("dense bias", ["%bias: $E[B, 2, M, N]"], "%x = add %s, %bias"),
    ScoreForm("bias per head", ["%bias: $E[2, M, N]"], "%b = broadcast %bias {dims = [1, 2, 3]} : $F", "%x = add %s, %b"),
    ScoreForm(
      "slopes by distance", ["%slope: $E[2]"], "%m = broadcast %slope {dims = [1]} : $F", "%d = subtract %j, %i",
      "%f = convert %d : $F",
      "%g = multiply %f, 0.125", "%b = multiply %m, %g", "%y = add %s, %b", "%live = less_equal %j, %i",
      "%x = select %live, %y, -inf"),
    ScoreForm(
      "table of relative positions", ["%table: $E[9, 2]"], "%d = subtract %j, %i", "%lo = maximum %d, -4", "%hi = minimum %lo, 4",
      "%at = add %hi, 4", "%f2 = slice %at {start = [0, 0, 0, 0], stop = [1, 1, M, N]}", "%f3 = reshape %f2 : i32[M, N]",
      "%g = gather %table, %f3 {dim = 0}", "%t = transpose %g {permutation = [2, 0, 1]}",
      "%b = broadcast %t {dims = [1, 2, 3]} : $F",
      "%x = add %s, %b"),
    ScoreForm(
      "table of distances, outside for dead pairs", ["%table: $E[N]"], "%d = subtract %i, %j",
      "%f2 = slice %d {start = [0, 0, 0, 0], stop = [1, 1, M, N]}", "%f3 = reshape %f2 : i32[M, N]",
      "%g = gather %table, %f3 {dim = 0}", "%b = broadcast %g {dims = [2, 3]} : $F", "%y = add %s, %b", "%low = less_equal %j, %i",
      "%high = less %d, $N", "%live = and %low, %high", "%x = select %live, %y, -inf"),
    ScoreForm("soft cap", [], "%a = divide %s, 3.0", "%b = tanh %a", "%x = multiply %b, 3.0"),
    ScoreForm(
      "soft cap and causal", [], "%a = divide %s, 3.0", "%b = tanh %a", "%c = multiply %b, 3.0", "%live = less_equal %j, %i",
      "%x = select %live, %c, -inf"),
    ScoreForm(
      "decay per key", ["%decay: $E[B, N]"], "%g = sigmoid %decay", "%b = broadcast %g {dims = [0, 3]} : $F", "%x = add %s, %b"),
    ScoreForm("large logits", [], "%x = multiply %s, 300.0"),
    ScoreForm("huge logits of one sign", [], "%y = multiply %s, 2000.0", "%x = subtract %y, 20000.0"),
  ]
}

@Suite struct AttentionTests {
  private static func form(_ form: ScoreForm, _ element: ElementType) -> AttentionGraph {
    AttentionGraph(
      element: element, arguments: form.arguments.map { $0.replacing("$E", with: "\(element)") }, score: form.lines)
  }

  /// Lengths around blocks of rows and panels; few keys per query and the other way round.
  @Test(arguments: ScoreForm.masks + ScoreForm.scores) func forms(_ form: ScoreForm) throws {
    let graph = try Self.form(form, .f32).graph()
    let lengths = [(1, 1), (3, 5), (0, 4), (4, 0), (97, 49), (50, 130)]
    // Logits of thousands lose what f32 cannot hold of them.
    let tolerance = form.name.contains("logits") ? Tolerance(f32: 5e-4, f64: 1e-11) : .sums
    try expectAgreement(
      graph, at: lengths.enumerated().map { ["B": $0.offset % 2 + 1, "M": $0.element.0, "N": $0.element.1] }, tolerance,
      attentions: 1,
      note: form.name + " ")
  }

  @Test(arguments: ScoreForm.masks + ScoreForm.scores) func inDoublePrecision(_ form: ScoreForm) throws {
    let graph = try Self.form(form, .f64).graph()
    let tolerance = form.name.contains("logits") ? Tolerance(f64: 1e-11) : .sums
    try expectAgreement(
      graph, at: [["B": 1, "M": 7, "N": 30], ["B": 2, "M": 33, "N": 26]], tolerance, attentions: 1, targets: [hostTargets.last!],
      note: form.name + " ")
  }

  /// Blocks of keys: one, exactly one, one and a bit.
  @Test(arguments: ["causal", "window", "dense", "prefix", "nothing"]) func blocksOfKeys(_ name: String) throws {
    let form = ScoreForm.masks.first { $0.name == name }!
    var problem = Self.form(form, .f32)
    (problem.batch, problem.width, problem.valueWidth) = (["1", "B"], 3, 2)
    let graph = try problem.graph()
    let bindings: [[Name: Int]] = [(96, 95), (5, 384), (97, 385), (2, 900)].map { ["B": 1, "M": $0.0, "N": $0.1] }
    try expectAgreement(graph, at: bindings, attentions: 1)
  }

  /// Widths of heads around vectors and panels.
  @Test(arguments: [1, 3, 16, 31, 64, 80, 128], [1, 3, 16, 31, 64, 80, 128]) func widths(_ width: Int, _ valueWidth: Int) throws {
    var problem = Self.form(ScoreForm.masks.first { $0.name == "causal" }!, (width + valueWidth) % 4 == 0 ? .f64 : .f32)
    (problem.batch, problem.width, problem.valueWidth) = (["B"], width, valueWidth)
    try expectAgreement(problem.graph(), at: [["B": 2, "M": 6, "N": 9], ["B": 1, "M": 17, "N": 50]], attentions: 1)
  }

  /// Odd widths of operands that are multiplied in pairs, and a single key: what fills a pair or a panel must be 0.
  @Test(arguments: [1, 3]) func oddWidthsOfPairs(_ width: Int) throws {
    for columns in ["N", "1"] {
      var problem = Self.form(ScoreForm.masks[0], .bf16)
      (problem.columns, problem.width, problem.valueWidth) = (columns, width, width)
      let sizes: [[Name: Int]] = columns == "N" ? [["B": 2, "M": 30, "N": 9], ["B": 1, "M": 3, "N": 50]] : [["B": 2, "M": 30]]
      var graph = try problem.graph()
      if columns != "N" { graph = try parse(graph.text.replacingWords(["N": 1])) }
      try expectAgreement(graph, at: sizes, attentions: 1, targets: [allHostTargets.last!])
    }
  }

  /// A row without a live pair is exactly 0, also where a whole tile or only a part of it is dead, and where scores are -inf or NaN.
  @Test(arguments: hostTargets) func deadRowsAreZero(_ target: Target) throws {
    let form = ScoreForm.masks.first { $0.name == "lengths" }!
    let graph = try Self.form(form, .f32).graph()
    let compiled = try graph.compile(options(target))
    for (m, n, lengths) in [(5, 7, [0, 3]), (100, 400, [0, 399]), (2, 3, [-4, 100])] as [(Int, Int, [Int64])] {
      var inputs = try randomInputs(
        graph, ["B": 2, "M": m, "N": n], given: ["length": ReferenceArray(.i32, [2], integers: lengths)])
      inputs["q"]!.reals[0] = .nan
      let out = ReferenceArray(try compiled.run(graph, inputs, guarding: .ends)[0])
      #expect(out.reals[..<(2 * m * 5)].allSatisfy { $0 == 0 })
      #expect(out.reals[(2 * m * 5)...].allSatisfy { $0 != 0 && !$0.isNaN })
    }
  }

  /// Widths that only the call knows: computed without fusing.
  @Test func widthsOfTheCall() throws {
    let graph = try graph(
      "%q: f32[M, D], %k: f32[N, D], %v: f32[N, M]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"}
      %i = iota {dim = 0} : i32[M, N]
      %j = iota {dim = 1} : i32[M, N]
      %l = less_equal %j, %i
      %x = select %l, %s, -inf
      %p = softmax %x {dim = 1}
      %o = contract %p, %v {subscripts = "ij,je->ie"}
      return %o
      """)
    try expectAgreement(graph, at: [["M": 5, "N": 7, "D": 3], ["M": 50, "N": 1, "D": 0]])
  }

  /// A query in place of a sequence of them, shared keys, grouped heads, merged heads.
  @Test func layouts() throws {
    let texts: [(arguments: String, body: String)] = [
      (
        "%q: f32[B, 2, 4], %k: f32[B, N, 2, 4], %v: f32[B, N, 2, 5]",
        """
        %x = contract %q, %k {subscripts = "bhd,bjhd->bhj"}
        %p = softmax %x {dim = 2}
        %o = contract %p, %v {subscripts = "bhj,bjhe->bhe"}
        return %o
        """
      ),
      (
        "%q: f32[B, 6, N, 4], %k: f32[B, 2, N, 4], %v: f32[B, 2, N, 5]",
        """
        %k1 = broadcast %k {dims = [0, 1, 3, 4]} : f32[B, 2, 3, N, 4]
        %k2 = reshape %k1 : f32[B, 6, N, 4]
        %v1 = broadcast %v {dims = [0, 1, 3, 4]} : f32[B, 2, 3, N, 5]
        %v2 = reshape %v1 : f32[B, 6, N, 5]
        %s = contract %q, %k2 {subscripts = "bhid,bhjd->bhij"}
        %i = iota {dim = 2} : i32[B, 6, N, N]
        %j = iota {dim = 3} : i32[B, 6, N, N]
        %l = less_equal %j, %i
        %x = select %l, %s, -inf
        %p = softmax %x {dim = 3}
        %o = contract %p, %v2 {subscripts = "bhij,bhje->bhie"}
        return %o
        """
      ),
      (
        "%q: f32[B, 2, 3, N, 4], %k: f32[B, 2, N, 4], %v: f32[B, 2, N, 5]",
        """
        %x = contract %q, %k {subscripts = "bkgid,bkjd->bkgij"}
        %p = softmax %x {dim = 4}
        %o = contract %p, %v {subscripts = "bkgij,bkje->bkgie"}
        return %o
        """
      ),
      (
        "%q: f32[B, 2, N, 4], %k: f32[B, N, 4], %v: f32[B, N, 5]",
        """
        %x = contract %q, %k {subscripts = "bhid,bjd->bhij"}
        %p = softmax %x {dim = 3}
        %o = contract %p, %v {subscripts = "bhij,bje->bhie"}
        return %o
        """
      ),
      (
        "%h: f32[B, N, 8], parameter %w: f32[3, 8, 8]",
        """
        %y = contract %h, %w {subscripts = "bni,coi->cbno"}
        %z = reshape %y : f32[3, B, N, 2, 4]
        %t = transpose %z {permutation = [0, 1, 3, 2, 4]}
        %q0 = slice %t {start = [0, 0, 0, 0, 0], stop = [1, B, 2, N, 4]}
        %k0 = slice %t {start = [1, 0, 0, 0, 0], stop = [2, B, 2, N, 4]}
        %v0 = slice %t {start = [2, 0, 0, 0, 0], stop = [3, B, 2, N, 4]}
        %q = reshape %q0 : f32[B, 2, N, 4]
        %k = reshape %k0 : f32[B, 2, N, 4]
        %v = reshape %v0 : f32[B, 2, N, 4]
        %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"}
        %x = multiply %s, 0.02
        %p = softmax %x {dim = 3}
        %o = contract %p, %v {subscripts = "bhij,bhje->bhie"}
        %m = transpose %o {permutation = [0, 2, 1, 3]}
        %r = reshape %m : f32[B, N, 8]
        return %r
        """
      ),
      (
        "%q: f32[N, B, 2, 4], %k: f32[N, B, 2, 4], %v: f32[N, B, 2, 5]",
        """
        %s = contract %k, %q {subscripts = "jbhd,ibhd->bhji"}
        %p = softmax %s {dim = 2}
        %o = contract %v, %p {subscripts = "jbhe,bhji->ibhe"}
        return %o
        """
      ),
    ]
    for text in texts {
      let graph = try graph(text.arguments, text.body)
      try expectAgreement(graph, at: [["B": 2, "N": 5], ["B": 1, "N": 97], ["B": 1, "N": 1], ["B": 2, "N": 0]], attentions: 1)
    }
  }
}
