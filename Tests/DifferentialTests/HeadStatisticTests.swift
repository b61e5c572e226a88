import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Weights put together over heads, beside the weighted sum: averages, sums, extrema, by a second pass that stores those of no head.
@Suite struct HeadStatisticTests {
  struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    var batch = ["B", "4"]
    var keyBatch: [Int]?
    var arguments: [String] = []
    var score = ["%x = multiply %s, 1.0"]
    let lines: [String]
    var result = "%c"
    var testDescription: String { name }
  }

  static let causal = ["%live = less_equal %j, %i", "%x = select %live, %s, -inf"]

  static let forms: [Form] = [
    Form(name: "mean, divided behind", lines: ["%r = reduce %w {dims = [1], kind = add}", "%c = multiply %r, 0.25"]),
    Form(name: "mean, divided before", score: causal, lines: ["%t = divide %w, 4.0", "%c = reduce %t {dims = [1], kind = add}"]),
    Form(name: "sum of one sequence", batch: ["3"], lines: ["%c = reduce %w {dims = [0], kind = add}"]),
    Form(
      name: "weighted heads", arguments: ["%gate: $E[4]"], score: causal,
      lines: [
        "%g = broadcast %gate {dims = [1]} : $F", "%t = multiply %w, %g", "%c = reduce %t {dims = [1], kind = add}",
      ]),
    Form(
      name: "after a transpose",
      lines: [
        "%t = transpose %w {permutation = [0, 2, 1, 3]}", "%u = multiply %t, 0.25", "%c = reduce %u {dims = [2], kind = add}",
      ]),
    Form(
      name: "keys first", score: causal,
      lines: ["%t = transpose %w {permutation = [1, 0, 3, 2]}", "%c = reduce %t {dims = [0], kind = add}"]),
    Form(name: "greatest", score: causal, lines: ["%c = reduce %w {dims = [1], kind = maximum}"]),
    Form(name: "least", lines: ["%c = reduce %w {dims = [1], kind = minimum}"]),
    Form(name: "sequences and heads", lines: ["%c = reduce %w {dims = [0, 1], kind = add}"]),
    Form(
      name: "two dimensions of heads", batch: ["B", "2", "3"], keyBatch: [0, 1], score: causal,
      lines: ["%c = reduce %w {dims = [1, 2], kind = add}"]),
    Form(name: "one of two", batch: ["B", "2", "3"], lines: ["%c = reduce %w {dims = [2], kind = add}"]),
    Form(name: "shared keys", keyBatch: [0], lines: ["%r = reduce %w {dims = [1], kind = add}", "%c = multiply %r, 0.25"]),
    Form(
      name: "the last rows",
      lines: [
        "%t = slice %w {start = [0, 0, M - 1, 1], stop = [B, 4, M, N]}", "%c = reduce %t {dims = [1], kind = add}",
      ]),
  ]

  static func graph(_ form: Form, _ element: ElementType) throws -> Graph {
    var attention = AttentionGraph(element: element, batch: form.batch, keyBatch: form.keyBatch)
    attention.arguments = form.arguments.map { $0.replacing("$E", with: "\(element)") }
    attention.score = form.score
    attention.weights += form.lines
    attention.returns = "%out, \(form.result)"
    return try attention.graph()
  }

  @Test(arguments: forms, floatTypes) func agree(_ form: Form, _ element: ElementType) throws {
    let graph = try Self.graph(form, element)
    let sizes: [[Name: Int]] = [["B": 2, "M": 1, "N": 9], ["B": 1, "M": 60, "N": 50], ["B": 2, "M": 100, "N": 410]]
    try expectAgreement(
      graph, at: element == .f32 ? sizes : Array(sizes.prefix(2)), Tolerance(f32: 1e-5, f64: 1e-11, roundings: 8), attentions: 1,
      targets: element == .f32 ? nil : [allHostTargets.last!], note: "\(form.name) \(element) ")
  }

  /// Nothing as large as the scores of all heads is stored.
  @Test(arguments: forms) func storesNoHead(_ form: Form) throws {
    let compiled = try Self.graph(form, .f32).compile(options())
    let ops = compiled.graph.body.map { compiled.graph.op($0) }
    #expect(!ops.contains(.softmax) && ops.contains(.attentionReduce), "\(compiled.graph.text)\n\(compiled.remarks)")
    let reduction = compiled.graph.body.first { compiled.graph.op($0) == .attentionReduce }!
    #expect(compiled.graph.attributes(reduction)[.dims] != nil, "\(compiled.graph.text)")
  }

  /// Heads that share keys, written as a repetition.
  @Test func groups() throws {
    let graph = try DifferentialTests.graph(
      "%q: f32[B, 6, M, 4], %k: f32[B, 2, N, 4], %v: f32[B, 2, N, 5]",
      """
      %k5 = broadcast %k {dims = [0, 1, 3, 4]} : f32[B, 2, 3, N, 4]
      %k4 = reshape %k5 : f32[B, 6, N, 4]
      %v5 = broadcast %v {dims = [0, 1, 3, 4]} : f32[B, 2, 3, N, 5]
      %v4 = reshape %v5 : f32[B, 6, N, 5]
      %s = contract %q, %k4 {subscripts = "bhid,bhjd->bhij"}
      %w = softmax %s {dim = 3}
      %c = reduce %w {dims = [1], kind = add}
      %out = contract %w, %v4 {subscripts = "bhij,bhje->bhie"}
      return %out, %c
      """)
    try expectAgreement(graph, at: [["B": 2, "M": 30, "N": 40], ["B": 1, "M": 2, "N": 500]], Tolerance(f32: 1e-5), attentions: 1)
  }

  /// The same bits for any number of threads.
  @Test func threads() throws {
    let graph = try Self.graph(Self.forms[0], .f32)
    let inputs = try randomInputs(graph, ["B": 2, "M": 200, "N": 900])
    let results = try [1, 3].map { count in
      try graph.compile(options(hostTargets.last!, threads: count)).run(graph, inputs, guarding: .ends).map { ReferenceArray($0) }
    }
    #expect(results[0] == results[1])
  }
}
