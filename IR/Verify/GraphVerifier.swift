extension Graph: Verifiable {
  /// Checks that the graph is well formed.
  ///
  /// - Every operand is defined above its use, and the types are those that the ops infer.
  /// - Regions are well typed and read only what their node captures.
  /// - Arguments have different names, every symbol is one that a call binds, and there is a result.
  ///
  /// - Throws: one line that names the graph, the value and what is wrong with it, or has the line of the user's source that makes the
  ///   value; what went wrong while the graph was built.
  public func verify() throws { try verify(around: nil) }

  /// - Parameter around: the symbols that have values in the graph around this one; nil where this is not a node's body.
  /// - Parameter index: the symbol of the step's number, which no type may mention.
  private func verify(around: [Name]?, indices: [Name] = []) throws {
    if let failure { throw failure }
    do {
      guard !name.isNone else { throw HeedError("got a graph without a name, expected one") }
      let known = around ?? symbols + definedSymbols
      var types = VerifiedTypes(symbols: known, indices: indices)
      try verifyArguments(&types)
      if around == nil { try verifySymbols(known) }
      let defined = try verifyBody(&types)
      guard around != nil || !results.isEmpty else { throw HeedError("got no result, expected at least one") }
      for result in results where !isDefined(result, in: defined) {
        throw HeedError("got the result \(described(result)), which nothing defines")
      }
      try verifyUpdates()
    } catch let error as HeedError {
      throw error.location == nil ? error.during("graph @\(name.quotedWhereNeeded)").located(at: location) : error
    }
  }

  /// Runs a check of what the user's source makes at `place`, if that is known.
  private func at(_ place: SourceLocation?, _ check: () throws -> Void) throws {
    do { try check() } catch let error as HeedError { throw error.located(at: place) }
  }

  /// The value as an error names it: where its line is known, but no name, its type.
  private func described(_ value: ValueID) -> String {
    guard value.index >= 0, Int(value.index) < valueCapacity else { return "number \(value.index)" }
    if !name(value).isNone { return "%\(name(value).quotedWhereNeeded)" }
    return place(value) == nil ? "number \(value.index)" : "\(type(value))"
  }

  private func isDefined(_ value: ValueID, in defined: [Bool]) -> Bool {
    defined.indices.contains(Int(value.index)) && defined[Int(value.index)]
  }

  // MARK: Header

  private func verifyArguments(_ types: inout VerifiedTypes) throws {
    var names: Set<Name> = []
    for (position, argument) in arguments.enumerated() {
      let name = name(argument.value)
      try at(place(argument.value)) {
        guard !name.isNone else { throw HeedError("argument \(position) has no name, expected one: arguments are passed by name") }
        guard names.insert(name).inserted else {
          throw HeedError("got two arguments of the name %\(name.quotedWhereNeeded), expected different names")
        }
        try verifyType(type(argument.value), of: argument.value, &types)
      }
    }
  }

  private func verifySymbols(_ known: [Name]) throws {
    let extents = arguments.flatMap { type($0.value).shape.extents }
    if let symbol = SymbolBinding.unsolvable(extents: extents, facts: facts).first {
      let first = arguments.first { type($0.value).shape.extents.symbols.contains(symbol) }
      throw HeedError(
        "the symbol \(symbol) does not follow from the arguments' extents, expected an extent such as \(symbol) or 2*\(symbol)",
        at: first.flatMap { place($0.value) })
    }
    for (position, fact) in facts.enumerated() {
      try at(place(ofFact: position)) {
        if case .divisible(_, let divisor) = fact, divisor <= 0 {
          throw HeedError("got the fact \(fact), expected a divisor of at least 1")
        }
        try verifyKnown(fact.symbols, known, in: "the fact \(fact)")
      }
    }
  }

  /// The symbols of the arguments, those of the loops around, and the types that are known to be right.
  private struct VerifiedTypes {
    let symbols: [Name]
    let indices: [Name]
    var types: Set<TensorType> = []
  }

  private func verifyKnown(_ mentioned: [Name], _ known: [Name], in place: @autoclosure () -> String) throws {
    if let symbol = mentioned.first(where: { !known.contains($0) }) {
      let list = known.isEmpty ? "there is none" : known.map(\.text).joined(separator: ", ")
      throw HeedError("got the symbol \(symbol) in \(place()), expected one of the arguments' extents (\(list))")
    }
  }

  private func verifyType(_ type: TensorType, of value: ValueID, _ verified: inout VerifiedTypes) throws {
    if verified.types.contains(type) { return }
    guard type.rank <= Shape.mostDimensions else {
      throw HeedError("got \(type.rank) dimensions of \(described(value)), expected at most \(Shape.mostDimensions)")
    }
    guard type.shape.knownElementCount != nil else {
      throw HeedError("got the type \(type) of \(described(value)), expected known extents that multiply to less than 2^56")
    }
    for extent in type.shape.extents {
      guard !extent.isAlwaysNegative else {
        throw HeedError("got the extent \(extent) of \(described(value)), expected at least 0")
      }
      for symbol in extent.symbols where !Lexer.isWord(symbol.text) {
        throw HeedError("got the symbol \"\(symbol)\" in the type of \(described(value)), expected a word of letters, digits and _")
      }
      try verifyKnown(extent.symbols, verified.symbols, in: "the type of \(described(value))")
    }
    verified.types.insert(type)
  }

  // MARK: Body

  /// Checks every node and returns, by value, what is defined after the last.
  private func verifyBody(_ types: inout VerifiedTypes) throws -> [Bool] {
    var defined = [Bool](repeating: false, count: valueCapacity)
    for argument in arguments { defined[Int(argument.value.index)] = true }
    for node in body {
      try at(place(of: node)) {
        for operand in operands(node) where !isDefined(operand, in: defined) {
          throw HeedError("\(op(node).mnemonic) uses \(described(operand)), which nothing above it defines")
        }
        try verifyNode(node, types.symbols, types.indices)
        for (position, result) in results(node).enumerated() {
          guard !defined[Int(result.index)], origin(result) == .node(node, result: position) else {
            throw HeedError("\(op(node).mnemonic) defines \(described(result)) a second time")
          }
          defined[Int(result.index)] = true
          try verifyType(type(result), of: result, &types)
        }
      }
    }
    return defined
  }

  private func place(of node: NodeID) -> SourceLocation? { results(node).first.flatMap(place) }

  private func verifyNode(_ node: NodeID, _ known: [Name], _ indices: [Name]) throws {
    let op = op(node)
    let operandTypes = operands(node).map(type)
    let captured = op.has(.capturesTables) ? Array(operandTypes.dropFirst(op.operands.minimum)) : []
    do {
      for region in regions(node) {
        guard region.tables.map(\.type) == captured else {
          let read = Self.list(region.tables.map(\.type))
          throw HeedError("got a region that reads tensors of types \(read), expected \(Self.list(captured)) as captured")
        }
        try region.verify()
        for case .extent(let extent) in region.instructions.map(\.operation) {
          try verifyKnown(extent.symbols, known + indices, in: "the extent \(extent) of a region")
        }
      }
      for attribute in attributes(node).all {
        guard case .extents(let shape) = attribute.value, attribute.key != AttributeKey.index.name else { continue }
        // The names of attributes are those of the text.
        let list = place(of: node) == nil ? "the attribute \(attribute.key)" : "\(shape)"
        let isNumber = op == .extent || attribute.key == AttributeKey.stepCount.name
        for extent in shape.extents { try verifyKnown(extent.symbols, isNumber ? known + indices : known, in: list) }
      }
    } catch let error as HeedError {
      throw error.during(op.mnemonic)
    }
    if let body = bodyGraph(node) {
      let index = attributes(node)[.index]?.first?.symbol.map { [$0] } ?? []
      do {
        if let index = index.first, (known + indices).contains(index) {
          throw HeedError("got the index \(index), expected a name that is not a symbol yet")
        }
        try body.verify(around: known, indices: indices + index)
      } catch let error as HeedError {
        throw error.during(op.mnemonic)
      }
    }
    _ = try op.resultTypes(
      of: Inference(
        op: op, operands: operandTypes, attributes: attributes(node), regions: Array(regions(node)), body: bodyGraph(node),
        stated: results(node).map(type), facts: facts))
  }

  private static func list(_ types: [TensorType]) -> String {
    types.isEmpty ? "none" : types.map(\.description).joined(separator: ", ")
  }
}
