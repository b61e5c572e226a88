/// What an op's type inference sees.
public struct Inference {
  /// The op.
  public let op: Op
  /// The operands' types.
  public let operands: [TensorType]
  /// The node's attributes.
  public let attributes: Attributes
  /// The node's regions.
  public let regions: [ScalarFunction]
  /// The graph that the node runs; nil for most ops.
  public let body: Graph?
  /// The result types that the writer stated, where there are any.
  public let stated: [TensorType]?
  /// What the graph promises about its extents.
  public let facts: [Fact]

  /// The types, attributes and regions of one node.
  public init(
    op: Op, operands: [TensorType], attributes: Attributes, regions: [ScalarFunction], body: Graph? = nil, stated: [TensorType]?,
    facts: [Fact]
  ) {
    (self.op, self.operands, self.attributes) = (op, operands, attributes)
    (self.regions, self.body, self.stated, self.facts) = (regions, body, stated, facts)
  }

  /// The result type that the writer stated.
  /// - Throws: where there is none.
  public func statedType() throws -> TensorType {
    guard let stated, stated.count == 1 else { throw HeedError("the result type must be stated") }
    return stated[0]
  }

  /// True where the extents are equal, by themselves or by a stated fact.
  public func areEqual(_ left: Extent, _ right: Extent) -> Bool { left.isEqual(to: right, given: facts) }

  /// True where the shapes have the same rank and equal extents.
  public func areEqual(_ left: Shape, _ right: Shape) -> Bool {
    left == right || left.rank == right.rank && zip(left.extents, right.extents).allSatisfy { areEqual($0, $1) }
  }

  /// Checks a condition.
  /// - Throws: an error of this message where it is false.
  public func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw HeedError(message()) }
  }

  /// The dimension `dim`, checked against `rank`.
  public func dimension(rank: Int) throws -> Int {
    let dimension = attributes.required(.dim)
    try expect(dimension >= 0 && dimension < rank, "got dim = \(dimension), expected a dimension of a tensor of rank \(rank)")
    return dimension
  }

  /// Checks the attribute `tile`, where there is one: rows and columns, of reasonable size, and the depth where `mayHaveDepth`.
  public func checkTile(mayHaveDepth: Bool = false) throws {
    guard let tile = attributes[.tile] else { return }
    try expect(
      (tile.count == 2 || mayHaveDepth && tile.count == 3) && tile.allSatisfy { (1...4096).contains($0) },
      "got tile = \(tile), expected rows and columns from 1 to 4096")
  }

  /// The element type that all of `types` share.
  public func commonElement(_ types: some Sequence<TensorType>) throws -> ElementType {
    let types = Array(types)
    try expect(types.allSatisfy { $0.element == types[0].element }, "got \(describe(types)), expected one element type")
    return types[0].element
  }

  /// The shape of an elementwise result: that of the operands that are not scalars.
  public func elementwiseShape() throws -> Shape {
    guard let full = operands.first(where: { $0.rank > 0 }) else { return .scalar }
    try expect(
      operands.allSatisfy { $0.rank == 0 || areEqual($0.shape, full.shape) },
      "got \(describe(operands)), expected equal shapes or scalars")
    return full.shape
  }

  /// The types as an error names them: `f32[S] and i32[S]`.
  public func describe(_ types: some Sequence<TensorType>) -> String { types.map(\.description).joined(separator: " and ") }

  /// Checks what can be checked without knowing the op: the number of operands, the attributes, the number of regions.
  func checkForm() throws {
    switch op.operands {
    case .named(let names):
      try expect(
        operands.count == names.count, "got \(operands.count) operands, expected \(names.count) (\(names.joined(separator: ", ")))")
    case .leading(let names, let rest):
      try expect(
        operands.count >= names.count,
        "got \(operands.count) operands, expected \(names.joined(separator: ", ")) and then any \(rest)")
    case .variadic(let role, let minimum):
      try expect(operands.count >= minimum, "got \(operands.count) operands, expected at least \(minimum) (\(role))")
    }
    var seen: Set<Name> = []
    for attribute in attributes.all {
      guard let specification = op.attributes.first(where: { $0.key == attribute.key }) else {
        let known = op.attributes.map(\.key.text).joined(separator: ", ")
        throw HeedError("got the attribute \(attribute.key), expected \(known.isEmpty ? "none" : "one of \(known)")")
      }
      try expect(seen.insert(attribute.key).inserted, "got the attribute \(attribute.key) twice")
      try expect(
        attribute.value.kind == specification.kind,
        "got the attribute \(attribute.key) of kind \(attribute.value.kind.rawValue), expected \(specification.kind.rawValue)")
      if case .word(let word) = attribute.value {
        try expect(
          specification.words.contains(word.text),
          "got \(attribute.key) = \(word), expected \(Self.choice(of: specification.words))")
      }
    }
    for specification in op.attributes where specification.isRequired {
      try expect(seen.contains(specification.key), "the attribute \(specification.key) is missing")
    }
    let (least, most) = (op.requiredRegions, op.regionKeywords.count)
    try expect(
      (least...most).contains(regions.count),
      "got \(regions.count) regions, expected \(least)\(least == most ? "" : " to \(most)")")
    try expect((body != nil) == op.has(.hasBody), body == nil ? "got no body, expected one" : "got a body, expected none")
  }

  /// `score or softmax`, `one of add, multiply, minimum`
  private static func choice(of words: [String]) -> String {
    words.count == 2 ? "\(words[0]) or \(words[1])" : "one of \(words.joined(separator: ", "))"
  }
}

extension Extent {
  /// True where the extents are equal, by themselves or after replacing symbols by what the facts say they equal.
  public func isEqual(to other: Extent, given facts: [Fact]) -> Bool {
    if self == other { return true }
    var replacements: [Name: Extent] = [:]
    for case .equal(let left, let right) in facts {
      if let symbol = left.symbol, !right.symbols.contains(symbol) {
        replacements[symbol] = right
      } else if let symbol = right.symbol, !left.symbols.contains(symbol) {
        replacements[symbol] = left
      }
    }
    // A chain of n facts is followed in n rounds.
    var (a, b) = (self, other)
    for _ in 0..<replacements.count {
      (a, b) = (a.substituting { replacements[$0] }, b.substituting { replacements[$0] })
      if a == b { return true }
    }
    // Where S % 16 == 0, S is 16 times something whole.
    var multiples: [Name: Int] = [:]
    for case .divisible(let extent, let divisor) in facts where divisor > 0 {
      guard let symbol = extent.symbol else { continue }
      let known = multiples[symbol] ?? 1
      multiples[symbol] = max(known, known.isMultiple(of: divisor) ? known : divisor)
    }
    guard !multiples.isEmpty else { return false }
    func expanded(_ extent: Extent) -> Extent {
      extent.substituting { symbol in multiples[symbol].map { Extent($0) * Extent(symbol: Name("\(symbol)/\($0)")) } }
    }
    return expanded(a) == expanded(b)
  }
}
