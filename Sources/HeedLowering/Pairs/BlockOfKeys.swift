import HeedIR
import HeedSchedule

/// A block of keys that a task owns, taken through the tiles of the queries that see it.
struct BlockOfKeys {
  /// The place of a query's sum, and of a component of it.
  typealias RowSum = (_ sum: Int, _ query: IntegerExpression, _ component: IntegerExpression?) -> Access

  private let kernel: PairSumKernel
  private let batch: [IntegerExpression]
  private let summaries: TermSummaries
  private let rowSum: RowSum
  /// Products, then weights: [rows, columns] each.
  private let tiles: [Place]
  /// By operand, the rows of a tile: [rows, width].
  private let rowTiles: [Int: Place]
  /// By operand, the block's keys as panels for products: [panels, width, keys of a panel].
  private let panels: [Int: Place]
  /// By operand, the block's keys as they are weighed: [columns, width].
  private let columnTiles: [Int: Place]
  /// By sum, what belongs to the block's keys: [columns, width], or [columns].
  private let columnSums: [Int: Place]
  /// Not 0 where an infinity or a NaN is among what is weighed: there a weight of 0 must not be multiplied.
  private let areRowsOdd: Scalar
  private let areColumnsOdd: Scalar

  private var builder: KernelBuilder { kernel.builder }
  private var element: ElementType { kernel.element }
  private var panelWidth: Int { kernel.schedule.panelWidth }

  init(_ kernel: PairSumKernel, batch: [IntegerExpression], _ summaries: TermSummaries, rowSum: @escaping RowSum) throws {
    (self.kernel, self.batch, self.summaries, self.rowSum) = (kernel, batch, summaries, rowSum)
    let (builder, pairs, element) = (kernel.builder, kernel.pairs, kernel.element)
    let (rows, columns) = (kernel.schedule.tile.rows, kernel.schedule.tile.columns)
    let panelWidth = kernel.schedule.panelWidth
    func width(_ operand: Int) -> Int { kernel.tensors[operand]!.width }
    func places(_ operands: [Int], _ make: (Int) -> Place) -> [Int: Place] {
      Dictionary(uniqueKeysWithValues: Set(operands).sorted().map { ($0, make($0)) })
    }
    tiles = (0..<max(pairs.products.count, kernel.weights.results.count)).map {
      builder.tile(Name("tile\($0)"), element, [rows, columns])
    }
    rowTiles = places(pairs.products.map(\.row) + pairs.sums.filter { !$0.isOfRow }.compactMap(\.operand)) {
      builder.tile(Name("rows\($0)"), element, [rows, width($0)])
    }
    panels = places(pairs.products.map(\.column)) {
      builder.tile(Name("panels\($0)"), element, [columns / panelWidth, width($0), panelWidth])
    }
    columnTiles = places(pairs.sums.filter(\.isOfRow).compactMap(\.operand)) {
      builder.tile(Name("columns\($0)"), element, [columns, width($0)])
    }
    columnSums = places(kernel.numbers(ofRows: false)) { sum in
      builder.tile(Name("sums\(sum)"), element, [columns] + (kernel.width(sum).map { [$0] } ?? []))
    }
    areRowsOdd = builder.scalar("are_rows_odd", .i32)
    areColumnsOdd = builder.scalar("are_columns_odd", .i32)
  }

  /// Appends what is done with the block of these keys.
  func emit(_ keys: Span) throws {
    pack(keys)
    for sum in kernel.numbers(ofRows: false) {
      builder.map(dimensions("c", keys.count, of: sum)) { body, index in
        body.store(body.constant(0, element), Access(columnSums[sum]!, index.map { Access.Index($0) }))
      }
    }
    let all = PairBlock(batch: batch, queries: Span(first: 0, count: IntegerExpression(kernel.shape.queries)), keys: keys)
    try TraversalEmitter(kernel, .keyMajor, all, summaries) { tile in
      let rows = Span(first: builder.define("i", tile.first), count: tile.count)
      load(rows)
      multiply(rows, keys)
      try builder.branch(tile.isOpen) {
        try weigh(rows, keys, isOpen: true)
      } otherwise: {
        try weigh(rows, keys, isOpen: false)
      }
      for sum in kernel.pairs.sums.indices { add(sum, rows, keys) }
    }.emit()
    for sum in kernel.numbers(ofRows: false) {
      builder.map(dimensions("c", keys.count, of: sum)) { body, index in
        let total = body.load(Access(columnSums[sum]!, index.map { Access.Index($0) }), element)
        body.store(total, kernel.outputs[sum].access(batch + [keys.first + index[0]] + index.dropFirst()))
      }
    }
  }

  private func dimensions(_ name: Name, _ count: IntegerExpression, of sum: Int) -> [(Name, IntegerExpression)] {
    [(name, count)] + (kernel.width(sum).map { [("e", .constant($0))] } ?? [])
  }

  // MARK: Loading

  /// Notes in `odd` whether a value that is weighed is an infinity or a NaN.
  private func look(at value: BodyValue, _ odd: Scalar, in body: inout BodyBuilder) {
    let isOdd = body.apply(.notEqual, body.apply(.subtract, value, value), body.constant(0, element))
    body.accumulate(.maximum, body.apply(.convert, isOdd, type: .i32), odd.access)
  }

  /// The keys of the block in scratch memory.
  private func pack(_ keys: Span) {
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
  private func load(_ rows: Span) {
    let weighed = Set(kernel.pairs.sums.filter { !$0.isOfRow }.compactMap(\.operand))
    builder.set(areRowsOdd, 0)
    for (operand, place) in rowTiles.sorted(by: { $0.key < $1.key }) {
      let tensor = kernel.tensors[operand]!
      builder.map([("r", rows.count), ("d", .constant(tensor.width))]) { body, at in
        let value = body.load(tensor.rows.access(batch + [rows.first + at[0], at[1]]), element)
        body.store(value, Access(place, at[0], at[1]))
        if weighed.contains(operand) { look(at: value, areRowsOdd, in: &body) }
      }
    }
  }

  // MARK: Weights

  /// The products of a tile.
  private func multiply(_ rows: Span, _ keys: Span) {
    for (number, (row, column)) in kernel.pairs.products.enumerated() {
      let width = IntegerExpression.constant(panelWidth)
      let (rowDimension, r) = builder.dimension("r", rows.count)
      let (panelDimension, p) = builder.dimension("p", keys.count.ceilingDivided(by: panelWidth))
      let (columnDimension, c) = builder.dimension("c", width)
      let (depth, d) = builder.dimension("d", .constant(kernel.tensors[row]!.width))
      var store = BodyBuilder(parameters: [ScalarFunction.Parameter("product", element)])
      store.store(BodyValue(0), Access(tiles[number], r, p * width + c))
      builder.contract(
        Contraction(
          rows: rowDimension, columns: [panelDimension, columnDimension], over: [depth], left: Access(rowTiles[row]!, r, d),
          right: Access(panels[column]!, p, d, c), accumulator: element, epilogue: store.finish()))
    }
  }

  /// Makes weights of the products of a tile, 0 for dead pairs, and adds those that are summed alone.
  private func weigh(_ rows: Span, _ keys: Span, isOpen: Bool) throws {
    let pairs = kernel.pairs
    builder.map([("r", rows.count), ("c", keys.count)]) { body, at in
      let products = pairs.products.indices.map { body.load(Access(tiles[$0], at[0], at[1]), element) }
      let indices = batch + [rows.first + at[0], keys.first + at[1]]
      var weights = kernel.inlineAll(kernel.weights, products, indices, in: &body)
      if isOpen {
        let isLive = kernel.inline(kernel.mask.condition, [], indices, in: &body)
        let none = body.constant(0, element)
        weights = weights.map { body.apply(.select, isLive, $0, none) }
      }
      for (number, sum) in pairs.sums.enumerated() where sum.operand == nil {
        let place = sum.isOfRow ? rowSum(number, rows.first + at[0], nil) : Access(columnSums[number]!, at[1])
        body.accumulate(.add, weights[sum.weight], place)
      }
      let weighing = Set(pairs.sums.filter { $0.operand != nil }.map(\.weight))
      for weight in weighing.sorted() { body.store(weights[weight], Access(tiles[weight], at[0], at[1])) }
    }
  }

  // MARK: Sums

  /// Adds a tile to a sum of what its weights weigh.
  private func add(_ number: Int, _ rows: Span, _ keys: Span) {
    let sum = kernel.pairs.sums[number]
    guard let operand = sum.operand else { return }
    let width = IntegerExpression.constant(kernel.tensors[operand]!.width)
    let weights = tiles[sum.weight]
    let values = sum.isOfRow ? columnTiles[operand]! : rowTiles[operand]!
    func total(_ r: IntegerExpression, _ c: IntegerExpression, _ e: IntegerExpression) -> Access {
      sum.isOfRow ? rowSum(number, rows.first + r, e) : Access(columnSums[number]!, c, e)
    }
    builder.branch((sum.isOfRow ? areColumnsOdd : areRowsOdd).isSet) {
      builder.cold {
        builder.loop(sum.isOfRow ? "c" : "r", to: sum.isOfRow ? keys.count : rows.count) { inner in
          builder.map([(sum.isOfRow ? "r" : "c", sum.isOfRow ? rows.count : keys.count), ("e", width)]) { body, at in
            let (r, c) = sum.isOfRow ? (at[0], inner) : (inner, at[0])
            let weight = body.load(Access(weights, r, c), element)
            let product = body.apply(.multiply, weight, body.load(Access(values, inner, at[1]), element))
            let none = body.constant(0, element)
            let term = body.apply(.select, body.apply(.equal, weight, none), none, product)
            let place = total(r, c, at[1])
            body.store(body.apply(.add, body.load(place, element), term), place)
          }
        }
      }
    } otherwise: {
      let (rowDimension, r) = builder.dimension("r", rows.count)
      let (keyDimension, c) = builder.dimension("c", keys.count)
      let (components, e) = builder.dimension("e", width)
      let place = total(r, c, e)
      var store = BodyBuilder(parameters: [ScalarFunction.Parameter("sum", element)])
      store.store(BodyValue(0), place)
      builder.contract(
        Contraction(
          rows: sum.isOfRow ? rowDimension : keyDimension, columns: [components], over: [sum.isOfRow ? keyDimension : rowDimension],
          left: Access(weights, r, c), right: Access(values, sum.isOfRow ? c : r, e), initial: place, accumulator: element,
          epilogue: store.finish()))
    }
  }
}
