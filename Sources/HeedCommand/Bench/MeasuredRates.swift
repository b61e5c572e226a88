import Heed

/// What the machine can do at most, measured in the run that it is compared with: before and after, the better of both.
struct MeasuredRates {
  private let probe: RateProbe
  private let threads: Int
  /// Bytes per second that one thread reads of the arrays.
  let bytes: Double
  private var peak: Double

  /// - Parameter arrays: what the measured calls read; the rate of reading depends on how much it is.
  init(_ probe: RateProbe, threads: Int, reading arrays: [NDArray]) throws {
    (self.probe, self.threads) = (probe, threads)
    bytes = try probe.readRate(over: arrays)
    peak = try probe.peakFlops()
  }

  /// Measures the peak again, after the calls.
  mutating func measureAgain() throws { peak = max(peak, try probe.peakFlops()) }

  /// Floating-point operations a second of all threads together: that of one thread times their number.
  var flops: Double { peak * Double(threads) }
}
