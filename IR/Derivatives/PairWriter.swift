/// Writes an op on pairs: its operands, the products that it needs, and the region that makes weights of them.
struct PairWriter {
  /// Which pairs live: a region, and the tensors that it reads.
  struct Liveness {
    let region: ScalarFunction
    let tables: [ValueID]
    /// The segments of queries and keys, `[M]`, of which a pair must be in one; nil where all are.
    var segments: ValueID?
    /// Whether all pairs of a row live, `[batch..., M]`; nil where none do.
    var areAllOfRow: ValueID?
  }

  /// The batch dimensions, the queries and the keys.
  let extents: [Extent]
  let element: ElementType
  let writer: ExpressionWriter
  private let liveness: Liveness
  private var operands: [ValueID] = []
  private var products: [Int] = []
  private let productCount: Int

  /// - Parameters:
  ///   - products: for each product the row tensor and the column tensor.
  ///   - element: the type of products and weights, f32 or f64.
  init(
    _ extents: [Extent], products: [(row: ValueID, column: ValueID)], _ element: ElementType, _ liveness: Liveness,
    in graph: Graph
  ) {
    (self.extents, self.element, self.liveness) = (extents, element, liveness)
    productCount = products.count
    // Narrow indices where the mask has them.
    let indices = liveness.region.parameters.suffix(extents.count).map(\.type)
    writer = ExpressionWriter(
      parameters: products.indices.map { ScalarFunction.Parameter(Name("s\($0)"), element) }
        + zip(Self.indexNames(extents.count), indices).map { ScalarFunction.Parameter($0, $1) }, tables: [])
    for (row, column) in products { self.products += [number(of: row, in: graph), number(of: column, in: graph)] }
    for value in liveness.tables { _ = number(of: value, in: graph) }
    for value in [liveness.segments, liveness.areAllOfRow].compactMap({ $0 }) { _ = number(of: value, in: graph) }
  }

  private static func indexNames(_ count: Int) -> [Name] {
    (0..<count - 2).map { Name("b\($0)") } + ["i", "j"]
  }

  /// The product of this number.
  func product(_ number: Int) -> ScalarExpression { writer.parameter(number) }

  /// The sum of the products of these numbers; nil for none.
  func sum(ofProducts numbers: [Int]) -> ScalarExpression? {
    guard let first = numbers.first else { return nil }
    return numbers.dropFirst().reduce(product(first)) { $0 + product($1) }
  }

  /// The indices of the batch dimensions, of the query and of the key.
  var indices: [ScalarExpression] { extents.indices.map { writer.parameter(productCount + $0) } }

  private var batch: Int { extents.count - 2 }

  /// The number of an operand, which is added where it is not there yet.
  mutating func number(of value: ValueID, in graph: Graph) -> Int {
    if let known = operands.firstIndex(of: value) { return known }
    let name = graph.name(value)
    let number = writer.addTable(name.isNone ? Name("t\(operands.count)") : name, graph.type(value))
    operands.append(value)
    precondition(number == operands.count - 1)
    return number
  }

  /// The number of this pair's query in a tensor `[batch..., M]`.
  mutating func ofRow(_ value: ValueID, in graph: Graph) -> ScalarExpression {
    writer.element(number(of: value, in: graph), Array(indices.dropLast()))
  }

  /// The number of this pair's key in a tensor `[batch..., N]`.
  mutating func ofColumn(_ value: ValueID, in graph: Graph) -> ScalarExpression {
    writer.element(number(of: value, in: graph), indices.dropLast(2) + [indices.last!])
  }

  /// Writes `function`, whose parameters are `leading` and the indices of a pair, over tensors of the graph.
  mutating func write(
    _ function: ScalarFunction, leading: [ScalarExpression], tables: [ValueID], in graph: Graph
  ) -> DifferentiatedFunction {
    let numbers = tables.map { number(of: $0, in: graph) }
    let arguments = leading + zip(indices, function.parameters.dropFirst(leading.count)).map { $0.converted(to: $1.type) }
    return DifferentiatedFunction(function, arguments, tables: numbers, in: writer, isWidened: true)
  }

  // MARK: The op

  /// A sum of `pair_sums`.
  struct Sum {
    /// What weighs; or, without a value, is summed.
    let weight: ScalarExpression
    /// The column tensor of a row sum, the row tensor of a column sum; nil for the weight alone.
    let value: ValueID?
    let isOfRow: Bool
    /// The element type of the result.
    let element: ElementType
  }

  /// Appends a `pair_sums`, and returns its results in the order of `sums`.
  mutating func emit(_ sums: [Sum], _ emitter: inout some NodeEmitter) throws -> [ValueID] {
    guard !sums.isEmpty else { return [] }
    var weights: [ScalarExpression] = []
    var lists: (rows: [Int], columns: [Int]) = ([], [])
    var places: [Int] = []
    var types: (rows: [TensorType], columns: [TensorType]) = ([], [])
    for sum in sums {
      let weight = weights.firstIndex { $0.value == sum.weight.value } ?? weights.count
      if weight == weights.count { weights.append(sum.weight) }
      let graph = emitter.rewriter.result
      let leading = extents.dropLast(2) + [extents[sum.isOfRow ? batch : batch + 1]]
      let width = sum.value.map { [graph.type($0).shape.extents.last!] } ?? []
      let entry = [weight, sum.value.map { number(of: $0, in: graph) } ?? -1]
      if sum.isOfRow {
        places.append(types.rows.count)
        lists.rows += entry
        types.rows.append(TensorType(sum.element, Shape(leading + width)))
      } else {
        places.append(types.columns.count)
        lists.columns += entry
        types.columns.append(TensorType(sum.element, Shape(leading + width)))
      }
    }
    var attributes = [Attribute(.pairs, extents)]
    if !products.isEmpty { attributes.append(Attribute(.products, products)) }
    if !lists.rows.isEmpty { attributes.append(Attribute(.rowSums, lists.rows)) }
    if !lists.columns.isEmpty { attributes.append(Attribute(.columnSums, lists.columns)) }
    let region = writer.finish(weights)
    let node = try emitter.rewriter.result.append(
      .pairSums, operands, attributes: attributes, regions: [region, condition(emitter.rewriter.result)],
      stated: types.rows + types.columns)
    let results = emitter.rewriter.result.results(node)
    return zip(sums, places).map { results[$0.isOfRow ? $1 : types.rows.count + $1] }
  }

  /// Appends a `pair_scatter` of a value to the elements at `indices` of a tensor of type `type`.
  mutating func emit(
    scattering value: ScalarExpression, to indices: [ScalarExpression], of type: TensorType, _ emitter: inout some NodeEmitter
  ) throws -> ValueID {
    var attributes = [Attribute(.pairs, extents)]
    if !products.isEmpty { attributes.append(Attribute(.products, products)) }
    let wide = indices.map { $0.element == .i32 || $0.element == .i64 ? $0 : $0.converted(to: .i64) }
    let region = writer.finish([value] + wide)
    return try emitter.rewriter.append(
      .pairScatter, operands, attributes: attributes, regions: [region, condition(emitter.rewriter.result)], stated: type)
  }

  /// The region `where` over this op's operands.
  private func condition(_ graph: Graph) throws -> ScalarFunction {
    let region = liveness.region
    let tables = operands.map { ScalarFunction.Table(graph.name($0), graph.type($0)) }
    var builder = FunctionBuilder(
      parameters: zip(Self.indexNames(extents.count), region.parameters).map { ScalarFunction.Parameter($0, $1.type) },
      tables: tables)
    func number(_ value: ValueID) -> Int { operands.firstIndex(of: value)! }
    let indices = extents.indices.map { builder.parameter($0) }
    var live = builder.inline(region, indices, tableMap: liveness.tables.map(number))[0]
    if let segments = liveness.segments {
      let (ofRow, ofColumn) = (
        builder.element(number(segments), [indices[batch]]), builder.element(number(segments), [indices[batch + 1]])
      )
      live = builder.apply(.and, live, builder.apply(.equal, ofRow, ofColumn))
    }
    if let all = liveness.areAllOfRow {
      live = builder.apply(.or, live, builder.element(number(all), Array(indices.dropLast())))
    }
    return builder.finish([live])
  }
}
