import HeedIR

/// The zeros that masks made, as a graph runs: `contract` adds nothing for them, whatever they are multiplied by.
///
///     exp, exp2 and softmax of -inf              select(condition, x, 0) where it takes the 0
///     a false bool converted to a float          products with such a zero, its quotients by others
///     sums and differences of two of them        views and float conversions of all of these
///
/// So a weighted sum that is written as plain ops sees no NaN of a value whose pair is masked, as `attention` does not.
struct MaskedZeros {
  /// For values that have any: a truth value per element.
  private var known: [ValueID: ReferenceArray] = [:]

  subscript(value: ValueID) -> ReferenceArray? { known[value] }

  mutating func forget(_ value: ValueID) { known[value] = nil }

  /// Takes in a node that has run.
  mutating func follow(
    _ graph: Graph, _ node: NodeID, _ operands: [ReferenceArray], _ binding: [Name: Int]
  ) throws {
    guard let value = graph.results(node).first, graph.type(value).element.isFloat else { return }
    let op = graph.op(node)
    let marks = graph.operands(node).map { known[$0] }
    func isMasked(_ operand: Int, _ position: Int) -> Bool { marks[operand].map { $0.at(position) != 0 } ?? false }
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
    case .convert, .negate: rule = { isMasked(0, $0) }
    case .divide: rule = { isMasked(0, $0) && operands[1].reals[operands[1].shape.isEmpty ? 0 : $0] != 0 }
    case .multiply: rule = { isMasked(0, $0) || isMasked(1, $0) }
    case .add, .subtract: rule = { isMasked(0, $0) && isMasked(1, $0) }
    case .transpose, .reshape, .broadcast, .slice, .concatenate, .gather:
      guard marks.contains(where: { $0 != nil }) else { return }
      known[value] = try moved(graph, node, operands, marks, binding)
      return
    default: return
    }
    let shape = try graph.type(value).shape.evaluate { binding[$0] }
    let masked = (0..<shape.reduce(1, *)).map { Int64(rule($0) ? 1 : 0) }
    if masked.contains(1) { known[value] = ReferenceArray(.bool, shape, integers: masked) }
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
