import HeedAnalysis
import HeedIR
import HeedTestSupport
import Testing

@Suite struct ConjunctTests {
  /// Nested conjunctions, negated disjunctions and double negations come apart, in the order of the text, each part once.
  @Test(
    arguments: [
      ("%live = less_equal %j, %i", ["j <= i"]),
      (
        "%a = less_equal %j, %i\n%b = less %i, 9\n%c = less %j, 5\n%d = and %a, %b\n%live = and %d, %c",
        ["j <= i", "i < 9", "j < 5"]
      ),
      ("%a = less %i, 9\n%b = less %j, 5\n%c = or %a, %b\n%live = not %c", ["not (i < 9)", "not (j < 5)"]),
      ("%a = less %i, 9\n%b = not %a\n%c = not %b\n%d = less %j, 5\n%live = and %c, %d", ["i < 9", "j < 5"]),
      ("%a = less %i, 9\n%b = less %j, 5\n%c = or %a, %b\n%d = and %c, %a\n%live = and %d, %a", ["i < 9 or j < 5", "i < 9"]),
    ] as [(String, [String])])
  func partsAreFound(_ lines: String, _ parts: [String]) throws {
    #expect(try mask(lines).conjuncts().map(\.formula) == parts)
  }

  /// A function holds where all its parts do.
  @Test func partsMeanTheWhole() throws {
    for seed in 0..<200 {
      let predicate = try RandomPredicate(seed: UInt64(seed), readsTables: seed % 2 == 1)
      let parts = predicate.function.conjuncts()
      for pair in [(0, 0), (3, 17), (40, 2), (96, 96), (130, 55), (200, 301)] {
        let whole = try predicate.function.isLive(pair.0, pair.1, batch: [1], tables: predicate.tables)
        let all = try parts.allSatisfy { try $0.isLive(pair.0, pair.1, batch: [1], tables: predicate.tables) }
        #expect(all == whole, "seed \(seed), \(pair)\n\(predicate.function)")
      }
    }
  }
}
