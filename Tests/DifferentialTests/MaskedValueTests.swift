import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// The value of a dead pair never matters: NaN and infinities of masked keys reach no row, those of live pairs show.
@Suite struct MaskedValueTests {
  /// Attention with a mask that some rows see the last third of the keys through, and others not.
  struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    var arguments: [String] = []
    var score: [String]
    var weights = ["%w = softmax %x {dim = $j}"]
    var testDescription: String { name }
  }

  static let masked = "%x = select %live, %s, -inf"
  static let table = "%live = broadcast %alive {dims = [$j]} : $B"

  static let forms: [Form] = [
    Form(name: "table of keys", arguments: ["%alive: bool[N]"], score: [table, masked]),
    Form(
      name: "lengths", arguments: ["%lengths: i32[B]"],
      score: ["%l = broadcast %lengths {dims = [0]} : $I", "%live = less %j, %l", masked]),
    Form(name: "causal", score: ["%live = less_equal %j, %i", masked]),
    Form(
      name: "window",
      score: [
        "%live0 = less_equal %j, %i", "%d = subtract %i, %j", "%near = less %d, 20", "%live = and %live0, %near", masked,
      ]),
    Form(
      name: "added floats", arguments: ["%bias: $E[N]"], score: ["%b = broadcast %bias {dims = [$j]} : $F", "%x = add %s, %b"]),
    Form(
      name: "added choice", arguments: ["%alive: bool[N]"],
      score: [table, "%none = select %live, 0.0, -inf : $F", "%x = add %s, %none"]),
    Form(
      name: "written out", arguments: ["%alive: bool[N]"], score: [table, masked],
      weights: [
        "%m = reduce %x {dims = [$j], kind = maximum}", "%mm = broadcast %m {dims = [0, 1, 2]} : $F", "%y = subtract %x, %mm",
        "%e = exp %y", "%z = reduce %e {dims = [$j], kind = add}", "%zz = broadcast %z {dims = [0, 1, 2]} : $F",
        "%w = divide %e, %zz",
      ]),
    Form(
      name: "exponentials times mask", arguments: ["%alive: bool[N]"], score: [table, "%x = multiply %s, 1.0"],
      weights: [
        "%one = convert %live : $F", "%e0 = exp %x", "%e = multiply %e0, %one", "%z = reduce %e {dims = [$j], kind = add}",
        "%zz = broadcast %z {dims = [0, 1, 2]} : $F", "%w = divide %e, %zz",
      ]),
    Form(
      name: "masked twice", arguments: ["%alive: bool[N]"], score: [table, masked],
      weights: ["%p = softmax %x {dim = $j}", "%w = select %live, %p, 0.0"]),
    Form(
      name: "without a softmax", arguments: ["%alive: bool[N]"], score: [table, "%x = multiply %s, 1.0"],
      weights: ["%r = maximum %x, 0.0", "%rr = multiply %r, %r", "%w = select %live, %rr, 0.0"]),
    Form(
      name: "sigmoid of masked scores", arguments: ["%alive: bool[N]"], score: [table, masked], weights: ["%w = sigmoid %x"]),
    Form(
      name: "positive part of masked scores", arguments: ["%alive: bool[N]"], score: [table, masked],
      weights: ["%r = maximum %x, 0.0", "%w = multiply %r, %r"]),
    Form(
      name: "softplus of masked scores", arguments: ["%alive: bool[N]"], score: [table, masked],
      weights: ["%e = exp %x", "%o = add %e, 1.0", "%w = log %o"]),
    Form(
      name: "bias that is NaN where masked", arguments: ["%alive: bool[N]", "%bias: $E[N]"],
      score: [table, "%b = broadcast %bias {dims = [$j]} : $F", "%t = add %s, %b", "%x = select %live, %t, -inf"]),
  ]

  static func graph(_ form: Form, _ element: ElementType) throws -> Graph {
    var attention = AttentionGraph(element: element)
    attention.arguments = form.arguments.map { $0.replacing("$E", with: "\(element)") }
    (attention.score, attention.weights) = (form.score, form.weights)
    return try attention.graph()
  }

  /// Inputs whose last third of keys has NaN and infinite values and, where `inKeys`, NaN keys.
  static func inputs(
    _ form: Form, _ graph: Graph, rows: Int, keys: Int, inKeys: Bool, isFinite: Bool = false
  ) throws -> [Name: ReferenceArray] {
    var inputs = try randomInputs(graph, ["B": 2, "M": rows, "N": keys])
    let seen = keys - keys / 3
    for name in inKeys ? ["v", "k"] as [Name] : ["v"] {
      let width = inputs[name]!.shape[3]
      for position in inputs[name]!.reals.indices where position / width % keys >= seen {
        let bad: Double = name == "k" || position % 3 == 0 ? .nan : .infinity
        inputs[name]!.reals[position] = isFinite ? 0.5 : bad
      }
    }
    if inputs["alive"] != nil { inputs["alive"]!.integers = (0..<keys).map { $0 < seen && $0 % 7 != 3 ? 1 : 0 } }
    if inputs["lengths"] != nil { inputs["lengths"]!.integers = [Int64(seen), Int64(seen / 2)] }
    if inputs["bias"] != nil {
      let hidden: Double = form.name == "added floats" ? -.infinity : .nan
      inputs["bias"]!.reals = (0..<keys).map { $0 < seen ? 0.25 : hidden }
    }
    return inputs
  }

  /// One row and a few, which are attended in parts; blocks of rows, with keys that fill no panel.
  private static let sizes = [(1, 700), (5, 1100), (60, 61), (130, 435)]

  @Test(arguments: forms, floatTypes) func agree(_ form: Form, _ element: ElementType) throws {
    let graph = try Self.graph(form, element)
    // A score that is NaN as written is NaN in every row that adds it.
    let inKeys = form.name != "added floats" && form.name != "added choice" && form.name != "exponentials times mask"
    let inputs = try Self.sizes.map { try Self.inputs(form, graph, rows: $0, keys: $1, inKeys: inKeys) }
    try expectAgreement(graph, inputs, attentions: 1, note: "\(form.name) \(element) ")
  }

  /// The reference itself: no row of these sees the last third, and the results are those of finite values.
  @Test(arguments: forms) func reference(_ form: Form) throws {
    let graph = try Self.graph(form, .f32)
    let results = try [false, true].map { isFinite in
      try GraphInterpreter.evaluate(
        graph, inputs: Self.inputs(form, graph, rows: 30, keys: 45, inKeys: false, isFinite: isFinite))[0].array.reals
    }
    #expect(results[0] == results[1] && results[0].allSatisfy { $0.isFinite })
  }

  /// A live pair's NaN shows, also where its weight is too small for the type.
  @Test(arguments: [ElementType.f32, .bf16]) func liveNaN(_ element: ElementType) throws {
    let graph = try Self.graph(Self.forms[0], element)
    for (rows, keys) in Self.sizes {
      var inputs = try Self.inputs(Self.forms[0], graph, rows: rows, keys: keys, inKeys: false)
      // The first sequence sees the value of key 1 with its weight, the second one with none.
      let width = inputs["v"]!.shape[3]
      for e in 0..<width { inputs["v"]!.reals[width + e] = .nan }
      for position in inputs["q"]!.reals.indices { inputs["q"]!.reals[position] = 1 }
      for d in 0..<4 { inputs["k"]!.reals[4 + d] = element == .f32 ? -200 : 1 }
      let expected = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array
      #expect(expected.reals.prefix(rows * width).allSatisfy { $0.isNaN })
      #expect(expected.reals.suffix(rows * width).allSatisfy { $0.isFinite })
      try expectAgreement(graph, [inputs], attentions: 1)
    }
  }

  /// Segments of odd lengths: values of the next segment stand beside those of the last key.
  @Test(arguments: floatTypes) func segments(_ element: ElementType) throws {
    let graph = try DifferentialTests.graph(
      "%q: \(element)[S, 8], %k: \(element)[S, 8], %v: \(element)[S, 5], %offsets: i32[R]",
      """
      %ids = segment_ids %offsets : i32[S]
      %a = broadcast %ids {dims = [0]} : i32[S, S]
      %b = broadcast %ids {dims = [1]} : i32[S, S]
      %live = equal %a, %b
      %s = contract %q, %k {subscripts = "id,jd->ij"}
      %x = select %live, %s, -inf
      %w = softmax %x {dim = 1}
      %out = contract %w, %v {subscripts = "ij,je->ie"}
      return %out
      """)
    var inputs = try randomInputs(
      graph, ["S": 150, "R": 5], given: ["offsets": ReferenceArray(.i32, [5], integers: [0, 51, 60, 63, 150])])
    for position in 51 * 5..<60 * 5 { inputs["v"]!.reals[position] = .nan }
    let expected = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array.reals
    #expect(expected.indices.allSatisfy { expected[$0].isNaN == (51 * 5..<60 * 5).contains($0) })
    try expectAgreement(graph, [inputs], attentions: 1)
  }

  /// A cache in pages whose rows behind the lengths were never written.
  @Test(arguments: [ElementType.f32, .f16]) func pages(_ element: ElementType) throws {
    for queries in [1, 40] {
      let graph = PagedTests.graph(PagedTests.Form(element: element, size: 16), queries: "M")
      var inputs = try randomInputs(
        graph, ["B": 2, "M": queries, "P": 3, "C": 6],
        given: [
          "lengths": ReferenceArray(.i32, [2], integers: [33, 20]),
          "table": ReferenceArray(.i32, [2, 3], integers: [0, 1, 2, 3, 4, 5]),
        ])
      // Pages [C, 16, 2, 32]: the rows from 1 of page 2, and from 4 of page 4.
      for name in ["keys", "values"] as [Name] {
        for position in inputs[name]!.reals.indices {
          let (page, row) = (position / (16 * 64), position / 64 % 16)
          if page == 2 && row >= 1 || page == 4 && row >= 4 || page == 5 { inputs[name]!.reals[position] = .nan }
        }
      }
      let expected = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array.reals
      #expect(expected.allSatisfy { $0.isFinite })
      try expectAgreement(graph, [inputs], .loose, attentions: 1)
    }
  }

  /// Causal linear attention: rows before a NaN do not see it, in the same chunk or another.
  @Test(arguments: floatTypes) func linearAttention(_ element: ElementType) throws {
    for attributes in ["", " {epsilon = 0.5}"] {
      let graph = try DifferentialTests.graph(
        "%q: \(element)[S, 40], %k: \(element)[S, 40], %v: \(element)[S, 7]",
        "%out = linear_attention %q, %k, %v\(attributes)\nreturn %out")
      var inputs = try randomInputs(graph, ["S": 50])
      for name in ["q", "k"] as [Name] { inputs[name]!.reals = inputs[name]!.reals.map { abs($0) / 8 } }
      inputs["v"]!.reals[20 * 7 + 3] = .nan
      inputs["v"]!.reals[44 * 7] = .infinity
      let expected = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array.reals
      #expect(expected.indices.allSatisfy { expected[$0].isNaN == ($0 / 7 >= 20 && $0 % 7 == 3) })
      try expectAgreement(graph, [inputs], .loose)
    }
  }
}
