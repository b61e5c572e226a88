extension KernelPrinter {
  // MARK: Expressions

  private static let atomLevel = KernelParser.levels.count

  package func text(_ expression: IntegerExpression) -> String { parts(expression).text }

  /// The text and the level of its loosest operator.
  private func parts(_ expression: IntegerExpression) -> (text: String, level: Int) {
    switch expression {
    case .constant(let value): return ("\(value)", Self.atomLevel)
    case .verdict(let verdict): return (".\(verdict.name)", Self.atomLevel)
    case .symbol(let name): return (name.text, Self.atomLevel)
    case .variable(let variable): return (name(variable), Self.atomLevel)
    case .value(let value): return (name(value), Self.atomLevel)
    case .load(let access): return (text(access), Self.atomLevel)
    case .binary(.minimum, let a, let b): return ("min(\(text(a)), \(text(b)))", Self.atomLevel)
    case .binary(.maximum, let a, let b): return ("max(\(text(a)), \(text(b)))", Self.atomLevel)
    case .binary(.divide, .binary(.add, let dividend, .constant(let rounding)), .constant(let divisor))
    where divisor > 1 && rounding == divisor - 1:
      return ("ceil(\(text(dividend, atLeast: KernelParser.levels.count - 1))/\(divisor))", Self.atomLevel)
    case .binary(let op, let a, let b):
      let level = KernelParser.levels.firstIndex { $0.contains(op) }!
      // Comparisons do not chain.
      let left = text(a, atLeast: level == 2 ? level + 1 : level)
      let right = text(b, atLeast: level + 1)
      let space = op == .multiply || op == .divide ? "" : " "
      return ("\(left)\(space)\(op.rawValue)\(space)\(right)", level)
    }
  }

  private func text(_ expression: IntegerExpression, atLeast level: Int) -> String {
    let (text, own) = parts(expression)
    return own < level ? "(\(text))" : text
  }

  package func text(_ access: Access) -> String {
    let indices = access.indices.map { index in
      index.isGuarded ? text(index.expression, atLeast: Self.atomLevel) + "?" : text(index.expression)
    }
    return name(access.place) + (indices.isEmpty ? "" : "[\(indices.joined(separator: ", "))]")
  }

  /// What a scalar of type `element` starts with.
  func text(_ initial: Tile.Initial, _ element: ElementType) -> String {
    switch initial {
    case .literal(let literal): literal.converted(to: element)?.text(as: element) ?? literal.text(as: .f64)
    case .expression(let expression): text(expression)
    }
  }

  // MARK: Instructions

  func name(_ value: BodyValue) -> String {
    valueNames.indices.contains(value.index) ? valueNames[value.index] : "%value.\(value.index)"
  }

  func literalText(of instruction: Body.Instruction) -> String {
    guard case .constant(let literal) = instruction.operation else { return "" }
    return literal.converted(to: instruction.type)?.text(as: instruction.type) ?? literal.text(as: .f64)
  }

  /// The instruction without the name that it defines.
  package func text(_ instruction: Body.Instruction) -> String {
    let operands = instruction.operands.map(name).joined(separator: ", ")
    switch instruction.operation {
    case .constant: return "constant \(literalText(of: instruction)) : \(instruction.type)"
    case .index(let expression): return "index \(text(expression)) : \(instruction.type)"
    case .elementwise(let op): return "\(op) \(operands) : \(instruction.type)"
    case .load(let access, let otherwise):
      let fallback = otherwise.map { " else \($0.text(as: $0.isReal ? .f64 : instruction.type))" } ?? ""
      return "load \(text(access))\(fallback) : \(instruction.type)"
    case .store(let access): return "store \(operands), \(text(access))"
    case .accumulate(let reduction, let access): return "accumulate \(reduction.rawValue) \(operands), \(text(access))"
    }
  }

  // MARK: Constants

  /// For each instruction, whether it is a constant that is written as a number where it is used. It has no name and the type that
  /// the parser would infer for a number in each of these places.
  var inlineConstants: [Bool] {
    let first = body.parameters.count
    var isInline = body.instructions.map { instruction in
      guard case .constant(let literal) = instruction.operation, instruction.name.isNone else { return false }
      return literal.converted(to: instruction.type) == literal
    }
    var isUsed = [Bool](repeating: false, count: isInline.count)
    // A constant that turns out to need a name may be what tells another one's type: repeat until nothing changes.
    var changed = true
    while changed {
      changed = false
      for instruction in body.instructions {
        for (position, operand) in instruction.operands.enumerated() where isInline.indices.contains(operand.index - first) {
          isUsed[operand.index - first] = true
          guard isInline[operand.index - first] else { continue }
          let known = instruction.operands.map { operand in
            isInline.indices.contains(operand.index - first) && isInline[operand.index - first] ? nil : body.type(ofKnown: operand)
          }
          if literalType(at: position, of: instruction, known) != body.type(operand) {
            isInline[operand.index - first] = false
            changed = true
          }
        }
      }
    }
    // Whole-number expressions mention values by name.
    var mentioned: Set<BodyValue> = []
    for instruction in body.instructions { instruction.forEachMentionedValue { mentioned.insert($0) } }
    for position in isInline.indices where !isUsed[position] || mentioned.contains(BodyValue(first + position)) {
      isInline[position] = false
    }
    return isInline
  }

  /// The type that the parser infers for a number as operand `position`; `known` are the types of the operands that are not
  /// numbers.
  private func literalType(at position: Int, of instruction: Body.Instruction, _ known: [ElementType?]) -> ElementType? {
    switch instruction.operation {
    case .store(let access), .accumulate(_, let access): return element(of: access.place)
    case .elementwise(let op):
      guard let scalar = op.scalar, scalar.arity == known.count else { return nil }
      return scalar.literalType(at: position, known: known, stated: instruction.type)
    case .constant, .index, .load: return nil
    }
  }
}

extension ScalarSemantics {
  /// The element type of a number that is written as operand `position`: that of the first operand in the same role that is not a
  /// number (`known` has nil for numbers), or of the result. Nil where neither is known.
  func literalType(at position: Int, known: [ElementType?], stated: ElementType?) -> ElementType? {
    switch rule {
    case .unary, .binary, .ternary: known.lazy.compactMap { $0 }.first ?? stated
    case .comparison: known.lazy.compactMap { $0 }.first
    case .select: position == 0 ? .bool : known[1...].lazy.compactMap { $0 }.first ?? stated
    case .convert, .bitcast: nil
    case .randomBits: .i64
    }
  }
}

extension Body {
  fileprivate func type(ofKnown value: BodyValue) -> ElementType? {
    0..<(parameters.count + instructions.count) ~= value.index ? type(value) : nil
  }
}

extension Body.Instruction {
  /// Calls `visit` with the values that the instruction's whole-number expressions mention.
  func forEachMentionedValue(_ visit: (BodyValue) -> Void) {
    switch operation {
    case .index(let expression): expression.forEachValue(visit)
    case .load(let access, _), .store(let access), .accumulate(_, let access):
      for index in access.indices { index.expression.forEachValue(visit) }
    case .constant, .elementwise: break
    }
  }
}

extension IntegerExpression {
  /// Calls `visit` with every body value in the expression.
  func forEachValue(_ visit: (BodyValue) -> Void) {
    switch self {
    case .constant, .verdict, .symbol, .variable: break
    case .value(let value): visit(value)
    case .load(let access): for index in access.indices { index.expression.forEachValue(visit) }
    case .binary(_, let a, let b):
      a.forEachValue(visit)
      b.forEachValue(visit)
    }
  }
}
