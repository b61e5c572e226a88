import HeedAnalysis
import HeedIR
import Testing

@Suite struct MaskAnalysisTests {
  @Test func masksAreBooleanFunctionsOfIndices() throws {
    var number = ScalarFunction(parameters: [.init("i", .i32), .init("j", .i32)])
    number.results = [ScalarValue(0)]
    #expect(throws: HeedError.self) { try MaskAnalysis(number) }
    var one = ScalarFunction(parameters: [.init("i", .i32)])
    one.results = [one.constant(Literal(true), .bool)]
    #expect(throws: HeedError.self) { try MaskAnalysis(one) }
    #expect(try MaskAnalysis(mask("%live = constant true : bool")).isAlwaysTrue)
    #expect(try !MaskAnalysis(mask("%live = less_equal %j, %i")).isAlwaysTrue)
  }

  /// Over a rectangle on the diagonal the causal part is open, far below it the window.
  @Test func openPartsAreNamed() throws {
    let analysis = try MaskAnalysis(
      mask("%a = less_equal %j, %i\n%d = subtract %i, %j\n%b = less %d, 100\n%live = and %a, %b"))
    #expect(analysis.conjuncts.map(\.formula) == ["j <= i", "i - j < 100"])
    func open(_ queries: ClosedRange<Int>, _ keys: ClosedRange<Int>) throws -> [Int] {
      try analysis.openConjuncts(queries: queries, keys: keys, batch: [0])
    }
    #expect(try open(0...15, 0...15) == [0])
    #expect(try open(100...115, 0...15) == [1])
    #expect(try open(50...60, 0...15) == [])
    #expect(try open(0...200, 0...200) == [0, 1])
  }

  // MARK: How live pairs lie

  /// The live keys of rows at a length of 2048, but for the first and the last quarter, counted one by one.
  private func liveKeys(_ region: ScalarFunction) throws -> Double {
    let rows = stride(from: 512, to: 1568, by: 32)
    let count = try rows.reduce(0) { sum, i in try sum + (0..<2048).count { try region.isLive(i, $0) } }
    return Double(count) / Double((1568 - 512) / 32)
  }

  @Test(arguments: [
    "%live = less_equal %j, %i", "%a = less_equal %j, %i\n%d = subtract %i, %j\n%b = less %d, 200\n%live = and %a, %b",
    "%a = divide %i, 128\n%b = divide %j, 128\n%live = equal %a, %b", "%live = less %j, 100",
    "%d = subtract %i, %j\n%m = absolute %d\n%live = less %m, 32",
  ]) func liveKeysAreCounted(_ lines: String) throws {
    let region = try mask(lines)
    let profile = try #require(try MaskAnalysis(region).profile(rowBlocks: [96, 24]))
    let counted = try liveKeys(region)
    #expect(abs(profile.liveKeys - counted) < 0.05 * counted + 8, "\(profile.liveKeys), counted \(counted)")
    #expect(profile.isComplete)
    #expect(profile.span(rows: 96) >= profile.span(rows: 24) && profile.span(rows: 24) >= profile.liveKeys - 8)
  }

  /// From a granule's first key to the last one's.
  @Test func spansAreThoseOfBlocks() throws {
    let window = try mask("%a = less_equal %j, %i\n%d = subtract %i, %j\n%b = less %d, 64\n%live = and %a, %b")
    let profile = try #require(try MaskAnalysis(window).profile(rowBlocks: [16, 64]))
    // Rows 16 n ... 16 n + 15 see the keys from 16 n - 63 on, whose granule begins at 16 n - 64.
    #expect(profile.span(rows: 16) == 80 && profile.span(rows: 64) == 128)
    #expect(profile.waste(rows: 64, panel: 48, vector: 16) == (128 + 24 + 8) / profile.liveKeys)
  }

  /// Where the length is known, all its blocks count: the last one may be short.
  @Test func shortLengthsAreGoneOverWhole() throws {
    let profile = try #require(try MaskAnalysis(mask("%live = less_equal %j, %i")).profile(rowBlocks: [48, 16], length: 64))
    #expect(profile.liveKeys == 32.5)
    // 48 rows that see 48 keys, and 16 that see 64; four times 16 rows that see 16, 32, 48 and 64.
    #expect(profile.span(rows: 48) == 52)
    #expect(profile.span(rows: 16) == 40)
    // All blocks but the last end before the last key.
    let waste: Double = profile.waste(rows: 16, panel: 48, vector: 16)
    #expect(waste == 46 / 32.5)
  }

  /// Tables that the mask does not read do not hide it; of parts that read tables the others are known.
  @Test func tablesHideOnlyWhatReadsThem() throws {
    let causal = "%a = less_equal %j, %i"
    let unread = try MaskAnalysis(mask("\(causal)\n%live = and %a, %a", tables: ["%slopes: f32[3]"]))
    #expect(try unread.profile(rowBlocks: [96])?.isComplete == true)
    let read = try MaskAnalysis(
      mask(
        "\(causal)\n%x = element %kinds[%i]\n%y = element %kinds[%j]\n%b = equal %x, %y\n%live = and %a, %b",
        tables: ["%kinds: i32[M]"]))
    let (known, whole) = (try #require(try read.profile(rowBlocks: [96])), try #require(try unread.profile(rowBlocks: [96])))
    #expect(!known.isComplete && known.liveKeys == whole.liveKeys && known.span(rows: 96) == whole.span(rows: 96))
  }

  @Test func masksWithoutLivePairsHaveNoProfile() throws {
    #expect(try MaskAnalysis(mask("%live = less %j, 0")).profile(rowBlocks: [96]) == nil)
  }
}
