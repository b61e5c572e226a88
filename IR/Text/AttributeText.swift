extension AttributeValue {
  /// The value as text. The literals of a list are written as values of `element`, if there is one.
  func text(element: ElementType?) -> String {
    switch self {
    case .integer(let value): "\(value)"
    case .flag(let value): "\(value)"
    case .word(let name): Lexer.isWord(name.text) ? name.text : Lexer.quote(name.text)
    case .literal(let literal): literal.plainText
    case .integers(let list): "[" + list.values.map(\.description).joined(separator: ", ") + "]"
    case .extents(let shape): "\(shape)"
    case .subscripts(let subscripts): Lexer.quote(subscripts.text)
    case .literals(let list):
      "["
        + list.values.map { literal in
          if let element, let value = literal.converted(to: element) { value.text(as: element) } else { literal.plainText }
        }.joined(separator: ", ") + "]"
    }
  }
}

extension Literal {
  /// The text of the literal where no element type is known: a real one has a point, an exponent or a name.
  var plainText: String { text(as: isReal ? .f64 : .i64) }
}

extension Attributes {
  /// `{dim = 2, kind = maximum}`
  func text(element: ElementType?) -> String {
    "{" + all.map { "\($0.key) = \($0.value.text(element: element))" }.joined(separator: ", ") + "}"
  }
}

extension TokenStream {
  /// `{key = value, ...}` of the kinds that `op`, written at `mnemonic`, says, or nothing.
  mutating func attributes(of op: Op, at mnemonic: Token) throws -> [Attribute] {
    guard take("{") else { return [] }
    var attributes: [Attribute] = []
    try list(until: "}") { stream in
      let token = try stream.expect(.word, "the name of an attribute")
      let key = Name(token.text)
      guard let specification = op.attributes.first(where: { $0.key == key }) else {
        let known = op.attributes.map(\.key.text)
        throw stream.error(
          "got the attribute \(key) of \(op.mnemonic), expected \(known.isEmpty ? "none" : known.joined(separator: ", "))"
            + suggestion(for: token.text, among: known), at: token)
      }
      guard !attributes.contains(where: { $0.key == key }) else {
        throw stream.error("got the attribute \(key) twice, expected it once", at: token)
      }
      try stream.expect("=")
      attributes.append(Attribute(key, try stream.attributeValue(specification.kind, of: op, at: mnemonic)))
    }
    return attributes
  }

  private mutating func attributeValue(_ kind: AttributeValue.Kind, of op: Op, at mnemonic: Token) throws -> AttributeValue {
    switch kind {
    case .integer: return .integer(try integer())
    case .literal: return .literal(try literal())
    case .extents: return .extents(try shape())
    case .flag:
      if take("true") { return .flag(true) }
      guard take("false") else { throw unexpected("true or false") }
      return .flag(false)
    case .word: return .word(Name(try word().text))
    case .subscripts:
      let text = try word().text
      return .subscripts(
        try located(at: mnemonic) {
          do { return try ContractSubscripts(text) } catch let error as HeedError { throw error.during(op.mnemonic) }
        })
    case .integers:
      var values: [Int] = []
      guard take("[") else { throw unexpected("a list of integers such as [0, 1]") }
      try list(until: "]") { values.append(try $0.integer()) }
      return .integers(IntegerList(values))
    case .literals:
      var values: [Literal] = []
      guard take("[") else { throw unexpected("a list of numbers such as [0.5, 1.0]") }
      try list(until: "]") { values.append(try $0.literal()) }
      return .literals(LiteralList(values))
    }
  }

  private mutating func word() throws -> Token {
    guard current.kind == .word || current.kind == .string else { throw unexpected("a word or a string in quotes") }
    return advance()
  }
}
