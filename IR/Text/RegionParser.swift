/// What a region's text can name besides its own values: the captured tensors, as the node's operands call them.
struct RegionTables {
  var tables: [ScalarFunction.Table] = []
  /// The names in text, without `%`.
  var names: [String] = []
}

extension TokenStream {
  /// `(%s: f32, %i: i32) { %x = multiply %s, 0.125 : f32  yield %x }`; lines may end with `;`.
  mutating func region(_ captured: RegionTables) throws -> ScalarFunction {
    var parser = RegionParser(captured)
    return try parser.region(&self)
  }
}

/// Reads the region of an op.
private struct RegionParser {
  /// An operand as written.
  private enum Operand {
    case value(ScalarValue)
    case literal(Literal, Token)
  }

  private let captured: RegionTables
  private var scope: [String: (value: ScalarValue, line: Int)] = [:]
  private var function: ScalarFunction

  init(_ captured: RegionTables) {
    self.captured = captured
    function = ScalarFunction(parameters: [], tables: captured.tables)
  }

  mutating func region(_ stream: inout TokenStream) throws -> ScalarFunction {
    try stream.expect("(")
    try stream.list(until: ")") { stream in
      let token = try stream.expect(.value, "a parameter such as %x")
      try define(token, ScalarValue(function.parameters.count), stream)
      try stream.expect(":")
      function.parameters.append(ScalarFunction.Parameter(PrintedNames.kept(token.text), try stream.elementType()))
    }
    try stream.expect("{")
    while !stream.take("yield") {
      guard stream.current.kind == .value else { throw stream.unexpected("a line such as '%x = ...' or 'yield'") }
      try line(&stream)
      _ = stream.take(";")
    }
    repeat { try yield(&stream) } while stream.take(",")
    _ = stream.take(";")
    try stream.expect("}")
    return function
  }

  private mutating func define(_ token: Token, _ value: ScalarValue, _ stream: TokenStream) throws {
    if let known = scope[token.text] {
      throw stream.error("got %\(token.text) again, which line \(known.line) defines, expected a new name", at: token)
    }
    scope[token.text] = (value, token.location.line)
  }

  private mutating func yield(_ stream: inout TokenStream) throws {
    switch try operand(&stream) {
    case .value(let value): function.results.append(value)
    case .literal(let literal, let token):
      guard token.text == "true" || token.text == "false" else {
        throw stream.error("got a number to yield, expected a value, true or false; name a constant", at: token)
      }
      function.results.append(function.constant(literal, LiteralOperand.yielded))
    }
  }

  private mutating func line(_ stream: inout TokenStream) throws {
    let name = stream.advance()
    try stream.expect("=")
    let mnemonic = try stream.expect(.word, "an op")
    let value: ScalarValue
    if mnemonic.text == "element" {
      value = try element(mnemonic, named: name, &stream)
    } else if mnemonic.text == Op.constant.mnemonic {
      value = try constant(named: name, &stream)
    } else if mnemonic.text == Op.extent.mnemonic {
      value = try extent(mnemonic, named: name, &stream)
    } else {
      value = try elementwise(mnemonic, named: name, &stream)
    }
    try define(name, value, stream)
  }

  private mutating func elementwise(_ mnemonic: Token, named name: Token, _ stream: inout TokenStream) throws -> ScalarValue {
    guard let op = Op.named(mnemonic.text), op.scalar != nil else {
      let known = Op.all.filter { $0.scalar != nil }.map(\.mnemonic) + ["element", Op.constant.mnemonic, Op.extent.mnemonic]
      throw stream.error(
        "got '\(mnemonic.text)', expected an elementwise op, element, constant or extent"
          + suggestion(for: mnemonic.text, among: known),
        at: mnemonic)
    }
    var operands: [Operand] = []
    repeat { operands.append(try operand(&stream)) } while stream.take(",")
    let stated = stream.take(":") ? try stream.elementType() : nil
    let types = operands.map(type)
    let values = try operands.enumerated().map { position, operand in
      try materialise(operand, LiteralOperand.element(of: op, at: position, operands: types, result: stated), stream)
    }
    return try stream.located(at: mnemonic) {
      try function.append(op, values, type: stated, name: PrintedNames.kept(name.text))
    }
  }

  private mutating func element(_ mnemonic: Token, named name: Token, _ stream: inout TokenStream) throws -> ScalarValue {
    let token = try stream.expect(.value, "a captured operand")
    guard let table = captured.names.firstIndex(of: token.text) else {
      let known = captured.names.map { "%\($0)" }.joined(separator: ", ")
      throw stream.error(
        "got %\(token.text), expected a captured operand of the op (\(known.isEmpty ? "it has none" : known))", at: token)
    }
    var indices: [Operand] = []
    try stream.expect("[")
    try stream.list(until: "]") { indices.append(try operand(&$0)) }
    let element = LiteralOperand.index(among: indices.map(type))
    let values = try indices.map { try materialise($0, element, stream) }
    if stream.take(":") {
      let stated = stream.current
      let element = try stream.elementType()
      let expected = function.tables[table].type.element
      guard element == expected else {
        throw stream.error("got result type \(element), expected \(expected), which %\(token.text) has", at: stated)
      }
    }
    return try stream.located(at: mnemonic) {
      try function.element(ofTable: table, values, name: PrintedNames.kept(name.text))
    }
  }

  /// `constant 0.5 : f32`
  private mutating func constant(named name: Token, _ stream: inout TokenStream) throws -> ScalarValue {
    let token = stream.current
    let literal = try stream.literal()
    try stream.expect(":")
    let element = try stream.elementType()
    return function.constant(try stream.convert(literal, to: element, at: token), element, name: PrintedNames.kept(name.text))
  }

  /// `extent {value = [N - M]} : i32`
  private mutating func extent(_ mnemonic: Token, named name: Token, _ stream: inout TokenStream) throws -> ScalarValue {
    let attributes = Attributes(try stream.attributes(of: .extent, at: mnemonic))
    guard let extents = attributes[.extentValue], extents.count == 1 else {
      throw stream.error("got no extent, expected one, such as {value = [N - M]}", at: mnemonic)
    }
    try stream.expect(":")
    let type = try stream.elementType()
    return function.append(.init(.extent(extents[0]), operands: [], type: type, name: PrintedNames.kept(name.text)))
  }

  // MARK: Operands

  private func operand(_ stream: inout TokenStream) throws -> Operand {
    if stream.isAtLiteral {
      let token = stream.current
      return .literal(try stream.literal(), token)
    }
    let token = try stream.expect(.value, "an operand: a value or a number")
    guard let known = scope[token.text] else {
      throw stream.error(
        "got %\(token.text), expected a value of the region" + suggestion(for: token.text, among: scope.keys.sorted(), prefix: "%"),
        at: token)
    }
    return .value(known.value)
  }

  private func type(_ operand: Operand) -> ElementType? {
    if case .value(let value) = operand { function.type(value) } else { nil }
  }

  private mutating func materialise(_ operand: Operand, _ element: ElementType?, _ stream: TokenStream) throws -> ScalarValue {
    switch operand {
    case .value(let value): return value
    case .literal(let literal, let token):
      guard let element else { throw stream.untypedLiteral(at: token) }
      return function.constant(try stream.convert(literal, to: element, at: token), element)
    }
  }
}

extension TokenStream {
  /// Runs `body`, whose errors get the place of `token`.
  func located<Result>(at token: Token, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as HeedError { throw self.error(error.message, at: token) }
  }

  /// The literal as a value of `element`.
  func convert(_ literal: Literal, to element: ElementType, at token: Token) throws -> Literal {
    guard let converted = literal.converted(to: element) else {
      throw error("got \(literal.plainText), expected a value of type \(element)", at: token)
    }
    return converted
  }

  /// The error that a number's type does not follow from the other operands.
  func untypedLiteral(at token: Token) -> HeedError {
    error("got a number whose type does not follow from other operands, expected a value; name a constant", at: token)
  }
}
