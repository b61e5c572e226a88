internal import HeedArrays
package import HeedIR
internal import HeedInterpreter

/// Checks derivatives of a graph in double precision: reverse mode and forward mode by central differences, and by each other.
///
/// The cotangents and directions are random. Up to four inputs are differentiated in every combination, more of them each alone and all
/// together.
package struct GradientCheck {
  /// How derivatives are computed beside by the interpreter on the graph as written.
  package enum Execution: String, CaseIterable, Sendable {
    /// By the interpreter on the graph after the passes.
    case optimized
    /// By compiled code.
    case compiled
  }

  /// What is checked, and how strictly.
  package struct Options: Sendable {
    /// Determines the random numbers.
    package var seed: UInt64 = 1
    /// The largest relative error of a derivative.
    package var bound = 1e-6
    /// The largest relative error of the inner-product test.
    package var productBound = 1e-10
    /// Of larger inputs so many elements are compared one by one.
    package var mostElements = 512
    /// The random directions for each combination of inputs.
    package var directions = 2
    /// Whether the derivatives of gradients are checked too.
    package var isSecondOrder = false
    /// How derivatives with respect to all inputs together are computed too.
    package var executions: [Execution] = []

    /// Derivatives by the interpreter, within 1e-6 and 1e-10.
    package init() {}
  }

  /// The graph in double precision.
  let graph: Graph
  /// The same graph where derivatives that it asks for are expanded.
  let primal: Graph
  let arguments: [Name: ReferenceArray]
  /// The names of what is differentiated, and of what it is differentiated with respect to.
  let (results, inputs): ([String], [String])
  /// What all results together are called.
  let title: String
  /// The results at the arguments, and a cotangent of each: 0 where the result is not finite.
  let (center, cotangents): ([ReferenceArray], [[Double]])
  let options: Options

  /// The results of a check.
  /// - Parameters:
  ///   - binding: the values of the graph's symbols.
  ///   - given: arguments; floats in double precision. The others are random.
  ///   - results: what is differentiated; all floats unless given.
  ///   - inputs: what it is differentiated with respect to; all floats unless given.
  /// - Throws: where a name is unknown, there is nothing to differentiate, an op has no derivative, or running a graph fails.
  package static func report(
    on graph: Graph, binding: [Name: Int], given: [Name: ReferenceArray] = [:], of results: [String]? = nil,
    with inputs: [String]? = nil, options: Options = Options()
  ) throws -> GradientReport {
    var report = GradientReport(graph: graph.name, bound: options.bound, productBound: options.productBound)
    let doubles = try graph.inDoublePrecision()
    _ = try Verified(doubles)
    let arguments = try RandomArguments(doubles, binding: binding).arrays(seed: options.seed, given: given)
    func floats(_ values: some Sequence<(Name, ValueID)>) -> [String] {
      values.filter { doubles.type($1).element.isFloat }.map(\.0.text)
    }
    let results = results ?? floats(zip(doubles.resultNames, doubles.results))
    let inputs = inputs ?? floats(doubles.arguments.map { (doubles.name($0.value), $0.value) })
    guard !results.isEmpty, !inputs.isEmpty else {
      throw HeedError(
        "@\(graph.name): got a graph without \(inputs.isEmpty ? "an input" : "a result") of floats, expected one to differentiate")
    }
    let check = try Self(doubles, arguments, results: results, inputs: inputs, title: "all results", options)
    try check.run(&report)
    guard options.isSecondOrder else { return report }
    let gradients = try doubles.differentiated(of: results, with: inputs, hasAllCotangents: true)
    let added = gradients.arguments.dropFirst(doubles.arguments.count).map { gradients.name($0.value) }
    var further = arguments
    for (name, (cotangent, value)) in zip(added, zip(check.cotangents, check.center)) {
      further[name] = ReferenceArray(.f64, value.shape, reals: cotangent)
    }
    try Self(
      gradients, further, results: gradients.resultNames.suffix(inputs.count).map(\.text), inputs: inputs + added.map(\.text),
      title: "all gradients", options
    ).run(&report)
    return report
  }

  private init(
    _ graph: Graph, _ arguments: [Name: ReferenceArray], results: [String], inputs: [String], title: String, _ options: Options
  ) throws {
    (self.graph, self.arguments, self.options) = (graph, arguments, options)
    (self.results, self.inputs, self.title) = (results, inputs, title)
    // Names are checked before anything runs.
    _ = try graph.differentiated(of: results, with: inputs)
    primal = graph.hasDerivatives ? try graph.expandingDerivatives() : graph
    center = try Self.values(of: results, in: primal, arguments)
    cotangents = center.enumerated().map { position, array in
      zip(array.reals, Self.noise(array.count, seed: options.seed &+ 1000 &+ UInt64(position))).map { $0.isFinite ? $1 : 0 }
    }
  }

  /// Some results of a graph.
  static func values(
    of results: [String], in graph: Graph, _ arguments: [Name: ReferenceArray]
  ) throws -> [ReferenceArray] {
    let all = try GraphInterpreter.evaluate(graph, inputs: arguments)
    return results.map { name in all.first { $0.name.text == name }!.array }
  }

  /// The results of a graph that was differentiated, from the position `first` on.
  func derivatives(
    _ graph: Graph, _ arguments: [Name: ReferenceArray], _ execution: Execution?
  ) throws -> [[Double]] {
    let first = self.graph.results.count
    switch execution {
    case nil: return try GraphInterpreter.evaluate(graph, inputs: arguments)[first...].map(\.array.reals)
    case .optimized:
      return try GraphInterpreter.evaluate(graph.optimized().graph.ir, inputs: arguments)[first...].map(\.array.reals)
    case .compiled:
      let parameters = Set(graph.parameters.map(\.name))
      let arrays = try arguments.map { (name: $0.key.text, array: try NDArray($0.value)) }
      let compiled = try graph.compile()
      let loaded = try parameters.isEmpty ? compiled : compiled.load(parameters: arrays.filter { parameters.contains($0.name) })
      return try loaded.run(arrays.filter { !parameters.contains($0.name) })[first...].map { try $0.doubles() }
    }
  }

  /// Numbers of the normal distribution.
  static func noise(_ count: Int, seed: UInt64) -> [Double] {
    ReferenceArray(.random([count], seed: seed, element: .f64)).reals
  }
}
