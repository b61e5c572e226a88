import Foundation
import HeedAnalysis
import HeedIR
import HeedTestSupport
import Testing

@Suite struct IntervalExtensionTests {
  /// Whether the function is true, and false, for some pair of the rectangle.
  private static func truth(
    _ function: ScalarFunction, _ queries: ClosedRange<Int>, _ keys: ClosedRange<Int>, batch: [Int], tables: [ReferenceArray] = []
  ) throws -> (holds: Bool, fails: Bool) {
    var (holds, fails) = (false, false)
    for i in queries {
      for j in keys {
        if try function.isLive(i, j, batch: batch, tables: tables) { holds = true } else { fails = true }
        if holds && fails { return (true, true) }
      }
    }
    return (holds, fails)
  }

  enum Kind: CaseIterable { case plain, large, tables }

  /// Random predicates of one kind: 10,000 in all, or as many times more as `HEED_COMBINATIONS` says.
  private static let predicates =
    10_000 / 20 * (ProcessInfo.processInfo.environment["HEED_COMBINATIONS"].flatMap(Int.init) ?? 1)

  /// No rectangle said to be empty holds a live pair, and none said to be full a dead one: near 0, where arithmetic wraps, and with
  /// tables.
  @Test(arguments: 0..<20) func verdictsAreSound(_ part: Int) throws {
    var numbers = SeededGenerator(seed: UInt64(part))
    let kind = part % 10 < 4 ? Kind.plain : part % 10 < 6 ? .large : .tables
    var (decided, decidable) = (0, 0)
    for seed in (part * Self.predicates)..<((part + 1) * Self.predicates) {
      let predicate = try RandomPredicate(
        seed: UInt64(seed), index: part < 10 ? .i32 : .i64, hasLargeConstants: kind == .large, readsTables: kind == .tables)
      let interval = IntervalExtension(predicate.function)
      for _ in 0..<4 {
        let origins =
          kind == .large ? [0, 90, 1 << 26, (1 << 27) - 6, (1 << 30) - 3, Int(Int32.max) - 12] : [0, 0, 5, 40, 96, 384]
        let firstQuery = origins.randomElement(using: &numbers)!
        let firstKey = origins.randomElement(using: &numbers)!
        let queries = firstQuery...(firstQuery + Int.random(in: 0..<12, using: &numbers))
        let keys = firstKey...(firstKey + Int.random(in: 0..<12, using: &numbers))
        let head = Int.random(in: 0..<3, using: &numbers)
        let truth = try Self.truth(predicate.function, queries, keys, batch: [head], tables: predicate.tables)
        let verdict = try interval.verdict(queries: queries, keys: keys, batch: [head], tables: predicate.tables)
        let isSound = (verdict.canHold || !truth.holds) && (verdict.canFail || !truth.fails)
        #expect(
          isSound, "seed \(seed): \(queries) x \(keys), head \(head): \(verdict), expected \(truth)\n\(predicate.function)")
        if !isSound { return }
        if truth.holds != truth.fails {
          decidable += 1
          if verdict.canHold != verdict.canFail { decided += 1 }
        }
      }
    }
    // An extension that knows nothing is sound as well.
    #expect(kind == .large || Double(decided) > 0.7 * Double(decidable), "\(decided) of \(decidable) rectangles decided")
  }

  /// Conditions whose empty and full rectangles are all found: differences of indices, meets of conjunctions, remainders, known bits,
  /// quotients.
  @Test(arguments: [
    "%live = less_equal %j, %i", "%d = subtract %i, %j\n%live = less %d, 7",
    "%a = add %i, 3\n%b = subtract %j, 2\n%live = greater %a, %b",
    "%a = multiply %i, 2\n%b = subtract %a, %j\n%live = less_equal %b, 4", "%a = add %i, %j\n%live = equal %a, 40",
    "%d = subtract %i, %j\n%m = remainder %d, 5\n%live = equal %m, 2",
    "%d = subtract %i, %j\n%m = remainder %d, 4\n%a = equal %m, 0\n%b = less_equal %d, 9\n%c = greater_equal %d, 0\n%e = and %a, %b\n%live = and %e, %c",
    "%t = add %i, %j\n%a = less %t, 40\n%b = greater_equal %j, %i\n%c = greater %i, 19\n%e = and %a, %b\n%live = and %e, %c",
    "%a = divide %i, 8\n%b = divide %j, 8\n%live = equal %a, %b",
  ]) func theseAreExact(_ lines: String) throws {
    let region = try mask(lines)
    let interval = IntervalExtension(region)
    for first in 0..<30 {
      let (queries, keys) = (first...(first + 6), (40 - first)...(43 - first))
      let truth = try Self.truth(region, queries, keys, batch: [0])
      let verdict = try interval.verdict(queries: queries, keys: keys, batch: [0])
      #expect(verdict.canHold == truth.holds, "\(queries) x \(keys): \(verdict)\n\(interval.function)")
      if !lines.contains("remainder") {
        #expect(verdict.canFail == truth.fails, "\(queries) x \(keys): \(verdict)\n\(interval.function)")
      }
    }
  }
}
