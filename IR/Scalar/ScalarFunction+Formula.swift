extension ScalarFunction {
  /// The first result as people write it: `j <= i and kinds[j] != 0`. Conversions between numbers are left out.
  package var formula: String { formula(results[0]).text }

  /// Operators, and how tightly they bind.
  private static let operators: [Op: (symbol: String, binding: Int)] = [
    .or: ("or", 1), .xor: ("xor", 1), .and: ("and", 2), .equal: ("==", 3), .notEqual: ("!=", 3), .less: ("<", 3),
    .lessEqual: ("<=", 3), .greater: (">", 3), .greaterEqual: (">=", 3), .add: ("+", 4), .subtract: ("-", 4),
    .multiply: ("*", 5), .divide: ("/", 5), .remainder: ("%", 5), .shiftLeft: ("<<", 6), .shiftRight: (">>", 6),
  ]
  private static let associative: Set<Op> = [.or, .xor, .and, .add, .multiply]
  private static let tightest = 9

  private func formula(_ value: ScalarValue) -> (text: String, binding: Int) {
    guard let instruction = instruction(value) else { return ("\(name(value))", Self.tightest) }
    func operand(_ position: Int, atLeast binding: Int) -> String {
      let operand = formula(instruction.operands[position])
      return operand.binding < binding ? "(\(operand.text))" : operand.text
    }
    let list = instruction.operands.map { formula($0).text }.joined(separator: ", ")
    switch instruction.operation {
    case .constant(let literal):
      return (literal.text(as: instruction.type), Self.tightest)
    case .extent(let extent): return ("\(extent)", extent.symbol == nil ? Self.operators[.add]!.binding : Self.tightest)
    case .element(let table): return ("\(tables[table].name)[\(list)]", Self.tightest)
    case .elementwise(let op):
      if let infix = Self.operators[op] {
        // What is compared or subtracted twice needs its parentheses.
        let isAssociative = Self.associative.contains(op)
        let left = operand(0, atLeast: infix.binding == 3 ? 4 : infix.binding)
        return ("\(left) \(infix.symbol) \(operand(1, atLeast: infix.binding + (isAssociative ? 0 : 1)))", infix.binding)
      }
      switch op {
      case .convert where type(instruction.operands[0]) != .bool: return formula(instruction.operands[0])
      case .not: return ("not \(operand(0, atLeast: Self.tightest))", 3)
      case .select:
        return ("\(operand(0, atLeast: 2)) ? \(operand(1, atLeast: 2)) : \(operand(2, atLeast: 2))", 0)
      default: return ("\(op.mnemonic)(\(list))", Self.tightest)
      }
    }
  }
}
