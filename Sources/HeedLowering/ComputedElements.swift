import HeedIR

/// 16-bit floats in kernels: values are computed in f32 and rounded where they are stored, and where the graph converts to them.
extension ElementType {
  /// Whether a conversion from this float type to `other` rounds to fewer bits.
  func isNarrowed(by other: ElementType) -> Bool { isFloat && other.isFloat && other.byteCount < byteCount }
}

extension Body {
  /// An op on operands of `types`, with a result of `type`; operands and result are held as the types are computed.
  mutating func compute(_ op: Op, _ operands: [BodyValue], _ types: [ElementType], to type: ElementType, name: Name = .none)
    throws -> BodyValue
  {
    switch op.scalar?.rule {
    case .convert:
      return try widened(apply(op, operands, type: type, name: name))
    case .bitcast:
      return try widened(apply(op, [converted(operands[0], from: types[0].computed, to: types[0])], type: type, name: name))
    default:
      return try apply(op, operands, type: type.computed, name: name)
    }
  }

  /// The value as its type is computed.
  private mutating func widened(_ value: BodyValue) throws -> BodyValue {
    try converted(value, from: type(value), to: type(value).computed)
  }

  /// A function on values in the types that theirs are computed in; so are its results. They are stored as the function's types, so
  /// that a conversion at the end is left to the store.
  mutating func compute(_ function: ScalarFunction, _ arguments: [BodyValue]) throws -> [BodyValue] {
    var known = arguments
    var beforeRounding: [ScalarValue: BodyValue] = [:]
    let used = Set(function.instructions.flatMap(\.operands))
    for (position, instruction) in function.instructions.enumerated() {
      let operands = instruction.operands.map { known[$0.index] }
      switch instruction.operation {
      case .constant(let literal):
        known.append(append(Instruction(.constant(literal), type: instruction.type.computed, name: instruction.name)))
      case .elementwise(let op):
        let types = instruction.operands.map(function.type)
        let value = ScalarValue(function.parameters.count + position)
        if op == Op.convert, instruction.type != instruction.type.computed, types[0].isFloat {
          beforeRounding[value] = operands[0]
          if !used.contains(value) {
            known.append(operands[0])
            continue
          }
        }
        known.append(try compute(op, operands, types, to: instruction.type, name: instruction.name))
      case .element: preconditionFailure("a captured tensor where there is none")
      }
    }
    return function.results.map { beforeRounding[$0] ?? known[$0.index] }
  }
}
