extension KernelParser {
  /// No expression has more operators, so that no text can exhaust the stack of what walks it.
  private static var largestExpression: Int { 512 }

  /// The operators from the loosest to the tightest.
  static let levels: [[IntegerExpression.Operator]] = [
    [.or], [.and], [.equal, .notEqual, .less, .lessEqual], [.bitOr, .bitXor, .bitAnd], [.shiftLeft, .shiftRight],
    [.add, .subtract],
    [.multiply, .divide, .remainder],
  ]

  /// A whole-number expression.
  mutating func expression() throws -> IntegerExpression {
    expressionSize = 0
    return try expression(level: 0)
  }

  private mutating func grow() throws {
    expressionSize += 1
    guard expressionSize <= Self.largestExpression else {
      throw stream.error("got an expression of more than \(Self.largestExpression) operators")
    }
  }

  private mutating func binary(_ op: IntegerExpression.Operator, _ a: IntegerExpression, _ b: IntegerExpression) throws
    -> IntegerExpression
  {
    try grow()
    return .binary(op, a, b)
  }

  /// Operators of this level and the tighter ones, left to right.
  private mutating func expression(level: Int) throws -> IntegerExpression {
    guard level < Self.levels.count else { return try atom() }
    var result = try expression(level: level + 1)
    while stream.current.kind == .punctuation {
      let text = stream.current.text
      if level == 2, text == ">" || text == ">=" {
        stream.advance()
        result = try binary(text == ">" ? .less : .lessEqual, try expression(level: level + 1), result)
      } else if let op = Self.levels[level].first(where: { $0.rawValue == text }) {
        stream.advance()
        result = try binary(op, result, try expression(level: level + 1))
      } else {
        break
      }
    }
    return result
  }

  private mutating func atom() throws -> IntegerExpression {
    let token = stream.current
    switch token.kind {
    case .integer: return .constant(try stream.integer())
    case .value:
      if stream.peek().kind == .punctuation, stream.peek().text == "[" { return .load(try access()) }
      stream.advance()
      return try reference(token)
    case .word: return try symbolOrFunction()
    default: break
    }
    if stream.isAt("-") {
      if stream.peek().kind == .integer { return .constant(try stream.integer()) }
      stream.advance()
      try grow()
      return .binary(.subtract, .constant(0), try atom())
    }
    if stream.take("(") {
      try grow()
      let inner = try expression(level: 0)
      try stream.expect(")")
      return inner
    }
    if stream.isAt(".") { return .verdict(try verdict()) }
    throw stream.unexpected("an expression: a number, a symbol, %variable, %buffer[...], min(a, b), max(a, b), ceil(a/b) or (...)")
  }

  /// `.open`
  private mutating func verdict() throws -> Verdict {
    stream.advance()
    guard stream.current.kind == .word, let verdict = Verdict(name: stream.current.text) else {
      throw stream.unexpected("a verdict: \(Verdict.allCases.map { ".\($0.name)" }.joined(separator: ", "))")
    }
    stream.advance()
    return verdict
  }

  private func reference(_ token: Token) throws -> IntegerExpression {
    let name = Name(token.text)
    switch entity(name) {
    case .variable(let id): return .variable(id)
    case .value(let value):
      let type = body!.type(value)
      guard type.isInteger else {
        throw stream.error("got %\(token.text) of type \(type) in an expression, expected an integer type", at: token)
      }
      return .value(value)
    case .buffer(let number): return .load(try scalarAccess(.buffer(number), token))
    case .tile(let number): return .load(try scalarAccess(.tile(number), token))
    case nil: throw unknown(token)
    }
  }

  /// A scalar, or a buffer without extents, where `token` names it.
  private func scalarAccess(_ place: Place, _ token: Token) throws -> Access {
    guard rank(of: place) == 0 else {
      throw stream.error("got %\(token.text) without indices, expected %\(token.text)[...]", at: token)
    }
    return Access(place)
  }

  func unknown(_ token: Token) -> HeedError {
    stream.error("got %\(Name(token.text).quotedWhereNeeded), expected a name that is defined before and in scope", at: token)
  }

  private mutating func symbolOrFunction() throws -> IntegerExpression {
    let word = stream.advance()
    guard ["min", "max", "ceil", "floor"].contains(word.text), stream.isAt("(") else {
      let symbols = kernel.symbols
      guard symbols.contains(Name(word.text)) else {
        let known = symbols.isEmpty ? "none" : "one of \(symbols.map(\.text).joined(separator: ", "))"
        throw stream.error(
          "got the symbol \(word.text), expected \(known), since the shapes and strides of the buffers have no other", at: word)
      }
      return .symbol(Name(word.text))
    }
    try stream.expect("(")
    try grow()
    let first = try expression(level: 0)
    if word.text == "min" || word.text == "max" {
      try stream.expect(",")
      let second = try expression(level: 0)
      try stream.expect(")")
      return try binary(word.text == "min" ? .minimum : .maximum, first, second)
    }
    try stream.expect(")")
    guard case .binary(.divide, let dividend, let divisor) = first else {
      throw stream.error("got \(word.text) of no division, expected \(word.text)(a/b)", at: word)
    }
    if word.text == "floor" { return first }
    if case .constant(let number) = divisor, number > 0 {
      return try binary(.divide, try binary(.add, dividend, .constant(number - 1)), divisor)
    }
    return try binary(.divide, try binary(.add, dividend, try binary(.subtract, divisor, .constant(1))), divisor)
  }

  // MARK: Accesses

  /// `%place[i, (j + 1)?]`, or `%scalar`
  mutating func access() throws -> Access {
    let token = try stream.expect(.value, "an element, %buffer[...] or %tile[...], or a scalar")
    let place: Place
    switch entity(Name(token.text)) {
    case .buffer(let number): place = .buffer(number)
    case .tile(let number): place = .tile(number)
    case .variable, .value: throw stream.error("got %\(token.text), which is a number, expected a buffer or a tile", at: token)
    case nil: throw unknown(token)
    }
    let rank = rank(of: place)
    if rank > 0, !stream.isAt("[") { throw stream.unexpected("'['") }
    var indices: [Access.Index] = []
    if stream.take("[") {
      try list(until: "]") {
        try $0.grow()
        let expression = try $0.expression(level: 0)
        indices.append(Access.Index(expression, isGuarded: $0.stream.take("?")))
      }
    }
    guard indices.count == rank else {
      throw stream.error("got \(indices.count) indices for %\(token.text), expected \(rank)", at: token)
    }
    return Access(place, indices)
  }

  private func rank(of place: Place) -> Int {
    switch place {
    case .buffer(let number): kernel.buffers[number].type.rank
    case .tile(let number): tiles[number].shape.count
    }
  }

  func element(of place: Place) -> ElementType {
    switch place {
    case .buffer(let number): kernel.buffers[number].type.element
    case .tile(let number): tiles[number].element
    }
  }
}
