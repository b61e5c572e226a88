import HeedIR

/// What weighs the values of a weighted sum.
struct AttentionWeights {
  /// The softmax; nil where each weight is made from its own score alone.
  let softmax: NodeID?
  /// The tensor of weights, one row per query: the result of the softmax, without a sink's column.
  let value: ValueID
  /// What weighs the values where elementwise ops change the softmax's weights first, and the dimension of the contract's operand for
  /// each of its dimensions; nil where the weights are those of the softmax.
  private(set) var changed: ValueID?
  private(set) var changedDimensions: [Int?] = []
  /// What the softmax is of, without the sink; else the weights themselves.
  let scores: ValueID
  /// A column of further scores, whose values are 0: `[..., 1]`.
  private(set) var sink: ValueID?
  /// The dimension of the contract's operand for each of the weights' dimensions; nil for one of extent 1.
  let dimensions: [Int?]

  /// Whether views and elementwise ops make `value` from a softmax.
  static func comeFromSoftmax(_ value: ValueID, in graph: Graph) -> Bool {
    graph.values(below: value, through: graph.isElementwiseOrView).contains { graph.definingNode($0, where: .softmax) != nil }
  }

  /// The weights of the softmax that `value` is an arrangement of. Conversions to another float type are looked through: kernels keep
  /// the weights in the precision of sums.
  init(probabilities value: ValueID, in graph: Graph) throws {
    var (node, below, dimensions) = Self.arrangement(value, in: graph)
    while let changing = node, graph.op(changing).has(.elementwise),
      let operand = graph.inputs(changing).first(where: { Self.comeFromSoftmax($0, in: graph) })
    {
      if changed == nil { (changed, changedDimensions) = (below, dimensions) }
      let outer = dimensions
      (node, below, dimensions) = Self.arrangement(operand, in: graph)
      dimensions = dimensions.map { $0.flatMap { outer[$0] } }
    }
    self.dimensions = dimensions
    self.value = below
    guard let node else { preconditionFailure("a softmax was seen above") }
    if graph.op(node) == .softmax {
      (softmax, scores) = (node, graph.inputs(node)[0])
    } else if let parts = graph.withoutSink(node) {
      (softmax, scores, sink) = (parts.softmax, parts.scores, parts.sink)
    } else {
      throw Declined(
        value: below, reason: "the probabilities are changed by \(graph.description(of: below)) before they weigh the values",
        instead: "only factors of each pair may stand between")
    }
  }

  /// Weights that elementwise ops make from a product of tensors that are not known at load; nil where `value` is not that.
  /// - Parameter tables: the graph's tables, where they are there already.
  init?(activations value: ValueID, in graph: Graph, _ tables: GraphTables? = nil) {
    let (node, below, dimensions) = Self.arrangement(value, in: graph)
    guard let node, graph.op(node).has(.elementwise), (tables ?? GraphTables(graph)).comesFromProductOfData(below) else {
      return nil
    }
    (softmax, self.value, scores, self.dimensions) = (nil, below, below, dimensions)
  }

  /// The first node below `value` that is neither a view which keeps dimensions whole nor a conversion between floats. With it, its
  /// result and, for each of the result's dimensions, that of `value`.
  private static func arrangement(_ value: ValueID, in graph: Graph) -> (node: NodeID?, value: ValueID, dimensions: [Int?]) {
    var value = value
    var dimensions: [Int?] = Array(0..<graph.type(value).rank)
    while let node = graph.definingNode(value) {
      if let step = graph.dimensionsOfView(node), !graph.repeatsElements(node) {
        dimensions = step.map { $0.flatMap { dimensions[$0] } }
      } else if graph.op(node) != .convert || !graph.type(graph.inputs(node)[0]).element.isFloat {
        return (node, value, dimensions)
      }
      value = graph.inputs(node)[0]
    }
    return (nil, value, dimensions)
  }
}

extension Graph {
  /// Where `node` is a slice that drops one column of a softmax over scores and that column: the softmax, the scores and the
  /// column.
  func withoutSink(_ node: NodeID) -> (softmax: NodeID, scores: ValueID, sink: ValueID)? {
    guard op(node) == .slice, let softmax = definingNode(inputs(node)[0], where: .softmax),
      let concatenation = definingNode(inputs(softmax)[0], where: .concatenate)
    else { return nil }
    let (parts, dim) = (inputs(concatenation), attributes(softmax).required(.dim))
    guard parts.count == 2, attributes(concatenation).required(.dim) == dim,
      let position = [0, 1].first(where: { type(parts[1 - $0]).shape[dim] == 1 && slice(node, takes: $0, of: parts, dim) })
    else { return nil }
    return (softmax, parts[position], parts[1 - position])
  }

  /// Whether the slice takes the part at `position` of a concatenation along `dim`, and all else whole.
  private func slice(_ node: NodeID, takes position: Int, of parts: [ValueID], _ dim: Int) -> Bool {
    let (whole, slice) = (type(inputs(node)[0]).shape.extents, attributes(node))
    let (start, stop) = (slice.required(.start), slice.required(.stop))
    let first = position == 0 ? Extent(0) : type(parts[0]).shape[dim]
    guard (slice[.step] ?? []).allSatisfy({ $0 == 1 }) else { return false }
    return whole.indices.allSatisfy { dimension in
      dimension == dim
        ? start[dim] == first && stop[dim] == first + type(parts[position]).shape[dim]
        : start[dimension] == 0 && stop[dimension].isEqual(to: whole[dimension], given: facts)
    }
  }
}
