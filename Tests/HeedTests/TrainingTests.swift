import Foundation
import Heed
import Testing

/// A small language model that is trained on text, from files to weights.
@Suite struct TrainingTests {
  private static let text = String(
    repeating: "the quick brown fox jumps over the lazy dog. pack my box with five dozen jugs. ", count: 30)
  private static let length = 24

  private struct Run {
    let step: Graph
    let initializers: Initializers

    /// Two layers of causal attention over bytes, half of their weights shared with the last map.
    init(accumulating calls: Int = 1) throws {
      var initializers = Initializers()
      step = Graph("step") { g in
        let (ids, targets) = (g.input("ids", .i32, ["B", Extent(length)]), g.input("targets", .i32, ["B", Extent(length)]))
        let embedding = Embedding("embedding", in: g, count: 256, size: 32)
        var x = embedding(ids) + Embedding("positions", in: g, count: length, size: 32)(g.iota([Extent(length)]))
        for layer in 0..<2 {
          x = g.scope("layer\(layer)") {
            let attention = MultiHeadAttention("attention", in: g, size: 32, headCount: 2)
            let y = x + attention(LayerNorm("norm1", in: g, size: 32)(x), mask: .causal())
            return y + FeedForward("mlp", in: g, size: 32, hiddenSize: 64)(LayerNorm("norm2", in: g, size: 32)(y))
          }
        }
        let logits = matmul(LayerNorm("norm", in: g, size: 32)(x), embedding.weight.transposed())
        let loss = crossEntropy(logits, targets)
        g.minimize(
          loss, by: AdamW(weightDecay: 0.01), learningRate: .cosine(from: 1e-2, to: 1e-3, over: 240).warmedUp(over: 5),
          clippingNorm: 1,
          accumulating: calls)
        initializers = g.initializers
        return loss
      }
      initializers["*embedding.weight"] = .normal(deviation: 0.05)
      initializers["positions.weight"] = .normal(deviation: 0.05)
      self.initializers = initializers
    }

    func start() throws -> GraphState { try step.initialState(initializers.arrays(for: step, seed: 7)) }

    func program(threads: Int) throws -> CompiledGraph {
      try step.compile(CompileOptions(threads: threads, cache: ObjectCache(directory: nil)))
    }
  }

  private static func batches() throws -> Batches<TokenWindows> {
    try Batches(TokenWindows(ByteTokenizer().encode(text), length: length), size: .samples(8), seed: 3)
  }

  /// Makes steps and returns the losses.
  private func train(
    _ program: CompiledGraph, _ state: inout GraphState, from start: DataPosition = DataPosition.start, steps: Int
  ) throws -> (losses: [Float], next: DataPosition) {
    let batches = try Self.batches()
    var (position, losses): (DataPosition, [Float]) = (start, [])
    for _ in 0..<steps {
      let batch = try batches.batch(at: position)
      losses.append(try (program(batch.arrays, updating: &state) as NDArray).float())
      position = batch.next
    }
    return (losses, position)
  }

  private func bits(_ state: GraphState) -> [[UInt64]] {
    state.names.map { name in
      let array = ReferenceArray(state[name]!)
      return array.integers.map(UInt64.init(bitPattern:)) + array.reals.map(\.bitPattern)
    }
  }

  /// The text is learned, nothing as large as the logits or the probabilities is stored, and no weight is copied.
  @Test func learns() throws {
    let run = try Run()
    let program = try run.program(threads: 2)
    for buffer in program.program.buffers {
      let extents = buffer.type.shape.extents
      #expect(!(extents.contains(256) && extents.symbols.contains("B")), "%\(buffer.name): \(buffer.type)")
    }
    #expect(!program.remarks.description.contains("copied"), "\(program.remarks)")
    var state = try run.start()
    let losses = try train(program, &state, steps: 240).losses
    #expect(losses[0] > 5 && losses.suffix(5).reduce(0, +) / 5 < 1, "\(losses)")
  }

  /// The same bits for any number of threads, and where a run is saved, stopped and resumed in another program.
  @Test func resumes() throws {
    let run = try Run(accumulating: 2)
    var whole = try run.start()
    let losses = try train(run.program(threads: 2), &whole, steps: 12).losses
    let folder = FileManager.default.temporaryDirectory.appending(path: "heed-training-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "state.safetensors").path
    var (position, resumed): (DataPosition, [Float]) = (DataPosition.start, [])
    for (threads, steps) in [(1, 5), (3, 4), (2, 3)] {
      var state = resumed.isEmpty ? try run.start() : try GraphState(contentsOf: path)
      let part = try train(run.program(threads: threads), &state, from: position, steps: steps)
      (position, resumed) = (part.next, resumed + part.losses)
      try state.write(to: path)
    }
    #expect(resumed.map(\.bitPattern) == losses.map(\.bitPattern))
    #expect(bits(try GraphState(contentsOf: path)) == bits(whole))
  }

  /// What the interpreter makes of steps.
  @Test func agreesWithInterpreter() throws {
    let run = try Run()
    let program = try run.program(threads: 2)
    var (state, reference) = (try run.start(), try run.start())
    let batches = try Self.batches()
    for number in 0..<2 {
      let inputs = try batches.batch(at: DataPosition(epoch: 0, sample: number * 8)).arrays
      let loss: NDArray = try program(inputs, updating: &state)
      let expected = try run.step.interpret(inputs, updating: &reference)
      #expect(try abs(loss.float() - expected[0].float()) < 1e-5)
    }
    for name in state.names where !name.hasPrefix("optimizer") {
      let worst = try zip(state[name]!.floats(), reference[name]!.floats()).map { abs($0 - $1) }.max()!
      #expect(worst < 2e-3, "\(name): \(worst)")
    }
  }

  /// Lists of states and arrays that do not fit.
  @Test func mistakes() throws {
    let graph = try Graph(building: "count") { g in
      let n = g.state("n", .i32, ["N"])
      n.update(to: n + 1)
      return n.sum()
    }
    func message(_ body: () throws -> Void) -> String? {
      do { try body() } catch { return (error as? HeedError)?.message }
      return nil
    }
    let program = try graph.compile(CompileOptions(threads: 1, cache: ObjectCache(directory: nil)))
    #expect(
      message { _ = try program([:]) as Outputs }?.contains("without its states ('n'), expected one with updating: &state") == true)
    #expect(message { _ = try graph.initialState() }?.contains("got no state 'n', expected one of type i32[N]") == true)
    var none = GraphState()
    #expect(message { _ = try program([:], updating: &none) as Outputs }?.contains("got no state 'n'") == true)
    var wrong = GraphState(["n": .zeros([2, 2], element: .i32)])
    #expect(message { _ = try program([:], updating: &wrong) as Outputs }?.contains("state 'n': got shape [2, 2]") == true)
    #expect(wrong["n"]?.shape == [2, 2])
    // More than the graph has is left alone; a state of another width of integers is taken.
    var state = GraphState(["n": .zeros([3], element: .i32), "m": .ones([1])])
    let sum: NDArray = try program([:], updating: &state)
    #expect(try sum.ints() == [0] && state["n"]!.ints() == [1, 1, 1] && state["m"]!.floats() == [1])
  }
}
