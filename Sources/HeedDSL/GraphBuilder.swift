public import HeedIR

/// What a graph is built with: it makes the inputs and parameters, and keeps the first mistake.
public final class GraphBuilder {
  package internal(set) var graph: Graph
  private var scopes: [String] = []
  private var outerSite: CallSite?

  init(_ name: Name) { graph = Graph(name: name) }

  // MARK: Arguments

  /// A tensor that is passed at each call.
  ///
  /// - Parameter shape: extents over any symbols: `["B", 8, "S + 1", 64]`. Symbols of one name are equal in all inputs.
  public func input(
    _ name: String, _ element: ElementType, _ shape: Shape = .scalar, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let type = TensorType(element, shape)
    let name = scoped(name)
    guard argument(name) == nil else {
      return fail("got a second argument called \(name), expected another name", CallSite(file, line), guess: type)
    }
    return argument(name, type, .input)
  }

  /// A tensor that is passed once, when the compiled graph is loaded: a weight. Its name begins with the names of the scopes.
  ///
  /// Asking for a parameter of the same name and type again returns the same one: tied weights.
  public func parameter(
    _ name: String, _ element: ElementType, _ shape: Shape, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let type = TensorType(element, shape)
    let name = scoped(name)
    guard let known = argument(name) else { return argument(name, type, .parameter) }
    guard known.role == .parameter, graph.type(known.value) == type else {
      return fail(
        "got the parameter \(name) of type \(type), but \(name) is already \(known.role == .parameter ? "a parameter" : "an input") "
          + "of type \(graph.type(known.value))", CallSite(file, line), guess: type)
    }
    return Tensor(self, known.value, type)
  }

  private func argument(_ name: Name) -> Argument? { graph.arguments.first { graph.name($0.value) == name } }

  private func argument(_ name: Name, _ type: TensorType, _ role: Argument.Role) -> Tensor {
    Tensor(self, graph.addArgument(name, type, role: role), type)
  }

  // MARK: Facts

  /// Promises that an extent is a multiple of `divisor`: used in proofs, checked at each call.
  public func assume(_ extent: Extent, isMultipleOf divisor: Int, file: String = #filePath, line: Int = #line) {
    guard divisor > 0 else {
      fail("got the divisor \(divisor) of \(extent), expected at least 1", CallSite(file, line))
      return
    }
    graph.addFact(.divisible(extent, by: divisor))
  }

  /// Promises that two extents are equal: used in proofs, checked at each call.
  public func assume(_ left: Extent, equals right: Extent) { graph.addFact(.equal(left, right)) }

  // MARK: Names

  /// Runs `body`, in which names of parameters and values begin with `name` and a dot: `g.scope("encoder.layer.0") { ... }`.
  public func scope<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
    scopes.append(name)
    defer { scopes.removeLast() }
    return try body()
  }

  private func scoped(_ name: String) -> Name { Name((scopes + [name]).filter { !$0.isEmpty }.joined(separator: ".")) }

  func name(_ tensor: Tensor, _ name: String, _ site: CallSite) {
    guard let value = tensor.value else { return }
    if case .argument = graph.origin(value) {
      fail("got the name \(name) for the argument \(tensor.summary), expected a computed value", site)
    } else {
      graph.setName(value, scoped(name))
    }
  }

  // MARK: Mistakes

  /// Runs `body`, in which mistakes are reported at this line: for layers, whose own lines mean nothing to their user.
  package func located<Result>(_ file: String, _ line: Int, _ body: () throws -> Result) rethrows -> Result {
    let saved = outerSite
    outerSite = saved ?? CallSite(file, line)
    defer { outerSite = saved }
    return try body()
  }

  /// Runs a closure that a layer's user gave, in which mistakes are reported on their own lines again.
  func asWritten<Result>(_ body: () throws -> Result) rethrows -> Result {
    let saved = outerSite
    outerSite = nil
    defer { outerSite = saved }
    return try body()
  }

  /// Records a mistake, if it is the first; a nil site is looked up on the stack.
  package func fail(_ message: String, _ site: CallSite?) {
    guard graph.failure == nil else { return }
    let place = outerSite ?? site ?? CallSite.fromStack()
    graph.failure = HeedError(message, at: place?.location)
  }

  /// Records what the user's closure threw.
  func fail(_ error: HeedError) { if graph.failure == nil { graph.failure = error } }

  /// Records a mistake and returns a tensor to go on with.
  package func fail(_ message: String, _ site: CallSite?, guess: TensorType) -> Tensor {
    fail(message, site)
    return poison(guess)
  }

  /// What stands for a tensor after a mistake.
  package func poison(_ guess: TensorType) -> Tensor { Tensor(self, nil, guess) }

  // MARK: Ops

  /// Appends an op and returns its only result. After a mistake it returns a tensor of the type `guess`, by default the stated type
  /// or that of the first operand.
  package func emit(
    _ op: Op, _ operands: [Tensor] = [], _ attributes: [Attribute] = [], stated: TensorType? = nil, guess: TensorType? = nil,
    _ site: CallSite?
  ) -> Tensor {
    let guess = stated ?? guess ?? operands.first?.type ?? TensorType(.f32, .scalar)
    return emitAll(op, operands, attributes, stated: stated, guesses: [guess], site)[0]
  }

  /// Appends an op and gives its results by name; after a mistake, tensors of the types `guesses` of those that there would be.
  package func emitNamed(
    _ op: Op, _ operands: [Tensor], _ attributes: [Attribute], guesses: [ResultName: TensorType], _ site: CallSite?
  ) -> [ResultName: Tensor] {
    let names = op.resultNames(Attributes(attributes))!
    let results = emitAll(op, operands, attributes, guesses: names.map { guesses[$0]! }, site)
    return Dictionary(uniqueKeysWithValues: zip(names, results))
  }

  package func emitAll(
    _ op: Op, _ operands: [Tensor], _ attributes: [Attribute], stated: TensorType? = nil, guesses: [TensorType], _ site: CallSite?
  ) -> [Tensor] {
    if let stray = operands.first(where: { $0.builder !== self }) {
      fail(
        "\(op.mnemonic): got \(stray.summary) of the graph \(stray.builder.graph.name), expected a tensor of \(graph.name)", site)
    }
    let values = operands.compactMap(\.value)
    guard graph.failure == nil, values.count == operands.count else { return guesses.map(poison) }
    do {
      let node = try graph.append(op, values, attributes: attributes, stated: stated.map { [$0] })
      if let place = (outerSite ?? site)?.location {
        for result in graph.results(node) { graph.setPlace(result, place) }
      }
      return graph.results(node).map { Tensor(self, $0, graph.type($0)) }
    } catch let error as HeedError {
      fail(error.message, site)
    } catch {
      fail("\(error)", site)
    }
    return guesses.map(poison)
  }
}
