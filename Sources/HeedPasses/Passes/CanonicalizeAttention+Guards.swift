import HeedIR

extension GraphPass {
  /// In a choice between a probability and 0, `p != p`, and what else asks whether a probability is NaN, becomes a question about its row:
  /// `l != l` of the logarithm l of the row's sum. One NaN among the scores of a row makes all its probabilities NaN, and the logarithm.
  ///
  ///     %n = not_equal %p, %p : bool[B, M, N]                          // %p = softmax %x {dim = 2}
  ///     %g = select %n, 0.0, %p : f32[B, M, N]
  /// becomes
  ///     %l = log_sum_exp %x {dim = 2} : f32[B, M]
  ///     %c = not_equal %l, %l : bool[B, M]
  ///     %n = broadcast %c {dims = [0, 1]} : bool[B, M, N]
  ///     %g = select %n, 0.0, %p : f32[B, M, N]
  static func askRowForNaN(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .select, graph.inputs(node).dropFirst().contains(where: { graph.uniformConstant($0)?.real == 0 }) else {
      return nil
    }
    var (condition, steps): (ValueID, [NodeID]) = (graph.inputs(node)[0], [])
    while let step = graph.definingNode(condition), [Op.not, .transpose, .broadcast, .reshape].contains(graph.op(step)) {
      steps.append(step)
      condition = graph.inputs(step)[0]
    }
    guard let asking = graph.definingNode(condition), let question = graph.questionOfNaN(asking),
      let found = Probabilities(question.value, in: graph)
    else { return nil }
    let answer = try found.appendQuestion(isNaN: question.isNaN, in: &state.graph)
    state.context.remark(
      .applied, graph.result(node), in: graph,
      "NaN in the probabilities \(graph.label(found.value)) is NaN in a whole row: the logarithm of its sum is asked")
    var operands = graph.inputs(node)
    operands[0] = try steps.reversed().reduce(answer) { value, view in
      try state.graph.appendLike(view, [value], type: TensorType(.bool, graph.type(graph.result(view)).shape))
    }
    return try state.graph.appendResult(.select, operands)
  }

  /// A choice by a comparison that no probability fulfils, `select(p == inf, c, p)`, is the other branch.
  static func dropImpossibleChoice(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .select, graph.type(graph.result(node)).element.isFloat, graph.isImpossible(graph.inputs(node)[0])
    else {
      return nil
    }
    state.context.remark(
      .applied, graph.result(node), in: graph, "a probability is in 0...1 or NaN: the choice for other numbers goes")
    return try state.graph.fit(graph.inputs(node)[2], as: graph.result(node))
  }

  /// `select(c, 0, softmax(x))` is the softmax where c holds for rows alone whose scores are all -inf: those are 0 by themselves.
  ///
  /// c may compare the greatest score of a row, or the logarithm of its sum, with -inf. It may say that all scores of the row are -inf, or
  /// that no pair of a mask lives that the scores have. Where c is true of NaN as well, as `not(max(x) > -inf)` is, it stays, a condition on rows.
  static func dropGuardOfDeadRows(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .select else { return nil }
    let inputs = graph.inputs(node)
    for (zero, kept) in [(1, 2), (2, 1)] {
      guard graph.uniformConstant(inputs[zero])?.real == 0, let found = Probabilities(inputs[kept], in: graph), found.views.isEmpty,
        graph.saysDead(inputs[0], zero == 1, found)
      else { continue }
      state.context.remark(
        .applied, graph.result(node), in: graph, "a row whose scores are all -inf has the probabilities 0 without the choice")
      return inputs[kept]
    }
    return nil
  }

  /// `absolute(w)` is w where w is made by an op that is never below 0.
  static func dropAbsoluteOfWeights(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .absolute, graph.isNeverNegative(graph.inputs(node)[0]) else { return nil }
    return graph.inputs(node)[0]
  }
}

extension Graph {
  /// What a comparison that is true for NaN alone (`isNaN`), or for all else but NaN, is of, where that is in 0...1 or NaN.
  fileprivate func questionOfNaN(_ node: NodeID) -> (value: ValueID, isNaN: Bool)? {
    let inputs = inputs(node)
    guard inputs.count == 2, type(inputs[0]).element.isFloat else { return nil }
    if inputs[0] == inputs[1] {
      switch op(node) {
      case .notEqual: return (inputs[0], true)
      case .equal, .lessEqual, .greaterEqual: return (inputs[0], false)
      default: return nil
      }
    }
    guard let comparison = comparison(node) else { return nil }
    // A bound that every number in 0...1 keeps.
    let isKept =
      switch comparison.op {
      case .less: comparison.bound > 1
      case .lessEqual: comparison.bound >= 1
      case .greater: comparison.bound < 0
      case .greaterEqual: comparison.bound <= 0
      default: false
      }
    return isKept ? (match(comparison.value, .absolute)?[0] ?? comparison.value, false) : nil
  }

  /// A comparison with a number, the number on the right.
  func comparison(_ node: NodeID) -> (value: ValueID, op: Op, bound: Double)? {
    let (inputs, op) = (inputs(node), op(node))
    guard inputs.count == 2 else { return nil }
    if let bound = uniformConstant(inputs[1])?.real { return (inputs[0], op, bound) }
    let mirrored: [Op: Op] = [
      .less: .greater, .greater: .less, .lessEqual: .greaterEqual, .greaterEqual: .lessEqual, .equal: .equal, .notEqual: .notEqual,
    ]
    guard let bound = uniformConstant(inputs[0])?.real, let op = mirrored[op] else { return nil }
    return (inputs[1], op, bound)
  }

  /// Whether `condition` is a comparison of a probability that is false for all of 0...1 and for NaN.
  fileprivate func isImpossible(_ condition: ValueID) -> Bool {
    let arrangement = Arrangement(condition, in: self)
    guard let node = definingNode(arrangement.source), let comparison = comparison(node), type(comparison.value).element.isFloat
    else {
      return false
    }
    let isBeyond =
      switch comparison.op {
      case .equal: !(0...1).contains(comparison.bound)
      case .greater: comparison.bound >= 1
      case .greaterEqual: comparison.bound > 1
      case .less: comparison.bound <= 0
      case .lessEqual: comparison.bound < 0
      default: false
      }
    return isBeyond && isProbability(comparison.value)
  }

  /// Whether `value` is in 0...1 or NaN: a softmax of scores, arranged, with its absolute value or chosen beside 0.
  private func isProbability(_ value: ValueID, depth: Int = 0) -> Bool {
    if Probabilities(value, in: self) != nil { return true }
    guard depth < 8, let node = definingNode(value) else { return false }
    let inputs = inputs(node)
    func isIn(_ value: ValueID) -> Bool {
      if let number = uniformConstant(value)?.real { return (0...1).contains(number) }
      return isProbability(value, depth: depth + 1)
    }
    switch op(node) {
    case .absolute: return isIn(inputs[0])
    case .select: return isIn(inputs[1]) && isIn(inputs[2])
    case .convert, .transpose, .broadcast, .reshape: return type(inputs[0]).element.isFloat && isIn(inputs[0])
    default: return false
    }
  }

  /// Whether `condition`, or its contrary, says of each row of the probabilities that all its scores are -inf.
  fileprivate func saysDead(_ condition: ValueID, _ holds: Bool, _ found: Probabilities) -> Bool {
    var (source, dimensions, holds) = (condition, Array(0..<type(condition).rank).map { Optional($0) }, holds)
    while true {
      let arrangement = Arrangement(source, in: self)
      dimensions = arrangement.dimensions.map { $0.flatMap { dimensions[$0] } }
      source = arrangement.source
      guard let inner = match(source, .not)?[0] else { break }
      (source, holds) = (inner, !holds)
    }
    guard let node = definingNode(source) else { return false }
    if let rows = deadRows(node, holds), rows.dim == found.dim(self), rows.scores == found.scores {
      return rows.dimensions.map { $0.flatMap { dimensions[$0] } } == (0..<type(found.scores).rank).filter { $0 != rows.dim }
    }
    guard let mask = maskOfDeadRows(node, holds) else { return false }
    // The mask as the scores have it: over the same dimensions of the probabilities.
    let (dim, masks) = (found.dim(self), infiniteMasks(ofScores: found.scores))
    return masks.contains { conjunct in
      var arrangement = Arrangement(conjunct, in: self)
      let own = Arrangement(mask.value, in: self)
      guard arrangement.source == own.source else { return false }
      if own.views.isEmpty {
        guard arrangement.dimensions.indices.contains(mask.dim), arrangement.dimensions[mask.dim] == dim else { return false }
        arrangement.dimensions.remove(at: mask.dim)
        return arrangement.dimensions == dimensions
      }
      return conjunct == mask.value && mask.dim == dim
        && dimensions == (0..<type(mask.value).rank).filter { $0 != dim }
    }
  }

  /// What a comparison with a number, or its contrary, is of.
  private func comparedScores(_ condition: ValueID) -> ValueID? {
    var condition = condition
    while let inner = match(condition, .not)?[0] { condition = inner }
    return definingNode(condition).flatMap(comparison)?.value
  }

  /// The scores whose rows along `dim` are all -inf where `node` is as said; for each dimension of the rows, that of the node.
  private func deadRows(_ node: NodeID, _ holds: Bool) -> (scores: ValueID, dim: Int, dimensions: [Int?])? {
    if op(node) == .reduce {
      // All are -inf, or not any is above.
      let (kind, dims) = (attributes(node).required(.kind), attributes(node).required(.dims))
      guard dims.count == 1, holds ? kind == .and || kind == .minimum : kind == .or || kind == .maximum,
        let scores = comparedScores(inputs(node)[0]),
        liveness(inputs(node)[0], !holds, of: scores) != nil
      else { return nil }
      return (scores, dims[0], (0..<type(result(node)).rank).map { $0 })
    }
    guard let comparison = comparison(node), comparison.bound == -.infinity,
      holds ? [.equal, .lessEqual].contains(comparison.op) : comparison.op == .notEqual
    else { return nil }
    let arrangement = Arrangement(comparison.value, in: self)
    if let logarithm = definingNode(arrangement.source, where: .logSumExp) {
      return (inputs(logarithm)[0], attributes(logarithm).required(.dim), arrangement.dimensions)
    }
    guard let maximum = definingNode(arrangement.source, where: .reduce),
      attributes(maximum).required(.kind) == .maximum, attributes(maximum).required(.dims).count == 1
    else { return nil }
    return (inputs(maximum)[0], attributes(maximum).required(.dims)[0], arrangement.dimensions)
  }

  /// The mask that has no true element along `dim` where `node` is as said: written by `or` and `and`, or by numbers of 0 and 1.
  private func maskOfDeadRows(_ node: NodeID, _ holds: Bool) -> (value: ValueID, dim: Int)? {
    if op(node) == .reduce {
      let (kind, dims) = (attributes(node).required(.kind), attributes(node).required(.dims))
      guard dims.count == 1, type(inputs(node)[0]).element == .bool else { return nil }
      if !holds { return kind == .or || kind == .maximum ? (inputs(node)[0], dims[0]) : nil }
      guard kind == .and || kind == .minimum, let inner = match(inputs(node)[0], .not)?[0] else { return nil }
      return (inner, dims[0])
    }
    // The sum or the greatest of the mask's numbers.
    guard let comparison = comparison(node), let count = definingNode(comparison.value, where: .reduce),
      [.add, .maximum].contains(attributes(count).required(.kind)), attributes(count).required(.dims).count == 1,
      let mask = match(inputs(count)[0], .convert)?[0], type(mask).element == .bool
    else { return nil }
    let isNone =
      switch comparison.op {
      case .equal, .lessEqual: comparison.bound == 0 && holds
      case .less: comparison.bound > 0 && comparison.bound <= 1 && holds
      case .notEqual, .greater: comparison.bound == 0 && !holds
      case .greaterEqual: comparison.bound > 0 && comparison.bound <= 1 && !holds
      default: false
      }
    return isNone ? (mask, attributes(count).required(.dims)[0]) : nil
  }

  /// Whether no element is below 0, by the op that makes it.
  fileprivate func isNeverNegative(_ value: ValueID, depth: Int = 0) -> Bool {
    if let number = uniformConstant(value)?.real { return number >= 0 }
    guard depth < 16, let node = definingNode(value) else { return false }
    let inputs = inputs(node)
    func isIn(_ value: ValueID) -> Bool { isNeverNegative(value, depth: depth + 1) }
    switch op(node) {
    case .exp, .exp2, .sigmoid, .absolute, .softmax: return true
    case .maximum: return inputs.contains { uniformConstant($0).map { $0.real >= 0 } ?? false } || inputs.allSatisfy(isIn)
    case .multiply: return inputs[0] == inputs[1] || inputs.allSatisfy(isIn)
    case .add, .divide, .minimum: return inputs.allSatisfy(isIn)
    case .select: return isIn(inputs[1]) && isIn(inputs[2])
    case .convert:
      let from = type(inputs[0]).element
      return from == .bool || from == .u8 || from.isFloat && isIn(inputs[0])
    case .transpose, .broadcast, .reshape, .slice: return isIn(inputs[0])
    default: return false
    }
  }
}
