import HeedIR

extension GraphPass {
  /// Probabilities that are masked and divided by what is left of their sum are the softmax of masked scores:
  /// `select(m, softmax(x), 0) / sum(select(m, softmax(x), 0))` is `softmax(select(m, x, -inf))`.
  ///
  /// Then tiles are skipped for the mask. A row without a live pair, where 0 was divided by 0, is 0, as for a softmax that is written out.
  static func recogniseRenormalised(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .divide else { return nil }
    let inputs = graph.inputs(node)
    let divisor = Arrangement(inputs[1], in: graph)
    guard let sum = graph.definingNode(divisor.source, where: .reduce), graph.inputs(sum) == [inputs[0]],
      graph.attributes(sum).required(.kind) == .add, let changed = graph.definingNode(inputs[0]),
      let masked = graph.maskedValue(changed), let softmax = graph.definingNode(masked.value, where: .softmax)
    else { return nil }
    let (dim, scores) = (graph.attributes(softmax).required(.dim), graph.inputs(softmax)[0])
    let type = graph.type(scores)
    guard graph.attributes(sum).required(.dims) == [dim], divisor.dimensions == (0..<type.rank).filter({ $0 != dim }) else {
      return nil
    }
    let dead = try state.graph.appendScalar(-.infinity, type.element)
    let rebuilt = try state.graph.appendResult(.select, [masked.condition, scores, dead])
    state.context.remark(
      .applied, graph.result(node), in: graph,
      "probabilities that are masked and divided by their new sum: a softmax of masked scores; a row without a live pair gives 0")
    return try state.graph.appendLike(softmax, [rebuilt], type: graph.type(graph.result(node)))
  }
}
