import HeedAnalysis
import HeedIR
import HeedSchedule

/// The schedules of many rows: a task takes blocks of query rows through the tiles of their keys.
struct RowBlocks {
  let sum: WeightedSum
  let summaries: TermSummaries
  /// Whether live tiles are only counted.
  let classifiesOnly: Bool

  private var kernel: ScoreKernel { sum.kernel }
  private var builder: KernelBuilder { sum.builder }
  private var shape: AttentionShape { sum.shape }
  private var rowBlock: Int { sum.schedule.tile.rows }

  private func visitor() -> any RowBlockVisitor {
    classifiesOnly ? TileCounter(sum: sum, summaries: summaries) : OnlineSoftmax(sum: sum, summaries: summaries)
  }

  /// The phase in which each block of rows meets all keys, which are packed.
  func emit(_ packed: PackedKeys, when condition: IntegerExpression?) throws {
    let (domain, indices) = kernel.batchDomain(Array(0..<shape.batchRank))
    let (blocks, block) = builder.dimension("t", IntegerExpression(shape.queries.dividedRoundingUp(by: rowBlock)))
    try builder.phase("attend", domain + [blocks], when: condition) {
      let first = builder.define("i0", block * .constant(rowBlock))
      let count = builder.define("rows", .blockSize(shape.queries, block: first, size: rowBlock))
      let at = PairBlock(
        batch: indices, queries: Span(first: first, count: count), keys: Span(first: 0, count: IntegerExpression(shape.keys)),
        packed: packed.at(shape.panelDimensions.map { indices[$0] }))
      try visitor().emit(at)
    }
  }

  /// The phase in which each block of rows meets the keys of its segment.
  /// - Parameter table: the segment of each block of rows, or -1.
  func emit(segments table: Place, _ packed: PackedKeys) throws {
    let (domain, indices) = kernel.batchDomain(Array(0..<shape.batchRank))
    let (blocks, block) = builder.dimension("t", IntegerExpression(kernel.segmentBlocks))
    let panelWidth = IntegerExpression.constant(sum.schedule.panelWidth)
    try builder.phase("attend", domain + [blocks]) {
      let segment = builder.define("s", .load(Access(table, block)))
      try builder.branch(.apply(.lessEqual, 0, segment)) {
        let span = kernel.segmentSpan(segment)
        let size = IntegerExpression.constant(rowBlock)
        let local = builder.define("local", (block - span.first / size - segment) * size)
        let count = builder.define("rows", .smaller(span.count - local, size))
        let first = builder.define("i0", span.first + local)
        let firstPanel = builder.define("first_panel", span.first / panelWidth + segment)
        let at = PairBlock(
          batch: indices, queries: Span(first: first, count: count), keys: span, firstPanel: firstPanel,
          packed: packed.at(shape.panelDimensions.map { indices[$0] }))
        try visitor().emit(at)
      }
    }
  }

  /// The phase in which bands of blocks of rows go in order, each over the keys that it packs for itself.
  ///
  /// A band keeps the keys that it packed last in scratch memory, some tiles of them: where the keys of a block of rows are not all there,
  /// those from its first one are packed, up to the last that the band sees. So nothing else is as large as the keys.
  func emit(_ bands: AttentionSchedule.Bands, when condition: IntegerExpression?) throws {
    typealias Bands = AttentionSchedule.Bands
    let (domain, indices) = kernel.batchDomain(shape.panelDimensions)
    let blockCount = IntegerExpression(shape.queries.dividedRoundingUp(by: rowBlock))
    let all = shape.panelDimensions.reduce(blockCount) { $0 * IntegerExpression(shape.batch[$1]) }
    let size = IntegerExpression.apply(.maximum, .smaller(all / .constant(Bands.leastBands), .constant(Bands.mostBlocks)), 1)
    let (bandDomain, bandIndex) = builder.dimension("band", (blockCount + size - 1) / size)
    try builder.phase("attend", domain + [bandDomain], when: condition) {
      let length = builder.define("size", size)
      let first = builder.define("t0", bandIndex * length)
      let end = builder.define("t1", .smaller(first + length, blockCount))
      let panels = bands.tilesKept * sum.schedule.tile.columns / sum.schedule.panelWidth
      let packed = sum.packing.tiles(panels: panels)
      let band = try Band(
        self, packed, tilesKept: bands.tilesKept, panelIndices: indices, queries: bandQueries(first, end))
      try builder.loop("t", from: first, to: end) { t in try emitBlock(t, of: band) }
    }
  }

  /// The queries of the blocks from `first` to below `end`.
  private func bandQueries(_ first: IntegerExpression, _ end: IntegerExpression) -> Span {
    let size = IntegerExpression.constant(rowBlock)
    return Span(
      first: first * size, count: .smaller((end - first) * size, IntegerExpression(shape.queries) - first * size))
  }

  /// A block of rows of each head that shares the band's keys.
  private func emitBlock(_ number: IntegerExpression, of band: Band) throws {
    var batch = shape.batchIndices(ofPanels: band.panelIndices)
    func emitHeads(_ rest: ArraySlice<Int>) throws {
      guard let dimension = rest.first else {
        let first = builder.define("i0", number * .constant(rowBlock))
        let count = builder.define("rows", .blockSize(shape.queries, block: first, size: rowBlock))
        let at = PairBlock(
          batch: batch, queries: Span(first: first, count: count), keys: Span(first: 0, count: IntegerExpression(shape.keys)),
          packed: band.packed)
        return try visitor().emit(at, in: band)
      }
      try builder.loop(Name("b\(dimension)"), to: IntegerExpression(shape.batch[dimension])) { index in
        batch[dimension] = index
        try emitHeads(rest.dropFirst())
      }
    }
    try emitHeads(shape.groupDimensions[...])
  }
}

/// What is done with the tiles of a block of rows.
protocol RowBlockVisitor {
  var sum: WeightedSum { get }
  var summaries: TermSummaries { get }

  /// Whether the keys must be packed.
  var readsKeys: Bool { get }

  /// Appends the statements of a block.
  /// - Parameter visit: appends those that go through its tiles.
  func emit(_ at: PairBlock, _ visit: TileVisit) throws
}

/// Appends the statements that go through the tiles of a block.
/// - Parameters:
///   - attendsAll: a condition, whether the mask is not asked; nil where it always is.
///   - attend: what is done with each tile.
typealias TileVisit = (_ attendsAll: IntegerExpression?, _ attend: @escaping (KeyTile) throws -> Void) throws -> Void

extension RowBlockVisitor {
  /// A block of rows whose keys are packed.
  func emit(_ at: PairBlock) throws {
    let width = IntegerExpression.constant(sum.schedule.panelWidth)
    try emit(at) { attendsAll, attend in
      try TraversalEmitter(sum.kernel, .queryMajor, at, summaries, attendsAll: attendsAll) { tile in
        try attend(
          KeyTile(firstKey: tile.first, firstPanel: at.firstPanel + tile.first / width, columns: tile.count, isOpen: tile.isOpen))
      }.emit()
    }
  }

  /// A block of rows whose keys are packed by its band.
  func emit(_ at: PairBlock, in band: Band) throws {
    let width = IntegerExpression.constant(sum.schedule.panelWidth)
    try emit(at) { attendsAll, attend in
      var packedKey: IntegerExpression = 0
      try TraversalEmitter(sum.kernel, .queryMajor, at, summaries, attendsAll: attendsAll) { first, end in
        if readsKeys { packedKey = band.pack(first, end) }
      } visit: { tile in
        try attend(
          KeyTile(firstKey: tile.first, firstPanel: (tile.first - packedKey) / width, columns: tile.count, isOpen: tile.isOpen))
      }.emit(tilesOfGroup: band.tilesKept)
    }
  }
}
