public import HeedIR

/// What a graph is built with: it makes the inputs and parameters, and keeps the first mistake.
public final class GraphBuilder {
  package internal(set) var graph: Graph
  /// What layers say that parameters hold before they are trained; `g.initializers["*.bias"] = .zeros` says otherwise.
  public var initializers = Initializers()
  private var scopes: [String] = []
  private var outerSite: CallSite?
  /// The last call that told its line: near the mistake of an operator whose own line cannot be found.
  private var lastSite: CallSite
  /// Where values got their names.
  private var namingSites: [ValueID: CallSite] = [:]
  /// What replaces states, and these in the order of their updates.
  private var updates: [ValueID: ValueID] = [:]
  private var updated: [ValueID] = []
  /// Which linear maps get adapters, while `adapting` runs; and the names of the parameters of all adapters.
  var adapting: Adapting?
  var adapterNames: Set<String> = []
  /// The shapes that are known to be without mistakes.
  private var validShapes: Set<Shape> = []

  init(_ name: Name, _ site: CallSite) {
    (graph, lastSite) = (Graph(name: name), site)
    graph.location = site.location
  }

  /// A builder that goes on with a graph, and the results that it has.
  init(continuing graph: Graph, _ site: CallSite) {
    (self.graph, lastSite) = (graph, site)
    for update in graph.updates {
      updates[update.state] = update.value
      updated.append(update.state)
    }
  }

  /// What the graph returns, without what replaces states: the results of the graph that this one continues.
  var results: [Tensor] { graph.results.prefix(graph.returnedCount).map { Tensor(self, $0, graph.type($0)) } }

  /// A builder that other code may read, though only the thread that builds the graph does.
  private struct Current: @unchecked Sendable { var builder: GraphBuilder }
  @TaskLocal private static var current: Current?

  /// What builds the graph whose closure is running; nil outside of one.
  static var running: GraphBuilder? { current?.builder }

  /// Calls `body`, the closure of a graph, with this builder running.
  func run<Result>(_ body: (GraphBuilder) throws -> Result) rethrows -> Result {
    try Self.$current.withValue(Current(builder: self)) { try body(self) }
  }

  // MARK: Arguments

  /// A tensor that is passed at each call.
  ///
  /// - Parameter shape: extents over any symbols: `["B", 8, "S + 1", 64]`. Symbols of one name are equal in all inputs.
  public func input(
    _ name: String, _ element: ElementType, _ shape: Shape = .scalar, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let (type, site) = (TensorType(element, shape), CallSite(file, line))
    let name = scoped(name)
    guard argument(name) == nil else {
      return fail("got a second argument called \(name), expected another name", site, guess: type)
    }
    return argument(name, type, .input, site)
  }

  /// A tensor that is passed once, when the compiled graph is loaded: a weight. Its name begins with the names of the scopes.
  ///
  /// Asking for a parameter of the same name and type again returns the same one: tied weights.
  public func parameter(
    _ name: String, _ element: ElementType, _ shape: Shape, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let (type, site) = (TensorType(element, shape), CallSite(file, line))
    let name = scoped(name)
    guard let known = argument(name) else { return argument(name, type, .parameter, site) }
    guard known.role == .parameter, graph.type(known.value) == type else {
      let kind =
        switch known.role {
        case .input: "an input"
        case .parameter: "a parameter"
        case .state: "a state"
        }
      return fail(
        "got the parameter \(name) of type \(type), but \(name) is already \(kind) "
          + "of type \(graph.type(known.value))", site, guess: type)
    }
    return Tensor(self, known.value, type)
  }

  /// The parameters so far, in the order in which they were made: what training takes gradients with respect to.
  public var parameters: [Tensor] {
    graph.arguments.filter { $0.role == .parameter }.map { Tensor(self, $0.value, graph.type($0.value)) }
  }

  private func argument(_ name: Name) -> Argument? { graph.arguments.first { graph.name($0.value) == name } }

  private func argument(
    _ name: Name, _ type: TensorType, _ role: Argument.Role, _ site: CallSite, initial: Literal? = nil
  ) -> Tensor {
    note(site)
    let expected = "expected a name that is not a number: arguments are passed by name"
    guard expect(!PrintedNames.kept(name.text).isNone, "got the argument name \"\(name)\", \(expected)", site),
      areValid([type], site)
    else { return poison(type) }
    let value = graph.addArgument(name, type, role: role, initial: initial)
    graph.setPlace(value, (outerSite ?? site).location)
    return Tensor(self, value, type)
  }

  /// A tensor that each call reads and may replace: what it holds is passed as a `GraphState` and lives on between calls. Its name begins
  /// with the names of the scopes.
  /// - Parameter initial: what fills it before the first call; nil where a caller must give it.
  public func state(
    _ name: String, _ element: ElementType, _ shape: Shape = .scalar, initial: Double? = nil, file: String = #filePath,
    line: Int = #line
  ) -> Tensor {
    let (type, site) = (TensorType(element, shape), CallSite(file, line))
    let name = scoped(name)
    guard argument(name) == nil else {
      return fail("got a second argument called \(name), expected another name", site, guess: type)
    }
    let number = initial.flatMap { Literal($0).converted(to: element) }
    guard expect(initial == nil || number != nil, "got \(initial!) to fill \(type) with, expected a number of its type", site)
    else {
      return poison(type)
    }
    return argument(name, type, .state, site, initial: number)
  }

  /// The number of updates so far.
  var updateCount: Int { updated.count }

  /// The states so far, in the order in which they were made.
  public var states: [Tensor] {
    graph.arguments.filter { $0.role == .state }.map { Tensor(self, $0.value, graph.type($0.value)) }
  }

  /// Notes what replaces a state, or a parameter, which becomes one.
  func update(_ state: Tensor, to new: Tensor, _ site: CallSite) {
    note(site)
    guard areOwn([state, new], "update", site), let (old, value) = zipped(state.value, new.value) else { return }
    guard case .argument(let position) = graph.origin(old), graph.arguments[position].role != .input else {
      return fail("got an update of \(state.summary), expected a state or a parameter", site)
    }
    let name = graph.name(old)
    guard state.element == new.element, state.shape.rank == new.shape.rank else {
      return fail("got an update of \(name) of type \(new.type), expected the state's type \(state.type)", site)
    }
    guard updates.updateValue(value, forKey: old) == nil else {
      return fail("got a second update of \(name), expected one", site)
    }
    updated.append(old)
    if graph.arguments[position].role == .parameter { graph.makeState(old) }
  }

  private func zipped(_ a: ValueID?, _ b: ValueID?) -> (ValueID, ValueID)? {
    guard graph.failure == nil, let a, let b else { return nil }
    return (a, b)
  }

  // MARK: Facts

  /// Promises that an extent is a multiple of `divisor`: used in proofs, checked at each call.
  public func assume(
    _ extent: some ExtentConvertible, isMultipleOf divisor: Int, file: String = #filePath, line: Int = #line
  ) {
    let (extent, site) = (extent.extent, CallSite(file, line))
    guard expect(divisor > 0, "got the divisor \(divisor) of \(extent), expected at least 1", site), isValid(extent, site) else {
      return
    }
    graph.addFact(.divisible(extent, by: divisor), at: (outerSite ?? site).location)
  }

  /// Promises that two extents are equal: used in proofs, checked at each call.
  public func assume(
    _ left: some ExtentConvertible, equals right: some ExtentConvertible, file: String = #filePath, line: Int = #line
  ) {
    let site = CallSite(file, line)
    guard isValid(left.extent, site), isValid(right.extent, site) else { return }
    graph.addFact(.equal(left.extent, right.extent), at: (outerSite ?? site).location)
  }

  // MARK: Names

  /// Runs `body`, in which names of parameters and values begin with `name` and a dot: `g.scope("encoder.layer.0") { ... }`.
  public func scope<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
    scopes.append(name)
    defer { scopes.removeLast() }
    return try body()
  }

  func scoped(_ name: String) -> Name { Name((scopes + [name]).filter { !$0.isEmpty }.joined(separator: ".")) }

  func name(_ tensor: Tensor, _ name: String, _ site: CallSite) {
    note(site)
    guard graph.failure == nil, let value = tensor.value else { return }
    if case .argument = graph.origin(value) {
      fail("got the name \(name) for the argument \(tensor.summary), expected a computed value", site)
    } else {
      graph.setName(value, scoped(name))
      namingSites[value] = outerSite ?? site
    }
  }

  /// Names a derivative after the tensor that it belongs to, if that has a name: `gradient.weight`.
  func name(_ derivative: Tensor, _ kind: String, after tensor: Tensor) {
    guard graph.failure == nil, let value = derivative.value, let name = tensor.name else { return }
    graph.setName(value, graph.freeName(kind, of: name))
  }

  /// Makes the graph return these tensors; records results of one name, by which only one of them could be had.
  func setResults(_ tensors: [Tensor], _ site: CallSite) {
    for tensor in tensors where tensor.builder !== self {
      fail("got the result \(tensor.summary) of another graph, expected tensors of \(graph.name)", site)
    }
    guard graph.failure == nil else { return }
    let values = tensors.compactMap(\.value)
    // What a state held, returned, must not pass for what replaces it.
    let states = Set(graph.arguments.filter { $0.role == .state }.map { graph.name($0.value) })
    let names = values.map(graph.name).map { states.contains($0) ? Name("\($0).before") : $0 }
    graph.setResults(values + updated.map { updates[$0]! }, names: names + updated.map(graph.name))
    var positions: [Name: Int] = [:]
    for (position, name) in graph.resultNames.enumerated() {
      if let first = positions.updateValue(position, forKey: name) {
        fail(
          "got the results \(first) and \(position) of the name \(name), expected different names: results are returned by name",
          namingSites[values[position]] ?? site)
      }
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

  /// Records a mistake, if it is the first; a nil site is looked up on the stack. A mistake with tensors of another graph is one of the
  /// graph whose closure is running.
  package func fail(_ message: String, _ site: CallSite?) {
    if let running = Self.running, running !== self { return running.fail(message, outerSite ?? site) }
    guard graph.failure == nil else { return }
    let place = outerSite ?? site ?? CallSite.fromStack() ?? lastSite
    graph.failure = HeedError(message, at: place.location)
  }

  /// Records a mistake where the condition is false.
  /// - Returns: the condition.
  func expect(_ condition: Bool, _ message: @autoclosure () -> String, _ site: CallSite?) -> Bool {
    if !condition { fail(message(), site) }
    return condition
  }

  /// Remembers the line of a call.
  func note(_ site: CallSite?) { if let site = outerSite ?? site { lastSite = site } }

  /// Whether the extent can be used; records what is wrong with it.
  func isValid(_ extent: Extent, _ site: CallSite?) -> Bool {
    guard let mistake = extent.mistake else { return true }
    fail(mistake, site)
    return false
  }

  /// Whether the types can be used; records what is wrong with one.
  func areValid(_ types: some Sequence<TensorType>, _ site: CallSite?) -> Bool {
    types.allSatisfy { type in
      if validShapes.contains(type.shape) { return true }
      let negative = type.shape.extents.first { $0.isAlwaysNegative }
      var mistake = type.shape.mistake ?? negative.map { "got the extent \($0) of a \(type), expected at least 0" }
      if mistake == nil, type.shape.knownElementCount == nil {
        mistake = "got the type \(type), expected known extents that multiply to less than 2^56"
      }
      if let mistake {
        fail(mistake, site)
        return false
      }
      validShapes.insert(type.shape)
      return true
    }
  }

  /// Records what the user's closure threw; it has the graph's own line where it has none.
  func fail(_ error: HeedError) { if graph.failure == nil { graph.failure = error.located(at: graph.location) } }

  /// Records a mistake and returns a tensor to go on with.
  package func fail(_ message: String, _ site: CallSite?, guess: TensorType) -> Tensor {
    fail(message, site)
    return poison(guess)
  }

  /// Records a mistake in a call without tensors in the graph whose closure is running. Outside of one it ends the program with the
  /// message, since there is nothing to return.
  static func fail(_ message: String, _ site: CallSite) -> Tensor {
    guard let running else { fatalError("\(site.file):\(site.line): \(message)") }
    return running.fail(message, site, guess: TensorType(.f32, .scalar))
  }

  /// What stands for a tensor after a mistake.
  package func poison(_ guess: TensorType) -> Tensor { Tensor(self, nil, guess) }

  // MARK: Ops

  /// Whether the operands belong to this graph and to the one whose closure is running, if one is; records one that does not.
  /// - Parameter title: what was called, as the message names it.
  func areOwn(_ operands: [Tensor], _ title: String, _ site: CallSite?) -> Bool {
    let own = Self.running ?? self
    let foreign = operands.first { $0.builder !== own }
    guard let stray = foreign ?? operands.first(where: { $0.builder !== self }) else { return true }
    let wanted = foreign == nil ? self : own
    own.fail(
      "\(title): got \(stray.summary) of the graph \(stray.builder.graph.name), expected a tensor of \(wanted.graph.name)",
      outerSite ?? site)
    return false
  }

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
    note(site)
    guard areOwn(operands, op.mnemonic, site) else { return guesses.map((Self.running ?? self).poison) }
    for case .extents(let list) in attributes.map(\.value) {
      if let mistake = list.extents.lazy.compactMap(\.mistake).first { fail("\(op.mnemonic): \(mistake)", site) }
    }
    let values = operands.compactMap(\.value)
    guard graph.failure == nil, values.count == operands.count, areValid(CollectionOfOne(stated).compactMap { $0 }, site) else {
      return guesses.map(poison)
    }
    do {
      let node = try graph.append(op, values, attributes: attributes, stated: stated.map { [$0] })
      if let place = (outerSite ?? site)?.location {
        for result in graph.results(node) { graph.setPlace(result, place) }
      }
      let results = graph.results(node).map { Tensor(self, $0, graph.type($0)) }
      return areValid(results.map(\.type), site) ? results : guesses.map(poison)
    } catch let error as HeedError {
      fail(error.message, site)
    } catch {
      fail("\(error)", site)
    }
    return guesses.map(poison)
  }
}
