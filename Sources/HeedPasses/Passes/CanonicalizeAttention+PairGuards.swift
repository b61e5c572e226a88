import HeedIR

extension GraphPass {
  /// `select(x > -inf, softmax(x), 0)` is `softmax(x)`: a pair whose score is -inf has the probability 0 by itself.
  ///
  /// A NaN is not above -inf either, but makes all of its row NaN: it shows.
  static func dropGuardOfDeadPairs(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard let masked = MaskedExponentials(node, in: graph), let found = Probabilities(masked.value, in: graph), found.views.isEmpty,
      graph.type(masked.value) == graph.type(graph.result(node)),
      graph.liveness(masked.condition, masked.holds, of: found.scores) != nil
    else { return nil }
    state.context.remark(
      .applied, graph.result(node), in: graph, "a pair whose score is -inf has the probability 0 without the choice")
    return masked.value
  }

  /// In a choice, `sum(exp(x - m)) > 0` is `log_sum_exp(x) > -inf`, where there is a softmax of x: of the sum nothing else is left.
  static func askLogarithmOfSum(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .select else { return nil }
    var (condition, steps): (ValueID, [NodeID]) = (graph.inputs(node)[0], [])
    while let step = graph.definingNode(condition), [Op.not, .transpose, .broadcast, .reshape].contains(graph.op(step)) {
      steps.append(step)
      condition = graph.inputs(step)[0]
    }
    guard let asking = graph.definingNode(condition), let comparison = graph.comparison(asking), comparison.bound == 0,
      [.equal, .notEqual, .greater, .lessEqual].contains(comparison.op), let sum = graph.unitSource(comparison.value, .reduce),
      graph.attributes(sum).required(.kind) == .add, graph.attributes(sum).required(.dims).count == 1
    else { return nil }
    let dim = graph.attributes(sum).required(.dims)[0]
    guard let written = WrittenExponentials(graph.inputs(sum)[0], dims: [dim], in: graph), written.scoresHaveMask,
      let scores = graph.softmaxOperand(of: written, dim: dim)
    else { return nil }
    let logarithm = try state.graph.appendLogSumExp(scores, dim, like: comparison.value)
    let bound = try state.graph.appendScalar(-.infinity, graph.type(scores).element)
    let answer = try state.graph.appendResult(comparison.op, [logarithm, bound])
    var operands = graph.inputs(node)
    operands[0] = try steps.reversed().reduce(answer) {
      try state.graph.appendLike($1, [$0], type: graph.type(graph.result($1)))
    }
    state.context.remark(
      .applied, graph.result(node), in: graph,
      "the sum \(graph.label(comparison.value)) of exponentials is 0 where its logarithm is -inf, which is asked")
    return try state.graph.appendResult(.select, operands)
  }

  /// `maximum(0, p)`, the right one of which is taken where it is NaN, is the probability p; `maximum(p, 0)` is p or, where it is NaN, 0.
  static func dropBoundOfProbabilities(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    let (op, inputs) = (graph.op(node), graph.inputs(node))
    guard op == .maximum || op == .minimum else { return nil }
    let bound = op == .maximum ? 0.0 : 1.0
    if graph.uniformConstant(inputs[0])?.real == bound, Probabilities(inputs[1], in: graph) != nil {
      return try state.graph.fit(inputs[1], as: graph.result(node))
    }
    guard op == .maximum, graph.uniformConstant(inputs[1])?.real == 0, let found = Probabilities(inputs[0], in: graph),
      graph.type(inputs[0]) == graph.type(graph.result(node))
    else { return nil }
    state.context.remark(
      .applied, graph.result(node), in: graph, "the greater of a probability and 0 is 0 where it is NaN: the row is asked")
    let isNumber = try found.appendQuestion(isNaN: false, in: &state.graph)
    let zero = try state.graph.appendScalar(0, graph.type(inputs[0]).element)
    return try state.graph.appendResult(.select, [isNumber, inputs[0], zero])
  }
}

extension Graph {
  /// What a softmax of written exponentials is of, where there is one along `dim`.
  fileprivate func softmaxOperand(of written: WrittenExponentials, dim: Int) -> ValueID? {
    for node in body where op(node) == .softmax && attributes(node).required(.dim) == dim {
      let operand = inputs(node)[0]
      if written.op == .exp ? operand == written.scores : match(operand, .multiply)?[0] == written.scores { return operand }
    }
    return nil
  }
}
