import HeedIR
import HeedSchedule
import Testing

@Suite struct AttentionScheduleTests {
  /// Attention of 8 heads of their own keys, with the keys dense in memory, and lengths known at the call.
  private func problem(
    tile: TileSize? = nil, queries: Extent = "M", keys: Extent = "N", heads: Extent = 1, facts: [Fact] = []
  ) -> AttentionSchedule.Problem {
    AttentionSchedule.Problem(
      tile: tile, accumulator: .f32, factor: .f32, isStatistic: false, keysHaveFirst: false,
      extents: AttentionSchedule.Extents(
        queries: queries, keys: keys, groupRows: queries * heads, groupHeads: heads, depth: 64, valueWidth: 64, facts: facts),
      layout: AttentionSchedule.Layout(isRagged: false, isPaged: false, readsInPlace: true, packsValues: false))
  }

  private func schedule(
    on target: Target = .x86AVX512, _ problem: AttentionSchedule.Problem,
    _ change: (inout AttentionSchedule.Problem) -> Void = { _ in }
  ) -> AttentionSchedule {
    var changed = problem
    change(&changed)
    return AttentionSchedule(changed, on: target)
  }

  @Test(arguments: Target.all) func aTileIsOfWholePanels(target: Target) {
    for asked in [nil, TileSize(rows: 96, columns: 384), TileSize(rows: 1, columns: 1), TileSize(rows: 17, columns: 100)] {
      for element in [ElementType.f32, .f64] {
        let chosen = schedule(on: target, problem(tile: asked)) { $0.accumulator = element }
        #expect(chosen.panelWidth == 3 * target.lanes(of: element))
        #expect(chosen.tile.columns % chosen.panelWidth == 0 && chosen.tile.rows > 0)
        guard let asked else { continue }
        #expect(chosen.tile.rows == asked.rows)
        #expect((asked.columns..<asked.columns + chosen.panelWidth).contains(chosen.tile.columns))
      }
    }
  }

  @Test(arguments: Target.all, [1, 2, 7, 12, 16, 40, 96]) func granulesDivide(target: Target, rows: Int) {
    let chosen = schedule(on: target, problem(tile: TileSize(rows: rows, columns: 384)))
    let granule = chosen.granule
    #expect(chosen.tile.rows % granule.rows == 0 && chosen.panelWidth % granule.columns == 0)
    for size in [granule.rows, granule.columns] { #expect((1...16).contains(size) && size & (size - 1) == 0) }
    // No power of two that divides is left unused.
    #expect(granule.rows == 16 || chosen.tile.rows % (2 * granule.rows) != 0)
  }

  @Test func keysArePackedOnceUnlessAMaskSaysWhereTheyStart() {
    #expect(schedule(problem()).keys == .packed)
    guard case .bands(let bands) = schedule(problem(), { $0.keysHaveFirst = true }).keys else {
      Issue.record("a window runs in bands")
      return
    }
    #expect((2...AttentionSchedule.tilesOfGroup).contains(bands.tilesKept))
    // What a band keeps fits half of a second-level cache, two tiles at least.
    #expect(bands.tilesKept * 384 * 64 * 4 <= 1 << 19)
    let wide = schedule(problem()) { ($0.keysHaveFirst, $0.extents.depth) = (true, 4096) }
    guard case .bands(let few) = wide.keys else {
      Issue.record("a window runs in bands")
      return
    }
    #expect(few.tilesKept == 2)
  }

  @Test func bandsPackNoPagesAndServeNoStatistics() {
    #expect(schedule(problem()) { ($0.keysHaveFirst, $0.layout.isPaged) = (true, true) }.keys == .packed)
    #expect(schedule(problem()) { ($0.keysHaveFirst, $0.isStatistic) = (true, true) }.keys == .packed)
  }

  @Test func offsetsMakeSegments() {
    let ragged = schedule(problem()) { ($0.keysHaveFirst, $0.layout.isRagged) = (true, true) }
    #expect(ragged.keys == .segments && ragged.fewRows == .never)
    let decoding = schedule(problem(queries: 1)) { $0.layout.isRagged = true }
    #expect(decoding.keys == .segments && decoding.fewRows == .never)
  }

  @Test(arguments: [
    (1, 1, AttentionSchedule.Occurrence.always), (4, 4, .always), (16, 1, .always), (17, 1, .never), (1, 32, .never),
  ]) func fewRowsAreCountedByGroup(queries: Int, heads: Int, expected: AttentionSchedule.Occurrence) {
    let chosen = schedule(problem(queries: Extent(queries), heads: Extent(heads)))
    #expect(chosen.fewRows == expected)
    #expect((chosen.keys == .unused) == (expected == .always))
  }

  @Test func lengthsOfTheCallDecideAtTheCall() {
    #expect(schedule(problem()).fewRows == .sometimes)
    #expect(schedule(problem(heads: "G")).fewRows == .sometimes)
    #expect(schedule(problem(heads: 32)).fewRows == .never)
    #expect(schedule(problem(queries: 1)) { $0.keysHaveFirst = true }.keys == .unused)
  }

  /// As many keys as queries, by name or by a fact; scattered keys; statistics.
  @Test func someProblemsNeverHaveFewRows() {
    #expect(schedule(problem(queries: "S", keys: "S")).fewRows == .never)
    #expect(schedule(problem(facts: [.equal("M", "N")])).fewRows == .never)
    #expect(schedule(problem(queries: 1)) { $0.layout.readsInPlace = false }.fewRows == .never)
    #expect(schedule(problem(queries: 1)) { $0.isStatistic = true }.fewRows == .never)
  }

  @Test func descriptionsSayWhatIsDone() {
    #expect(
      schedule(problem(queries: "S", keys: "S")).description
        == "tiles of 96 x 384, granules of 16 x 16; all keys packed once in panels of 48")
    #expect(
      schedule(problem(queries: 1)).description
        == "as no call has more than 16 rows that share keys, parts of 1024 keys, read as they are stored")
  }
}
