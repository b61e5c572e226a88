import HeedIR

/// Finds what a softmax's weight, parameter 0, is multiplied by in scalar code that is proportional to it.
///
///     p * select(keep, 1.25, 0)        select(keep, 1.25, 0)
///     select(keep, p, 0) / 0.8         select(keep, 1, 0) / 0.8
///     p * a + p * b                    a + b
///     maximum(0, p * a)                maximum(0, a)        // no weight is below 0; of a NaN the right one is taken
struct FactorSplit {
  var region: FunctionBuilder

  /// c, where `value` is parameter 0 times c and c does not depend on parameter 0; nil where `value` is not that.
  mutating func factor(of value: ScalarValue) -> ScalarValue? {
    if value == region.function.parameter(0) { return region.constant(Literal(1.0), region.function.type(value)) }
    guard dependsOnWeight(value) else { return region.literal(value)?.real == 0 ? value : nil }
    guard let instruction = region.function.instruction(value), case .elementwise(let op) = instruction.operation else {
      return nil
    }
    let (operands, type) = (instruction.operands, instruction.type)
    switch op {
    case .convert:
      guard type.isFloat, let inner = factor(of: operands[0]) else { return nil }
      return region.apply(.convert, [inner], type: type)
    case .negate, .absolute: return factor(of: operands[0]).map { region.apply(op, [$0]) }
    case .multiply:
      guard let side = [0, 1].first(where: { !dependsOnWeight(operands[1 - $0]) }), let inner = factor(of: operands[side]) else {
        return nil
      }
      return region.apply(.multiply, [inner, operands[1 - side]])
    case .divide:
      guard !dependsOnWeight(operands[1]), let inner = factor(of: operands[0]) else { return nil }
      return region.apply(.divide, [inner, operands[1]])
    case .select:
      guard !dependsOnWeight(operands[0]), let left = factor(of: operands[1]), let right = factor(of: operands[2]) else {
        return nil
      }
      return region.apply(.select, [operands[0], left, right])
    // Of a weight that is NaN the right one is taken, which must be NaN too.
    case .maximum where !dependsOnWeight(operands[1]), .minimum where !dependsOnWeight(operands[1]): return nil
    // A literal other than 0 has no factor; of 0 it is 0.
    case .add, .subtract, .maximum, .minimum:
      guard let left = factor(of: operands[0]), let right = factor(of: operands[1]) else { return nil }
      return region.apply(op, [left, right])
    default: return nil
    }
  }

  private func dependsOnWeight(_ value: ScalarValue) -> Bool { region.function.parameters(of: value).contains(0) }
}
