import Heed
import Testing

/// A step of decoding with caches as states: it appends a row to each in place, and moves little more than it must read.
@Suite struct DecodeStepTests {
  private static let (layers, width, heads, capacity) = (12, 128, 4, 2048)

  private static func step() throws -> Graph {
    try Graph(building: "step") { g in
      let position = g.input("position", .i32)
      var x = g.input("x", .f32, [1, Extent(width)])
      for layer in 0..<layers {
        g.scope("layers.\(layer)") {
          let attention = MultiHeadAttention("attention", in: g, size: width, headCount: heads, hasBias: false)
          let cache = KeyValueCache("cache", in: g, for: attention, capacity: "N")
          x = x + attention(RMSNorm("norm1", in: g, size: width)(x), cache: cache, at: position)
          x =
            x
            + FeedForward("mlp", in: g, size: width, hiddenSize: 4 * width, hasBias: false)(RMSNorm("norm2", in: g, size: width)(x))
        }
      }
      return x
    }
  }

  /// What the kernels of one step read and write, counted by their operands, against weights, caches and new rows.
  @Test func movesLittleMoreThanItMustRead() throws {
    let graph = try Self.step()
    var weights = 0
    let parameters = try graph.arguments.filter { $0.role == .parameter }.enumerated().map { number, argument in
      let shape = try graph.type(argument.value).shape.evaluate { _ in nil }
      weights += 4 * shape.reduce(1, *)
      return (name: graph.name(argument.value).text, array: NDArray.uniform(shape, in: -0.1..<0.1, seed: number))
    }
    let program = try graph.compile(CompileOptions(threads: 1)).load(parameters: parameters)
    var state = try graph.initialState(sizes: ["N": Self.capacity])
    let inputs: [(name: String, array: NDArray)] = [
      ("position", try NDArray([Int32(Self.capacity - 1)], [])), ("x", .uniform([1, Self.width], in: -1..<1, seed: 99)),
    ]
    _ = try program.run(inputs, states: &state.arrays)
    let places = state.arrays.mapValues { $0.bytes.baseAddress }
    var timings: [StepTiming] = []
    _ = try program.run(inputs, states: &state.arrays, timings: &timings)
    // The caches stay where they are.
    #expect(state.arrays.mapValues { $0.bytes.baseAddress } == places)

    let caches = state.arrays.values.reduce(0) { $0 + $1.bytes.count }
    let newRows = 2 * Self.layers * Self.width * 4
    let moved = timings.reduce(0) { sum, step in
      // Of the cache that it writes, a scatter touches the new rows.
      let operands = step.kernel.text.hasPrefix("scatter") ? step.operands.filter { $0.name != "out" } : step.operands
      return sum + operands.reduce(0) { $0 + 4 * $1.shape.reduce(1, *) }
        + (operands.count < step.operands.count ? 4 * Self.width : 0)
    }
    let ideal = weights + caches + newRows
    #expect(Double(moved) < 1.1 * Double(ideal), "\(moved) bytes, \(ideal) must be moved: \(timings.map { ($0.kernel, $0.bytes) })")
    #expect(moved >= weights + caches, "a count that leaves something out: \(moved) of \(weights + caches)")
  }
}
