/// The direction in which derivatives are computed.
public enum DifferentiationMode: Hashable, Sendable {
  /// From the results back to the arguments: gradients. It costs a few times the graph itself, however many arguments there are.
  case reverse
  /// From the arguments to the results: the derivative along one direction. It costs about twice the graph itself.
  case forward
}

extension Graph {
  /// The graph with derivatives of some of its results with respect to some of its arguments.
  ///
  /// In reverse mode it returns, after the old results, a gradient per name of `inputs`, in that order: `gradient.q` of the type of `q`. After
  /// the old arguments it takes a cotangent per name of `outputs`: `cotangent.out` of the type of `out` says what each element of `out` counts
  /// for in the sum that is differentiated. A result that is one number needs none: it counts 1.
  ///
  ///     let training = try graph.differentiated(of: ["loss"], with: ["weight", "bias"])
  ///     let outputs = try training.compile()(batch)      // outputs["gradient.weight"]
  ///
  /// In forward mode it returns a derivative per name of `outputs`, `derivative.out` of the type of `out`, and takes a tangent per name of
  /// `inputs`, `tangent.q` of the type of `q`.
  ///
  /// Where one of these names is taken, the next of `gradient2.q`, `gradient3.q`, ... is used: a graph may be differentiated again.
  /// - Parameters:
  ///   - outputs: names of results, which are floats.
  ///   - inputs: names of arguments, inputs or parameters, which are floats.
  ///   - hasAllCotangents: whether results that are one number have a cotangent too.
  /// - Throws: the first mistake made in building the graph; where a name is unknown, repeated, or not that of floats.
  public func differentiated(
    of outputs: [String], with inputs: [String], mode: DifferentiationMode = .reverse, hasAllCotangents: Bool = false
  ) throws -> Graph {
    if let failure { throw failure }
    let outputs = try found(outputs, among: zip(resultNames, results).map { ($0.text, $1) }, "result")
    let inputs = try found(inputs, among: arguments.map { (name($0.value).text, $0.value) }, "argument")
    var rewriter = GraphRewriter(self)
    // Arguments come before all nodes.
    let isReverse = mode == .reverse
    let added = (isReverse ? outputs : inputs).map { part -> ValueID? in
      let type = type(part.value)
      guard !isReverse || hasAllCotangents || type.rank > 0 else { return nil }
      return rewriter.result.addArgument(freeName(isReverse ? "cotangent" : "tangent", of: part.name), type)
    }
    for node in body { rewriter.copy(node) }
    let factors = try zip(isReverse ? outputs : inputs, added).map { part, value in
      try value
        ?? rewriter.append(
          .constant, [], attributes: [Attribute(.constantValue, [Literal(1.0)])],
          stated: TensorType(type(part.value).element, .scalar))
    }
    let (ys, xs) = (outputs.map { rewriter($0.value) }, inputs.map { rewriter($0.value) })
    let names = (isReverse ? inputs : outputs).map { freeName(isReverse ? "gradient" : "derivative", of: $0.name) }
    let request = try rewriter.result.append(
      isReverse ? .vjp : .jvp, isReverse ? ys + factors + xs : ys + xs + factors, attributes: [Attribute(.outputs, ys.count)],
      names: names)
    var graph = rewriter.finish()
    graph.setResults(graph.results + graph.results(request), names: resultNames + names)
    return graph
  }

  /// The values of these names.
  private func found(
    _ names: [String], among known: [(name: String, value: ValueID)], _ role: String
  ) throws -> [(name: String, value: ValueID)] {
    func fail(_ message: String) -> HeedError { HeedError("@\(name): \(message)", at: location) }
    guard !names.isEmpty else { throw fail("got no \(role) to differentiate, expected at least one") }
    return try names.enumerated().map { position, name in
      guard let part = known.first(where: { $0.name == name }) else {
        let list = known.isEmpty ? "none" : known.map(\.name).joined(separator: ", ")
        let hint = suggestion(for: name, among: known.map(\.name))
        throw fail("got the \(role) '\(name)' to differentiate, expected one of \(list)\(hint)")
      }
      guard !names[..<position].contains(name) else { throw fail("got the \(role) '\(name)' twice, expected it once") }
      let type = type(part.value)
      guard type.element.isFloat else { throw fail("got the \(role) \(name): \(type) to differentiate, expected floats") }
      return part
    }
  }

  /// A name for what belongs to the value called `name`: `gradient.q`, or `gradient2.q` and so on where the graph has that.
  package func freeName(_ kind: String, of name: String) -> Name {
    let names = (0..<valueCapacity).map { self.name(ValueID($0)) } + resultNames
    let taken = Set(names.lazy.filter { !$0.isNone }.map(\.text).filter { $0.hasPrefix(kind) })
    return Name((1...).lazy.map { "\(kind)\($0 == 1 ? "" : "\($0)").\(name)" }.first { !taken.contains($0) }!)
  }
}
