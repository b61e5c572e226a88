import HeedIR

extension GraphPass {
  /// `log(sum(exp(x)))` is `log_sum_exp(x)`, where a softmax of the same exponentials is there or x is made of a product.
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
        || !graph.products(below: written.exponent, atMost: 1).isEmpty
    else { return nil }
    var scores = written.exponent
    // A shift of -inf, which a row without a live pair has, makes its exponents NaN.
    if let mask = written.mask, !written.scoresHaveMask || written.exponent != written.scores {
      scores = try mask.mask(scores, by: mask.condition, in: &state.graph)
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
      let isNew = mask.map {
        !MaskedExponentials(difference[0], where: $0[0], true).isOfScores(difference[0], shift: difference[1], in: graph)
      }
      let plain =
        isNew ?? false ? try state.graph.appendResult(.select, [mask![0], difference[0], mask![2]]) : difference[0]
      state.context.remark(.applied, graph.result(node), in: graph, "the logarithm of a softmax's sum written out")
      return try state.graph.appendLogSumExp(plain, dim, like: graph.result(node))
    }
    return nil
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

  mutating func appendLogSumExp(_ scores: ValueID, _ dim: Int, like value: ValueID) throws -> ValueID {
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
  /// In place of -inf, the logarithm of a row without a live pair, 0 may be subtracted.
  func logSumExp(subtractedIn node: NodeID) -> (value: ValueID, dims: [Int])? {
    guard op(node) == .exp, let pair = match(inputs(node)[0], .subtract) else { return nil }
    var shift = Arrangement(pair[1], in: self)
    if let choice = match(shift.source, .select) {
      let kept = uniformConstant(choice[1])?.real == 0 ? 2 : 1
      guard uniformConstant(choice[3 - kept])?.real == 0, liveness(choice[0], kept == 1, of: choice[kept]) != nil else {
        return nil
      }
      let logarithm = Arrangement(choice[kept], in: self)
      shift.dimensions = logarithm.dimensions.map { $0.flatMap { shift.dimensions[$0] } }
      shift.source = logarithm.source
    }
    guard let outer = definingNode(shift.source, where: .logSumExp) else { return nil }
    let logarithm = NestedReduction(outer, in: self) { op($0) == .logSumExp ? [attributes($0).required(.dim)] : nil }
    guard logarithm.operand == pair[0],
      logarithm.dimensions.map({ $0.flatMap { shift.dimensions[$0] } })
        == (0..<type(pair[0]).rank).filter({ !logarithm.dims.contains($0) })
    else { return nil }
    return (pair[0], logarithm.dims)
  }
}
