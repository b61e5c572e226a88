/// What a `ScalarBuilder` may put in place of an op as it is applied.
///
/// Folding of constants and common subexpressions need no rule.
public struct SimplificationRules<Code: ScalarCode>: Sendable {
  /// What is simpler than the op on these operands, or nil. It may apply other ops, which are simplified in turn.
  public typealias Rule = @Sendable (inout ScalarBuilder<Code>, ScalarBuilder<Code>.Application) -> Code.Value?

  /// Whether ops of constants are folded by their definition where kernels only approximate that: `exp(2)`.
  public let foldsApproximations: Bool
  let simplify: Rule

  /// - Parameters:
  ///   - foldsApproximations: whether ops are folded where kernels only approximate their definition.
  ///   - simplify: the rules.
  public init(foldsApproximations: Bool = false, _ simplify: @escaping Rule) {
    (self.foldsApproximations, self.simplify) = (foldsApproximations, simplify)
  }

  /// Rules that hold to the bit, whatever the operands are.
  ///
  ///     x + 0 = x    x - 0 = x    x * 0 = 0    x - x = 0              whole numbers
  ///     0 - (x - y) = y - x    (x - 3) + 5 = x + 2                    whole numbers, which wrap
  ///     x + (0 - y) = x - y    x - (0 - y) = x + y                    whole numbers
  ///     max(max(x, y), x) = max(x, y), and so for min                 whole numbers
  ///     x * 1 = x    x / 1 = x    min(x, x) = max(x, x) = x
  ///     x and true = x    x or true = true    x and x = x or x = x    bools (the last: any)
  ///     x == x, x <= x = true    x < x, x != x = false                whole numbers
  ///     true ? x : y = x    c ? x : x = x    convert x to its own type = x
  public static var exact: Self { Self { $0.exactlySimplified($1) } }
}

extension ScalarBuilder {
  /// What the rules of `SimplificationRules.exact` put in place of an op.
  public mutating func exactlySimplified(_ application: Application) -> Value? {
    let operands = application.operands
    let first = operands[0]
    if application.op == .convert { return type(first) == application.type ? first : nil }
    guard operands.count > 1 else { return nil }
    let second = operands[1]
    let isWhole = type(first).isInteger
    switch application.op {
    case .add where isWhole && wholeConstant(second) == 0: return first
    case .add where isWhole && wholeConstant(first) == 0: return second
    case .subtract where isWhole && wholeConstant(second) == 0: return first
    case .subtract where isWhole && first == second: return constant(Literal(0), type(first))
    case .subtract where isWhole && wholeConstant(first) == 0:
      return match(second, .subtract).map { apply(.subtract, $0[1], $0[0]) }
    case .add where isWhole, .subtract where isWhole: return addedOpposite(application) ?? shifted(application)
    case .multiply where isOne(second), .divide where isOne(second): return first
    case .multiply where isOne(first): return second
    case .multiply where isWhole && wholeConstant(second) == 0: return second
    case .multiply where isWhole && wholeConstant(first) == 0: return first
    case .minimum where first == second, .maximum where first == second: return first
    case .minimum where isWhole, .maximum where isWhole:
      if match(first, application.op)?.contains(second) == true { return first }
      return match(second, application.op)?.contains(first) == true ? second : nil
    case .and where isTrue(second) || isFalse(first) || first == second: return first
    case .and where isTrue(first) || isFalse(second): return second
    case .or where isFalse(second) || isTrue(first) || first == second: return first
    case .or where isFalse(first) || isTrue(second): return second
    case .lessEqual, .greaterEqual, .equal: return isWhole && first == second ? truth(true) : nil
    case .less, .greater, .notEqual: return isWhole && first == second ? truth(false) : nil
    case .select where isTrue(first): return second
    case .select where isFalse(first): return operands[2]
    case .select where second == operands[2]: return second
    default: return nil
    }
  }

  /// Sums and differences with a number of opposite sign.
  private mutating func addedOpposite(_ application: Application) -> Value? {
    let (first, second, name) = (application.operands[0], application.operands[1], application.name)
    func opposite(_ value: Value) -> Value? {
      match(value, .subtract).flatMap { literal($0[0])?.integer == 0 ? $0[1] : nil }
    }
    if let other = opposite(second) { return apply(application.op == .add ? .subtract : .add, first, other, name: name) }
    guard application.op == .add, let other = opposite(first) else { return nil }
    return apply(.subtract, second, other, name: name)
  }

  /// `(x - 3) + 5` and its like: one sum of x and a constant.
  private mutating func shifted(_ application: Application) -> Value? {
    let (type, first) = (application.type, application.operands[0])
    guard let outer = literal(application.operands[1])?.integer, let instruction = code.instruction(first),
      let op = instruction.operation.op, op == .add || op == .subtract, let inner = literal(instruction.operands[1])?.integer
    else { return nil }
    // Sums wrap, so any spelling is the same number.
    let sum = type.wrap((op == .add ? inner : 0 &- inner) &+ (application.op == .add ? outer : 0 &- outer))
    let isSubtracted = sum < 0 && sum != type.integerRange.lowerBound
    return apply(
      isSubtracted ? .subtract : .add, instruction.operands[0], constant(Literal(isSubtracted ? -sum : sum), type),
      name: application.name)
  }

  private func isOne(_ value: Value) -> Bool { literal(value)?.real == 1 }
}
