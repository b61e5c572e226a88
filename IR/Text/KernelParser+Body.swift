extension KernelParser {
  /// An operand as it was read: a literal takes its type from the other operands.
  private enum Operand {
    case value(BodyValue)
    case literal(Literal, Token)
  }

  /// `{ instructions }`, appended to `start`.
  mutating func bodyBlock(_ start: Body) throws -> Body {
    try stream.expect("{")
    body = start
    defer { body = nil }
    return try scoped {
      while !$0.stream.take("}") { try $0.instruction() }
      return $0.body!
    }
  }

  private mutating func instruction() throws {
    expressionSize = 0
    if stream.take("store") {
      let operand = try self.operand()
      try stream.expect(",")
      let access = try self.access()
      try effect(.store(access), value(operand, element(of: access.place)))
    } else if stream.take("accumulate") {
      guard stream.current.kind == .word, let reduction = Body.Reduction(rawValue: stream.current.text) else {
        throw stream.unexpected("a reduction: \(Body.Reduction.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      stream.advance()
      let operand = try self.operand()
      try stream.expect(",")
      let access = try self.access()
      try effect(.accumulate(reduction, access), value(operand, element(of: access.place)))
    } else if stream.current.kind == .value {
      let token = stream.advance()
      try stream.expect("=")
      // The name is taken once the instruction is read: it may not mention its own value.
      let result = try definition(named: Self.isNumeral(token.text) ? .none : Name(token.text))
      try defineValue(token, result)
    } else {
      throw stream.unexpected("an instruction: %name = ..., store or accumulate, or the '}' that ends the body")
    }
  }

  /// The words that a value begins with, besides the elementwise ops.
  private enum ValueKeyword: String {
    case load, index, constant
  }

  private mutating func effect(_ operation: Body.Operation, _ operand: BodyValue) {
    body!.append(.init(operation, operands: [operand], type: body!.type(operand)))
  }

  /// What follows `%name =`.
  private mutating func definition(named name: Name) throws -> BodyValue {
    let word = try stream.expect(.word, "load, index, constant or an elementwise op")
    switch ValueKeyword(rawValue: word.text) {
    case .load:
      let access = try self.access()
      let fallback = stream.take("else") ? stream.current : nil
      let literal = fallback == nil ? nil : try stream.literal()
      let type = try statedType() ?? element(of: access.place)
      let otherwise = try literal.map { try self.literal($0, as: type, at: fallback!) }
      return body!.append(.init(.load(access, otherwise: otherwise), type: type, name: name))
    case .index:
      let expression = try self.expression()
      guard let type = try statedType() else { throw stream.unexpected("': i32' or ': i64'") }
      return body!.append(.init(.index(expression), type: type, name: name))
    case .constant:
      let token = stream.current
      let literal = try stream.literal()
      guard let type = try statedType() else { throw stream.unexpected("the type of the constant, ': f32'") }
      return body!.append(.init(.constant(try self.literal(literal, as: type, at: token)), type: type, name: name))
    case nil: return try elementwise(word, named: name)
    }
  }

  private mutating func statedType() throws -> ElementType? { stream.take(":") ? try stream.elementType() : nil }

  private mutating func elementwise(_ word: Token, named name: Name) throws -> BodyValue {
    guard let op = Op.named(word.text), let scalar = op.scalar else {
      throw stream.error("got '\(word.text)', expected load, index, constant or an elementwise op", at: word)
    }
    var operands: [Operand] = []
    repeat { operands.append(try operand()) } while stream.take(",")
    guard operands.count == scalar.arity else {
      throw stream.error("got \(operands.count) operands for \(op.mnemonic), expected \(scalar.arity)", at: word)
    }
    let typeToken = stream.peek()
    let stated = try statedType()
    let known = operands.map { if case .value(let value) = $0 { body!.type(value) } else { ElementType?.none } }
    let values = try operands.indices.map { try value(operands[$0], scalar.literalType(at: $0, known: known, stated: stated)) }
    do {
      let result = try body!.append(op, values, type: stated, name: name)
      if let stated, body!.type(result) != stated {
        throw stream.error("got type \(stated), expected \(body!.type(result))", at: typeToken)
      }
      return result
    } catch let error as HeedError where error.location == nil {
      throw stream.error(error.message, at: word)
    }
  }

  private mutating func operand() throws -> Operand {
    if stream.isAtLiteral {
      let token = stream.current
      return .literal(try stream.literal(), token)
    }
    let token = try stream.expect(.value, "a value, %name, or a number")
    switch entity(Name(token.text)) {
    case .value(let value): return .value(value)
    case .variable:
      throw stream.error(
        "got the variable %\(token.text) as an operand, expected a value: write %i = index %\(token.text) : i32", at: token)
    case .buffer, .tile: throw stream.error("got %\(token.text) as an operand, expected a value: load it first", at: token)
    case nil: throw unknown(token)
    }
  }

  private mutating func value(_ operand: Operand, _ type: ElementType?) throws -> BodyValue {
    switch operand {
    case .value(let value): return value
    case .literal(let literal, let token):
      guard let type else { throw stream.error("got a number whose type nothing tells, expected a named constant", at: token) }
      return body!.append(.init(.constant(try self.literal(literal, as: type, at: token)), type: type))
    }
  }

  /// A number as a value of `type`.
  mutating func literal(of type: ElementType) throws -> Literal {
    let token = stream.current
    return try literal(try stream.literal(), as: type, at: token)
  }

  private func literal(_ literal: Literal, as type: ElementType, at token: Token) throws -> Literal {
    guard let converted = literal.converted(to: type) else {
      throw stream.error(
        "got \(literal.isReal ? "\(literal.real)" : "\(literal.integer)"), expected a value of type \(type)", at: token)
    }
    return converted
  }
}
