package import HeedAnalysis
package import HeedIR

/// The ends of a range as expressions of a kernel.
///
/// - Parameters:
///   - arguments: what stands for the parameters of the range's function.
///   - define: gives a condition that is used as a number a name of its own.
package func expressions(
  _ range: IndexRange, arguments: [IntegerExpression], define: (IntegerExpression) -> IntegerExpression = { $0 }
) -> (low: IntegerExpression?, high: IntegerExpression?) {
  let ends = range.function.expressions(arguments, define: define)
  return (range.low.map { ends[$0] }, range.high.map { ends[$0] })
}

extension ScalarFunction {
  /// The results of whole-number scalar code without tables as expressions of a kernel. A truth value is the number 0 or 1.
  func expressions(
    _ arguments: [IntegerExpression], define: (IntegerExpression) -> IntegerExpression
  ) -> [IntegerExpression] {
    var values = arguments
    for instruction in instructions {
      let operands = instruction.operands.map { values[$0.index] }
      switch instruction.operation {
      case .constant(let literal): values.append(.constant(Int(literal.integer)))
      case .extent(let extent): values.append(IntegerExpression(extent))
      case .elementwise(.convert):
        values.append(type(instruction.operands[0]) == .bool ? define(operands[0]) : operands[0])
      case .elementwise(.not) where instruction.type == .bool: values.append(1 - operands[0])
      case .elementwise(.greater): values.append(.apply(.less, operands[1], operands[0]))
      case .elementwise(.greaterEqual): values.append(.apply(.lessEqual, operands[1], operands[0]))
      case .elementwise(let op):
        guard let symbol = IntegerExpression.Operator(op, isTruth: instruction.type == .bool) else {
          preconditionFailure("\(op.mnemonic) in a range of indices")
        }
        values.append(.apply(symbol, operands[0], operands[1]))
      case .element: preconditionFailure("a table in a range of indices")
      }
    }
    return results.map { values[$0.index] }
  }
}

extension IntegerExpression.Operator {
  /// The operator of an elementwise op with two whole numbers or truth values for operands.
  fileprivate init?(_ op: Op, isTruth: Bool) {
    switch op {
    case .add: self = .add
    case .subtract: self = .subtract
    case .multiply: self = .multiply
    case .divide: self = .divide
    case .remainder: self = .remainder
    case .minimum: self = .minimum
    case .maximum: self = .maximum
    case .less: self = .less
    case .lessEqual: self = .lessEqual
    case .equal: self = .equal
    case .notEqual: self = .notEqual
    case .and: self = isTruth ? .and : .bitAnd
    case .or: self = isTruth ? .or : .bitOr
    case .xor: self = isTruth ? .notEqual : .bitXor
    case .shiftLeft: self = .shiftLeft
    case .shiftRight: self = .shiftRight
    default: return nil
    }
  }
}

extension IntegerExpression {
  /// A term's value within the bounds of what ranges are computed with.
  static func clamped(_ value: IntegerExpression) -> IntegerExpression {
    .smaller(.apply(.maximum, value, .constant(-IndexRange.mostOfTerm)), .constant(IndexRange.mostOfTerm))
  }
}
