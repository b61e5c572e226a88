import HeedIR

/// Builds a random graph step by step from a pool of values.
struct RandomGraphBuilder {
  /// A value that steps can use.
  struct Value {
    var id: ValueID
    var type: TensorType
    /// No element of a float value is larger than this.
    var bound: Double
    /// True where rewriting cannot change the elements by a rounding error: inputs, integers and arrangements of these.
    var isExact: Bool
  }

  /// Beyond this a float value is squashed before it is used further.
  static let largestBound = 1e4

  let options: RandomGraph.Options
  var numbers: SeededGenerator
  var graph = Graph(name: "random")
  var bindings: [[Name: Int]] = []
  var offsets: [Name: Extent] = [:]
  var values: [Value] = []
  private var nameCount = 0

  init(seed: UInt64, options: RandomGraph.Options) {
    (self.options, numbers) = (options, SeededGenerator(seed: seed))
  }

  // MARK: Choices

  mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &numbers) < probability }

  mutating func pick<Element>(_ elements: some Collection<Element>) -> Element { elements.randomElement(using: &numbers)! }

  /// A value of the pool for which `condition` holds, recent ones likelier; never one with infinities.
  mutating func pick(where condition: (Value) -> Bool) -> Value? {
    let fitting = values.filter { $0.bound.isFinite && condition($0) }
    guard !fitting.isEmpty else { return nil }
    return chance(0.5) ? pick(fitting.suffix(4)) : pick(fitting)
  }

  mutating func float() -> ElementType { pick(options.floats) }

  // MARK: Building

  private mutating func name(_ base: String) -> Name {
    nameCount += 1
    if options.hasOddNames, chance(0.03) { return Name("\(base) \"\(nameCount)\" \\ü\n") }
    return Name("\(base)\(nameCount)")
  }

  mutating func argument(_ element: ElementType, _ shape: [Extent], named base: String = "x") -> Value {
    let type = TensorType(element, Shape(shape))
    let id = graph.addArgument(name(base), type, role: chance(0.2) ? .parameter : .input)
    let value = Value(id: id, type: type, bound: 2, isExact: true)
    values.append(value)
    return value
  }

  /// Adds a node; its results join the pool.
  @discardableResult
  mutating func emit(
    _ op: Op, _ operands: [Value], attributes: [Attribute] = [], regions: [ScalarFunction] = [], body: Graph? = nil,
    stated: TensorType? = nil, bound: Double = 2, isExact: Bool = false
  ) throws -> Value {
    let count = op.resultNames(Attributes(attributes))?.count ?? 1
    let names = (0..<count).map { _ in chance(0.4) ? name("v") : Name.none }
    let node = try graph.append(
      op, operands.map(\.id), attributes: attributes, regions: regions, body: body, stated: stated.map { [$0] }, names: names)
    let results = graph.results(node).map { id in
      let type = graph.type(id)
      return Value(id: id, type: type, bound: type.element.isFloat ? bound : 0, isExact: isExact || !type.element.isFloat)
    }
    values += results
    return results[0]
  }

  /// A scalar constant, sometimes with a name.
  mutating func constant(_ number: Double, _ element: ElementType) throws -> Value {
    let literal = element.isFloat ? Literal(element.round(number)) : Literal(Int(number))
    let node = try graph.append(
      .constant, attributes: [Attribute(.constantValue, [literal])], stated: [TensorType(element, .scalar)],
      names: chance(0.1) ? [name("c")] : [])
    return Value(id: graph.result(node), type: TensorType(element, .scalar), bound: abs(number), isExact: true)
  }

  /// The value, or its tanh where its elements could be larger than `bound`.
  mutating func tamed(_ value: Value, to bound: Double = Self.largestBound) throws -> Value {
    guard value.type.element.isFloat, value.bound > bound else { return value }
    let squashed = try emit(.tanh, [value], bound: 1)
    return bound >= 1 ? squashed : try emit(.multiply, [squashed, constant(bound, value.type.element)], bound: bound)
  }

  /// The value made at least one half: `absolute(x) + 0.5`.
  mutating func positive(_ value: Value) throws -> Value {
    let size = try emit(.absolute, [value], bound: value.bound, isExact: value.isExact)
    return try emit(.add, [size, constant(0.5, value.type.element)], bound: value.bound + 0.5)
  }

  mutating func build() throws {
    addSymbols()
    let steps = Int.random(in: options.steps, using: &numbers)
    for _ in 0..<steps {
      if chance(options.attentionProbability) { try addAttention() } else { try addStep() }
    }
    // Most of what nothing uses; the rest is dead, and sometimes a value that is used is a result as well.
    let uses = graph.useCounts()
    var results = values.filter { $0.bound.isFinite && uses[Int($0.id.index)] == 0 && chance(0.7) }.map(\.id)
    if results.isEmpty || chance(0.2) { results.append(pick(where: { _ in true })!.id) }
    graph.setResults(results)
    try addDerivatives()
  }

  /// Arguments that bind the symbols B, S and T, facts about them, and values that hold to the facts.
  private mutating func addSymbols() {
    let isDivisible = chance(0.2)
    let isDouble = chance(0.15)
    if isDivisible { graph.addFact(.divisible("S", by: 4)) }
    if isDouble { graph.addFact(.equal("T", "2*S")) }
    for (b, s, t) in [(2, isDivisible ? 8 : 5, 3), (1, isDivisible ? 4 : 1, 1), (3, 4, 7)] {
      bindings.append(["B": b, "S": s, "T": isDouble ? 2 * s : t])
    }
    let element = float()
    let shape: [Extent] = pick([["B", "S", 4], ["S", 4], ["B", 2, "S", 4]])
    _ = argument(element, shape)
    if chance(0.7) { _ = argument(element, shape) }
    _ = argument(element, pick([["T"], ["T", 4], ["S", "T"], []]))
    _ = argument(pick(options.integers), pick([["B"], ["S"], ["S", 4]]), named: "n")
    if chance(0.4) { _ = argument(.bool, pick([shape, ["S"]]), named: "b") }
    // Whatever the choices were, each symbol is an argument's extent.
    let symbols = graph.symbols
    for symbol: Name in ["B", "S", "T"] where !symbols.contains(symbol) {
      _ = argument(element, [Extent(symbol: symbol)], named: "p")
    }
  }

  /// Sometimes requests for the derivatives of a result by an argument. Nothing uses what they return: its size is not known.
  private mutating func addDerivatives() throws {
    let candidates = graph.results.filter { graph.type($0).element.isFloat }
    let arguments = graph.differentiableArguments
    guard chance(0.2), graph.isDifferentiable, let value = candidates.randomElement(using: &numbers),
      let input = arguments.randomElement(using: &numbers)
    else { return }
    let node = try graph.append(.identity, [value])
    let output = graph.result(node)
    let factors = chance(0.5) ? [output, output, input] : [output, input, input]
    try graph.append(factors[1] == output ? .vjp : .jvp, factors, attributes: [Attribute(.outputs, 1)])
  }

  private mutating func addStep() throws {
    switch Int.random(in: 0..<100, using: &numbers) {
    case 0..<45: try addElementwise()
    case 45..<65: try addArrangement()
    case 65..<75: try addReduction()
    case 75..<85: try addProduct()
    case 85..<92: try addIndexing()
    default: if options.hasFusedOps { try addFused() } else { try addElementwise() }
    }
  }
}
