import Heed

/// What one call's kernels took.
enum KernelProfile {
  /// Prints what one call's kernels took, the slowest first; calls of one kernel together.
  static func print(_ program: CompiledGraph, _ inputs: [String: NDArray]) throws {
    var kernels: [Name: (calls: Int, seconds: Double, flops: Int, bytes: Int)] = [:]
    for step in try program.timed(inputs).timings {
      let sum = kernels[step.kernel] ?? (0, 0, 0, 0)
      kernels[step.kernel] = (sum.calls + 1, sum.seconds + step.seconds, sum.flops + step.flops, sum.bytes + step.bytes)
    }
    for (kernel, sum) in kernels.sorted(by: { $0.value.seconds > $1.value.seconds }) {
      let columns = [
        "\(sum.calls) x", shownTime(sum.seconds), "\(fixed(Double(sum.flops) / sum.seconds / 1e9, 1)) GFLOP/s",
        "\(fixed(Double(sum.bytes) / sum.seconds / 1e9, 1)) GB/s",
      ]
      Swift.print(columns.map { padded($0, 15, left: true) }.joined() + "  @\(kernel)")
    }
    Swift.print("operations and bytes as if no tile were skipped")
  }
}
