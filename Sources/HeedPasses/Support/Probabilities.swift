import HeedIR

/// Probabilities that attention weighs by: a softmax of scores that come from a product, with or without a sink's column.
struct Probabilities {
  let softmax: NodeID
  /// Of the softmax's shape, but for a sink's column.
  let value: ValueID
  /// What the softmax is of, without the sink.
  let scores: ValueID
  /// The views and conversions that arrange it, the last first.
  var views: [NodeID] = []

  /// The probabilities that `value` arranges.
  init?(_ value: ValueID, in graph: Graph) {
    var (current, views): (ValueID, [NodeID]) = (value, [])
    while let node = graph.definingNode(current) {
      if graph.op(node) == .softmax {
        (softmax, self.value, scores) = (node, current, graph.inputs(node)[0])
      } else if let parts = graph.withoutSink(node) {
        (softmax, self.value, scores) = (parts.softmax, current, parts.scores)
      } else {
        let isConversion =
          graph.op(node) == .convert && graph.type(graph.inputs(node)[0]).element.isFloat
          && graph.type(current).element.isFloat
        guard isConversion || [Op.transpose, .broadcast, .reshape].contains(graph.op(node)) else { return nil }
        views.append(node)
        current = graph.inputs(node)[0]
        continue
      }
      guard !graph.products(below: scores).isEmpty else { return nil }
      self.views = views
      return
    }
    return nil
  }

  func dim(_ graph: Graph) -> Int { graph.attributes(softmax).required(.dim) }

  /// Appends the question whether a row has a NaN, or has none, at the shape that these probabilities are arranged in: one NaN among the
  /// scores of a row makes all its probabilities NaN, and the logarithm of their sum.
  func appendQuestion(isNaN: Bool, in graph: inout Graph) throws -> ValueID {
    let (dim, type) = (dim(graph), graph.type(value))
    let logarithm = try graph.appendResult(.logSumExp, [graph.inputs(softmax)[0]], attributes: [Attribute(.dim, dim)])
    let answer = try graph.appendResult(isNaN ? .notEqual : .equal, [logarithm, logarithm])
    let rows = Attribute(.dims, (0..<type.rank).filter { $0 != dim })
    let whole = try graph.appendResult(.broadcast, [answer], attributes: [rows], stated: TensorType(.bool, type.shape))
    return try views.filter { graph.op($0) != .convert }.reversed().reduce(whole) { value, view in
      try graph.appendLike(view, [value], type: TensorType(.bool, graph.type(graph.result(view)).shape))
    }
  }
}
