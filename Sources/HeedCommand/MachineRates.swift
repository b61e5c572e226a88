import Heed

/// How fast a machine multiplies and moves bytes: what times are predicted from.
struct MachineRates {
  /// Floating-point operations a second, all threads together.
  let flops: Double
  /// Bytes a second.
  let bytes: Double
  /// Where the numbers are from, in words.
  let source: String

  /// The time that neither the products nor the memory allow to go below, in seconds.
  func predictedSeconds(flops: Int, bytes: Int) -> Double { max(Double(flops) / self.flops, Double(bytes) / self.bytes) }

  /// Measured on this machine, in about a fifth of a second: products of f32, and reads of 64 MiB.
  static func measured(threads: Int?) throws -> MachineRates {
    let threads = try threads ?? ThreadPool.defaultThreadCount()
    let probe = try RateProbe(.f32)
    return MachineRates(
      flops: try probe.peakFlops() * Double(threads), bytes: try probe.readRate(over: [NDArray(zeros: .u8, [64 << 20])]),
      source: "measured: f32 multiply-adds on \(threads) threads, one thread's reads of 64 MiB")
  }

  /// What a core of that kind usually does: no measurement.
  static func assumed(_ target: Target) -> MachineRates {
    MachineRates(
      flops: target.usualFlops, bytes: target.usualBytes,
      source: "assumed: one core at 3 GHz with two vector multiply-adds a cycle, 20 GB/s; the target is not this machine's")
  }
}
