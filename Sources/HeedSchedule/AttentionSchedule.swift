package import HeedIR

/// How one attention op, or a statistic of its weights, runs on a target: what lowering carries out and does not decide.
///
/// The score matrix is covered by tiles. A task takes a block of rows, as high as a tile, through the tiles of its keys; calls with few
/// rows take all of them through parts of the keys instead. Every number here is chosen in this file, or by `choose-tiles` before it.
package struct AttentionSchedule: Hashable, Sendable {
  /// The queries and the keys of a tile.
  package let tile: TileSize
  /// The keys of a packed panel.
  package let panelWidth: Int
  /// The keys of a vector: the products of a panel end with the one that holds its last key.
  package let vectorWidth: Int
  /// The queries and the keys of a granule: the rectangles in which a tile is classified again where it stays open as a whole.
  package let granule: TileSize
  /// Where blocks of rows read their keys.
  package let keys: Keys
  /// Whether values are packed beside the keys: where products cannot read them as they are stored.
  package let packsValues: Bool
  /// Whether calls have few rows.
  package let fewRows: Occurrence

  /// The tiles that are classified together, a vector of them at a time.
  package static let tilesOfGroup = 64
  /// The granules whose bounds are kept together as well.
  package static let granulesOfGroup = 64
  /// The most queries and keys of a granule.
  private static let mostOfGranule = 16

  /// Where blocks of rows read their keys.
  package enum Keys: Hashable, Sendable {
    /// Packed into panels once per call, all of them.
    case packed
    /// Packed by each band of blocks of rows, those that it sees.
    case bands(Bands)
    /// Packed once per call, segment by segment; blocks of rows do not leave their segment.
    case segments
    /// Packed block by block, as high as a tile, by the task that owns the block: sums that belong to keys. The blocks of a head are dealt
    /// out to this many tasks, each with sums of queries of its own.
    case owned(partials: Int)
    /// Nowhere: all calls have few rows, which read the keys as they are stored.
    case unused
  }

  /// Bands of blocks of rows: for masks whose range of keys has a first one, as windows.
  package struct Bands: Hashable, Sendable {
    /// The tiles of keys that a band keeps packed.
    package let tilesKept: Int
    /// The most blocks of rows of a band.
    package static let mostBlocks = 32
    /// About how many bands a call should have at least, so that threads have enough to do.
    package static let leastBands = 64
    /// About the bytes of keys and values that a band keeps: half of a usual second-level cache.
    fileprivate static let bytesKept = 1 << 19
  }

  /// Whether something is so at no call, at some calls, or at every call.
  package enum Occurrence: Hashable, Sendable { case never, sometimes, always }

  /// Few rows: parts of the keys run in parallel and are combined in order. (Flash decoding: Dao et al. 2023.)
  package enum FewRows {
    /// The most rows, queries of all heads that share keys.
    package static let most = 16
    /// The keys of a part.
    package static let keysOfPart = 1024
    /// The keys whose values are multiplied at once: few enough for the first-level cache.
    package static let keysAtOnce = 32
  }

  /// The schedule of `problem` on `target`.
  package init(_ problem: Problem, on target: Target) {
    panelWidth = target.panelWidth(ofSums: problem.accumulator)
    vectorWidth = target.lanes(of: problem.accumulator)
    tile = Self.tile(problem.tile, panelWidth: panelWidth)
    granule = Self.granule(tile, panelWidth: panelWidth)
    packsValues = problem.layout.packsValues
    fewRows = Self.occurrenceOfFewRows(problem)
    if problem.layout.isRagged {
      keys = .segments
    } else if fewRows == .always {
      keys = .unused
    } else if !problem.isStatistic, !problem.layout.isPaged, problem.keysHaveFirst {
      let extents = problem.extents
      let bytesOfKey = (extents.depth + (packsValues ? extents.valueWidth : 0)) * problem.factor.byteCount
      let fitting = Bands.bytesKept / max(1, bytesOfKey * tile.columns)
      keys = .bands(Bands(tilesKept: max(2, min(Self.tilesOfGroup, fitting))))
    } else {
      keys = .packed
    }
  }

  /// About how many tasks a call should have at least, for sums over pairs.
  private static let leastTasks = 16
  /// The most tasks of a head, for sums over pairs: each has memory of its own for the sums of queries.
  private static let mostPartials = 4

  /// The schedule of an op on pairs, key-major.
  /// - Parameters:
  ///   - tile: the tile that is set on the op; nil where none is.
  ///   - batch: the extents of the batch dimensions.
  package init(pairs tile: TileSize?, accumulator: ElementType, batch: [Extent], keys extent: Extent, on target: Target) {
    panelWidth = target.panelWidth(ofSums: accumulator)
    vectorWidth = target.lanes(of: accumulator)
    self.tile = Self.tile(tile ?? TileSize(rows: 48, columns: 2 * panelWidth), panelWidth: panelWidth)
    granule = Self.granule(self.tile, panelWidth: panelWidth)
    (packsValues, fewRows) = (false, .never)
    // The number depends on shapes alone, and so do the bits.
    let heads = batch.compactMap(\.constant).reduce(1) { min($0 * min(max($1, 1), Self.leastTasks), Self.leastTasks) }
    let wanted = (Self.leastTasks - 1) / max(heads, 1) + 1
    let columns = self.tile.columns
    let blocks = extent.constant.map { max($0 - 1, 0) / columns + 1 } ?? Self.mostPartials
    keys = .owned(partials: min(wanted, blocks, Self.mostPartials))
  }

  /// The tile that is run where `tile` is asked for: whole panels, and without a choice about what `choose-tiles` takes.
  package static func tile(_ tile: TileSize?, panelWidth: Int) -> TileSize {
    let asked = tile ?? TileSize(rows: 96, columns: 8 * panelWidth)
    return TileSize(rows: max(1, asked.rows), columns: (asked.columns + panelWidth - 1) / panelWidth * panelWidth)
  }

  /// The granule of a tile: powers of two that divide its rows and a panel's keys.
  package static func granule(_ tile: TileSize, panelWidth: Int) -> TileSize {
    func greatestPower(dividing size: Int) -> Int {
      var power = mostOfGranule
      while size % power != 0 { power /= 2 }
      return power
    }
    return TileSize(rows: greatestPower(dividing: tile.rows), columns: greatestPower(dividing: panelWidth))
  }

  /// A call with as many queries as keys has few of both, and nothing to gain; nor has one that must gather what it reads.
  private static func occurrenceOfFewRows(_ problem: Problem) -> Occurrence {
    let (extents, layout) = (problem.extents, problem.layout)
    guard !problem.isStatistic, !layout.isRagged, layout.readsInPlace,
      !extents.keys.isEqual(to: extents.queries, given: extents.facts)
    else { return .never }
    if let rows = extents.groupRows.constant { return rows <= FewRows.most ? .always : .never }
    return extents.groupHeads.constant.map { $0 <= FewRows.most } ?? true ? .sometimes : .never
  }
}

extension AttentionSchedule: CustomStringConvertible {
  /// For people: what is done and why, `tiles of 48 x 384, granules of 16 x 16; all keys packed once in panels of 48`.
  package var description: String {
    var parts: [String] = []
    if keys != .unused { parts.append("tiles of \(tile), granules of \(granule)") }
    switch keys {
    case .packed: parts.append("all keys packed once in panels of \(panelWidth)")
    case .bands(let bands):
      parts.append(
        "as the keys of a block of rows have a first one, bands of up to \(Bands.mostBlocks) blocks pack those that they see in panels of "
          + "\(panelWidth), \(bands.tilesKept * tile.columns) at once")
    case .segments: parts.append("as offsets cut the rows into segments, keys packed segment by segment in panels of \(panelWidth)")
    case .owned(let partials):
      parts.append("each block of keys packed by the task that owns it in panels of \(panelWidth)")
      if partials > 1 { parts.append("the blocks of a head dealt out to \(partials) tasks, whose sums are added in order") }
    case .unused: break
    }
    if packsValues, keys != .unused { parts.append("values packed, as products cannot read them as they are stored") }
    switch fewRows {
    case .never: break
    case .sometimes:
      parts.append(
        "calls with up to \(FewRows.most) rows that share keys instead in parts of \(FewRows.keysOfPart) keys, read as they are stored"
      )
    case .always:
      parts.append(
        "as no call has more than \(FewRows.most) rows that share keys, parts of \(FewRows.keysOfPart) keys, read as they are stored"
      )
    }
    return parts.joined(separator: "; ")
  }
}
