extension Graph {
  /// The graphs that `text` writes, in order.
  /// - Parameter file: what errors call the text.
  /// - Throws: the first error, with its place: `file:line:column: error: got ..., expected ...`.
  public static func parse(_ text: String, file: String = "<text>") throws -> [Graph] {
    var stream = try TokenStream(text, file: file)
    var graphs: [Graph] = []
    while !stream.isAtEnd {
      let name = stream.peek()
      let graph = try stream.graph()
      guard !graphs.contains(where: { $0.name == graph.name }) else {
        throw stream.error("got a second graph @\(graph.name), expected another name", at: name)
      }
      graphs.append(graph)
    }
    return graphs
  }
}

extension TokenStream {
  /// `graph @name(%x: f32[S], parameter %w: f32[64], state %m: f32[64] = 0.0) facts (S % 16 == 0) { ... update %m = %n return %y }`
  package mutating func graph() throws -> Graph {
    try expect("graph")
    let name = try expect(.symbol, "the graph's name such as @attention")
    var parser = GraphParser(name: Name(name.text))
    try parser.header(&self)
    try parser.body(&self)
    return parser.graph
  }
}

/// Reads one graph. Generic over the op table: the op says how many operands, which attributes and which regions follow it.
private struct GraphParser {
  /// An operand as written.
  private enum Operand {
    case value(ValueID, Token)
    case literal(Literal, Token)
  }

  private(set) var graph: Graph
  private var scope: [String: (value: ValueID, line: Int)] = [:]
  /// The blocks by the number that the text gives them.
  private var blocks: [Int: BlockID] = [:]

  init(name: Name) { graph = Graph(name: name) }

  // MARK: Header

  mutating func header(_ stream: inout TokenStream) throws {
    try stream.expect("(")
    try stream.list(until: ")") { stream in
      let role: Argument.Role = stream.take("parameter") ? .parameter : stream.take("state") ? .state : .input
      let token = try stream.expect(.value, "an argument such as %x")
      let name = PrintedNames.kept(token.text)
      guard !name.isNone else {
        throw stream.error("got \(token.spelling), expected a name that is not a number: arguments are passed by name", at: token)
      }
      try expectNew(token, stream)
      try stream.expect(":")
      let type = try stream.valueType()
      var initial: Literal?
      if role == .state, stream.take("=") {
        let number = stream.current
        initial = try stream.convert(try stream.literal(), to: type.element, at: number)
      }
      define(token, graph.addArgument(name, type, role: role, initial: initial))
    }
    if stream.take("facts") {
      try stream.expect("(")
      try stream.list(until: ")") { graph.addFact(try $0.fact()) }
    }
  }

  private func expectNew(_ token: Token, _ stream: TokenStream) throws {
    if let known = scope[token.text] {
      throw stream.error("got \(token.spelling) again, which line \(known.line) defines, expected a new name", at: token)
    }
  }

  private mutating func define(_ token: Token, _ value: ValueID) { scope[token.text] = (value, token.location.line) }

  private func lookUp(_ token: Token, _ stream: TokenStream) throws -> ValueID {
    guard let known = scope[token.text] else {
      throw stream.error(
        "got \(token.spelling), expected a value that is defined above"
          + suggestion(for: token.text, among: scope.keys.sorted(), prefix: "%"), at: token)
    }
    return known.value
  }

  // MARK: Body

  mutating func body(_ stream: inout TokenStream) throws {
    try stream.expect("{")
    try lines(&stream)
    var updates: [(state: Name, value: ValueID)] = []
    while stream.take("update") { updates.append(try update(updates.map(\.state), &stream)) }
    guard stream.take("return") else {
      throw stream.unexpected(updates.isEmpty ? "a line such as '%x = ...' or 'return'" : "'update' or 'return'")
    }
    var results: [ValueID] = []
    var names: [Name] = []
    if updates.isEmpty || stream.current.kind == .value {
      repeat {
        let token = try stream.expect(.value, "a value to return")
        let value = try lookUp(token, stream)
        let name = stream.current
        names.append(stream.take("as") ? Name(try stream.expect(.value, "the result's name, %name").text) : graph.name(value))
        guard graph.stateNames[names.last!] == nil else {
          throw stream.error(
            "got the name of the state %\(names.last!) for a result, expected another: %\(names.last!) as %new", at: name)
        }
        results.append(value)
      } while stream.take(",")
    }
    graph.setResults(results + updates.map(\.value), names: names + updates.map(\.state))
    try stream.expect("}")
  }

  /// Lines, and blocks of lines.
  private mutating func lines(_ stream: inout TokenStream) throws {
    while true {
      if stream.current.kind == .value {
        try line(&stream)
      } else if let kind = Graph.Block.Kind.allCases.first(where: { stream.isAt($0.rawValue) }) {
        try block(kind, &stream)
      } else {
        return
      }
    }
  }

  /// `checkpoint 0 { ... }`: a second block of this number goes on with the first.
  private mutating func block(_ kind: Graph.Block.Kind, _ stream: inout TokenStream) throws {
    let outer = graph.openBlock
    let word = stream.advance()
    let number = try stream.integer()
    if let known = blocks[number] {
      guard graph[known] == Graph.Block(kind: kind, parent: outer) else {
        throw stream.error(
          "got \(kind) \(number), expected another number: the block \(number) above is of another kind or within another block",
          at: word)
      }
      graph.reopen(known)
    } else {
      graph.openBlock(kind)
      blocks[number] = graph.openBlock
    }
    try stream.expect("{")
    try stream.nested { stream in try lines(&stream) }
    try stream.expect("}")
    graph.reopen(outer)
  }

  /// `%m = %n` after `update`
  private func update(_ known: [Name], _ stream: inout TokenStream) throws -> (state: Name, value: ValueID) {
    let token = try stream.expect(.value, "a state, %name")
    let name = graph.name(try lookUp(token, stream))
    guard graph.stateNames[name] != nil else {
      throw stream.error("got \(token.spelling), expected an argument that is a state", at: token)
    }
    guard !known.contains(name) else { throw stream.error("got a second update of \(token.spelling), expected one", at: token) }
    try stream.expect("=")
    return (name, try lookUp(try stream.expect(.value, "the value that replaces it"), stream))
  }

  /// `%x, %y = op %a, 0.5 keyword (...) {...} {key = value} : type, type`
  private mutating func line(_ stream: inout TokenStream) throws {
    var names: [Token] = []
    repeat {
      let token = try stream.expect(.value, "the name of a result")
      try expectNew(token, stream)
      guard !names.contains(where: { $0.text == token.text }) else {
        throw stream.error("got \(token.spelling) twice, expected different names", at: token)
      }
      names.append(token)
    } while stream.take(",")
    try stream.expect("=")
    let mnemonic = stream.current
    let op = try stream.op()
    var operands: [Operand] = []
    if stream.current.kind == .value || stream.isAtLiteral {
      repeat { operands.append(try operand(&stream)) } while stream.take(",")
    }
    let regions = try regions(of: op, operands, &stream)
    let body = try body(of: op, &stream)
    let attributes = try stream.attributes(of: op, at: mnemonic)
    var stated: [TensorType]?
    if stream.take(":") {
      var types: [TensorType] = []
      repeat { types.append(try stream.valueType()) } while stream.take(",")
      stated = types
    } else if op.has(.typedByResult) {
      throw stream.unexpected("':' and the result type, which \(op.mnemonic) needs")
    }
    let values = try materialise(operands, of: op, regions: regions, result: stated?.first?.element, stream)
    let node = try stream.located(at: mnemonic) {
      try graph.append(
        op, values, attributes: attributes.map { normalised($0, stated: stated) }, regions: regions, body: body, stated: stated,
        names: names.map { PrintedNames.kept($0.text) })
    }
    let results = graph.results(node)
    guard results.count == names.count else {
      throw stream.error(
        "got \(names.count) names for the \(results.count) results of \(op.mnemonic), expected one for each", at: names[0])
    }
    for (token, value) in zip(names, results) { define(token, value) }
  }

  /// Numbers of a list as values of the stated type, where there is just one and they are.
  private func normalised(_ attribute: Attribute, stated: [TensorType]?) -> Attribute {
    guard case .literals(let list) = attribute.value, let stated, stated.count == 1 else { return attribute }
    return Attribute(attribute.key, .literals(LiteralList(list.values.map { $0.converted(to: stated[0].element) ?? $0 })))
  }

  // MARK: Operands and regions

  private func operand(_ stream: inout TokenStream) throws -> Operand {
    if stream.isAtLiteral {
      let token = stream.current
      return .literal(try stream.literal(), token)
    }
    let token = try stream.expect(.value, "an operand: a value or a number")
    return .value(try lookUp(token, stream), token)
  }

  /// `body (state %h: f32[B, 8], %x: f32[B, 8]) { ... }`, of the facts of the graph around it.
  private func body(of op: Op, _ stream: inout TokenStream) throws -> Graph? {
    guard op.has(.hasBody) else { return nil }
    try stream.expect("body")
    var parser = GraphParser(name: "body")
    for fact in graph.facts { parser.graph.addFact(fact) }
    return try stream.nested { stream in
      try parser.header(&stream)
      try parser.body(&stream)
      return parser.graph
    }
  }

  private func regions(of op: Op, _ operands: [Operand], _ stream: inout TokenStream) throws -> [ScalarFunction] {
    guard !op.regionKeywords.isEmpty else { return [] }
    var captured = RegionTables()
    if op.has(.capturesTables) {
      for operand in operands.dropFirst(op.operands.minimum) {
        switch operand {
        case .value(let value, let token):
          captured.tables.append(ScalarFunction.Table(graph.name(value), graph.type(value)))
          captured.names.append(token.text)
        case .literal(_, let token): throw stream.untypedLiteral(at: token)
        }
      }
    }
    var regions: [ScalarFunction] = []
    for (position, keyword) in op.regionKeywords.enumerated() where position < op.requiredRegions || stream.isAt(keyword) {
      if !keyword.isEmpty { try stream.expect(keyword) }
      regions.append(try stream.region(captured))
    }
    return regions
  }

  /// The operands as values; numbers become `constant` nodes.
  private mutating func materialise(
    _ operands: [Operand], of op: Op, regions: [ScalarFunction], result: ElementType?, _ stream: TokenStream
  ) throws -> [ValueID] {
    let types = operands.map { operand -> ElementType? in
      if case .value(let value, _) = operand { graph.type(value).element } else { nil }
    }
    return try operands.enumerated().map { position, operand in
      switch operand {
      case .value(let value, _): return value
      case .literal(let literal, let token):
        let element = LiteralOperand.element(of: op, at: position, operands: types, result: result, regions: regions)
        guard let element else {
          throw stream.untypedLiteral(at: token)
        }
        let converted = try stream.convert(literal, to: element, at: token)
        let node = try graph.append(
          .constant, attributes: [Attribute(.constantValue, [converted])], stated: [TensorType(element, .scalar)])
        return graph.result(node)
      }
    }
  }
}

extension TokenStream {
  /// An op by its mnemonic.
  mutating func op() throws -> Op {
    let mnemonic = try expect(.word, "an op")
    guard let op = Op.named(mnemonic.text) else {
      let hint = suggestion(for: mnemonic.text, among: Op.all.map(\.mnemonic))
      throw error("got '\(mnemonic.text)', expected an op\(hint)", at: mnemonic)
    }
    return op
  }

  /// The type of a value: extents that are numbers are at least 0.
  package mutating func valueType() throws -> TensorType {
    let start = current
    let type = try tensorType()
    if let negative = type.shape.extents.first(where: { ($0.constant ?? 0) < 0 }) {
      throw error("got the extent \(negative), expected at least 0", at: start)
    }
    return type
  }

  /// `S % 16 == 0` or `N == H*W`
  package mutating func fact() throws -> Fact {
    let left = try extent()
    if take("==") {
      guard isAt("sqrt") else { return .equal(left, try extent()) }
      let start = current
      guard let root = left.symbol else { throw error("got the square root \(left), expected a symbol", at: start) }
      advance()
      try expect("(")
      let extent = try extent()
      try expect(")")
      return .squareRoot(root, of: extent)
    }
    let divisor: Int
    let token: Token
    if current.kind == .value, let value = Int(current.text) {
      // `S %16` reads as a value's name.
      (token, divisor) = (advance(), value)
    } else {
      guard take("%") else { throw unexpected("'%' or '=='") }
      (token, divisor) = (current, try integer())
    }
    guard divisor > 0 else { throw error("got division by \(divisor), expected at least 1", at: token) }
    try expect("==")
    guard current.text == "0" else { throw unexpected("0") }
    advance()
    return .divisible(left, by: divisor)
  }
}
