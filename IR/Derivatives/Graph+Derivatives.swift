extension Graph {
  /// Whether the graph asks for derivatives.
  public var hasDerivatives: Bool { body.contains { op($0).isRequest } }

  /// The graph with nodes that compute what `vjp` and `jvp` ask for in their place.
  ///
  /// Requests are expanded in order, so that a later one may differentiate what an earlier one computes. What only keeps values apart for
  /// them is taken out.
  /// - Parameter remark: gets what is said about a value of the graph.
  /// - Throws: where an op without a derivative is in the way; the error names the value.
  public func expandingDerivatives(remark: (Remark.Kind, ValueID, Graph, String) -> Void = { _, _, _, _ in }) throws -> Graph {
    let isKept = needsResiduals()
    var rewriter = GraphRewriter(self)
    for node in body {
      let op = op(node)
      guard op.isRequest else {
        try rewriter.copy(
          node, adding: isKept[Int(node.index)] ? op.derivative?.residuals(attributes(node), Array(regions(node))) ?? [] : [])
        continue
      }
      let sources = operands(node).map { rewriter($0) }
      var sweep = DerivativeSweep(purpose: purpose(of: node), around: path(node))
      let found = try rewriter.expand(op, sources, outputs: attributes(node).required(.outputs), &sweep)
      for note in sweep.notes { remark(note.kind, note.value, rewriter.result, note.message) }
      for (result, value) in zip(results(node), found) { rewriter.replace(result, with: value) }
    }
    return rewriter.finish().withoutIdentities()
  }

  /// By node: whether a request depends on it.
  private func needsResiduals() -> [Bool] {
    var isNeeded = [Bool](repeating: false, count: nodeCapacity)
    for node in body.reversed() where op(node).isRequest || isNeeded[Int(node.index)] {
      for operand in operands(node) { if let producer = definingNode(operand) { isNeeded[Int(producer.index)] = true } }
    }
    return isNeeded
  }

  /// `the gradient of %loss`
  private func purpose(of request: NodeID) -> String {
    let value = label(operands(request).first!)
    return op(request) == .vjp ? "the gradient of \(value)" : "the derivative of \(value)"
  }

  /// The graph without the ops that only keep values apart for derivatives.
  private func withoutIdentities() -> Graph {
    func isOnlyForDerivatives(_ node: NodeID) -> Bool { op(node) == .identity || op(node) == .stopGradient }
    guard body.contains(where: isOnlyForDerivatives) else { return self }
    var rewriter = GraphRewriter(self)
    for node in body {
      if isOnlyForDerivatives(node) {
        rewriter.replace(result(node), with: rewriter(operands(node).first!))
      } else {
        rewriter.copy(node)
      }
    }
    return rewriter.finish()
  }

  /// The graph with each value that a request differentiates with respect to, and that is computed, kept apart by an `identity`: all nodes
  /// read that. So passes do not fold the value into what uses it.
  public func keepingDifferentiatedValues() throws -> Graph {
    var isSource: Set<ValueID> = []
    for node in body where op(node).isRequest {
      for value in sources(of: node) {
        if definingNode(value, where: .identity) == nil, definingNode(value) != nil { isSource.insert(value) }
      }
    }
    guard !isSource.isEmpty else { return self }
    var rewriter = GraphRewriter(self)
    for node in body {
      rewriter.copy(node)
      for value in results(node) where isSource.contains(value) {
        rewriter.replace(value, with: try rewriter.append(.identity, [rewriter(value)]))
      }
    }
    return rewriter.finish()
  }

  /// What a request differentiates with respect to.
  private func sources(of request: NodeID) -> ArraySlice<ValueID> {
    let (operands, outputs) = (operands(request), attributes(request).required(.outputs))
    return op(request) == .vjp
      ? operands.dropFirst(2 * outputs) : operands.dropFirst(outputs).prefix((operands.count - outputs) / 2)
  }
}

extension Op {
  /// Whether the op asks for derivatives.
  public var isRequest: Bool { self == .vjp || self == .jvp }
}

extension GraphRewriter {
  /// A copy of a node with further attributes; what it returns because of them comes after its other results.
  fileprivate mutating func copy(_ node: NodeID, adding attributes: [Attribute]) throws {
    let old = source.attributes(node).all
    let missing = attributes.filter { new in !old.contains { $0.key == new.key } }
    guard !missing.isEmpty else {
      copy(node)
      return
    }
    let op = source.op(node)
    let new = try result.append(
      op, source.operands(node).map { self($0) }, attributes: old + missing, regions: Array(source.regions(node)),
      body: source.bodyGraph(node))
    guard let names = op.resultNames(source.attributes(node)) else {
      for (old, value) in zip(source.results(node), result.results(new)) { replace(old, with: value) }
      return
    }
    for (value, name) in zip(source.results(node), names) { replace(value, with: result.result(new, name)!) }
  }

  /// The values that a request asks for.
  fileprivate mutating func expand(
    _ request: Op, _ operands: [ValueID], outputs: Int, _ sweep: inout DerivativeSweep
  ) throws -> [ValueID] {
    let nodes = result.body
    let (asked, wanted): ([ValueID: ValueID], ArraySlice<ValueID>)
    if request == .vjp {
      let sources = operands.dropFirst(2 * outputs)
      let seeds = zip(operands.prefix(outputs), operands.dropFirst(outputs)).map { (value: $0, cotangent: $1) }
      asked = try sweep.cotangents(of: seeds, with: Array(Set(sources)).sorted(), through: nodes, &self)
      wanted = sources
    } else {
      let count = (operands.count - outputs) / 2
      let sources = zip(operands.dropFirst(outputs), operands.dropFirst(outputs + count))
      wanted = operands.prefix(outputs)
      asked = try sweep.tangents(of: Array(wanted), from: try sums(sources), through: nodes, &self)
    }
    return try wanted.map { value in
      if let found = asked[value] { return found }
      let type = result.type(value)
      let zero = try append(
        .constant, [], attributes: [Attribute(.constantValue, [Literal(0.0)])], stated: TensorType(type.element, .scalar))
      return type.rank == 0 ? zero : try append(.broadcast, [zero], attributes: [Attribute(.dims, [])], stated: type)
    }
  }

  /// The tangents by value: the sum where one value is named twice.
  private mutating func sums(_ tangents: some Sequence<(ValueID, ValueID)>) throws -> [ValueID: ValueID] {
    var sums: [ValueID: ValueID] = [:]
    for (value, tangent) in tangents { sums[value] = try sums[value].map { try append(.add, [$0, tangent]) } ?? tangent }
    return sums
  }
}
