import HeedIR
import HeedSchedule

/// What is made of the pairs that a task goes through.
protocol PairConsumer {
  /// Whether the rows of a tile are weighed by this operand's number: then infinities and NaN among them are looked for.
  func weighs(row operand: Int) -> Bool

  /// Before the tiles of a block of keys.
  func begin(_ keys: Span)
  /// At each pair of a tile, given what the region yields for it and whether it lives; nil for always.
  func take(_ yields: [BodyValue], isLive: BodyValue?, of tile: PairTile, at: [IntegerExpression], in body: inout BodyBuilder)
  /// After the pairs of a tile were taken.
  func finish(_ tile: PairTile)
  /// After the tiles of a block of keys.
  func end(_ keys: Span)
}

/// A tile of pairs: some rows, and the keys of a block that they can see.
struct PairTile {
  let batch: [IntegerExpression]
  let rows: Span
  let keys: Span
  /// How many keys of the block are before `keys`: whole panels.
  let skipped: IntegerExpression
}

/// The scratch memory of a task that takes blocks of keys through the queries that see them.
struct KeyBlocks {
  let kernel: PairOpKernel
  /// Products, then what is made of them: [rows, columns] each.
  let tiles: [Place]
  /// By operand, the rows of a tile: [rows, width].
  let rowTiles: [Int: Place]
  /// By operand, the block's keys as panels for products: [panels, width, keys of a panel].
  let panels: [Int: Place]
  /// By operand, the block's keys as they are weighed: [columns, width and a gap].
  let columnTiles: [Int: Place]
  /// Not 0 where an infinity or a NaN is among what is weighed: there a weight of 0 must not be multiplied.
  let areRowsOdd: Scalar
  let areColumnsOdd: Scalar

  private var builder: KernelBuilder { kernel.builder }
  private var element: ElementType { kernel.element }
  private var panelWidth: Int { kernel.schedule.panelWidth }

  /// - Parameter tileCount: the tiles that are made of products.
  init(_ kernel: PairOpKernel, tileCount: Int) {
    self.kernel = kernel
    let (builder, pairs, element) = (kernel.builder, kernel.pairs, kernel.element)
    let (rows, columns, panelWidth) = (kernel.schedule.tile.rows, kernel.schedule.tile.columns, kernel.schedule.panelWidth)
    func width(_ operand: Int) -> Int { kernel.tensors[operand]!.width }
    func places(_ operands: [Int], _ make: (Int) -> Place) -> [Int: Place] {
      Dictionary(uniqueKeysWithValues: Set(operands).sorted().map { ($0, make($0)) })
    }
    tiles = (0..<max(pairs.products.count, tileCount)).map { builder.tile(Name("tile\($0)"), element, [rows, columns]) }
    rowTiles = places(pairs.products.map(\.row) + pairs.sums.filter { !$0.isOfRow }.compactMap(\.operand)) {
      builder.tile(Name("rows\($0)"), element, [rows, width($0)])
    }
    panels = places(pairs.products.map(\.column)) {
      builder.tile(Name("panels\($0)"), element, [columns / panelWidth, width($0), panelWidth])
    }
    // Rows that are an odd number of cache lines apart do not share sets of the cache.
    let gap = 64 / element.byteCount
    columnTiles = places(pairs.sums.filter(\.isOfRow).compactMap(\.operand)) {
      builder.tile(Name("columns\($0)"), element, [columns, width($0) + gap])
    }
    areRowsOdd = builder.scalar("are_rows_odd", .i32)
    areColumnsOdd = builder.scalar("are_columns_odd", .i32)
  }

  /// Appends what is done with the blocks of keys of one head that a task owns.
  func emit(
    _ batch: [IntegerExpression], task: IntegerExpression, _ summaries: TermSummaries, _ consumer: some PairConsumer
  ) throws {
    let (size, keys) = (kernel.schedule.tile.columns, kernel.shape.keys)
    let blocks = IntegerExpression(keys.dividedRoundingUp(by: size))
    try builder.loop("block", from: task, to: blocks, step: kernel.partials) { number in
      let first = builder.define("j0", number * .constant(size))
      let count = builder.define("columns", .blockSize(keys, block: first, size: size))
      try emit(batch, Span(first: first, count: count), summaries, consumer)
    }
  }

  private func emit(
    _ batch: [IntegerExpression], _ keys: Span, _ summaries: TermSummaries, _ consumer: some PairConsumer
  ) throws {
    pack(batch, keys)
    consumer.begin(keys)
    let queries = Span(first: 0, count: IntegerExpression(kernel.shape.queries))
    try TraversalEmitter(kernel, .keyMajor, PairBlock(batch: batch, queries: queries, keys: keys), summaries) { visited in
      let tile = try tile(batch, Span(first: builder.define("i", visited.first), count: visited.count), keys)
      load(tile, consumer)
      multiply(tile)
      builder.branch(visited.isOpen) {
        take(tile, isOpen: true, consumer)
      } otherwise: {
        take(tile, isOpen: false, consumer)
      }
      consumer.finish(tile)
    }.emit()
    consumer.end(keys)
  }

  /// The pairs of some rows with those keys of a block that they can see.
  private func tile(_ batch: [IntegerExpression], _ rows: Span, _ keys: Span) throws -> PairTile {
    let seen = try kernel.range(.queryMajor, of: PairBlock(batch: batch, queries: rows, keys: keys))
    guard seen.isBounded else { return PairTile(batch: batch, rows: rows, keys: keys, skipped: 0) }
    let first = builder.define("seen", keys.first + seen.first)
    return PairTile(
      batch: batch, rows: rows, keys: Span(first: first, count: builder.define("count", seen.end - seen.first)),
      skipped: seen.first)
  }

  // MARK: Loading

  /// Notes in `odd` whether a value that is weighed is an infinity or a NaN.
  private func look(at value: BodyValue, _ odd: Scalar, in body: inout BodyBuilder) {
    let isOdd = body.apply(.notEqual, body.apply(.subtract, value, value), body.constant(0, element))
    body.accumulate(.maximum, body.apply(.convert, isOdd, type: .i32), odd.access)
  }

  /// The keys of a block in scratch memory.
  private func pack(_ batch: [IntegerExpression], _ keys: Span) {
    let rank = kernel.shape.batchRank
    for (operand, place) in panels.sorted(by: { $0.key < $1.key }) {
      let tensor = kernel.tensors[operand]!
      builder.map([
        ("p", keys.count.ceilingDivided(by: panelWidth)), ("d", .constant(tensor.width)), ("c", .constant(panelWidth)),
      ]) { body, at in
        let key = keys.first + at[0] * .constant(panelWidth) + at[2]
        let value = body.load(tensor.rows.access(batch + [key, at[1]], guarded: [rank]), element, otherwise: Literal(0.0))
        body.store(value, Access(place, at[0], at[1], at[2]))
      }
    }
    builder.set(areColumnsOdd, 0)
    for (operand, place) in columnTiles.sorted(by: { $0.key < $1.key }) {
      let tensor = kernel.tensors[operand]!
      builder.map([("c", keys.count), ("e", .constant(tensor.width))]) { body, at in
        let value = body.load(tensor.rows.access(batch + [keys.first + at[0], at[1]]), element)
        body.store(value, Access(place, at[0], at[1]))
        look(at: value, areColumnsOdd, in: &body)
      }
    }
  }

  /// The rows of a tile in scratch memory.
  private func load(_ tile: PairTile, _ consumer: some PairConsumer) {
    builder.set(areRowsOdd, 0)
    for (operand, place) in rowTiles.sorted(by: { $0.key < $1.key }) {
      let tensor = kernel.tensors[operand]!
      builder.map([("r", tile.rows.count), ("d", .constant(tensor.width))]) { body, at in
        let value = body.load(tensor.rows.access(tile.batch + [tile.rows.first + at[0], at[1]]), element)
        body.store(value, Access(place, at[0], at[1]))
        if consumer.weighs(row: operand) { look(at: value, areRowsOdd, in: &body) }
      }
    }
  }

  // MARK: Pairs

  /// The products of a tile.
  private func multiply(_ tile: PairTile) {
    for (number, (row, column)) in kernel.pairs.products.enumerated() {
      kernel.contractPanels(tile.keys.count) { columns in
        let (rowDimension, r) = builder.dimension("r", tile.rows.count)
        let (depth, d) = builder.dimension("d", .constant(kernel.tensors[row]!.width))
        var store = BodyBuilder(parameters: [ScalarFunction.Parameter("product", element)])
        store.store(BodyValue(0), Access(tiles[number], r, columns.key))
        return Contraction(
          rows: rowDimension, columns: columns.dimensions, over: [depth], left: Access(rowTiles[row]!, r, d),
          right: Access(panels[column]!, tile.skipped / .constant(panelWidth) + columns.panel, d, columns.inPanel),
          accumulator: element, epilogue: store.finish())
      }
    }
  }

  private func take(_ tile: PairTile, isOpen: Bool, _ consumer: some PairConsumer) {
    builder.map([("r", tile.rows.count), ("c", tile.keys.count)]) { body, at in
      let products = kernel.pairs.products.indices.map { body.load(Access(tiles[$0], at[0], at[1]), element) }
      let indices = tile.batch + [tile.rows.first + at[0], tile.keys.first + at[1]]
      let yields = kernel.inlineAll(kernel.region, products, indices, in: &body)
      let isLive = isOpen ? kernel.inline(kernel.mask.condition, [], indices, in: &body) : nil
      consumer.take(yields, isLive: isLive, of: tile, at: at, in: &body)
    }
  }
}
