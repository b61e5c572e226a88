import Foundation
import Heed

/// Writes on from a text, with the cache and without.
struct TextWriter {
  /// The logits after all characters, computed anew.
  let whole: CompiledGraph
  /// The logits after all characters, of which only new ones are computed.
  let cached: CompiledGraph
  /// A cache that holds nothing.
  let cache: GraphState

  private static func row(_ ids: some Collection<Int32>) throws -> NDArray { try NDArray(Array(ids), [1, ids.count]) }

  /// Draws a character from logits at a temperature of 0.8.
  private static func draw(_ logits: [Double], _ numbers: inout SeededGenerator) -> Int32 {
    let most = logits.max()!
    let weights = logits.map { exp(($0 - most) / 0.8) }
    var left = Double.random(in: 0..<weights.reduce(0, +), using: &numbers)
    for (id, weight) in weights.enumerated() {
      left -= weight
      if left < 0 { return Int32(id) }
    }
    return Int32(logits.count - 1)
  }

  /// Writes 200 characters both ways, each with random numbers of the same seed.
  func compare(_ laboratory: Laboratory, seed: Int) throws {
    let prompt = "  You may ".utf8.map { Int32($0) }
    var (with, without) = (prompt, prompt)
    var (one, other) = (SeededGenerator(seed: seed), SeededGenerator(seed: seed))
    var (cache, read, largest) = (cache, 0, 0.0)
    for _ in 0..<200 {
      let fast = try cached(
        ["ids": Self.row(with[read...]), "position": NDArray([Int32(read)], [])], updating: &cache
      ).doubles()
      let slow = try whole(["ids": Self.row(without)]).doubles()
      if with == without { largest = max(largest, zip(fast, slow).map { abs($0 - $1) }.max()!) }
      read = with.count
      with.append(Self.draw(fast, &one))
      without.append(Self.draw(slow, &other))
    }
    laboratory.measure("same", Double(zip(with, without).count { $0 != $1 }))
    laboratory.measure("logits", largest)
    if seed == 1 { laboratory.say("it writes: " + String(decoding: with.map { $0 == 10 ? 32 : UInt8($0) }, as: UTF8.self)) }
  }

  /// Measures and draws the milliseconds that one more character takes, with and without the cache: the least of several tries.
  func times(_ laboratory: Laboratory) throws {
    // The time of the processor, which other programs do not change.
    func milliseconds(_ body: () throws -> Void) rethrows -> Double {
      let start = clock()
      try body()
      return Double(clock() - start) * 1000 / Double(CLOCKS_PER_SEC)
    }
    var curves: [[(x: Double, y: Double)]] = [[], []]
    var numbers = SeededGenerator(seed: 1)
    for length in [60, 120, 240, 480, 960] {
      let ids = (0...length).map { _ in Int32.random(in: 32..<127, using: &numbers) }
      var cache = cache
      let _: NDArray = try cached(["ids": Self.row(ids.dropLast()), "position": NDArray([0 as Int32], [])], updating: &cache)
      let last = ["ids": try Self.row(ids.suffix(1)), "position": try NDArray([Int32(length)], [])]
      let all = ["ids": try Self.row(ids)]
      var (fast, slow) = (Double.infinity, Double.infinity)
      for _ in 0..<20 {
        for _ in 0..<5 { fast = min(fast, try milliseconds { let _: NDArray = try cached(last, updating: &cache) }) }
        slow = min(slow, try milliseconds { let _: NDArray = try whole(all) })
      }
      curves[0].append((Double(length), slow))
      curves[1].append((Double(length), fast))
    }
    let (slow, fast) = (curves[0].map(\.y), curves[1].map(\.y))
    laboratory.measure("flat", fast.last! / fast[0])
    laboratory.measure("grows", slow.last! / slow[0])
    laboratory.measure("faster", slow.last! / fast.last!)
    try laboratory.draw(
      Plot(
        title: "With the cache, each character takes the same time",
        x: Plot.Axis(label: "characters before it", isLogarithmic: true, range: 50...1200),
        y: Plot.Axis(label: "milliseconds of processor time", isLogarithmic: true),
        series: zip(["the whole text anew", "with the cache"], curves).map { Plot.Series(title: $0, points: $1) }, key: "top left"))
  }
}
