/// An op on its operands, as one of its closures sees it: types, arrays or values, each operand one.
public protocol AppliedOp {
  /// What stands for an operand.
  associatedtype Operand

  /// The op.
  var op: Op { get }
  /// The operands in order.
  var operands: [Operand] { get }
  /// The attributes.
  var attributes: Attributes { get }
}

extension AppliedOp {
  /// The operands after the named ones.
  public var captured: ArraySlice<Operand> { operands.dropFirst(op.operands.minimum) }

  /// The position among the operands of the captured one that the attribute `key` names; nil where there is none.
  public func position(_ key: AttributeKey<CapturedOperand>) -> Int? { attributes[key].map(op.position) }

  /// The captured operand that the attribute `key` names; nil where there is none.
  public func captured(_ key: AttributeKey<CapturedOperand>) -> Operand? { position(key).map { operands[$0] } }
}

extension Inference: AppliedOp {}
extension CostQuery: AppliedOp {}
extension Evaluation: AppliedOp {}
extension Decomposition: AppliedOp {}

extension Op {
  /// The position of a captured operand among all operands.
  public func position(_ operand: CapturedOperand) -> Int {
    // What no node can have stays so: checks compare it with the operands that there are.
    let (position, overflow) = operands.minimum.addingReportingOverflow(operand.number)
    return overflow ? Int.max : position
  }
}

extension Graph {
  /// The operands of a node after the named ones.
  public func captured(_ node: NodeID) -> ArraySlice<ValueID> { operands(node).dropFirst(op(node).operands.minimum) }

  /// The captured operand of a node that the attribute `key` names; nil where there is none.
  public func captured(_ node: NodeID, _ key: AttributeKey<CapturedOperand>) -> ValueID? {
    attributes(node)[key].map { captured(node).dropFirst($0.number).first! }
  }
}
