import Heed

/// What the kernel calls of a program took, and the work that they did.
struct KernelProfile {
  let timings: [StepTiming]
  /// Whether the operations of attention are those of live pairs; otherwise they count every pair, skipped tiles too.
  let countsLivePairs: Bool
  private let attentionScale: Double

  /// The calls of one kernel together.
  struct Kernel {
    let name: Name
    var calls = 0
    var seconds = 0.0
    var flops = 0.0
    var bytes = 0.0
  }

  /// - Parameter attentionFlops: the operations of all attention on live pairs, where the caller knows them. The program's own numbers
  ///   are of every pair.
  init(_ timings: [StepTiming], attentionFlops: Double? = nil) {
    self.timings = timings
    let counted = timings.filter(Self.isAttention).reduce(0.0) { $0 + Double($1.flops) }
    countsLivePairs = attentionFlops != nil && counted > 0
    attentionScale = countsLivePairs ? attentionFlops! / counted : 1
  }

  /// The profile of the shortest of a few calls.
  init(of program: CompiledGraph, _ inputs: [String: NDArray], attentionFlops: Double? = nil) throws {
    _ = try program(inputs)
    let calls = try (0..<5).map { _ in try program.timed(inputs).timings }
    func length(_ timings: [StepTiming]) -> Double { timings.reduce(0) { $0 + $1.seconds } }
    self.init(calls.min { length($0) < length($1) }!, attentionFlops: attentionFlops)
  }

  /// Whether the step works on pairs of queries and keys: attention or a statistic of its weights.
  private static func isAttention(_ step: StepTiming) -> Bool {
    step.op.map { $0.has(.scoresPairs) || $0 == .pairSums || $0 == .pairScatter } ?? false
  }

  func flops(_ step: StepTiming) -> Double { Double(step.flops) * (Self.isAttention(step) ? attentionScale : 1) }

  /// The kernels, the slowest first.
  var kernels: [Kernel] {
    var kernels: [Name: Kernel] = [:]
    for step in timings {
      var kernel = kernels[step.kernel] ?? Kernel(name: step.kernel)
      kernel.calls += 1
      kernel.seconds += step.seconds
      kernel.flops += flops(step)
      kernel.bytes += Double(step.bytes)
      kernels[step.kernel] = kernel
    }
    return kernels.values.sorted { ($1.seconds, $0.name.text) < ($0.seconds, $1.name.text) }
  }

  /// What the operations and bytes mean, in words.
  var meaning: String {
    countsLivePairs
      ? "operations of attention are those of live pairs; bytes are the least that must move"
      : "operations count every pair, skipped tiles too; bytes are the least that must move"
  }

  /// A line a kernel.
  func print() throws {
    for kernel in kernels {
      // A kernel with nothing to write takes no time.
      let seconds = max(kernel.seconds, 1e-9)
      let columns = [
        "\(kernel.calls) x", shownTime(kernel.seconds), "\(fixed(kernel.flops / seconds / 1e9, 1)) GFLOP/s",
        "\(fixed(kernel.bytes / seconds / 1e9, 1)) GB/s",
      ]
      try printLine(columns.map { padded($0, 15, left: true) }.joined() + "  @\(kernel.name)")
    }
    try printLine(meaning)
  }
}
