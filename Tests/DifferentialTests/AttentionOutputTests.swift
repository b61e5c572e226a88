import HeedIR
import HeedInterpreter
import HeedTestSupport
import Testing

/// A way from masked scores `%x` to weights `%w`, and what is returned besides the weighted sum.
private struct WeightForm: Sendable, CustomTestStringConvertible {
  let name: String
  var arguments: [String] = []
  let score: [String]
  let weights: [String]
  var returns = "%out"
  var testDescription: String { name }

  /// Some rows without a live pair.
  private static let lengths = [
    "%l = broadcast %length {dims = [0]} : $I", "%a = less %j, %l", "%d = subtract %j, %i", "%b = less %d, 40",
    "%live = and %a, %b",
  ]
  private static let causal = ["%live = less_equal %j, %i"]
  private static let masked = "%x = select %live, %s, -inf"
  private static let sinkColumn = "%column = broadcast %sink {dims = [1]} : $E[B, 2, M, 1]"
  /// Exponentials relative to the greatest score and their sum.
  private static let exponentials = [
    "%top = reduce %x {dims = [$j], kind = maximum}", "%shift = broadcast %top {dims = [0, 1, 2]} : $F",
    "%xd = subtract %x, %shift",
    "%e = exp %xd", "%z = reduce %e {dims = [$j], kind = add}",
  ]

  static let all: [WeightForm] = [
    WeightForm(
      name: "logarithm and maximum", arguments: ["%length: i32[B]"], score: lengths + [masked],
      weights: [
        "%w = softmax %x {dim = $j}", "%lse = log_sum_exp %x {dim = $j}", "%top = reduce %x {dims = [$j], kind = maximum}",
      ], returns: "%out, %lse, %top"),
    WeightForm(
      name: "logarithm and maximum of capped scores", score: causal + ["%y = tanh %s", "%x = select %live, %y, -inf"],
      weights: exponentials + [
        "%zs = broadcast %z {dims = [0, 1, 2]} : $F", "%w = divide %e, %zs", "%lz = log %z", "%lse = add %lz, %top",
      ], returns: "%out, %top, %lse"),
    WeightForm(
      name: "sink as a column", arguments: ["%length: i32[B]", "%sink: $E[2]"], score: lengths + [masked],
      weights: [
        sinkColumn, "%xs = concatenate %x, %column {dim = $j}", "%ws = softmax %xs {dim = $j}",
        "%w = slice %ws {start = [0, 0, 0, 0], stop = [B, 2, M, N]}", "%lse = log_sum_exp %xs {dim = $j}",
        "%top = reduce %x {dims = [$j], kind = maximum}",
      ], returns: "%out, %lse, %top"),
    WeightForm(
      name: "sink in the sum", arguments: ["%sink: $E[B, 2, M]"], score: causal + [masked],
      weights: exponentials + [
        "%sd = subtract %sink, %top", "%se = exp %sd", "%zz = add %z, %se", "%zs = broadcast %zz {dims = [0, 1, 2]} : $F",
        "%w = divide %e, %zs",
      ]),
    WeightForm(
      name: "softmax off by one", arguments: ["%length: i32[B]"], score: lengths + [masked],
      weights: [
        "%e = exp %x", "%z = reduce %e {dims = [$j], kind = add}", "%zz = add %z, 1.0",
        "%zs = broadcast %zz {dims = [0, 1, 2]} : $F",
        "%w = divide %e, %zs",
      ]),
    WeightForm(
      name: "squared positive part", arguments: ["%length: i32[B]"], score: lengths,
      weights: ["%r = maximum %s, 0.0", "%rr = multiply %r, %r", "%w = select %live, %rr, 0.0"]),
    WeightForm(
      name: "sigmoid", arguments: ["%bias: $E[2]"], score: causal,
      weights: [
        "%sb = broadcast %bias {dims = [1]} : $F", "%y = add %s, %sb", "%g = sigmoid %y", "%m = convert %live : $F",
        "%w = multiply %g, %m",
      ]),
    WeightForm(name: "positive part of masked scores", score: causal + [masked], weights: ["%w = maximum %x, 0.0"]),
    WeightForm(name: "tanh without a mask", score: [], weights: ["%w = tanh %s"]),
    WeightForm(
      name: "factors of pairs", arguments: ["%keep: bool[M, N]"], score: causal + [masked],
      weights: [
        "%p = softmax %x {dim = $j}", "%kp = broadcast %keep {dims = [2, 3]} : bool$S", "%kn = convert %kp : $F",
        "%kf = multiply %kn, 1.25", "%w = multiply %p, %kf",
      ]),
    WeightForm(
      name: "factors of pairs and keys and the sum of weights",
      arguments: ["%length: i32[B]", "%gate: $E[B, N]", "%rate: $E[M, N]"],
      score: lengths + [masked],
      weights: [
        "%p = softmax %x {dim = $j}", "%gf = broadcast %gate {dims = [0, 3]} : $F", "%rf = broadcast %rate {dims = [2, 3]} : $F",
        "%pg = multiply %p, %gf", "%w = multiply %rf, %pg", "%total = reduce %w {dims = [$j], kind = add}",
        "%lse = log_sum_exp %x {dim = $j}",
      ], returns: "%out, %total, %lse"),
    WeightForm(
      name: "factors beside a sink", arguments: ["%length: i32[B]", "%sink: $E[2]", "%rate: $E[M, N]"], score: lengths + [masked],
      weights: [
        sinkColumn, "%xs = concatenate %x, %column {dim = $j}", "%ps = softmax %xs {dim = $j}",
        "%p = slice %ps {start = [0, 0, 0, 0], stop = [B, 2, M, N]}", "%rf = broadcast %rate {dims = [2, 3]} : $F",
        "%w = multiply %p, %rf", "%total = reduce %w {dims = [$j], kind = add}",
      ], returns: "%out, %total"),
    WeightForm(
      name: "sum beside a sink", arguments: ["%sink: $E[2]"], score: causal + [masked],
      weights: [
        sinkColumn, "%xs = concatenate %x, %column {dim = $j}", "%ps = softmax %xs {dim = $j}",
        "%w = slice %ps {start = [0, 0, 0, 0], stop = [B, 2, M, N]}", "%total = reduce %w {dims = [$j], kind = add}",
      ], returns: "%out, %total"),
    WeightForm(
      name: "sum of weights without a softmax", arguments: ["%length: i32[B]"], score: lengths,
      weights: ["%r = maximum %s, 0.0", "%w = select %live, %r, 0.0", "%total = reduce %w {dims = [$j], kind = add}"],
      returns: "%out, %total"),
  ]

  func graph(_ element: ElementType, wide: ElementType? = nil, batch: [String] = ["B", "2"], keyBatch: [Int]? = nil) throws -> Graph
  {
    func typed(_ text: String) -> String { text.replacing("$E", with: "\(wide ?? element)") }
    return try AttentionGraph(
      element: element, wide: wide, batch: batch, keyBatch: keyBatch, arguments: arguments.map(typed), score: score.map(typed),
      weights: weights.map(typed), returns: returns
    ).graph()
  }
}

/// Further results of attention, sinks, and weights without a softmax.
@Suite struct AttentionOutputTests {
  /// Blocks of rows, few rows in parts, nothing at all.
  private static let sizes: [[Name: Int]] = [
    ["B": 2, "M": 5, "N": 7], ["B": 1, "M": 50, "N": 130], ["B": 2, "M": 3, "N": 1100], ["B": 1, "M": 0, "N": 4],
    ["B": 1, "M": 4, "N": 0],
  ]

  /// Lengths of which one is 0: rows without a live pair.
  private static func inputs(_ graph: Graph) throws -> [[Name: ReferenceArray]] {
    try sizes.enumerated().map { number, size in
      let lengths = ReferenceArray(.i32, [size["B"]!], integers: [Int64(size["N"]!) - 1, 0].prefix(size["B"]!).map { $0 })
      return try randomInputs(graph, size, seed: UInt64(number + 1), given: ["length": lengths])
    }
  }

  @Test(arguments: WeightForm.all, floatTypes) private func forms(_ form: WeightForm, _ element: ElementType) throws {
    let graph = try form.graph(element)
    try expectAgreement(
      graph, Self.inputs(graph), attentions: 1, targets: element == .f32 ? nil : [allHostTargets.last!],
      note: "\(form.name) \(element) ")
  }

  /// bf16 that is multiplied in pairs: weights are rounded.
  @Test(arguments: WeightForm.all) private func widened(_ form: WeightForm) throws {
    let graph = try form.graph(.bf16, wide: .f32)
    try expectAgreement(
      graph, Self.inputs(graph), Tolerance(f32: 0x1p-7), attentions: 1, targets: [allHostTargets.last!], note: "\(form.name) ")
  }

  /// Heads that share keys and values are rows of one block where there are few.
  @Test(arguments: [
    "logarithm and maximum", "sink as a column", "sigmoid", "factors of pairs and keys and the sum of weights",
    "sum of weights without a softmax",
  ]) func sharedKeys(_ name: String) throws {
    let graph = try WeightForm.all.first { $0.name == name }!.graph(.f32, keyBatch: [0])
    try expectAgreement(graph, Self.inputs(graph), attentions: 1, targets: [hostTargets.last!], note: "\(name) ")
  }

  /// Sequences one after the other, the logarithm and the maximum of each row beside the sum.
  @Test(arguments: [ElementType.f32, .bf16]) func segments(_ element: ElementType) throws {
    let graph = try graph(
      "%q: \(element)[2, T, 4], %k: \(element)[2, T, 4], %v: \(element)[2, T, 5], %offsets: i32[B + 1], %sink: \(element)[2]",
      """
      %s = contract %q, %k {subscripts = "hid,hjd->hij"}
      %ids = segment_ids %offsets : i32[T]
      %a = broadcast %ids {dims = [1]} : i32[2, T, T]
      %b = broadcast %ids {dims = [2]} : i32[2, T, T]
      %same = equal %a, %b
      %x = select %same, %s, -inf
      %column = broadcast %sink {dims = [0]} : \(element)[2, T, 1]
      %xs = concatenate %x, %column {dim = 2}
      %ws = softmax %xs {dim = 2}
      %w = slice %ws {start = [0, 0, 0], stop = [2, T, T]}
      %out = contract %w, %v {subscripts = "hij,hje->hie"}
      %lse = log_sum_exp %xs {dim = 2}
      %top = reduce %x {dims = [2], kind = maximum}
      return %out, %lse, %top
      """)
    let offsets = ReferenceArray(.i32, [5], integers: [0, 3, 3, 70, 120])
    let inputs = [try randomInputs(graph, ["T": 120, "B": 4], given: ["offsets": offsets])]
    try expectAgreement(graph, inputs, attentions: 1, targets: [allHostTargets.last!])
  }
}
