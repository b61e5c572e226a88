import HeedAnalysis
import HeedIR
import HeedTestSupport
import Testing

/// Proofs that no query sees nothing, and that no key is unseen.
@Suite struct WitnessTests {
  /// Where no row is said to be empty, every query sees the key that the proof names; so for keys.
  @Test func whatIsProvedHolds() throws {
    var (rows, keys) = (0, 0)
    for seed in 0..<600 {
      let predicate = try RandomPredicate(seed: UInt64(seed), readsTables: seed % 2 == 1)
      let analysis = try MaskAnalysis(predicate.function)
      func check(_ what: String, _ pair: (_ index: Int) -> (query: Int, key: Int)) throws {
        for head in 0..<3 {
          for index in 0..<60 {
            let (query, key) = pair(index)
            let isLive = try predicate.function.isLive(query, key, batch: [head], tables: predicate.tables)
            try #require(isLive, "seed \(seed), \(what) \(index)\n\(predicate.function)")
          }
        }
      }
      if let witness = try analysis.emptyRows(hasOwnKeys: true) {
        rows += 1
        try check("query") { ($0, witness == .own ? $0 : 0) }
      }
      if let witness = try analysis.unseenKeys(hasOwnQueries: true) {
        keys += 1
        try check("key") { (witness == .own ? $0 : 0, $0) }
      }
    }
    #expect(rows > 30 && keys > 30, "of 600, \(rows) without empty rows and \(keys) without unseen keys")
  }

  @Test(
    arguments: [
      ("%live = less_equal %j, %i", .own, .own), ("%live = less %j, %i", nil, nil), ("%live = less %j, 5", .first, nil),
      ("%live = less %i, 5", nil, .first), ("%live = greater_equal %j, %i", .own, .own),
      ("%a = divide %i, 8\n%b = divide %j, 8\n%c = equal %a, %b\n%d = less_equal %j, %i\n%live = and %c, %d", .own, .own),
      ("%d = subtract %i, %j\n%live = greater_equal %d, 3", nil, nil),
    ] as [(String, Witness?, Witness?)])
  func theseAreFound(_ lines: String, _ row: Witness?, _ key: Witness?) throws {
    let analysis = try MaskAnalysis(mask(lines))
    #expect(try analysis.emptyRows(hasOwnKeys: true) == row)
    #expect(try analysis.unseenKeys(hasOwnQueries: true) == key)
  }

  /// Indices and extents are not negative, so that a query sees the first key of a cache; a difference of extents may be negative.
  @Test(
    arguments: [
      ("%p = extent {value = [P]} : i32\n%last = add %i, %p\n%live = less_equal %j, %last", .first),
      ("%p = extent {value = [P + 1]} : i32\n%last = add %i, %p\n%live = less %j, %last", .first),
      ("%p = extent {value = [P]} : i32\n%last = add %i, %p\n%live = less %j, %last", nil),
      ("%p = extent {value = [P - 3]} : i32\n%last = add %i, %p\n%live = less_equal %j, %last", nil),
      ("%p = extent {value = [P]} : i32\n%last = subtract %p, %i\n%live = less_equal %j, %last", nil),
    ] as [(String, Witness?)])
  func extentsAreNotNegative(_ lines: String, _ row: Witness?) throws {
    #expect(try MaskAnalysis(mask(lines)).emptyRows(hasOwnKeys: false) == row)
  }

  /// Without a key at each query's place, only the first key is looked at.
  @Test func otherLengthsHaveNoOwnKeys() throws {
    #expect(try MaskAnalysis(mask("%live = less_equal %j, %i")).emptyRows(hasOwnKeys: false) == .first)
    #expect(try MaskAnalysis(mask("%live = equal %j, %i")).emptyRows(hasOwnKeys: false) == nil)
    #expect(try MaskAnalysis(mask("%live = equal %j, %i")).unseenKeys(hasOwnQueries: true) == .own)
  }
}
