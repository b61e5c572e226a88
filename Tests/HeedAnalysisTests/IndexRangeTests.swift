import HeedAnalysis
import HeedIR
import HeedTestSupport
import Testing

/// Keys of queries and queries of keys against all pairs.
@Suite struct IndexRangeTests {
  /// Every live pair of a block is inside of its range, in both directions: with and without tables, and where arithmetic wraps.
  @Test(arguments: 0..<6) func livePairsAreInside(_ part: Int) throws {
    var numbers = SeededGenerator(seed: UInt64(part))
    let length = 64
    var bounded = 0
    for seed in (part * 100)..<(part * 100 + 100) {
      let predicate = try RandomPredicate(
        seed: UInt64(seed), index: part % 2 == 0 ? .i32 : .i64, hasLargeConstants: part % 3 == 1, readsTables: part % 3 == 2)
      let analysis = try MaskAnalysis(predicate.function)
      let head = Int.random(in: 0..<3, using: &numbers)
      let terms = try analysis.uniformNumbers.map {
        Int(try $0.evaluate(batch: [head], query: 0, key: 0, tables: predicate.tables).integer)
      }
      let first = Int.random(in: 0..<length, using: &numbers)
      let block = first...min(first + Int.random(in: 0..<9, using: &numbers), length - 1)
      for (range, side) in [(analysis.keysOfQueries, IndexSide.key), (analysis.queriesOfKeys, .query)] where range.isBounded {
        bounded += 1
        let ends = try range.evaluate(block, count: length, batch: [head], terms: terms)
        for given in block {
          for solved in 0..<length where solved < ends.low ?? 0 || solved > ends.high ?? length {
            let (query, key) = side == .key ? (given, solved) : (solved, given)
            let isLive = try predicate.function.isLive(query, key, batch: [head], tables: predicate.tables)
            try #require(!isLive, "seed \(seed): (\(query), \(key)) outside of \(ends) of \(block)\n\(predicate.function)")
          }
        }
      }
    }
    #expect(bounded > 20, "\(bounded) ranges of 200 bounded")
  }

  /// The range of a comparison of linear forms ends at live pairs.
  @Test func linearComparisonsAreExact() throws {
    var numbers = SeededGenerator(seed: 7)
    for _ in 0..<200 {
      let (a, b) = (Int.random(in: -3...3, using: &numbers), Int.random(in: -3...3, using: &numbers))
      let c = Int.random(in: -20...20, using: &numbers)
      let op = ["less", "less_equal", "greater", "greater_equal"].randomElement(using: &numbers)!
      let region = try mask("%x = multiply %i, \(a)\n%y = multiply %j, \(b)\n%z = add %x, %y\n%live = \(op) %z, \(c)", index: "i64")
      let analysis = try MaskAnalysis(region)
      let first = Int.random(in: 0...20, using: &numbers)
      let block = first...first + Int.random(in: 0...5, using: &numbers)
      let window = -200...200
      for (range, side, slope) in [(analysis.keysOfQueries, IndexSide.key, b), (analysis.queriesOfKeys, .query, a)] {
        guard slope != 0 else { continue }
        let live = try window.filter { solved in
          try block.contains { side == .key ? try region.isLive($0, solved) : try region.isLive(solved, $0) }
        }
        let ends = try range.evaluate(block, count: 1000, batch: [0])
        // The other end of the half line is the window's.
        let isUpper = op.hasPrefix("less") == (slope > 0)
        #expect(isUpper ? ends == (nil, live.last) : ends == (live.first, nil), "\(side) of \(block)\n\(region)")
      }
    }
  }

  /// What well-known masks let a block see, either way.
  @Test(
    arguments: [
      ("%live = less_equal %j, %i", [nil, 15], [8, nil]),
      ("%a = less_equal %j, %i\n%d = subtract %i, %j\n%b = less %d, 4\n%live = and %a, %b", [5, 15], [8, 18]),
      ("%a = less_equal %j, %i\n%b = less %j, 20\n%live = or %a, %b", [nil, 19], [nil, nil]),
      ("%a = divide %i, 6\n%b = divide %j, 6\n%live = equal %a, %b", [6, 17], [6, 17]),
      ("%d = subtract %i, %j\n%m = remainder %d, 4\n%live = equal %m, 0", [nil, nil], [nil, nil]),
      ("%x = multiply %j, 2\n%y = add %i, %h\n%live = less %x, %y", [nil, 8], [15, nil]),
    ] as [(String, [Int?], [Int?])])
  func knownMasks(_ lines: String, _ keys: [Int?], _ queries: [Int?]) throws {
    let analysis = try MaskAnalysis(mask(lines))
    for (range, expected) in [(analysis.keysOfQueries, keys), (analysis.queriesOfKeys, queries)] {
      let ends = try range.evaluate(8...15, count: 100, batch: [2], terms: analysis.uniformNumbers.map { _ in 0 })
      #expect([ends.low, ends.high] == expected, "\(range.function)")
      #expect(range.hasLowerEnd == (expected[0] != nil) && range.isBounded == (expected != [nil, nil]))
    }
  }

  /// Where indices or terms are so large that arithmetic may wrap, the range is whole.
  @Test func largeNumbersAreNotFollowed() throws {
    let window = try MaskAnalysis(mask("%d = subtract %i, %j\n%a = less %d, 4\n%b = less_equal %j, %i\n%live = and %a, %b"))
    let ends = try window.keysOfQueries.evaluate((1 << 28)...(1 << 28), count: 1 << 29, batch: [0])
    #expect(ends == (0, 1 << 29))
    let length = try MaskAnalysis(mask("%n = element %lengths[%h]\n%live = less %j, %n", tables: ["%lengths: i32[3]"]))
    #expect(length.uniformNumbers.count == 1)
    #expect(try length.keysOfQueries.evaluate(0...7, count: 64, batch: [0], terms: [40]).high == 39)
    #expect(try length.keysOfQueries.evaluate(0...7, count: 64, batch: [0], terms: [1 << 50]).high == (1 << 40) - 1)
  }
}
