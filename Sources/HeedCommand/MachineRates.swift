import Foundation
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

  /// Measured on this machine, in about a quarter of a second.
  static func measured(threads: Int?) throws -> MachineRates {
    let (rows, depth) = (384, 384)
    let graph = Graph("product") { g in
      matmul(g.input("x", .f32, ["N", Extent(depth)]), g.parameter("w", .f32, [Extent(depth), Extent(depth)]))
    }
    let product = try graph.compile(CompileOptions(threads: threads))
      .load(parameters: ["w": NDArray(zeros: .f32, [depth, depth])])
    let x = try NDArray(zeros: .f32, [rows, depth])
    let seconds = try best(seconds: 0.1) { _ = try product(["x": x]) }
    let from = try NDArray(zeros: .u8, [64 << 20])
    let to = try NDArray(zeros: .u8, [64 << 20])
    let copying = best(seconds: 0.1) { to.storage.bytes.copyMemory(from: from.bytes) }
    return MachineRates(
      flops: Double(2 * rows * depth * depth) / seconds, bytes: Double(2 * from.byteCount) / copying,
      source: "measured: an f32 product of \(rows) x \(depth) x \(depth) on \(product.threadCount) threads, a copy of 64 MiB")
  }

  /// What a core of that kind usually does: no measurement.
  static func assumed(_ target: Target) -> MachineRates {
    let perCycle = Double(2 * 2 * target.lanes(of: .f32))
    return MachineRates(
      flops: perCycle * 3e9, bytes: 2e10,
      source: "assumed: one core at 3 GHz with two vector multiply-adds a cycle, 20 GB/s; the target is not this machine's")
  }

  private static func best(seconds: Double, _ body: () throws -> Void) rethrows -> Double {
    try body()
    return try Stopwatch.times(for: seconds, body).min()!
  }
}

/// Runs work again and again and keeps the times.
enum Stopwatch {
  /// The time of each run, in seconds: at least one, until they fill `seconds`.
  static func times(for seconds: Double, _ body: () throws -> Void) rethrows -> [Double] {
    var times: [Double] = []
    let clock = ContinuousClock()
    let start = clock.now
    repeat { times.append(try clock.measure { try body() } / .seconds(1)) } while (clock.now - start) / .seconds(1) < seconds
    return times
  }
}
