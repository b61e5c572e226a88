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
  public init(parsing text: String) throws {
    var stream = try TokenStream(text, file: "<type>")
    self = try stream.tensorType()
    guard stream.isAtEnd else { throw stream.unexpected("the end of the type") }
  }
}

extension TokenStream {
  public mutating func elementType() throws -> ElementType {
    guard current.kind == .word, let element = ElementType(name: current.text) else {
      throw unexpected("an element type (\(ElementType.allCases.map(\.name).joined(separator: ", ")))")
    }
    advance()
    return element
  }

  /// `f32[B, 8, S, 64]`, or `f32` for a scalar.
  public mutating func tensorType() throws -> TensorType {
    let element = try elementType()
    return TensorType(element, isAt("[") ? try shape() : .scalar)
  }

  /// `[B, 8, S, 64]`
  public mutating func shape() throws -> Shape {
    try expect("[")
    var extents: [Extent] = []
    try list(until: "]") { extents.append(try $0.extent()) }
    return Shape(extents)
  }

  /// `sum := ['-'] product { ('+' | '-') product }`
  public mutating func extent() throws -> Extent {
    let start = current
    var sum = take("-") ? try extentProduct() * -1 : try extentProduct()
    while isAt("+") || isAt("-") {
      let negative = advance().text == "-"
      let term = try extentProduct()
      sum = negative ? sum - term : sum + term
    }
    guard sum.terms.allSatisfy({ $0.coefficient.magnitude < 1 << 56 }) else {
      throw error("got the extent \(sum), expected coefficients below 2^56", at: start)
    }
    return sum
  }

  private mutating func extentProduct() throws -> Extent {
    var product = try extentFactor()
    while take("*") { product = product * (try extentFactor()) }
    return product
  }

  /// `factor := integer | symbol | 'floor' '(' sum '/' integer ')' | 'ceil' '(' ... ')' | '(' sum ')'`
  private mutating func extentFactor() throws -> Extent {
    if current.kind == .integer { return Extent(try integer()) }
    if take("(") {
      let inner = try extent()
      try expect(")")
      return inner
    }
    guard current.kind == .word else { throw unexpected("an extent: a number, a symbol, floor(a/n) or ceil(a/n)") }
    let word = advance()
    guard word.text == "floor" || word.text == "ceil", take("(") else { return Extent(symbol: Name(word.text)) }
    let numerator = try extent()
    try expect("/")
    let token = current
    let divisor = try integer()
    guard divisor > 0 else { throw error("got division by \(divisor), expected at least 1", at: token) }
    try expect(")")
    return word.text == "floor" ? numerator.dividedRoundingDown(by: divisor) : numerator.dividedRoundingUp(by: divisor)
  }
}
