import HeedIR

extension GraphPass {
  /// `softmax(x - m)`, with one m a row that is finite wherever the softmax is a number, is `softmax(x)`.
  ///
  /// Where something else uses `x - m`, both keep it: the softmax and the logarithm of its sum are then of the same scores.
  static func dropRowShift(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .softmax else { return nil }
    let (operand, dim) = (graph.inputs(node)[0], graph.attributes(node).required(.dim))
    var scores = operand
    while !state.hasOtherUses(scores), let step = graph.rowShift(scores, dims: [dim], besideSink: false) { scores = step.scores }
    guard scores != operand else { return nil }
    state.context.remark(.applied, graph.result(node), in: graph, "what is subtracted from a whole row before a softmax cancels")
    return try state.graph.appendResult(.softmax, [scores], attributes: graph.attributes(node).all)
  }
}

extension Graph {
  /// `value` without what is made from the scores themselves and subtracted from all elements along `dims` alike, if it cancels.
  /// - Parameter besideSink: whether one more score is in the sum, so that the greatest of it and the row's scores cancels too.
  func withoutRowShift(_ value: ValueID, dims: [Int], besideSink: Bool = true) -> ValueID {
    var (value, found) = (value, value)
    while let step = rowShift(value, dims: dims, besideSink: besideSink) {
      value = step.scores
      if isMadeOfRows(step.shift) { found = value }
    }
    return found
  }

  /// Whether a reduction of rows is below `value`.
  func isMadeOfRows(_ value: ValueID) -> Bool {
    values(below: value, through: isElementwiseOrView).contains { definingOp($0) == .reduce || definingOp($0) == .logSumExp }
  }

  /// What `value` is a difference of, where one number per row is subtracted that cancels in a softmax along `dims`.
  fileprivate func rowShift(_ value: ValueID, dims: [Int], besideSink: Bool) -> (scores: ValueID, shift: ValueID)? {
    guard let pair = match(value, .subtract), type(pair[0]) == type(value),
      !Arrangement(pair[1], in: self).dimensions.contains(where: { $0.map(dims.contains) ?? false }),
      cancels(pair[1], from: pair[0], besideSink: besideSink)
    else { return nil }
    return (pair[0], pair[1])
  }

  /// Whether `shift` is finite wherever the softmax of `scores` is a number, so that no NaN or infinity goes with it.
  ///
  /// The greatest score and the logarithm of the sum are: a NaN in them comes from a score, and -inf from a row without a live pair.
  /// An input is not.
  private func cancels(_ shift: ValueID, from scores: ValueID, besideSink: Bool, depth: Int = 0) -> Bool {
    if let number = uniformConstant(shift)?.real { return number.isFinite }
    let source = Arrangement(shift, in: self).source
    guard type(source).element.isFloat else { return true }
    guard depth < 12, let node = definingNode(source) else { return false }
    let operands = inputs(node)
    func cancels(_ value: ValueID) -> Bool { self.cancels(value, from: scores, besideSink: besideSink, depth: depth + 1) }
    switch op(node) {
    case .logSumExp: return share(operands[0], scores)
    case .reduce:
      let isGreatest = attributes(node).required(.kind) == .maximum
      return share(operands[0], scores) ? isGreatest || isFiniteProduct(operands[0]) : isGreatest && cancels(operands[0])
    case .log:
      guard let sum = unitSource(operands[0], .reduce), attributes(sum).required(.kind) == .add,
        let exponent = match(inputs(sum)[0], .exp)?[0]
      else { return false }
      return share(exponent, scores)
    case .maximum: return besideSink ? operands.contains(where: cancels) : operands.allSatisfy(cancels)
    case .select: return operands.dropFirst().allSatisfy(cancels)
    case .add, .subtract, .multiply, .divide, .minimum, .negate, .convert: return operands.allSatisfy(cancels)
    default: return false
    }
  }

  /// Whether two values come from the same scores.
  private func share(_ value: ValueID, _ scores: ValueID) -> Bool {
    if value == scores { return true }
    let products = products(below: scores)
    if products.isEmpty { return values(below: scores, through: isElementwiseOrView).contains(value) }
    return !Set(products).isDisjoint(with: self.products(below: value))
  }

  /// Whether `value` is made from products and finite numbers alone, without a mask of -inf.
  private func isFiniteProduct(_ value: ValueID) -> Bool {
    values(below: value, through: isElementwiseOrView).allSatisfy { value in
      if let number = uniformConstant(value)?.real { return number.isFinite }
      guard let node = definingNode(value) else { return false }
      return op(node) == .contract || isElementwiseOrView(node)
    }
  }
}
