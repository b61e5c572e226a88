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

/// A weighted sum of values whose weights are a softmax: where to look for attention.
struct WeightedSum {
  let graph: Graph
  /// The contract of probabilities and values.
  let node: NodeID
  /// The node of the softmax.
  let softmax: NodeID
  let values: ValueID
  /// What each dimension of the softmax is; nil for one of extent 1 that the sum does not have.
  var axes: [AttentionAxis?] = []
  var valueAxes: [AttentionAxis] = []
  var resultAxes: [AttentionAxis] = []
  var batchExtents: [Extent] = []
  /// 1 where the sum has a single row and no dimension for it.
  var rowExtent: Extent = 1
  let columnExtent: Extent
  var valueWidth: Extent = 1

  /// The weighted sum that `node` is, or nil where neither operand comes from a softmax.
  /// - Throws: `Declined` where a softmax is there but the product is no weighted sum by it.
  init?(_ graph: Graph, _ node: NodeID) throws {
    let inputs = graph.inputs(node)
    guard let side = [0, 1].first(where: { Self.softmax(above: inputs[$0], in: graph) != nil }) else { return nil }
    let (softmax, dimensions) = try Self.probabilities(inputs[side], in: graph)
    (self.graph, self.node, self.softmax, values) = (graph, node, softmax, inputs[1 - side])
    let subscripts = graph.attributes(node).subscripts
    let letters = side == 0 ? (subscripts.left, subscripts.right) : (subscripts.right, subscripts.left)
    let output = graph.result(node)

    let shape = graph.type(graph.result(softmax)).shape
    let dimension = graph.attributes(softmax).integer("dim")
    guard let position = dimensions[dimension], subscripts.over == [letters.0[position]] else {
      throw Declined(
        value: output,
        reason: "it sums over \(subscripts.over.map { "\($0)" }.joined(separator: " and ")), not over the dimension of the softmax")
    }
    let column = letters.0[position]
    columnExtent = shape[dimension]
    let free = letters.1.filter { !letters.0.contains($0) }
    guard free.count <= 1 else {
      throw Declined(value: output, reason: "the values \(graph.label(values)) have more than one dimension of width")
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
    valueAxes = letters.1.map(axis)
    resultAxes = subscripts.result.map(axis)
  }

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

  /// The softmax from which `value` is made by views and elementwise ops, if one is.
  private static func softmax(above value: ValueID, in graph: Graph) -> NodeID? {
    var seen: Set<NodeID> = []
    var pending = [value]
    while let next = pending.popLast() {
      guard let node = graph.definingNode(next), seen.insert(node).inserted else { continue }
      let op = graph.op(node)
      if op === Op.softmax { return node }
      if op.has(.elementwise) || op.has(.view) { pending += graph.operands(node).reversed() }
    }
    return nil
  }

  /// The softmax that `value` is an arrangement of, and the dimension of `value` for each of its dimensions. Conversions to another
  /// float type are looked through: kernels keep the weights in the precision of sums.
  private static func probabilities(_ value: ValueID, in graph: Graph) throws -> (NodeID, [Int?]) {
    var value = value
    var dimensions: [Int?] = Array(0..<graph.type(value).rank)
    while true {
      guard let node = graph.definingNode(value) else { preconditionFailure("a softmax was seen above") }
      let op = graph.op(node)
      if op === Op.softmax { return (node, dimensions) }
      if let step = graph.dimensionsOfView(node), !graph.repeatsElements(node) {
        dimensions = step.map { $0.flatMap { dimensions[$0] } }
      } else if op !== Op.convert || !graph.type(graph.inputs(node)[0]).element.isFloat {
        throw Declined(value: value, reason: "the probabilities are changed by \(op.mnemonic) before they weigh the values")
      }
      value = graph.inputs(node)[0]
    }
  }
}

extension Graph {
  /// Whether the node is a broadcast that makes more elements than it is given.
  func repeatsElements(_ node: NodeID) -> Bool {
    op(node) === Op.broadcast && type(inputs(node)[0]).shape.count != type(result(node)).shape.count
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
      value = try appendResult(.transpose, [value], attributes: [.integers("permutation", order)])
    }
    let all = type(value).shape.extents
    let shape = isInOrder ? kept.map { all[$0] } : Array(all.prefix(kept.count))
    let present = target.indices.filter { axes.contains(target[$0]) }
    var extents = target.map(extent)
    for (position, dimension) in present.enumerated() { extents[dimension] = shape[position] }
    let missing = target.indices.filter { !present.contains($0) }
    let full = TensorType(type(value).element, Shape(extents))
    if missing.isEmpty && kept.count == axes.count { return value }
    if missing.allSatisfy({ extents[$0] == 1 }) { return try appendResult(.reshape, [value], stated: full) }
    if kept.count < axes.count {
      value = try appendResult(.reshape, [value], stated: TensorType(full.element, Shape(shape)))
    }
    return try appendResult(.broadcast, [value], attributes: [.integers("dims", present)], stated: full)
  }
}
