import Heed
import Testing

/// Attention of new rows to a cache, against attention of all rows at once.
@Suite struct KeyValueCacheTests {
  /// A form of attention over rows of 16 features.
  struct Form: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var keyValueHeads = 4
    var isRotary = false
    var element = ElementType.f32
    var batch: Shape = []
    var mask: @Sendable () -> Mask? = { nil }
    var score: @Sendable () -> Score = { Score { score, _ in score } }
  }

  static let forms: [Form] = [
    Form(testDescription: "plain"),
    Form(testDescription: "a batch", batch: ["B"]),
    Form(testDescription: "two dimensions of batch", batch: [1, "B"]),
    Form(testDescription: "shared keys", keyValueHeads: 2, batch: ["B"]),
    Form(testDescription: "rotary", keyValueHeads: 1, isRotary: true, batch: ["B"]),
    Form(testDescription: "linear biases", score: { .alibi() }),
    Form(testDescription: "a window and a cap", mask: { .slidingWindow(before: 2, after: 0) }, score: { .softCap(2) }),
    Form(testDescription: "bf16", isRotary: true, element: .bf16, score: { .alibi() }),
  ]

  private func graph(_ form: Form, isCached: Bool, capacity: Extent = "N") throws -> Graph {
    try Graph(building: isCached ? "step" : "whole") { g in
      let x = g.input("x", .f32, Shape(form.batch.extents + ["S", 16]))
      func map(_ name: String, _ outputs: Int) -> Linear { Linear(name, in: g, inputs: 16, outputs: outputs) }
      let narrow = 4 * form.keyValueHeads
      var attention = MultiHeadAttention(
        query: map("query", 16), key: map("key", narrow), value: map("value", narrow), output: map("output", 16), headCount: 4,
        keyValueHeadCount: form.keyValueHeads)
      if form.element == .f32 {
        attention.headGates = g.input("gates", .f32, [4])
      } else {
        attention = MultiHeadAttention(
          query: attention.query, key: attention.key, value: attention.value,
          output: Linear(weight: attention.output.weight.cast(to: form.element)), headCount: 4, element: form.element)
      }
      let count = isCached ? g.input("count", .i32) : g.constant(0, .i32)
      let (rotary, places) = (RotaryEmbedding(size: 4), g.iota(["S"]) + count)
      let turn: ((Tensor) -> Tensor)? = form.isRotary ? { rotary($0, positions: places) } : nil
      guard isCached else {
        let mask = form.mask().map { .causal() & $0 } ?? .causal()
        return attention(x, position: turn, mask: mask, scores: form.score()).cast(to: .f32)
      }
      let cache = KeyValueCache("cache", in: g, for: attention, batch: form.batch, capacity: capacity)
      return attention(x, cache: cache, at: count, position: turn, mask: form.mask(), scores: form.score()).cast(to: .f32)
    }
  }

  private func parameters(_ graph: Graph) throws -> [String: NDArray] {
    var arrays: [String: NDArray] = [:]
    for (number, parameter) in graph.parameters.enumerated() {
      arrays[parameter.name] = .uniform(parameter.type.shape.extents.map { $0.constant! }, in: -0.5..<0.5, seed: number)
    }
    return arrays
  }

  /// Rows of `x` along its last dimension but one.
  private func rows(_ x: NDArray, _ range: Range<Int>) -> NDArray { x[..., range, 0..<16] }

  @Test(arguments: forms) func chunksAreTheWhole(_ form: Form) throws {
    let (whole, step) = (try graph(form, isCached: false), try graph(form, isCached: true))
    let weights = try parameters(whole)
    let full = try whole.compile().load(parameters: weights)
    let program = try step.compile().load(parameters: weights)
    #expect(full.graph.text.contains("= attention ") && !full.graph.text.contains("softmax"), "\(full.graph)")
    #expect(program.graph.text.contains("= attention ") && !program.graph.text.contains("softmax"), "\(program.graph)")
    let leading = try form.batch.extents.map { try $0.constant ?? #require($0 == "B" ? 2 : nil) }
    let x = NDArray.random(leading + [13, 16], seed: 5)
    let gates = try NDArray([1, 0, -0.5, 2] as [Float])
    let inputs: [String: NDArray] = form.element == .f32 ? ["gates": gates] : [:]
    let expected: NDArray = try full(inputs.merging(["x": x]) { $1 })
    let bound = form.element == .f32 ? 1e-5 : 2e-2

    for (number, chunks) in [[13], [5, 1, 1, 6], [1, 4, 0, 8], Array(repeating: 1, count: 13)].enumerated() {
      var state = try step.initialState(sizes: ["B": 2, "N": 13 + number])
      // A cache holds what a longer text left: no row beyond those that were written is read.
      if number > 0 { for name in state.names { state[name] = .random(state[name]!.shape, seed: 9, element: form.element) } }
      var count = 0
      for chunk in chunks {
        let here = try inputs.merging(["x": rows(x, count..<count + chunk), "count": NDArray([Int32(count)], [])]) { $1 }
        let y: NDArray = try program(here, updating: &state)
        let differences = zip(try y.doubles(), try rows(expected, count..<count + chunk).doubles()).map { abs($0 - $1) }
        #expect(differences.count == chunk * 16 * leading.reduce(1, *) && (differences.max() ?? 0) < bound, "\(chunks) at \(count)")
        count += chunk
      }
    }
  }

  /// The interpreter, in double precision, from a cache that is half full.
  @Test(arguments: forms) func isTheInterpreters(_ form: Form) throws {
    let step = try graph(form, isCached: true, capacity: 9)
    let weights = try parameters(step)
    let leading = form.batch.extents.map { $0.constant ?? 2 }
    var inputs: [String: NDArray] = ["x": .random(leading + [3, 16], seed: 6), "count": try NDArray([4 as Int32], [])]
    inputs["gates"] = .random([4], seed: 7)
    if form.element != .f32 { inputs["gates"] = nil }
    var state = try step.initialState(sizes: ["B": 2])
    for name in state.names { state[name] = .random(state[name]!.shape, seed: 8, element: form.element) }
    var (one, other) = (state, state)
    let got: NDArray = try step.compile().load(parameters: weights)(inputs, updating: &one)
    let expected: NDArray = try step.interpret(inputs, parameters: weights, updating: &other).array()
    let bound = form.element == .f32 ? 1e-5 : 5e-2
    #expect(zip(try got.doubles(), try expected.doubles()).allSatisfy { abs($0 - $1) < bound })
    for name in state.names {
      #expect(zip(try one[name]!.doubles(), try other[name]!.doubles()).allSatisfy { abs($0 - $1) < bound }, "\(name)")
    }
  }

  /// Rows that do not fit are dropped, and the others are kept.
  @Test func rowsBeyondTheCapacity() throws {
    let form = Form(testDescription: "plain")
    let step = try graph(form, isCached: true, capacity: 4)
    let program = try step.compile().load(parameters: parameters(step))
    var state = try step.initialState()
    let x = NDArray.random([3, 16], seed: 1)
    let inputs: [String: NDArray] = ["x": x, "gates": .ones([4])]
    _ = try program(inputs.merging(["count": try NDArray([0 as Int32], [])]) { $1 }, updating: &state) as Outputs
    let before = try state["cache.keys"]!.floats()
    _ = try program(inputs.merging(["count": try NDArray([3 as Int32], [])]) { $1 }, updating: &state) as Outputs
    let after = try state["cache.keys"]!.floats()
    for head in 0..<4 {
      #expect(Array(after[16 * head..<16 * head + 12]) == Array(before[16 * head..<16 * head + 12]))
      #expect(Array(after[16 * head + 12..<16 * head + 16]) == Array(before[16 * head..<16 * head + 4]))
    }
  }
}
