extension Extent {
  /// The extent that `text` writes.
  /// - Throws: a syntax error with its column.
  public init(parsing text: String) throws {
    var stream = try TokenStream(text, file: "<extent>")
    self = try stream.extent()
    guard stream.isAtEnd else { throw stream.unexpected("the end of the extent") }
  }
}

extension TensorType {
  /// The type that `text` writes: `f32[B, 8, S, 64]`.
  /// - Throws: a syntax error with its column.
  public init(parsing text: String) throws {
    var stream = try TokenStream(text, file: "<type>")
    self = try stream.tensorType()
    guard stream.isAtEnd else { throw stream.unexpected("the end of the type") }
  }
}

extension TokenStream {
  /// Takes an element type: `f32`.
  /// - Throws: where another token is next; the error lists the types.
  package mutating func elementType() throws -> ElementType {
    guard current.kind == .word, let element = ElementType(name: current.text) else {
      throw unexpected("an element type (\(ElementType.allCases.map(\.name).joined(separator: ", ")))")
    }
    advance()
    return element
  }

  /// `f32[B, 8, S, 64]`, or `f32` for a scalar.
  package mutating func tensorType() throws -> TensorType {
    let element = try elementType()
    return TensorType(element, isAt("[") ? try shape() : .scalar)
  }

  /// `[B, 8, S, 64]`
  package mutating func shape() throws -> Shape {
    let start = current
    try expect("[")
    var extents: [Extent] = []
    try list(until: "]") { extents.append(try $0.extent()) }
    let shape = Shape(extents)
    if let mistake = shape.sizeMistake { throw error(mistake, at: start) }
    return shape
  }

  /// `sum := ['-'] product { ('+' | '-') product }`
  package mutating func extent() throws -> Extent { try extent(below: Shape.knownElementLimit) }

  /// A count of operations or bytes: products of extents, whose coefficients may be as large as a number is. One that left 64 bits is
  /// written as the largest number, and read as that.
  mutating func cost() throws -> Extent { try extent(below: nil) }

  /// - Parameter limit: what coefficients must be less than; nil for none.
  private mutating func extent(below limit: Int?) throws -> Extent {
    let start = current
    var sum = take("-") ? try extentProduct(below: limit) * -1 : try extentProduct(below: limit)
    while isAt("+") || isAt("-") {
      let negative = advance().text == "-"
      let term = try extentProduct(below: limit)
      sum = try checked(negative ? sum - term : sum + term, below: limit, at: start)
    }
    return sum
  }

  /// Rejects an extent that would overflow or take long to compute with.
  private func checked(_ extent: Extent, below limit: Int?, at start: Token) throws -> Extent {
    let isTooLong = extent.terms.count > 64 || extent.terms.contains { $0.factors.count > 32 }
    if limit != nil || isTooLong, let mistake = extent.sizeMistake { throw error(mistake, at: start) }
    return extent
  }

  private mutating func extentProduct(below limit: Int?) throws -> Extent {
    let start = current
    var product = try checked(try extentFactor(below: limit), below: limit, at: start)
    while take("*") { product = try checked(product * (try extentFactor(below: limit)), below: limit, at: start) }
    return product
  }

  /// `factor := integer | symbol | 'floor' '(' sum '/' integer ')' | 'ceil' '(' ... ')' | '(' sum ')'`
  private mutating func extentFactor(below limit: Int?) throws -> Extent {
    if current.kind == .integer { return Extent(try integer()) }
    if take("(") {
      let inner = try nested { try $0.extent(below: limit) }
      try expect(")")
      return inner
    }
    guard current.kind == .word else { throw unexpected("an extent: a number, a symbol, floor(a/n) or ceil(a/n)") }
    let word = advance()
    guard word.text == "floor" || word.text == "ceil", take("(") else { return Extent(symbol: Name(word.text)) }
    let numerator = try nested { try $0.extent(below: limit) }
    try expect("/")
    let token = current
    let divisor = try integer()
    guard divisor > 0 else { throw error("got division by \(divisor), expected at least 1", at: token) }
    try expect(")")
    return word.text == "floor" ? numerator.dividedRoundingDown(by: divisor) : numerator.dividedRoundingUp(by: divisor)
  }
}
