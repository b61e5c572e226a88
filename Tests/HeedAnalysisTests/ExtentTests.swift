import HeedAnalysis
import HeedIR
import HeedTestSupport
import Testing

/// Extents in masks: numbers that a call knows.
@Suite struct ExtentTests {
  private static let past = Extent(symbol: "N") - Extent(symbol: "M")

  /// A random predicate with `N - M` in place of its batch index.
  private static func mask(of predicate: ScalarFunction) throws -> ScalarFunction {
    let indices = Array(predicate.parameters.dropFirst())
    var builder = FunctionBuilder(parameters: indices, tables: predicate.tables)
    let arguments = [builder.extent(past, predicate.parameters[0].type), builder.parameter(0), builder.parameter(1)]
    return builder.finish(builder.inline(predicate, arguments))
  }

  /// What is said of a mask with an extent holds for every value of the extent, large ones among them.
  @Test(arguments: 0..<4) func claimsAreSound(_ part: Int) throws {
    var numbers = SeededGenerator(seed: UInt64(part))
    let (index, isLarge) = (part % 2 == 0 ? ElementType.i32 : .i64, part < 2)
    var (decided, bounded) = (0, 0)
    for seed in (part * 200)..<(part * 200 + 200) {
      let predicate = try RandomPredicate(seed: UInt64(seed), index: index, hasLargeConstants: isLarge)
      let analysis = try MaskAnalysis(Self.mask(of: predicate.function))
      for _ in 0..<4 {
        let values = [0, 1, 7, -5, 40] + (isLarge ? [1 << 27, -(1 << 27) - 1, (1 << 31) - 3, -(1 << 31)] : [])
        let past = values.randomElement(using: &numbers)!
        let binding: [Name: Int] = ["M": 64, "N": 64 + past]
        let (query, key) = (Int.random(in: 0..<60, using: &numbers), Int.random(in: 0..<60, using: &numbers))
        let (queries, keys) = (query...query + Int.random(in: 0..<9, using: &numbers), key...key + 8)
        let verdict = try analysis.interval.verdict(queries: queries, keys: keys, batch: [], binding: binding)
        let terms = try analysis.uniformNumbers.map {
          Int(try $0.evaluate(batch: [], query: 0, key: 0, tables: [], binding: binding).integer)
        }
        let ends = try analysis.keysOfQueries.evaluate(queries, count: 80, terms: terms, binding: binding)
        decided += verdict.canHold != verdict.canFail ? 1 : 0
        bounded += analysis.keysOfQueries.isBounded ? 1 : 0
        for query in queries {
          for key in 0..<80 {
            // The extent wraps as the index type does.
            let isLive = try predicate.function.isLive(query, key, batch: [Int(index.wrap(Int64(past)))])
            let isClaimed = keys.contains(key) && !(isLive ? verdict.canHold : verdict.canFail)
            let isOutside = isLive && (key < ends.low ?? 0 || key > ends.high ?? 80)
            try #require(
              !isClaimed && !isOutside, "seed \(seed), \(binding): (\(query), \(key)), \(verdict), \(ends)\n\(predicate.function)")
          }
        }
      }
    }
    #expect(decided > (isLarge ? 20 : 200) && bounded > 40, "\(decided) rectangles decided, \(bounded) ranges bounded")
  }

  /// Extents are no terms: nothing has to be read before rectangles are asked for.
  @Test func extentsAreKnown() throws {
    var builder = FunctionBuilder(parameters: [.init("i", .i32), .init("j", .i32)])
    let half = builder.apply(.divide, builder.extent(Self.past, .i32), builder.constant(Literal(2), .i32))
    let end = builder.apply(.add, builder.parameter(0), half)
    let analysis = try MaskAnalysis(builder.finish([builder.apply(.lessEqual, builder.parameter(1), end)]))
    #expect(analysis.terms.isEmpty && analysis.interval.isExact)
    #expect(try analysis.keysOfQueries.evaluate(0...7, count: 64, binding: ["N": 30, "M": 10]).high == 17)
    // Lengths are the same where none is known: half the keys live.
    let profile = try #require(try analysis.profile(rowBlocks: [96]))
    #expect(profile.isComplete && (1000...1100).contains(profile.liveKeys))
    // More queries than keys: rows may be empty.
    #expect(try analysis.emptyRows(hasOwnKeys: true) == nil)
  }

  /// A float that is made of an extent, and a number that may wrap, are computed as they are.
  @Test func otherNumbersAreTerms() throws {
    var builder = FunctionBuilder(parameters: [.init("i", .i32), .init("j", .i32)])
    let (n, m) = (builder.extent(Extent(symbol: "N"), .i32), builder.extent(Extent(symbol: "M"), .i32))
    let isNear = builder.apply(.less, builder.parameter(1), builder.apply(.multiply, n, m))
    let root = builder.apply(.sqrt, builder.apply(.convert, n, type: .f32))
    let isLate = builder.apply(.less, root, builder.constant(8, .f32))
    let terms = try MaskAnalysis(builder.finish([builder.apply(.and, isNear, isLate)])).terms
    #expect(terms.map(\.side) == [.uniform, .uniform])
    let values = try terms.map { try $0.evaluate(batch: [], query: 0, key: 0, tables: [], binding: ["N": 64, "M": 2]) }
    #expect(values == [Literal(128), Literal(false)])
  }
}
