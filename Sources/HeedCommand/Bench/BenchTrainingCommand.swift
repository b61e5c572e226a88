import ArgumentParser
import Foundation
import Heed
import OrderedCollections

/// `heed bench training`: steps of a small language model on a text.
struct BenchTrainingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training", abstract: "Measures steps of training a causal transformer over the bytes of a text, with AdamW.",
    discussion: """
      The model has learned positions, norms before each block, and its table of bytes is its last map too. With --save the weights before \
      the first step, all batches and the step as text are written, so that another program can make the same steps.
      """)

  @Option(help: "The text to train on.") var text: String
  @Option(help: "The number of layers.") var layers = 4
  @Option(help: "The features of a token.") var width = 128
  @Option(help: "The heads of a layer; they divide the width.") var heads = 4
  @Option(help: "The tokens of a sequence.") var length = 64
  @Option(help: "The sequences of a batch.") var batch = 16
  @Option(help: "The number of steps.") var steps = 200
  @Option(help: "Determines the weights before the first step and the batches.") var seed: UInt64 = 1
  @Flag(help: "Compute each layer again for its gradients instead of keeping what it computes.") var checkpoint = false
  @OptionGroup var limit: MemoryLimitOption
  @Option(help: "Write step.heed, start.safetensors and batches.safetensors to this folder.") var save: String?
  @OptionGroup var threads: ThreadsOption
  @Flag(help: "Print one JSON object.") var json = false
  @Flag(help: "Print the time of each kernel in one more step.") var profile = false

  /// What --save writes.
  private static let files = ["step.heed", "start.safetensors", "batches.safetensors"]

  func validate() throws {
    for (name, value) in [
      ("layers", layers), ("width", width), ("heads", heads), ("length", length), ("batch", batch), ("steps", steps),
    ]
    where value < 1 {
      throw ValidationError("got --\(name) \(value), expected at least 1")
    }
    guard width % heads == 0 else { throw ValidationError("got --width \(width) and --heads \(heads), expected a multiple") }
  }

  func run() throws {
    let problem = LanguageModelStep(
      layers: layers, width: width, heads: heads, length: length, steps: steps, hasCheckpoints: checkpoint)
    let (step, initializers) = try problem.graph()
    try FileBytes.check((save.map { save in Self.files.map { OutputPath("--save", "\(save)/\($0)") } }) ?? [])
    let program = try step.compile(
      CompileOptions(threads: threads.threads, memoryLimit: limit.limit(sizes: ["B": batch])))
    let before = try PeakMemory.now()
    var state = try step.initialState(initializers.arrays(for: step, seed: seed))
    let windows = try TokenWindows(ByteTokenizer().encode(file: text), length: length)
    guard windows.count >= batch else {
      throw HeedError("\(text): got \(windows.count) sequences of \(length) tokens, expected at least the \(batch) of a batch")
    }
    let batches = try Batches(windows, size: .samples(batch), seed: seed)
    var inputs: [[String: NDArray]] = []
    var position = DataPosition.start
    while inputs.count < steps {
      let next = try batches.batch(at: position)
      position = next.next
      // The last batch of an epoch may be smaller.
      if next.samples.count == batch { inputs.append(next.arrays) }
    }
    if let save {
      try write(state, inputs, to: save)
      try FileBytes.write(step.description, to: save + "/step.heed")
    }

    // What making the arrays took is not the program's.
    try PeakMemory.reset()
    var (losses, times): ([Double], [Double]) = ([], [])
    for arrays in inputs {
      let start = ContinuousClock.now
      let loss: NDArray = try program(arrays, updating: &state)
      times.append((ContinuousClock.now - start) / .seconds(1))
      losses.append(Double(try loss.float()))
    }
    try report(program, losses, CallTimes(times), memory: PeakMemory.most() - before)
    guard profile else { return }
    var timings: [StepTiming] = []
    _ = try program.run(inputs[0].map { ($0.key, $0.value) }, states: &state.arrays, timings: &timings)
    try KernelProfile(timings).print()
  }

  /// - Parameter memory: the most bytes that the process had beside what it had when all was compiled.
  private func report(_ program: CompiledGraph, _ losses: [Double], _ times: CallTimes, memory: Int) throws {
    let plan = try program.memoryPlan(sizes: ["B": batch])
    if json {
      let fields: OrderedDictionary<String, JSON> = [
        "target": .string(program.lowered.target.name), "threads": JSON(program.threadCount), "steps": JSON(losses.count),
        "tokens": JSON(batch * length), "best_seconds": JSON(times.best), "median_seconds": JSON(times.median),
        "plan_bytes": JSON(plan.total), "workspace_bytes": JSON(plan.workspace), "measured_bytes": JSON(memory),
        "recomputed": JSON(plan.recomputed.count), "losses": .array(losses.map { JSON($0) }),
      ]
      return try printLine(JSON.object(fields).text)
    }
    try printLine(
      "\(losses.count) steps of \(batch) x \(length) tokens on \(program.lowered.target), \(program.threadCount) threads: "
        + "\(shownNumber(1000 * times.best)) ms at best, \(shownNumber(1000 * times.median)) ms in the median; "
        + "the loss went from \(shownNumber(losses[0])) to \(shownNumber(losses.last!)); a step takes \(plan.total >> 20) MiB by plan, "
        + "\(plan.workspace >> 20) MiB of it workspace, and the process took \(memory >> 20) MiB")
  }

  private func write(_ state: GraphState, _ inputs: [[String: NDArray]], to folder: String) throws {
    let weights = state.names.filter { !$0.hasPrefix("optimizer.") }
    try SafetensorsFile.write(weights.map { ($0, state[$0]!) }, to: folder + "/start.safetensors")
    let arrays = inputs.enumerated().flatMap { number, arrays in
      ["ids", "targets"].map { (name: "\($0).\(number)", array: arrays[$0]!) }
    }
    try SafetensorsFile.write(arrays, to: folder + "/batches.safetensors")
  }
}

/// A step of training a causal transformer over bytes.
struct LanguageModelStep {
  let layers: Int
  let width: Int
  let heads: Int
  let length: Int
  /// The steps over which the learning rate falls.
  let steps: Int
  /// Whether what a layer computes is computed again for its gradients.
  var hasCheckpoints = false

  func graph() throws -> (Graph, Initializers) {
    try Graph.withInitializers("step") { g in
      for name in ["tokens.weight", "positions.weight"] as [NamePattern] { g.initializers[name] = .normal(deviation: 0.02) }
      let ids = g.input("ids", .i32, ["B", Extent(length)])
      let targets = g.input("targets", .i32, ["B", Extent(length)])
      let loss = crossEntropy(logits(ids, g), targets)
      g.minimize(
        loss, by: AdamW(weightDecay: 0.01),
        learningRate: .cosine(from: 1e-3, to: 1e-4, over: max(1, steps - 20)).warmedUp(over: 20),
        clippingNorm: 1)
      return loss
    }
  }

  private func logits(_ ids: Tensor, _ g: GraphBuilder) -> Tensor {
    let tokens = Embedding("tokens", in: g, count: 256, size: width)
    var x = tokens(ids) + Embedding("positions", in: g, count: length, size: width)(g.iota([Extent(length)]))
    for layer in 0..<layers {
      let input = x
      func block() -> Tensor {
        g.scope("layers.\(layer)") {
          let attention = MultiHeadAttention("attention", in: g, size: width, headCount: heads)
          let y = input + attention(LayerNorm("norm1", in: g, size: width)(input), mask: .causal())
          return y + FeedForward("mlp", in: g, size: width, hiddenSize: 4 * width)(LayerNorm("norm2", in: g, size: width)(y))
        }
      }
      x = hasCheckpoints ? g.checkpoint(block) : block()
    }
    return matmul(LayerNorm("norm", in: g, size: width)(x), tokens.weight.transposed())
  }
}
