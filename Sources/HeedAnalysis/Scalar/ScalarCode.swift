package import HeedIR

/// Scalar code in the making: constants are folded and no instruction is made twice.
package struct ScalarCode {
  package private(set) var function: ScalarFunction
  private var known: [Key: ScalarValue] = [:]

  private struct Key: Hashable {
    var operation: ScalarFunction.Instruction.Operation
    var operands: [ScalarValue]
    var type: ElementType
  }

  package init(parameters: [ScalarFunction.Parameter], tables: [ScalarFunction.Table] = []) {
    function = ScalarFunction(parameters: parameters, tables: tables)
  }

  package mutating func constant(_ literal: Literal, _ type: ElementType) -> ScalarValue {
    remember(Key(operation: .constant(literal), operands: [], type: type)) { $0.constant(literal, type) }
  }

  package mutating func whole(_ value: Int) -> ScalarValue { constant(Literal(value), .i64) }
  package mutating func truth(_ value: Bool) -> ScalarValue { constant(Literal(value), .bool) }

  package func type(_ value: ScalarValue) -> ElementType { function.type(value) }
  package func literal(_ value: ScalarValue) -> Literal? { function.constant(value) }
  package func isTrue(_ value: ScalarValue) -> Bool { type(value) == .bool && literal(value)?.integer == 1 }
  package func isFalse(_ value: ScalarValue) -> Bool { type(value) == .bool && literal(value)?.integer == 0 }

  /// The number that a whole value is, where it is constant.
  package func wholeConstant(_ value: ScalarValue) -> Int? {
    type(value).isInteger ? literal(value).map { Int($0.integer) } : nil
  }

  package mutating func apply(_ op: Op, _ operands: ScalarValue..., type: ElementType? = nil) -> ScalarValue {
    apply(op, operands, type: type)
  }

  /// The body of a function with `arguments` for its parameters, over the same tables.
  package mutating func replay(_ function: ScalarFunction, _ arguments: [ScalarValue]) -> [ScalarValue] {
    var values = arguments
    for instruction in function.instructions {
      let operands = instruction.operands.map { values[$0.index] }
      switch instruction.operation {
      case .constant(let literal): values.append(constant(literal, instruction.type))
      case .element(let table): values.append(element(table, operands))
      case .elementwise(let op):
        values.append(apply(op, operands, type: op.has(.typedByResult) ? instruction.type : nil))
      }
    }
    return function.results.map { values[$0.index] }
  }

  private mutating func apply(_ op: Op, _ operands: [ScalarValue], type: ElementType?) -> ScalarValue {
    if let folded = fold(op, operands, type) ?? simplify(op, operands) { return folded }
    let key = Key(operation: .elementwise(op), operands: operands, type: type ?? .bool)
    return remember(key) { function in
      do {
        return try function.append(op, operands, type: type)
      } catch {
        preconditionFailure("\(error)")
      }
    }
  }

  package mutating func element(_ table: Int, _ indices: [ScalarValue]) -> ScalarValue {
    let key = Key(operation: .element(table: table), operands: indices, type: function.tables[table].type.element)
    return remember(key) { function in
      do {
        return try function.element(ofTable: table, indices)
      } catch {
        preconditionFailure("\(error)")
      }
    }
  }

  /// The function that yields `results`, without what they do not need.
  package func finish(_ results: [ScalarValue]) throws -> ScalarFunction { try function.extracting(results) }

  private mutating func remember(_ key: Key, _ make: (inout ScalarFunction) -> ScalarValue) -> ScalarValue {
    if let value = known[key] { return value }
    let value = make(&function)
    known[key] = value
    return value
  }

  // MARK: Folding

  private mutating func fold(_ op: Op, _ operands: [ScalarValue], _ type: ElementType?) -> ScalarValue? {
    let literals = operands.compactMap(literal)
    guard literals.count == operands.count else { return nil }
    var single = ScalarFunction(parameters: [])
    let constants = zip(operands, literals).map { single.constant($1, self.type($0)) }
    guard let result = try? single.append(op, constants, type: type) else { return nil }
    single.results = [result]
    return (try? single.evaluate([])).map { constant($0[0], single.type(result)) }
  }

  /// What is simpler than the op on these operands.
  private mutating func simplify(_ op: Op, _ operands: [ScalarValue]) -> ScalarValue? {
    let first = operands[0]
    guard operands.count > 1 else { return nil }
    let second = operands[1]
    let isWhole = type(first).isInteger
    switch op {
    case .add where isWhole && wholeConstant(second) == 0: return first
    case .add where isWhole && wholeConstant(first) == 0: return second
    case .subtract where isWhole && wholeConstant(second) == 0: return first
    case .subtract where isWhole && first == second: return constant(Literal(0), type(first))
    case .subtract where isWhole && wholeConstant(first) == 0:
      guard let inner = parts(of: second, .subtract) else { return nil }
      return apply(.subtract, inner[1], inner[0])
    case .add, .subtract: return shifted(op, first, second)
    case .multiply where isWhole && wholeConstant(second) == 1: return first
    case .multiply where isWhole && wholeConstant(second) == 0: return second
    case .divide where isWhole && wholeConstant(second) == 1: return first
    case .minimum where first == second, .maximum where first == second: return first
    case .and where isTrue(second) || isFalse(first) || first == second: return first
    case .and where isTrue(first) || isFalse(second): return second
    case .or where isFalse(second) || isTrue(first) || first == second: return first
    case .or where isFalse(first) || isTrue(second): return second
    case .lessEqual, .greaterEqual, .equal:
      return isWhole && first == second ? truth(true) : nil
    case .less, .greater, .notEqual: return isWhole && first == second ? truth(false) : nil
    case .select where isTrue(first): return second
    case .select where isFalse(first): return operands[2]
    case .select where second == operands[2]: return second
    default: return nil
    }
  }

  /// `(x - c) + d` and its like, for constants of 64 bits: one sum of x and a constant.
  private mutating func shifted(_ op: Op, _ first: ScalarValue, _ second: ScalarValue) -> ScalarValue? {
    guard type(first) == .i64, let outer = wholeConstant(second), let instruction = function.instruction(first),
      instruction.operation == .elementwise(.add) || instruction.operation == .elementwise(.subtract),
      let inner = wholeConstant(instruction.operands[1])
    else { return nil }
    let isAdded = instruction.operation == .elementwise(.add)
    let sum = (isAdded ? inner : 0 &- inner) &+ (op == .add ? outer : 0 &- outer)
    // Sums wrap, so any spelling is the same number.
    return sum < 0 && sum != .min
      ? apply(.subtract, instruction.operands[0], whole(-sum)) : apply(.add, instruction.operands[0], whole(sum))
  }

  /// The operands of the instruction that computes `value`, where its op is `op`.
  private func parts(of value: ScalarValue, _ op: Op) -> [ScalarValue]? {
    guard let instruction = function.instruction(value), instruction.operation == .elementwise(op) else { return nil }
    return instruction.operands
  }
}
