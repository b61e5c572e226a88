import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Masks of finite numbers: rows that keep a live pair skip what is masked, and rows that keep none are what was written.
@Suite struct FiniteMaskTests {
  struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    var arguments: [String] = ["%mask: bool[M, N]"]
    var score: [String]
    var weights = ["%w = softmax %x {dim = $j}"]
    var returns = "%out"
    /// Whether written scores of 16 bits, or of f32, lose what tells them apart.
    var addsToScore = false
    var keyBatch: [Int]?
    var testDescription: String { name }
  }

  static let rowsAndKeys = "%live = broadcast %mask {dims = [$i, $j]} : $B"
  static let ofSequence = "%live = broadcast %mask {dims = [0, $j]} : $B"

  static let forms: [Form] = [
    Form(name: "filled", score: [rowsAndKeys, "%x = select %live, %s, -30000.0"]),
    Form(name: "filled with the least number", score: [rowsAndKeys, "%x = select %live, %s, -3.3895314e+38"]),
    Form(name: "filled, then scaled", score: [rowsAndKeys, "%y = select %live, %s, -50000.0", "%x = multiply %y, 0.5"]),
    Form(
      name: "added",
      score: [
        rowsAndKeys, "%one = convert %live : $F", "%dead = subtract 1.0, %one", "%bias = multiply %dead, -10000.0",
        "%x = add %s, %bias",
      ], addsToScore: true),
    Form(
      name: "subtracted from keys of a sequence", arguments: ["%mask: bool[B, N]"],
      score: [
        ofSequence, "%dead = not %live", "%one = convert %dead : $F", "%bias = multiply %one, 20000.0", "%x = subtract %s, %bias",
      ], addsToScore: true),
    Form(
      name: "multiplied",
      score: [
        rowsAndKeys, "%one = convert %live : $F", "%dead = subtract 1.0, %one", "%kept = multiply %s, %one",
        "%bias = multiply %dead, -40000.0", "%x = add %kept, %bias",
      ]),
    Form(
      name: "within a causal mask",
      score: [
        rowsAndKeys, "%y = select %live, %s, -30000.0", "%causal = less_equal %j, %i", "%x = select %causal, %y, -inf",
      ]),
    Form(
      name: "two added", arguments: ["%mask: bool[M, N]", "%pad: bool[B, N]"],
      score: [
        rowsAndKeys, "%a = select %live, 0.0, -10000.0 : $F", "%padded = broadcast %pad {dims = [0, $j]} : $B",
        "%b = select %padded, 0.0, -10000.0 : $F", "%t = add %s, %a", "%x = add %t, %b",
      ], addsToScore: true),
    Form(
      name: "filled under a soft cap",
      score: [rowsAndKeys, "%t = tanh %s", "%c = multiply %t, 2.0", "%x = select %live, %c, -30000.0"]),
    Form(
      name: "filled, with a bias behind", arguments: ["%mask: bool[M, N]", "%bias: $E[N]"],
      score: [
        rowsAndKeys, "%y = select %live, %s, -30000.0", "%b = broadcast %bias {dims = [$j]} : $F", "%x = add %y, %b",
      ], addsToScore: true),
    Form(
      name: "filled in a window",
      score: [
        rowsAndKeys, "%d = subtract %i, %j", "%near = less %d, 10", "%behind = less_equal %j, %i", "%in = and %near, %behind",
        "%both = and %in, %live", "%x = select %both, %s, -30000.0",
      ]),
    Form(
      name: "shared keys", score: [rowsAndKeys, "%x = select %live, %s, -30000.0"], keyBatch: [0]),
    Form(
      name: "logarithm and maximum", score: [rowsAndKeys, "%x = select %live, %s, -30000.0"],
      weights: [
        "%w = softmax %x {dim = $j}", "%lse = log_sum_exp %x {dim = $j}", "%most = reduce %x {dims = [$j], kind = maximum}",
      ], returns: "%out, %lse, %most"),
    // Times log2(e), the least number is infinite.
    Form(
      name: "the least number, with logarithm and maximum",
      score: [rowsAndKeys, "%y = multiply %s, 0.5", "%x = select %live, %y, -3.3895314e+38"],
      weights: [
        "%w = softmax %x {dim = $j}", "%lse = log_sum_exp %x {dim = $j}", "%most = reduce %x {dims = [$j], kind = maximum}",
      ], returns: "%out, %lse, %most"),
    Form(
      name: "the least number added twice", arguments: ["%mask: bool[M, N]", "%pad: bool[B, N]"],
      score: [
        rowsAndKeys, "%a = select %live, 0.0, -3.3895314e+38 : $F", "%padded = broadcast %pad {dims = [0, $j]} : $B",
        "%b = select %padded, 0.0, -3.3895314e+38 : $F", "%t = add %s, %a", "%x = add %t, %b",
      ], addsToScore: true),
    Form(
      name: "filled with the least number over a greater one", arguments: ["%mask: bool[M, N]", "%pad: bool[B, N]"],
      score: [
        rowsAndKeys, "%y = select %live, %s, -1e+38", "%padded = broadcast %pad {dims = [0, $j]} : $B",
        "%x = select %padded, %y, -3.3895314e+38",
      ]),
  ]

  static func graph(_ form: Form, _ element: ElementType) throws -> Graph {
    var attention = AttentionGraph(element: element, keyBatch: form.keyBatch)
    attention.arguments = form.arguments.map { $0.replacing("$E", with: "\(element)") }
    (attention.score, attention.weights, attention.returns) = (form.score, form.weights, form.returns)
    return try attention.graph()
  }

  /// Inputs in which the first row, some in the middle and the last keep no key, and the second sequence none in any row.
  private static func inputs(_ graph: Graph, _ rows: Int, _ keys: Int, hasEmpty: Bool = true) throws -> [Name: ReferenceArray] {
    var inputs = try randomInputs(graph, ["B": 2, "M": rows, "N": keys])
    let empty = hasEmpty ? Set([0, rows / 2, rows / 2 + 1, rows - 1]) : []
    for name in ["mask", "pad"] as [Name] {
      guard let mask = inputs[name] else { continue }
      let ofRows = mask.shape[0] == rows && name == "mask" && rows != 2
      inputs[name]!.integers = (0..<mask.count).map { position in
        let (row, key) = (position / keys, position % keys)
        let isEmpty = ofRows ? empty.contains(row) : hasEmpty && row == 1
        return !isEmpty && (key * 7 + row) % 5 != 0 ? 1 : 0
      }
    }
    return inputs
  }

  /// One row and a few, which are attended in parts; blocks of rows, with keys that fill no panel.
  private static let sizes = [(1, 700), (3, 1100), (60, 61), (130, 435)]

  @Test(arguments: forms, floatTypes) func agree(_ form: Form, _ element: ElementType) throws {
    // The written scores of 16 bits lose all of the score where a large number is added; kernels add in f32. -3e38 is infinite in f16.
    guard !form.addsToScore || element.byteCount > 2, element != .f16 || !form.name.contains("least") else { return }
    let graph = try Self.graph(form, element)
    let tolerance = form.addsToScore ? Tolerance(f32: 4e-3, f64: 1e-9) : .loose
    try expectAgreement(
      graph, Self.sizes.map { try Self.inputs(graph, $0.0, $0.1) }, tolerance, attentions: 1, note: "\(form.name) \(element) ")
  }

  /// NaN in masked values beside rows that keep no key: those see it, others do not.
  @Test(arguments: [ElementType.f32, .bf16]) func withNaN(_ element: ElementType) throws {
    let graph = try Self.graph(Self.forms[0], element)
    for (rows, keys) in Self.sizes.dropFirst() {
      var inputs = try Self.inputs(graph, rows, keys)
      for row in 0..<rows { inputs["mask"]!.integers[row * keys + 2] = 0 }
      let width = inputs["v"]!.shape[3]
      for e in 0..<width { inputs["v"]!.reals[2 * width + e] = .nan }
      let result = ReferenceArray(try graph.compile(options()).run(graph, inputs, guarding: .ends)[0]).reals
      let isEmpty = (0..<rows).map { row in !inputs["mask"]!.integers[row * keys..<(row + 1) * keys].contains(1) }
      for row in 0..<rows { #expect(result[row * width].isNaN == isEmpty[row], "\(rows) \(keys): \(row)") }
    }
  }

  /// What a mask cannot empty keeps no second score; the op of others has one, and the remark says which rows have it.
  @Test func secondScore() throws {
    func compiled(_ score: [String], _ arguments: [String] = []) throws -> CompiledGraph {
      var attention = AttentionGraph()
      (attention.arguments, attention.score, attention.columns) = (arguments, score, "M")
      attention.score = attention.score.map { $0.replacing("$N", with: "0") }
      let text = try attention.graph().text.replacingWords(["N": 40, "M": 40])
      return try parse(text).compile(options())
    }
    func scores(_ compiled: CompiledGraph) -> Int {
      let node = compiled.graph.body.first { compiled.graph.op($0) == .attention }!
      return compiled.graph.regions(node).first!.results.count
    }
    let causal = try compiled(["%live = less_equal %j, %i", "%x = select %live, %s, -1e9"])
    #expect(scores(causal) == 1)
    #expect("\(causal.remarks)".contains("the mask value -1e+09 counts as -inf: every row keeps a key"))
    let table = try compiled(
      ["%live = broadcast %mask {dims = [$i, $j]} : $B", "%x = select %live, %s, -1e9"], ["%mask: bool[M, M]"])
    #expect(scores(table) == 2)
    #expect(
      "\(table.remarks)".contains("the mask value -1e+09 counts as -inf in rows that keep a key; others are computed as written"))
    let infinite = try compiled(
      ["%live = broadcast %mask {dims = [$i, $j]} : $B", "%x = select %live, %s, -inf"], ["%mask: bool[M, M]"])
    #expect(scores(infinite) == 1)
  }
}
