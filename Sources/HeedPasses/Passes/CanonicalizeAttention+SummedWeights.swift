import HeedIR

extension GraphPass {
  /// `contract(p1 - lambda * p2, v)` becomes `contract(p1, v) - contract(lambda * p2, v)`: each softmax then weighs the values by
  /// itself and is fused. A term that is one number weighs the sum of the values.
  ///
  /// Not where the softmaxes of both terms are the same ones, where no term looks like one that fuses, or where the sum is used elsewhere.
  /// Then there would be one more product, and nothing gained.
  static func splitSummedWeights(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .contract else { return nil }
    let subscripts = graph.attributes(node).required(.subscripts)
    for (side, letters) in [subscripts.left, subscripts.right].enumerated() {
      let operand = graph.inputs(node)[side]
      guard subscripts.over.count == 1, let column = letters.firstIndex(of: subscripts.over[0]) else { continue }
      let softmaxes = graph.softmaxes(below: operand)
      guard !softmaxes.isEmpty else { continue }
      let chain = WeightChain(operand, state) { AttentionWeights.comeFromSoftmax($0, in: graph) }
      guard let junction = graph.definingNode(chain.bottom), graph.op(junction) == .add || graph.op(junction) == .subtract else {
        continue
      }
      let parts = graph.inputs(junction)
      let below = parts.map { graph.softmaxes(below: $0) }
      guard below[0].isDisjoint(with: below[1]), parts.contains(where: { state.looksFusable($0, chain.dimensions, column) }) else {
        continue
      }
      guard !chain.bottomIsShared else {
        if let uses = state.uses[chain.bottom], uses > 1 {
          state.context.remark(
            .declined, chain.bottom, in: graph,
            "its weighted sum is not split into those of its terms: it is used elsewhere as well, so that it is stored anyway")
        }
        continue
      }
      let type = graph.type(chain.bottom)
      let sums = try parts.enumerated().map { position, part in
        if below[position].isEmpty, chain.steps.isEmpty, let number = graph.oneNumber(part) {
          return try state.graph.sum(node, weighing: 1 - side, by: number)
        }
        if below[position].isEmpty {
          state.context.remark(
            .note, graph.result(node), in: graph,
            "\(graph.label(part)), which is added to probabilities, is stored as large as the scores and multiplied by the values; "
              + "what is the identity, or one number per row, needs no product: add the values, or their sum, to the result",
            storing: type.shape.count * Extent(type.element.byteCount))
        }
        let whole =
          graph.type(part).rank > 0
          ? part : try state.graph.appendResult(.broadcast, [part], attributes: [Attribute(.dims, [])], stated: type)
        var operands = graph.inputs(node)
        operands[side] = try chain.rebuild(whole, above: chain.steps.count, in: &state.graph)
        return try state.graph.appendLike(node, operands, type: graph.type(graph.result(node)))
      }
      state.context.remark(
        .applied, graph.result(node), in: graph,
        "the weighted sum of \(graph.label(chain.bottom)) became the \(graph.op(junction) == .add ? "sum" : "difference") of two: "
          + "probabilities are added or subtracted in it")
      return try state.graph.appendResult(graph.op(junction), sums)
    }
    return nil
  }
}

extension Graph {
  /// The scalar that every element of `value` is; nil where it is not one.
  fileprivate func oneNumber(_ value: ValueID) -> ValueID? {
    let source = Arrangement(value, in: self).source
    return type(source).rank == 0 ? source : nil
  }

  /// Appends the sum over keys of the contract `node`'s operand at `side`, in which each value weighs as much as `number`.
  fileprivate mutating func sum(_ node: NodeID, weighing side: Int, by number: ValueID) throws -> ValueID {
    let (subscripts, values, type) = (attributes(node).required(.subscripts), inputs(node)[side], self.type(result(node)))
    let letters = side == 0 ? subscripts.left : subscripts.right
    let wide = type.element.computed
    let dims = letters.indices.filter { subscripts.over.contains(letters[$0]) }
    let total = try appendResult(
      .reduce, [converted(values, to: wide)], attributes: [Attribute(.dims, dims), Attribute(.kind, .add)])
    let product = try appendResult(.multiply, [total, converted(number, to: wide)])
    let extents = Dictionary(uniqueKeysWithValues: zip(subscripts.result, type.shape.extents))
    let rows = try arrange(
      converted(product, to: type.element), letters.filter { !subscripts.over.contains($0) }, as: subscripts.result,
      extent: { extents[$0]! })
    return try fit(rows, as: result(node))
  }
}

extension RewriteState {
  /// Whether a term of weights comes from a softmax of elementwise scores over the keys, and nothing else uses what is between.
  /// - Parameters:
  ///   - dimensions: for each dimension of the term, that of what the sum takes.
  ///   - column: the dimension of that which is summed over.
  fileprivate func looksFusable(_ term: ValueID, _ dimensions: [Int?], _ column: Int, depth: Int = 0) -> Bool {
    guard depth < 16, graph.type(term).rank == dimensions.count else { return false }
    let chain = WeightChain(term, self) { AttentionWeights.comeFromSoftmax($0, in: graph) }
    guard !chain.bottomIsShared, let node = graph.definingNode(chain.bottom) else { return false }
    let inner = chain.dimensions.map { $0.flatMap { dimensions[$0] } }
    if graph.op(node) == .add || graph.op(node) == .subtract {
      return graph.inputs(node).contains { looksFusable($0, inner, column, depth: depth + 1) }
    }
    let softmax = graph.op(node) == .softmax ? node : graph.withoutSink(node)?.softmax
    guard let softmax, inner.firstIndex(of: column) == graph.attributes(softmax).required(.dim) else { return false }
    let scores = graph.inputs(softmax)[0]
    return !graph.products(below: graph.op(node) == .softmax ? scores : graph.withoutSink(node)!.scores).isEmpty
      && graph.rowOp(above: scores) == nil
  }
}
