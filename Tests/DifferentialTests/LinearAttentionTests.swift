import Heed
import HeedTestSupport
import Testing

/// Linear attention against its recurrence.
@Suite struct LinearAttentionTests {
  /// What a graph has besides queries, keys and values.
  private static let forms = [
    "", "normalized", "decay", "normalized decay", "state", "normalized decay state", "decay state reverse", "decay exclusive",
    "normalized decay state exclusive reverse",
  ]
  private static let lengths = [1, 31, 32, 33, 97, 2, 16, 0]
  private static let widths = [1, 3, 16, 17, 48, 100, 5]

  private static func graph(
    _ form: String, _ element: ElementType, _ depth: Int, _ width: Int
  ) throws -> Graph {
    let sum: ElementType = element == .f64 ? .f64 : .f32
    var arguments = ["%x: \(element)[B, 2, S, \(depth)]", "%y: \(element)[B, 2, S, \(depth)]", "%v: \(element)[B, 2, S, \(width)]"]
    var (operands, attributes): ([String], [String]) = ([], [])
    func add(_ name: String, _ type: String) {
      arguments.append("%\(name): \(type)")
      attributes.append("\(name) = \(operands.count)")
      operands.append("%\(name)")
    }
    if form.contains("normalized") { attributes.append("epsilon = 0.125") }
    if form.contains("decay") { add("decay", "\(sum)[B, 2, S]") }
    for word in ["reverse", "exclusive"] where form.contains(word) { attributes.append("\(word) = true") }
    if form.contains("state") {
      add("state", "\(sum)[B, 2, \(depth), \(width)]")
      if form.contains("normalized") { add("key_sum", "\(sum)[B, 2, \(depth)]") }
      attributes.append("final_state = true")
    }
    let results = form.contains("state") ? form.contains("normalized") ? "%o, %p, %z" : "%o, %p" : "%o"
    // Weights that are not negative: denominators do not cancel.
    return try DifferentialTests.graph(
      arguments.joined(separator: ", "),
      """
      %q = maximum %x, 0.0
      %k = maximum %y, 0.0
      \(results) = linear_attention \((["%q", "%k", "%v"] + operands).joined(separator: ", ")) {\(attributes.joined(separator: ", "))}
      return \(results)
      """)
  }

  private static func inputs(_ graph: Graph, _ length: Int, _ batch: Int) throws -> [Name: ReferenceArray] {
    var inputs = try randomInputs(graph, ["B": batch, "S": length])
    // Decays, and sums of keys that are none too small.
    if let decay = inputs["decay"] { inputs["decay"]!.reals = decay.reals.map { $0 / 8 - 0.25 } }
    if let sum = inputs["key_sum"] { inputs["key_sum"]!.reals = sum.reals.map { abs($0) } }
    return inputs
  }

  @Test(arguments: Combination.first(36)) func agrees(_ combination: Combination) throws {
    let element = combination.pick(floatTypes)
    let form = combination.pick(Self.forms, shift: combination.number / 4)
    let graph = try Self.graph(
      form, element, combination.pick(Self.widths), combination.pick(Self.widths, shift: combination.number / 7))
    let lengths = [combination.pick(Self.lengths), combination.pick(Self.lengths, shift: 3)]
    try expectAgreement(
      graph, lengths.map { try Self.inputs(graph, $0, 2) }, targets: [combination.pick(allHostTargets)], note: "\(form) \(element) "
    )
  }

  /// Every segment begins with a state of 0.
  @Test func segments() throws {
    let graph = try DifferentialTests.graph(
      "%q: f32[2, T, 8], %k: f32[2, T, 8], %v: f32[2, T, 9], %d: f32[2, T], %offsets: i32[B + 1]",
      """
      %o = linear_attention %q, %k, %v, %offsets, %d {decay = 1, ragged = 0}
      return %o
      """)
    let offsets: [[Int64]] = [[0, 3, 3, 70], [0, 32, 64, 65], [0, 0], [0]]
    let inputs = try offsets.map { list in
      try randomInputs(
        graph, ["T": Int(list.last!), "B": list.count - 1],
        given: ["offsets": ReferenceArray(.i32, [list.count], integers: list)])
    }
    try expectAgreement(graph, inputs, .loose)
  }

  /// From the last row of a segment to its first, without the row itself.
  @Test func segmentsInReverse() throws {
    let graph = try DifferentialTests.graph(
      "%q: f32[2, T, 8], %k: f32[2, T, 8], %v: f32[2, T, 9], %d: f32[2, T], %offsets: i32[B + 1]",
      """
      %o = linear_attention %q, %k, %v, %offsets, %d {decay = 1, ragged = 0, reverse = true}
      %e = linear_attention %q, %k, %v, %offsets, %d {decay = 1, exclusive = true, ragged = 0, reverse = true}
      return %o, %e
      """)
    let inputs = try [[0, 3, 3, 70], [0, 0]].map { list in
      try randomInputs(
        graph, ["T": Int(list.last!), "B": list.count - 1],
        given: ["offsets": ReferenceArray(.i32, [list.count], integers: list.map { Int64($0) })])
    }
    try expectAgreement(graph, inputs, .loose)
  }

  /// A logarithm of -inf forgets what came before, beside others in one chunk, in both directions.
  @Test(arguments: floatTypes) func forgets(_ element: ElementType) throws {
    let sum: ElementType = element.computed
    for reverse in [false, true] {
      let graph = try DifferentialTests.graph(
        "%q: \(element)[S, 8], %k: \(element)[S, 8], %v: \(element)[S, 9], %d: \(sum)[S], %s: \(sum)[8, 9]",
        """
        %o, %t = linear_attention %q, %k, %v, %d, %s {decay = 0, final_state = true, reverse = \(reverse), state = 1}
        return %o, %t
        """)
      var inputs = try [3, 50].map { try randomInputs(graph, ["S": $0]) }
      for number in inputs.indices {
        inputs[number]["d"]!.reals = inputs[number]["d"]!.reals.enumerated().map {
          [1, 2, 20, 33].contains($0) ? -.infinity : $0 == 40 ? -1e9 : $1 / 8 - 0.25
        }
      }
      try expectAgreement(graph, inputs, .loose)
    }
  }

  /// Keys and values that heads share, decays that are one number a head, values that do not lie along their rows: views.
  @Test func views() throws {
    let graph = Graph("views") { g in
      let (q, k) = (g.input("q", .f32, ["B", 4, "S", 16]), g.input("k", .f32, ["B", 2, "S", 16]))
      let v = g.input("v", .f32, ["B", 2, 24, "S"]).transposed()
      let decay = g.constant([-0.5, -0.25, -0.125, -0.0625], .f32)
      return linearAttention(q, k, v, causal: true, normalized: false, logDecay: decay.expandingDimension(-1))
    }
    try expectAgreement(graph, at: [["B": 2, "S": 45], ["B": 1, "S": 7]], .loose, targets: [hostTargets.last!])
  }

  /// All at once, or row by row from call to call.
  @Test func decodes() throws {
    let whole = Graph("whole") { g in
      let (q, k, v) = (g.input("q", .f32, [4, "S", 8]), g.input("k", .f32, [2, "S", 8]), g.input("v", .f32, [2, "S", 8]))
      return linearAttention(exp(q), exp(k), v, causal: true)
    }
    let step = Graph("step") { g in
      let (q, k, v) = (g.input("q", .f32, [4, "S", 8]), g.input("k", .f32, [2, "S", 8]), g.input("v", .f32, [2, "S", 8]))
      let state = LinearAttentionState(matrix: g.input("state", .f32, [2, 8, 8]), keySum: g.input("sum", .f32, [2, 8]))
      let result = linearAttention(exp(q), exp(k), v, from: state)
      return [result.output, result.state.matrix, result.state.keySum!]
    }
    let inputs = try randomInputs(whole, ["S": 40])
    let expected = try whole.compile(options()).run(whole, inputs, guarding: .ends)[0].values(as: Float.self)
    let program = try step.compile(options())
    var (state, sum) = (ReferenceArray(.f32, [2, 8, 8]), ReferenceArray(.f32, [2, 8]))
    for (start, end) in [(0, 1), (1, 2), (2, 37), (37, 40)] {
      var parts = inputs
      for (name, heads) in [("q", 4), ("k", 2), ("v", 2)] as [(Name, Int)] {
        parts[name] = ReferenceArray(
          .f32, [heads, end - start, 8],
          reals: (0..<heads).flatMap { head in Array(inputs[name]!.reals[(head * 40 + start) * 8..<(head * 40 + end) * 8]) })
      }
      (parts["state"], parts["sum"]) = (state, sum)
      let results = try program.run(step, parts, guarding: .begins)
      (state, sum) = (ReferenceArray(results[1]), ReferenceArray(results[2]))
      let got = ReferenceArray(results[0]).reals
      for head in 0..<4 {
        for place in 0..<(end - start) * 8 {
          let (x, y) = (got[head * (end - start) * 8 + place], Double(expected[(head * 40 + start) * 8 + place]))
          #expect(abs(x - y) < 1e-5)
        }
      }
    }
  }

  /// Every query meets every key: two products.
  @Test(arguments: [ElementType.f32, .bf16]) func complete(_ element: ElementType) throws {
    let graph = Graph("complete") { g in
      let (q, k) = (g.input("q", element, ["B", 4, "M", 16]), g.input("k", element, ["B", 2, "N", 16]))
      return linearAttention(relu(q), relu(k), g.input("v", element, ["B", 2, "N", 24]), epsilon: 0.125)
    }
    try expectAgreement(graph, at: [["B": 2, "M": 5, "N": 40], ["B": 1, "M": 33, "N": 1]], targets: [allHostTargets.last!])
  }
}
