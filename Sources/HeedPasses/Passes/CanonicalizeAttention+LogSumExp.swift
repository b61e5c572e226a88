import HeedIR

extension GraphPass {
  /// `log(sum(exp(x)))` is `log_sum_exp(x)`, where a softmax of the same exponentials is there.
  ///
  /// Elsewhere it stays: the op takes a maximum first, which a writer who knows his numbers may have left out.
  static func recogniseLogSumExp(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .log, let sum = graph.unitSource(graph.inputs(node)[0], .reduce),
      graph.attributes(sum).required(.kind) == .add, graph.attributes(sum).required(.dims).count == 1
    else { return nil }
    let (exponentials, dim) = (graph.inputs(sum)[0], graph.attributes(sum).required(.dims)[0])
    guard let written = WrittenExponentials(exponentials, dims: [dim], in: graph), written.op == .exp,
      state.hasOtherUses(exponentials) || graph.hasSoftmax(of: written.scores, dim: dim)
    else { return nil }
    var scores = written.exponent
    if let condition = written.condition {
      let dead = try state.graph.appendScalar(-.infinity, graph.type(scores).element)
      scores = try state.graph.appendResult(.select, [condition, scores, dead])
    }
    return try state.graph.appendLogSumExp(scores, dim, like: graph.result(node))
  }

  /// `log_sum_exp(x - m) + m`, with one m a row, is `log_sum_exp(x)`; x - m may be masked.
  static func addShiftToLogSumExp(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard let pair = graph.match(graph.result(node), .add) else { return nil }
    for (logarithm, shift) in [(pair[0], pair[1]), (pair[1], pair[0])] {
      guard let inner = graph.unitSource(logarithm, .logSumExp) else { continue }
      let (scores, dim) = (graph.inputs(inner)[0], graph.attributes(inner).required(.dim))
      let mask = graph.match(scores, .select)
      guard let difference = graph.match(mask?[1] ?? scores, .subtract),
        mask.map({ graph.uniformConstant($0[2])?.real == -.infinity }) ?? true,
        Arrangement(difference[1], in: graph).source == Arrangement(shift, in: graph).source,
        graph.withoutRowShift(mask?[1] ?? scores, dims: [dim]) == difference[0]
      else { continue }
      let plain = try mask.map { try state.graph.appendResult(.select, [$0[0], difference[0], $0[2]]) } ?? difference[0]
      state.context.remark(.applied, graph.result(node), in: graph, "the logarithm of a softmax's sum written out")
      return try state.graph.appendLogSumExp(plain, dim, like: graph.result(node))
    }
    return nil
  }

  /// `softmax(x - m)`, with one m a row, is `softmax(x)`.
  static func dropRowShift(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .softmax else { return nil }
    let (operand, dim) = (graph.inputs(node)[0], graph.attributes(node).required(.dim))
    let scores = graph.withoutRowShift(operand, dims: [dim])
    guard scores != operand else { return nil }
    state.context.remark(.applied, graph.result(node), in: graph, "what is subtracted from a whole row before a softmax cancels")
    return try state.graph.appendResult(.softmax, [scores], attributes: graph.attributes(node).all)
  }
}

extension Graph {
  /// The node of op `op` that `value` has all elements of in the same order, with dimensions of extent 1 put in or not.
  func unitSource(_ value: ValueID, _ op: Op) -> NodeID? {
    if let node = definingNode(value, where: op) { return node }
    guard let operand = match(value, .reshape)?[0], let node = definingNode(operand, where: op),
      Arrangement(value, in: self).views.first == definingNode(value)
    else { return nil }
    return node
  }

  fileprivate mutating func appendLogSumExp(_ scores: ValueID, _ dim: Int, like value: ValueID) throws -> ValueID {
    let result = try appendResult(.logSumExp, [scores], attributes: [Attribute(.dim, dim)])
    return type(result) == type(value) ? result : try appendResult(.reshape, [result], stated: type(value))
  }

  /// Whether a softmax along `dim` is of `scores`, under masks or not.
  fileprivate func hasSoftmax(of scores: ValueID, dim: Int) -> Bool {
    body.contains { node in
      guard op(node) == .softmax, attributes(node).required(.dim) == dim else { return false }
      var value = withoutRowShift(inputs(node)[0], dims: [dim])
      while value != scores, let choice = match(value, .select) { value = choice[1] }
      return value == scores
    }
  }

  /// What `node` is the exponential of, less the logarithm of its sum: `exp(x - log_sum_exp(x))`; of several dimensions, one after the other.
  func logSumExp(subtractedIn node: NodeID) -> (value: ValueID, dims: [Int])? {
    guard op(node) == .exp, let pair = match(inputs(node)[0], .subtract) else { return nil }
    let shift = Arrangement(pair[1], in: self)
    guard let outer = definingNode(shift.source, where: .logSumExp) else { return nil }
    let logarithm = NestedReduction(outer, in: self) { op($0) == .logSumExp ? [attributes($0).required(.dim)] : nil }
    guard logarithm.operand == pair[0],
      logarithm.dimensions.map({ $0.flatMap { shift.dimensions[$0] } })
        == (0..<type(pair[0]).rank).filter({ !logarithm.dims.contains($0) })
    else { return nil }
    return (pair[0], logarithm.dims)
  }
}
