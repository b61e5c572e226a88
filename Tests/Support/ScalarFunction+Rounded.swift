public import HeedIR

extension ScalarFunction {
  /// The function on numbers, rounded to its type after each instruction: what compiled code computes. It reads no captured tensors.
  public func evaluateRounded(_ arguments: [Literal]) -> [Literal] {
    var values = arguments
    for instruction in instructions {
      let operands = instruction.operands.map { values[$0.index] }
      switch instruction.operation {
      case .constant(let literal): values.append(literal)
      case .elementwise(.fusedMultiplyAdd) where instruction.type == .f32:
        let (a, b, c) = (Float(operands[0].real), Float(operands[1].real), Float(operands[2].real))
        values.append(Literal(Double(c.addingProduct(a, b))))
      case .elementwise(let op):
        let result = op.scalar!.apply(operands, types: instruction.operands.map(type), result: instruction.type)
        values.append(instruction.type.isFloat ? Literal(instruction.type.round(result.real)) : result)
      case .element, .extent: preconditionFailure("a captured tensor or an extent where there is none")
      }
    }
    return results.map { values[$0.index] }
  }
}
