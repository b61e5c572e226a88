import HeedIR

/// The zeros that masks made, as a graph runs. `contract` adds nothing for them, whatever they are multiplied by. They are:
///
///     exp, exp2 and softmax of -inf              select(condition, x, 0) where it takes the 0
///     a false bool converted to a float          products with such a zero, its quotients by others
///     sums and differences of two of them        views, float conversions and stopped gradients of all of these
///
/// So is a 0 that elementwise ops make of -inf and of numbers that are the same everywhere: relu or sigmoid of a masked score.
///
/// So a weighted sum that is written as plain ops sees no NaN of a value whose pair is masked, as `attention` does not.
struct MaskedZeros {
  /// For values that have any: a truth value per element.
  private var known: [ValueID: ReferenceArray] = [:]
  /// For values that elementwise ops made of scores of -inf: a truth value per element.
  private var dead: [ValueID: ReferenceArray] = [:]

  subscript(value: ValueID) -> ReferenceArray? { known[value] }

  mutating func forget(_ value: ValueID) { (known[value], dead[value]) = (nil, nil) }

  /// Takes in a node that has run, and its first result.
  mutating func follow(
    _ graph: Graph, _ node: NodeID, _ operands: [ReferenceArray], _ result: ReferenceArray, _ binding: [Name: Int]
  ) throws {
    guard let value = graph.results(node).first, graph.type(value).element.isFloat else { return }
    let op = graph.op(node)
    let marks = graph.operands(node).map { known[$0] }
    func isMasked(_ operand: Int, _ position: Int) -> Bool { marks[operand].map { $0.at(position) != 0 } ?? false }
    let madeOfDead = followDead(graph, node, operands, result)
    let rule: (Int) -> Bool
    switch op {
    case .softmax, .exp, .exp2: rule = { operands[0].reals[$0] == -.infinity }
    case .select:
      let isZero = operands.map { $0.element.isFloat && $0.reals.allSatisfy { $0 == 0 } }
      rule = { position in
        let taken = operands[0].at(position) != 0 ? 1 : 2
        return isZero[taken] || isMasked(taken, position)
      }
    case .convert where operands[0].element == .bool: rule = { operands[0].integers[$0] == 0 }
    case .convert, .negate, .stopGradient: rule = { isMasked(0, $0) }
    case .divide: rule = { isMasked(0, $0) && operands[1].reals[operands[1].shape.isEmpty ? 0 : $0] != 0 }
    case .multiply: rule = { isMasked(0, $0) || isMasked(1, $0) }
    case .add, .subtract: rule = { isMasked(0, $0) && isMasked(1, $0) }
    case .transpose, .reshape, .broadcast, .slice, .concatenate, .gather:
      if marks.contains(where: { $0 != nil }) { known[value] = try moved(graph, node, operands, marks, binding) }
      let deadMarks = graph.operands(node).map { dead[$0] }
      if deadMarks.contains(where: { $0 != nil }) { dead[value] = try moved(graph, node, operands, deadMarks, binding) }
      return
    default:
      guard madeOfDead != nil else { return }
      rule = { _ in false }
    }
    let shape = try graph.type(value).shape.evaluate { binding[$0] }
    let masked = (0..<shape.reduce(1, *)).map { position in
      Int64(rule(position) || madeOfDead.map { $0.at(position) != 0 && result.reals[position] == 0 } ?? false ? 1 : 0)
    }
    if masked.contains(1) { known[value] = ReferenceArray(.bool, shape, integers: masked) }
  }

  /// Where an elementwise op made its result of -inf, or of what was made of that, and of nothing else that differs from place to place.
  private mutating func followDead(
    _ graph: Graph, _ node: NodeID, _ operands: [ReferenceArray], _ result: ReferenceArray
  ) -> ReferenceArray? {
    guard graph.op(node).has(.elementwise), operands.contains(where: { $0.element.isFloat }) else { return nil }
    let marks = graph.operands(node).map { dead[$0] }
    guard marks.contains(where: { $0 != nil }) || operands.contains(where: { $0.reals.contains(-.infinity) }) else { return nil }
    func isDead(_ operand: Int, _ position: Int) -> Bool {
      let array = operands[operand]
      guard array.element.isFloat else { return false }
      return array.reals[array.shape.isEmpty ? 0 : position] == -.infinity || marks[operand].map { $0.at(position) != 0 } ?? false
    }
    let isUniform = operands.map { array in !array.element.isFloat || array.reals.allSatisfy { $0 == array.reals[0] } }
    let found = result.reals.indices.map { position -> Int64 in
      if graph.op(node) == .select { return isDead(operands[0].at(position) != 0 ? 1 : 2, position) ? 1 : 0 }
      let deads = operands.indices.map { isDead($0, position) }
      return deads.contains(true) && operands.indices.allSatisfy { deads[$0] || isUniform[$0] } ? 1 : 0
    }
    guard found.contains(1) else { return nil }
    let array = ReferenceArray(.bool, result.shape, integers: found)
    dead[graph.results(node).first!] = array
    return array
  }

  /// The result of an op that moves elements, on truth values.
  private func moved(
    _ graph: Graph, _ node: NodeID, _ operands: [ReferenceArray], _ marks: [ReferenceArray?], _ binding: [Name: Int]
  ) throws -> ReferenceArray {
    func ofBools(_ type: TensorType) -> TensorType { type.element.isFloat ? TensorType(.bool, type.shape) : type }
    let arrays = zip(operands, marks).map { array, marks in
      marks ?? (array.element.isFloat ? ReferenceArray(.bool, array.shape) : array)
    }
    return try graph.op(node).evaluate(
      Evaluation(
        op: graph.op(node), operands: arrays, attributes: graph.attributes(node), regions: Array(graph.regions(node)),
        operandTypes: graph.operands(node).map { ofBools(graph.type($0)) },
        resultTypes: graph.results(node).map { ofBools(graph.type($0)) },
        binding: binding))[0]
  }
}

extension ReferenceArray {
  /// The whole number at a position; that of a scalar at any.
  fileprivate func at(_ position: Int) -> Int64 { integers[shape.isEmpty ? 0 : position] }
}
