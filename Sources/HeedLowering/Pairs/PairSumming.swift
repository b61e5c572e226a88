import HeedIR

/// Adds up weights, and what they weigh, for each query and each key.
struct PairSumming: PairConsumer {
  /// The place of a query's sum, and of a component of it.
  typealias RowSum = (_ sum: Int, _ query: IntegerExpression, _ component: IntegerExpression?) -> Access

  private let blocks: KeyBlocks
  private let batch: [IntegerExpression]
  private let rowSum: RowSum
  /// By sum, what belongs to the block's keys: [columns, width], or [columns].
  private let columnSums: [Int: Place]

  private var kernel: PairOpKernel { blocks.kernel }
  private var builder: KernelBuilder { kernel.builder }
  private var element: ElementType { kernel.element }

  init(_ blocks: KeyBlocks, batch: [IntegerExpression], rowSum: @escaping RowSum) {
    (self.blocks, self.batch, self.rowSum) = (blocks, batch, rowSum)
    let kernel = blocks.kernel
    columnSums = Dictionary(
      uniqueKeysWithValues: kernel.numbers(ofRows: false).map { sum in
        let shape = [kernel.schedule.tile.columns] + (kernel.width(sum).map { [$0] } ?? [])
        return (sum, kernel.builder.tile(Name("sums\(sum)"), kernel.element, shape))
      })
  }

  func weighs(row operand: Int) -> Bool { kernel.pairs.sums.contains { !$0.isOfRow && $0.operand == operand } }

  func begin(_ keys: Span) {
    for sum in kernel.numbers(ofRows: false) {
      builder.map(kernel.dimensions("c", keys.count, of: sum)) { body, index in
        body.store(body.constant(0, element), Access(columnSums[sum]!, index.map { Access.Index($0) }))
      }
    }
  }

  func take(_ yields: [BodyValue], isLive: BodyValue?, of tile: PairTile, at: [IntegerExpression], in body: inout BodyBuilder) {
    let none = body.constant(0, element)
    let weights = yields.map { weight in isLive.map { body.apply(.select, $0, weight, none) } ?? weight }
    let sums = kernel.pairs.sums
    for (number, sum) in sums.enumerated() where sum.operand == nil {
      let place = sum.isOfRow ? rowSum(number, tile.rows.first + at[0], nil) : Access(columnSums[number]!, tile.skipped + at[1])
      body.accumulate(.add, weights[sum.weight], place)
    }
    let weighing = Set(sums.filter { $0.operand != nil }.map(\.weight))
    for weight in weighing.sorted() { body.store(weights[weight], Access(blocks.tiles[weight], at[0], at[1])) }
  }

  func finish(_ tile: PairTile) {
    for (number, sum) in kernel.pairs.sums.enumerated() {
      guard let operand = sum.operand else { continue }
      add(number, sum, operand, tile)
    }
  }

  func end(_ keys: Span) {
    for sum in kernel.numbers(ofRows: false) {
      builder.map(kernel.dimensions("c", keys.count, of: sum)) { body, index in
        let total = body.load(Access(columnSums[sum]!, index.map { Access.Index($0) }), element)
        body.store(total, kernel.outputs[sum].access(batch + [keys.first + index[0]] + index.dropFirst()))
      }
    }
  }

  /// Adds a tile to a sum of what its weights weigh. A weight of 0 adds nothing to it, whatever it weighs.
  private func add(_ number: Int, _ sum: PairOperands.Sum, _ operand: Int, _ tile: PairTile) {
    let width = IntegerExpression.constant(kernel.tensors[operand]!.width)
    let weights = blocks.tiles[sum.weight]
    let values = sum.isOfRow ? blocks.columnTiles[operand]! : blocks.rowTiles[operand]!
    func total(_ r: IntegerExpression, _ c: IntegerExpression, _ e: IntegerExpression) -> Access {
      sum.isOfRow ? rowSum(number, tile.rows.first + r, e) : Access(columnSums[number]!, tile.skipped + c, e)
    }
    let (rows, keys) = (tile.rows.count, tile.keys.count)
    func value(_ inner: IntegerExpression, _ e: IntegerExpression) -> Access {
      Access(values, sum.isOfRow ? tile.skipped + inner : inner, e)
    }
    builder.branch((sum.isOfRow ? blocks.areColumnsOdd : blocks.areRowsOdd).isSet) {
      builder.cold {
        builder.loop(sum.isOfRow ? "c" : "r", to: sum.isOfRow ? keys : rows) { inner in
          builder.map([(sum.isOfRow ? "r" : "c", sum.isOfRow ? rows : keys), ("e", width)]) { body, at in
            let (r, c) = sum.isOfRow ? (at[0], inner) : (inner, at[0])
            let (weight, none) = (body.load(Access(weights, r, c), element), body.constant(0, element))
            let product = body.apply(.multiply, weight, body.load(value(inner, at[1]), element))
            let term = body.apply(.select, body.apply(.equal, weight, none), none, product)
            let place = total(r, c, at[1])
            body.store(body.apply(.add, body.load(place, element), term), place)
          }
        }
      }
    } otherwise: {
      let (rowDimension, r) = builder.dimension("r", rows)
      let (keyDimension, c) = builder.dimension("c", keys)
      let (components, e) = builder.dimension("e", width)
      let place = total(r, c, e)
      var store = BodyBuilder(parameters: [ScalarFunction.Parameter("sum", element)])
      store.store(BodyValue(0), place)
      builder.contract(
        Contraction(
          rows: sum.isOfRow ? rowDimension : keyDimension, columns: [components], over: [sum.isOfRow ? keyDimension : rowDimension],
          left: Access(weights, r, c), right: value(sum.isOfRow ? c : r, e), initial: place, accumulator: element,
          epilogue: store.finish()))
    }
  }
}
