import HeedIR

/// A sum over keys of weights times something: a contract of weights and values, or the sum of the weights themselves.
private struct SumOverKeys {
  let node: NodeID
  /// The operand that the weights are, and its dimension that is summed over.
  let side: Int
  let column: Int
  /// For each dimension of the weights, that of the result; nil for the one that is summed over.
  let results: [Int?]

  /// The sums that `node` can be.
  static func all(_ node: NodeID, in graph: Graph) -> [SumOverKeys] {
    let attributes = graph.attributes(node)
    if graph.op(node) == .contract {
      let subscripts = attributes.required(.subscripts)
      guard subscripts.over.count == 1 else { return [] }
      return [subscripts.left, subscripts.right].enumerated().compactMap { side, letters in
        guard let column = letters.firstIndex(of: subscripts.over[0]) else { return nil }
        return SumOverKeys(node: node, side: side, column: column, results: letters.map { subscripts.result.firstIndex(of: $0) })
      }
    }
    guard graph.op(node) == .reduce, attributes.required(.kind) == .add, attributes.required(.dims).count == 1 else { return [] }
    let (column, rank) = (attributes.required(.dims)[0], graph.type(graph.inputs(node)[0]).rank)
    return [
      SumOverKeys(
        node: node, side: 0, column: column, results: (0..<rank).map { $0 == column ? nil : $0 < column ? $0 : $0 - 1 })
    ]
  }
}

extension GraphPass {
  /// `contract(w * r, v)`, with one r per row, becomes `contract(w, v) * r`; so for division by r, and for `select(r, w, 0)`. A sum
  /// of the weights alone, `reduce(w * r)`, likewise.
  ///
  /// Legal since scales may be regrouped. Where r decides about a row, what weighs its values is 0 as that of dead pairs is, so that the
  /// values there do not count.
  static func moveRowFactor(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    for sum in SumOverKeys.all(node, in: state.graph) {
      let graph = state.graph
      let operand = graph.inputs(node)[sum.side]
      let hasSoftmax = AttentionWeights.comeFromSoftmax(operand, in: graph)
      guard hasSoftmax || graph.op(node) == .contract, hasSoftmax || !graph.products(below: operand).isEmpty else { continue }
      let chain = WeightChain(operand, state) {
        hasSoftmax ? AttentionWeights.comeFromSoftmax($0, in: graph) : !graph.products(below: $0).isEmpty
      }
      guard let position = chain.steps.firstIndex(where: { graph.rowFactor(of: $0, column: sum.column) != nil }),
        hasSoftmax || graph.isWorthMoving(chain, position, AttentionWeights(activations: operand, in: graph))
      else { continue }
      let step = chain.steps[position]
      let (other, column) = graph.rowFactor(of: step, column: sum.column)!
      let role = graph.op(step.node) == .select ? "a condition on rows" : "one number per row"
      let named = [Arrangement(other, in: graph).source, other].first { !graph.name($0).isNone }
      let name = named.map { "\(graph.label($0)), \(role)," } ?? role
      let type = graph.type(graph.result(node))
      guard hasSoftmax || type.element != .f16 else {
        state.context.remark(
          .declined, graph.result(node), in: graph,
          "\(name) stays before the weighted sum: without it the sum may exceed f16; weights and values in f32 fuse")
        continue
      }
      var operands = graph.inputs(node)
      operands[sum.side] = try chain.rebuild(graph.inputs(step.node)[step.position], above: position, in: &state.graph)
      let moved = try state.graph.appendLike(node, operands, type: type)
      var row = try state.graph.droppingUniform(other, along: column)
      if state.graph.type(row).rank > 0 {
        var dimensions = step.dimensions
        dimensions.remove(at: column)
        row = try state.graph.arrange(
          row, dimensions.map { $0.flatMap { sum.results[$0] } }, as: Array(0..<type.rank), extent: { type.shape[$0] })
      }
      state.context.remark(
        .applied, graph.result(node), in: graph, "\(name) moved behind the weighted sum")
      return try state.graph.appendRowStep(step, moved, row, type)
    }
    return nil
  }
}

extension Graph {
  /// What a step multiplies or divides its weights by, or chooses them by, where that is one number per row, and the dimension of the
  /// step's result along which it is.
  fileprivate func rowFactor(of step: WeightChain.Step, column: Int) -> (value: ValueID, column: Int)? {
    let inputs = inputs(step.node)
    guard [Op.multiply, .divide, .select].contains(op(step.node)), let column = step.dimensions.firstIndex(of: column) else {
      return nil
    }
    let other = op(step.node) == .select ? inputs[0] : inputs[1 - step.position]
    // Scales that are known move by themselves, or into the score.
    guard uniformConstant(other) == nil, isUniform(other, along: column) else { return nil }
    return (other, column)
  }

  /// Whether weights without a softmax gain by having a factor of rows moved: they are those of attention, which is fused only where they
  /// are not linear in the scores or are divided by their own sum.
  fileprivate func isWorthMoving(_ chain: WeightChain, _ position: Int, _ weights: AttentionWeights?) -> Bool {
    guard weights != nil else { return false }
    if definingOp(chain.bottom) != .contract { return true }
    let step = chain.steps[position]
    return op(step.node) == .divide && values(below: inputs(step.node)[1]).contains(chain.bottom)
  }

  /// Appends what `step` does to its weights, done to their weighted sum instead, with the numbers `row`.
  fileprivate mutating func appendRowStep(
    _ step: WeightChain.Step, _ sum: ValueID, _ row: ValueID, _ type: TensorType
  ) throws -> ValueID {
    if op(step.node) == .select {
      let none = try appendScalar(0, type.element)
      return try appendResult(.select, [row] + (step.position == 1 ? [sum, none] : [none, sum]))
    }
    // A condition as a number: where it is 0, NaN among the weights does not count, as for other zeros of masks.
    let factor = Arrangement(inputs(step.node)[1 - step.position], in: self).source
    if op(step.node) == .multiply, let source = match(factor, .convert)?[0], self.type(source).element == .bool {
      let isOut = try appendResult(.equal, [row, appendScalar(0, self.type(row).element)])
      return try appendResult(.select, [isOut, appendScalar(0, type.element), sum])
    }
    // Numbers of rows may be of a wider type than what is summed.
    let wide = self.type(row).element
    let value = wide == type.element ? sum : try appendResult(.convert, [sum], stated: TensorType(wide, type.shape))
    let result = try appendResult(op(step.node), [value, row])
    return wide == type.element ? result : try appendResult(.convert, [result], stated: type)
  }
}
