import HeedAnalysis
import HeedIR
import HeedSchedule

extension GraphPass {
  /// `choose-tiles` sets the sizes of the blocks that products are computed in, for the caches of the target.
  ///
  ///     %o = attention %q, %k, %v ... : f32[B, 8, S, 64]
  /// becomes, for AVX-512
  ///     %o = attention %q, %k, %v ... {tile = [96, 384]} : f32[B, 8, S, 64]
  ///
  /// Legal because a tile has no influence on an op's meaning. Rows are a multiple of the register tile's 8, columns of the width of a
  /// packed panel, which is three vectors: sums of 8 rows and 3 vectors fill the registers of AVX-512 and are a few
  /// instructions on smaller machines. A tile that is set already stays; one that `heed tune` found comes before the model's.
  public static let chooseTiles = GraphPass(
    "choose-tiles", summary: "choose block sizes for the caches of the target"
  ) { graph, context in
    var rewriter = GraphRewriter(graph)
    let chooser = TileChooser(target: context.target)
    for node in graph.body {
      let isOpen = graph.attributes(node)[.tile] == nil
      guard isOpen, let choice = chooser.choose(graph, node) else {
        rewriter.copy(node)
        continue
      }
      let (key, model) = (graph.tileKey(node), TileSize(rows: choice.rows, columns: choice.columns))
      let tuned = context.tunedTiles.entry(key, model: model)
      let tile = tuned?.tile ?? model
      let new = try rewriter.result.append(
        graph.op(node), graph.operands(node).map { rewriter($0) },
        attributes: graph.attributes(node).all + [Attribute(.tile, [tile.rows, tile.columns])],
        regions: Array(graph.regions(node)))
      let value = rewriter.result.results(new)[0]
      for (from, to) in zip(graph.results(node), rewriter.result.results(new)) { rewriter.replace(from, with: to) }
      context.remark(.note, value, in: rewriter.result, tuned.map(Self.reason) ?? choice.reason)
      context.tileChoices.append(
        TileChoice(label: rewriter.result.label(value), key: key, tile: tile, model: model, steps: chooser.steps(graph, node)))
    }
    graph = rewriter.finish()
  }

  /// Why a tile that was measured was taken.
  private static func reason(_ entry: TunedTiles.Entry) -> String {
    let share = Int((100 * (entry.gain - 1)).rounded())
    return entry.tile == entry.model
      ? "tiles of \(entry.tile): the model's choice, and heed tune found none better"
      : "tiles of \(entry.tile): heed tune measured them \(share) % faster than the model's \(entry.model)"
  }
}

/// Chooses blocks by what must stay in the second-level cache of one core.
private struct TileChooser {
  let target: Target

  struct Choice {
    var rows: Int
    var columns: Int
    var reason: String
  }

  private static let registerRows = 8
  private static let mostRows = 96
  /// What it costs a block to read its keys and values, in rows of products: measured, blocks of 48 rows take 2 % longer a row than
  /// blocks of 96, those of 24 take 5 % longer.
  private static let rowsWorthOfReading = 1.8
  /// The most panels of weights in a block of a linear layer: enough to read the rows seldom, few enough for many blocks.
  private static let panelsOfBlock = 4
  /// What a dimension whose length is not known counts as.
  private static let typicalWidth = 128

  func choose(_ graph: Graph, _ node: NodeID) -> Choice? {
    switch graph.op(node) {
    case .attention: attention(graph, node)
    case .linear: linear(graph, node)
    default: nil
    }
  }

  /// What a tile's rows and columns should be multiples of.
  func steps(_ graph: Graph, _ node: NodeID) -> TileSize {
    TileSize(rows: Self.registerRows, columns: panel(graph.type(graph.operands(node).first!).element))
  }

  /// The columns of a packed panel: three vectors of sums.
  private func panel(_ element: ElementType) -> Int { 3 * target.lanes(of: element == .f64 ? .f64 : .f32) }

  /// A block of scores, the keys and values of its columns, the queries and sums of its rows: two thirds of the cache.
  private func attention(_ graph: Graph, _ node: NodeID) -> Choice {
    let types = graph.operands(node).prefix(3).map(graph.type)
    let (element, rank) = (types[0].element, types[0].rank)
    let widths = (types[0].shape[rank - 1].constant ?? Self.typicalWidth) + (types[2].shape[rank - 1].constant ?? Self.typicalWidth)
    let panel = panel(element)
    let (most, why) = mostRows(graph.regions(node).last!, panel)
    let rows = blockOfRows(types[0].shape[rank - 2], atMost: most)
    let budget = target.caches.level2 / 3 * 2 / element.byteCount
    let fitting = (budget - rows * widths) / (rows + widths)
    let columns = blockOfColumns(types[1].shape[rank - 2], panel: panel, atMost: min(fitting, 384))
    let bytes = (rows * columns + (rows + columns) * widths) * element.byteCount
    return Choice(
      rows: rows, columns: columns,
      reason:
        "tiles of \(rows) x \(columns) keep \(kibibytes(bytes)) in a second-level cache of \(kibibytes(target.caches.level2)) on \(target)"
        + (why.map { "; \($0)" } ?? ""))
  }

  /// The rows of a block under a mask, and why: more rows read keys and values less often, fewer waste less of the rectangle that they
  /// span with their live keys.
  private func mostRows(_ live: ScalarFunction, _ panel: Int) -> (rows: Int, why: String?) {
    guard let mask = try? MaskAnalysis(live), !mask.isAlwaysTrue else { return (Self.mostRows, nil) }
    let sizes = [Self.mostRows, Self.mostRows / 2, Self.mostRows / 4]
    let unknown = live.readTables.map { "%\(live.tables[$0].name)" }.joined(separator: " and ")
    guard unknown.isEmpty else {
      return (Self.mostRows / 2, "the mask reads \(unknown), not known before the call: half as many rows as without one")
    }
    guard let profile = try? mask.profile(rowBlocks: sizes) else {
      return (Self.mostRows / 2, "the mask has no live pairs: half as many rows as without one")
    }
    func cost(_ rows: Int) -> Double { profile.waste(rows: rows, panel: panel) * (1 + Self.rowsWorthOfReading / Double(rows)) }
    let best = sizes.min { cost($0) < cost($1) }!
    let waste = Int((100 * (profile.waste(rows: best, panel: panel) - 1)).rounded())
    return (best, "with about \(Int(profile.liveKeys)) live keys a row, blocks of so many rows compute \(waste) % of pairs in vain")
  }

  /// A block of rows and the packed weights of one panel, over as much of the depth as fits with enough rows. Each row block is read
  /// for as many panels as `panelsOfBlock`.
  private func linear(_ graph: Graph, _ node: NodeID) -> Choice {
    let inputs = graph.inputs(node)
    let subscripts = graph.attributes(node).required(.subscripts)
    let (left, right) = (graph.type(inputs[0]), graph.type(inputs[1]))
    func extent(_ letter: Character?) -> Extent {
      guard let letter else { return 1 }
      if let position = subscripts.right.firstIndex(of: letter) { return right.shape[position] }
      return left.shape[subscripts.left.firstIndex(of: letter)!]
    }
    let depth = subscripts.over.reduce(1) { $0 * max(1, extent($1).constant ?? Self.typicalWidth) }
    let element = left.element
    let panel = panel(element)
    let blocks = ProductBlocks(
      rows: extent(subscripts.leftFree.last).constant, depth: depth, panel: panel, byteCount: element.byteCount, on: target)
    let columns = blockOfColumns(extent(subscripts.rightFree.last), panel: panel, atMost: Self.panelsOfBlock * panel)
    return Choice(
      rows: blocks.rows, columns: columns,
      reason:
        "tiles of \(blocks.rows) x \(columns)\(blocks.depth.map { " and a depth of \($0) at once" } ?? ""): the rows and \(panel) "
        + "columns of weights take \(kibibytes(blocks.bytes)) of a second-level cache of \(kibibytes(target.caches.level2)) on \(target)"
    )
  }

  private func blockOfRows(_ extent: Extent, atMost most: Int = Self.mostRows) -> Int {
    guard let rows = extent.constant, rows < most else { return most }
    return max(1, rows < Self.registerRows ? rows : roundedUp(rows, to: Self.registerRows))
  }

  /// The most panels that fit, at least one; where the extent is known, of about equal number in each block.
  private func blockOfColumns(_ extent: Extent, panel: Int, atMost limit: Int) -> Int {
    let most = max(1, limit / panel)
    guard let columns = extent.constant else { return most * panel }
    let panels = max(1, roundedUp(columns, to: panel) / panel)
    let blocks = (panels + most - 1) / most
    return (panels + blocks - 1) / blocks * panel
  }

  private func roundedUp(_ value: Int, to multiple: Int) -> Int { (value + multiple - 1) / multiple * multiple }

  private func kibibytes(_ bytes: Int) -> String { "\((bytes + 1023) / 1024) KiB" }
}
