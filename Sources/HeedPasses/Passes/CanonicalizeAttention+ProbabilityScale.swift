import HeedIR

extension GraphPass {
  /// `contract(softmax(x) * c, v)` becomes `contract(softmax(x), v) * c` for a constant c: the scale moves behind the weighted sum.
  static func moveProbabilityScale(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .contract else { return nil }
    let type = graph.type(graph.result(node))
    for (side, operand) in graph.inputs(node).enumerated() {
      let (probabilities, factor) = try state.graph.withoutScale(operand)
      guard factor != 1, factor != 0, factor.isFinite, type.element.keepsScale(factor),
        state.graph.definingOp(Arrangement(probabilities, in: state.graph).source) == .softmax
      else { continue }
      var operands = graph.inputs(node)
      operands[side] = probabilities
      let sum = try state.graph.appendLike(node, operands, type: type)
      state.context.remark(
        .applied, graph.result(node), in: graph,
        "the scale \(Literal(factor).text(as: type.element)) of the probabilities moved behind the weighted sum")
      return try state.graph.appendResult(.multiply, [sum, state.graph.appendScalar(factor, type.element)])
    }
    return nil
  }
}
