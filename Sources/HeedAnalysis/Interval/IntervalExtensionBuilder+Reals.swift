import HeedIR

/// Floats over the rectangle, or over an octagon in it.
extension IntervalExtensionBuilder {
  /// Rounding keeps order, so bounds that are computed in the type of the results hold for results that are rounded.
  mutating func real(_ op: Op, _ instruction: ScalarFunction.Instruction, _ octagon: Octagon) -> AbstractNumber {
    let operands = instruction.operands
    let type = instruction.type.boundType
    if op == Op.select { return choice(operands, octagon) }
    guard let x = bounds(number(operands[0], octagon), octagon) else { return .unknown }
    switch op {
    case .convert:
      return .real(Bounds(low: code.apply(.convert, x.low, type: type), high: code.apply(.convert, x.high, type: type)))
    case .negate: return .real(Bounds(low: code.apply(.negate, x.high), high: code.apply(.negate, x.low)))
    case .absolute:
      let opposite = Bounds(low: code.apply(.negate, x.high), high: code.apply(.negate, x.low))
      let most = code.apply(.maximum, x.high, opposite.high)
      let least = code.apply(.maximum, code.apply(.maximum, x.low, opposite.low), code.constant(Literal(0.0), type))
      return .real(Bounds(low: least, high: most))
    default: break
    }
    guard operands.count == 2, let y = bounds(number(operands[1], octagon), octagon) else { return .unknown }
    switch op {
    case .add: return .real(code.add(x, y))
    case .subtract: return .real(code.subtract(x, y))
    case .multiply: return .real(code.corners(.multiply, x, y))
    case .minimum, .maximum:
      // A bound that is NaN or infinite must not vanish here.
      escape(if: code.apply(.not, code.apply(.and, code.isFinite(x), code.isFinite(y))))
      return .real(Bounds(low: code.apply(op, x.low, y.low), high: code.apply(op, x.high, y.high)))
    default: return .unknown
    }
  }
}
