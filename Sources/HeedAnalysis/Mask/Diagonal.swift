package import HeedIR

extension ScalarFunction {
  /// The greatest `key - query` of the pairs of indices for which `value` is `want`, where these are all pairs up to a diagonal:
  /// 0 for `j <= i`, however that is written; nil where they are other pairs.
  ///
  /// The last two parameters are the query's index and the key's.
  package func diagonal(of value: ScalarValue, being want: Bool = true) -> Int? {
    var code = FunctionBuilder(parameters: [])
    var least: Int?
    for part in conjuncts(of: value, being: want) {
      if let literal = constant(part.value), (literal.integer != 0) == part.want { continue }
      guard let instruction = instruction(part.value), case .elementwise(let op) = instruction.operation,
        let comparison = Comparison(op, part.want), comparison.relation == .less || comparison.relation == .lessEqual,
        let sides = sides(instruction.operands, &code)
      else { return nil }
      let (left, right) = comparison.ordered(sides[0], sides[1])
      // Below or at 0: a key less a query, and a number.
      let form = code.difference(left, right)
      guard form.key == 1, form.query == -1, let number = code.wholeConstant(form.rest) else { return nil }
      let last = (comparison.relation == .less ? -1 : 0) - number
      least = min(least ?? last, last)
    }
    return least
  }

  /// Whether `value` is a whole number that is a query's index less a key's, times `sign`, plus a number of that sign or 0: where no key
  /// is behind its query, it has that sign.
  package func isDistance(_ value: ScalarValue, sign: Int) -> Bool {
    var code = FunctionBuilder(parameters: [])
    guard let form = form(value, &code), form.query == sign, form.key == -sign, let rest = code.wholeConstant(form.rest) else {
      return false
    }
    return rest.signum() != -sign
  }

  /// The two sides of a comparison as forms of the two indices.
  private func sides(_ operands: [ScalarValue], _ code: inout FunctionBuilder) -> [LinearForm]? {
    guard type(operands[0]).isFloat else {
      guard let left = form(operands[0], &code), let right = form(operands[1], &code) else { return nil }
      return [left, right]
    }
    // A conversion keeps the order to 0.
    var forms: [LinearForm] = []
    for operand in operands {
      if let literal = constant(operand) {
        guard literal.real == 0 else { return nil }
        forms.append(LinearForm(rest: code.whole(0)))
      } else {
        guard let whole = instruction(operand), whole.operation == .elementwise(.convert), let form = form(whole.operands[0], &code)
        else { return nil }
        forms.append(form)
      }
    }
    return constant(operands[0]) != nil || constant(operands[1]) != nil ? forms : nil
  }

  /// An integer as a form of the two indices that is within its type whatever they are; nil where it is not shown to be.
  private func form(_ value: ScalarValue, _ code: inout FunctionBuilder, depth: Int = 0) -> LinearForm? {
    guard let form = wrapping(value, &code, depth: depth), let rest = code.wholeConstant(form.rest), abs(rest) <= 1 << 20,
      abs(form.query) <= 1, abs(form.key) <= 1, form.query * form.key <= 0
    else { return nil }
    return form
  }

  /// The same, where the number may have wrapped. More than a few ops are not followed.
  private func wrapping(_ value: ScalarValue, _ code: inout FunctionBuilder, depth: Int = 0) -> LinearForm? {
    guard depth < 8, type(value) == .i32 || type(value) == .i64 else { return nil }
    guard let instruction = instruction(value) else {
      let zero = code.whole(0)
      switch parameters.count - value.index {
      case 1: return LinearForm(key: 1, rest: zero)
      case 2: return LinearForm(query: 1, rest: zero)
      default: return nil
      }
    }
    let operands = instruction.operands
    switch instruction.operation {
    case .constant(let literal): return LinearForm(rest: code.whole(Int(literal.integer)))
    case .elementwise(.convert): return form(operands[0], &code, depth: depth + 1)
    case .elementwise(.negate): return wrapping(operands[0], &code, depth: depth + 1).map { code.scale($0, -1) }
    case .elementwise(.add), .elementwise(.subtract):
      guard let left = wrapping(operands[0], &code, depth: depth + 1),
        let right = wrapping(operands[1], &code, depth: depth + 1)
      else { return nil }
      return instruction.operation == .elementwise(.add) ? code.sum(left, right) : code.difference(left, right)
    case .elementwise(.multiply):
      guard let left = wrapping(operands[0], &code, depth: depth + 1),
        let right = wrapping(operands[1], &code, depth: depth + 1)
      else { return nil }
      for (factor, other) in [(left, right), (right, left)] {
        if let number = code.constant(factor), abs(number) <= 1 { return code.scale(other, number) }
      }
      return nil
    default: return nil
    }
  }
}
