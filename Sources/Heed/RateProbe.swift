package import HeedArrays
internal import HeedCodegen
package import HeedIR
internal import HeedRuntime
internal import HeedSchedule

/// Measures what no code of a target can exceed on this machine: multiply-adds per second, and bytes read per second, of one
/// thread.
///
/// The kernels are generated as all others are. The one that multiplies has its operands in a few cache lines, which all of its steps
/// read again, and its sums in registers; the one that reads adds up what it reads.
package final class RateProbe: Sendable {
  /// The element type whose products are counted.
  package let element: ElementType
  private let pool: ThreadPool
  private let multiply: Probe
  private let read: Probe
  private let rows = 8
  private let columns: Int
  /// Whether one instruction sums products of pairs.
  private let multipliesPairs: Bool

  /// - Throws: where this machine cannot run the target's code.
  package init(_ element: ElementType, target: Target = .host) throws {
    // Without instructions for them, 16-bit floats are multiplied as f32.
    multipliesPairs = element == .bf16 && target.has(.bfloat16Products)
    let factor: ElementType = multipliesPairs ? element : element.computed
    let sum = element.computed
    columns = target.panelWidth(ofSums: sum)
    self.element = element
    pool = try ThreadPool(threads: 1)
    multiply = try Probe(
      multipliesPairs
        ? """
        kernel @multiply(
            input %x: bf16[\(rows), K, 2] strides [2, 0, 1], input %y: bf16[K, \(columns), 2] strides [0, 2, 1],
            output %z: f32[\(rows), \(columns)]) {
          phase @run (%t : 1) {
            contract (%r : \(rows)) x (%c : \(columns)) over (%k : K, %u : 2) %x[%r, %k, %u] * %y[%k, %c, %u] as %sum : f32 {
              store %sum, %z[%r, %c]
            }
          }
        }
        """
        : """
        kernel @multiply(
            input %x: \(factor)[\(rows), K] strides [1, 0], input %y: \(factor)[K, \(columns)] strides [0, 1],
            output %z: \(sum)[\(rows), \(columns)]) {
          phase @run (%t : 1) {
            contract (%r : \(rows)) x (%c : \(columns)) over (%k : K) %x[%r, %k] * %y[%k, %c] as %sum : \(sum) {
              store %sum, %z[%r, %c]
            }
          }
        }
        """, target)
    // Four streams, with enough sums to keep up with them.
    read = try Probe(
      """
      kernel @read(input %a: i32[N], input %b: i32[N], input %c: i32[N], input %d: i32[N], output %sums: i32[4]) {
        phase @run (%t : 1) {
          map (%i : 4) { store 0, %sums[%i] }
          map (%i : N) {
            %p = load %a[%i]
            %q = load %b[%i]
            %r = load %c[%i]
            %s = load %d[%i]
            accumulate add %p, %sums[0]
            accumulate add %q, %sums[1]
            accumulate add %r, %sums[2]
            accumulate add %s, %sums[3]
          }
        }
      }
      """, target)
  }

  /// The most floating-point operations a second that one thread reached in `rounds` tries of about half a millisecond: short ones, so
  /// that some run undisturbed on a busy machine.
  package func peakFlops(rounds: Int = 40) throws -> Double {
    let arrays = try [4096, 4096, rows * columns * 8].map { try NDArray(zeros: .u8, [$0]) }
    func seconds(_ steps: Int) throws -> Double {
      try withExtendedLifetime(arrays) { try multiply.seconds(arrays.map(\.mutableBytes.baseAddress), [steps], pool) }
    }
    let few = 10_000
    let steps = max(few, Int(0.0005 / (try (0..<3).map { _ in try seconds(few) }.min()!) * Double(few)))
    let flops = Double(2 * rows * columns * (multipliesPairs ? 2 : 1)) * Double(steps)
    return try flops / (0..<rounds).map { _ in try seconds(steps) }.min()!
  }

  /// The most bytes a second that one thread read of `arrays`, one after the other, in at least three passes and about 40 ms.
  package func readRate(over arrays: [NDArray]) throws -> Double {
    let sums = try NDArray(zeros: .i32, [4])
    let clock = ContinuousClock()
    let start = clock.now
    var best = Double.infinity
    var passes = 0
    while passes < 3 || passes < 1000 && clock.now - start < .milliseconds(40) {
      var seconds = 0.0
      for array in arrays {
        let quarter = array.byteCount / 4 & ~63
        let base = array.mutableBytes.baseAddress!
        seconds += try withExtendedLifetime(array.storage) {
          try read.seconds((0..<4).map { base + $0 * quarter } + [sums.storage.bytes.baseAddress], [quarter / 4], pool)
        }
      }
      best = min(best, seconds)
      passes += 1
    }
    return Double(arrays.reduce(0) { $0 + $1.byteCount }) / best
  }
}

/// A kernel of one phase that runs on addresses.
private struct Probe: Sendable {
  private let code: KernelCode
  private let owner: NativeCode

  init(_ text: String, _ target: Target) throws {
    owner = try NativeCode(Kernel.parse(text).map { try Verified($0) }, target: target, cache: .standard)
    code = owner.kernels[0]
  }

  /// How long one run takes, in seconds.
  func seconds(_ buffers: [UnsafeMutableRawPointer?], _ symbols: [Int], _ pool: ThreadPool) throws -> Double {
    try buffers.withUnsafeBufferPointer { buffers in
      try symbols.map(Int64.init).withUnsafeBufferPointer { symbols in
        let clock = ContinuousClock()
        return try clock.measure { try code.run(buffers.baseAddress, symbols.baseAddress, pool) } / .seconds(1)
      }
    }
  }
}
