import HeedIR

/// A dimension of fused attention.
enum AttentionAxis: Hashable {
  case batch(Int)
  case row
  case column
  /// The width over which queries and keys are multiplied.
  case width
  /// The width of values.
  case valueWidth
}

/// A weighted sum of values whose weights are made from scores, by a softmax or each from its own score: a candidate for attention.
struct WeightedSum {
  let graph: Graph
  let tables: GraphTables
  /// The contract of weights and values.
  let node: NodeID
  let weights: AttentionWeights
  let values: ValueID
  /// What each dimension of the weights is; nil for one of extent 1 that the sum does not have.
  var axes: [AttentionAxis?] = []
  /// The same for what the weights become before they weigh the values.
  var changedAxes: [AttentionAxis?] = []
  var valueAxes: [AttentionAxis] = []
  var resultAxes: [AttentionAxis] = []
  var batchExtents: [Extent] = []
  /// 1 where the sum has a single row and no dimension for it.
  var rowExtent: Extent = 1
  let columnExtent: Extent
  var valueWidth: Extent = 1

  /// The weighted sums that `node` can be: one where an operand comes from a softmax, else one for each that elementwise ops make from
  /// a product.
  /// - Throws: `Declined` where there is a softmax but the product is not a sum weighted by it.
  static func candidates(_ graph: Graph, _ node: NodeID, _ tables: GraphTables) throws -> [WeightedSum] {
    let inputs = graph.inputs(node)
    if let side = [0, 1].first(where: { tables.comesFromSoftmax(inputs[$0]) }) {
      return [try WeightedSum(graph, node, tables, side, AttentionWeights(probabilities: inputs[side], in: graph))]
    }
    return [0, 1].compactMap { side in
      AttentionWeights(activations: inputs[side], in: graph, tables).flatMap { try? WeightedSum(graph, node, tables, side, $0) }
    }
  }

  /// - Parameter side: the operand of the contract that the weights are.
  private init(_ graph: Graph, _ node: NodeID, _ tables: GraphTables, _ side: Int, _ weights: AttentionWeights) throws {
    let inputs = graph.inputs(node)
    let output = graph.result(node)
    let subscripts = graph.attributes(node).required(.subscripts)
    self.weights = weights
    (self.graph, self.tables, self.node, values) = (graph, tables, node, inputs[1 - side])
    let letters = side == 0 ? (subscripts.left, subscripts.right) : (subscripts.right, subscripts.left)
    let dimensions = weights.dimensions

    let shape = graph.type(weights.value).shape
    let summed = dimensions.firstIndex { $0.map { subscripts.over == [letters.0[$0]] } ?? false }
    guard let dimension = weights.softmax.map({ graph.attributes($0).required(.dim) }) ?? summed, dimension == summed,
      let position = dimensions[dimension]
    else {
      throw Declined(
        value: output,
        reason: "it sums over \(subscripts.over.map { "\($0)" }.joined(separator: " and ")), not over the dimension of the softmax")
    }
    let column = letters.0[position]
    columnExtent = shape[dimension]
    let free = letters.1.filter { !letters.0.contains($0) }
    guard free.count <= 1 else {
      throw Declined(
        value: output, reason: "the values \(graph.label(values)) have more than one dimension of width",
        instead: "reshape them to one")
    }

    // The rows are a dimension that the values do not have; the longest, the innermost of equals.
    let extents = Dictionary(uniqueKeysWithValues: zip(letters.0, graph.type(inputs[side]).shape.extents))
    let others = letters.0.filter { $0 != column }
    let row = others.filter { !letters.1.contains($0) }.max {
      (extents[$0]!.constant ?? .max) < (extents[$1]!.constant ?? .max) || extents[$0] == extents[$1]
    }
    let batch = others.filter { $0 != row }
    if let row { rowExtent = extents[row]! }
    batchExtents = batch.map { extents[$0]! }
    if let width = free.first { valueWidth = graph.type(values).shape[letters.1.firstIndex(of: width)!] }
    func axis(_ letter: Character) -> AttentionAxis {
      if letter == row { return .row }
      if letter == column { return .column }
      return batch.firstIndex(of: letter).map { .batch($0) } ?? .valueWidth
    }
    axes = dimensions.map { $0.map { axis(letters.0[$0]) } }
    changedAxes = weights.changedDimensions.map { $0.map { axis(letters.0[$0]) } }
    valueAxes = letters.1.map(axis)
    resultAxes = subscripts.result.map(axis)
  }

  /// What weighs the values before views and conversions arrange it for the contract, and what its dimensions are.
  var weighing: ValueID { weights.changed ?? weights.value }
  var weighingAxes: [AttentionAxis?] { weights.changed == nil ? axes : changedAxes }

  var batchCount: Int { batchExtents.count }
  var batch: [AttentionAxis] { (0..<batchCount).map { .batch($0) } }

  func extent(_ axis: AttentionAxis, width: Extent) -> Extent {
    switch axis {
    case .batch(let number): batchExtents[number]
    case .row: rowExtent
    case .column: columnExtent
    case .width: width
    case .valueWidth: valueWidth
    }
  }
}

extension Graph {
  /// Whether the node is a broadcast with more elements than its operand.
  func repeatsElements(_ node: NodeID) -> Bool {
    op(node) == .broadcast && type(inputs(node)[0]).shape.count != type(result(node)).shape.count
  }

  /// `value`, whose dimensions are `axes`, with the dimensions `target`: transposed, without the dimensions that are nil (of extent 1),
  /// repeated along those that it lacks.
  mutating func arrange<Axis: Hashable>(_ value: ValueID, _ axes: [Axis?], as target: [Axis], extent: (Axis) -> Extent) throws
    -> ValueID
  {
    var value = value
    let kept = target.compactMap { axis in axes.firstIndex(of: axis) }
    let order = kept + axes.indices.filter { axes[$0] == nil }
    precondition(order.count == axes.count, "a dimension that the target lacks")
    // Dimensions of extent 1 can go from between others without a transpose.
    let isInOrder = zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 }
    if !isInOrder {
      value = try appendResult(.transpose, [value], attributes: [Attribute(.permutation, order)])
    }
    let all = type(value).shape.extents
    let shape = isInOrder ? kept.map { all[$0] } : Array(all.prefix(kept.count))
    let present = target.indices.filter { axes.contains(target[$0]) }
    var extents = target.map(extent)
    for (position, dimension) in present.enumerated() { extents[dimension] = shape[position] }
    let missing = target.indices.filter { !present.contains($0) }
    let full = TensorType(type(value).element, Shape(extents))
    if missing.isEmpty && kept.count == axes.count { return value }
    if missing.allSatisfy({ extents[$0] == 1 }) { return try reshape(value, full) }
    if kept.count < axes.count { value = try reshape(value, TensorType(full.element, Shape(shape))) }
    return try appendResult(.broadcast, [value], attributes: [Attribute(.dims, present)], stated: full)
  }
}
