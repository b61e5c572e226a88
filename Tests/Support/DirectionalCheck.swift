public import HeedIR
import HeedInterpreter

/// The short form of `GradientCheck` (Sources/Heed), for tests of modules below it.
///
/// Compares the derivatives of a graph with differences of its values and with each other, in f64 in the interpreter.
///
/// With random tangents t of the float arguments and random cotangents c of the float results, these are one number:
///
///     the slope of <c, results> along t, by differences of the fourth order
///     <c, jvp t>, forward mode
///     <vjp c, t>, reverse mode
///
/// So is each of these for the graph of the cotangents, whose slope is the second derivative.
public struct DirectionalCheck {
  /// How far the slope by differences may be from that by rules, relative to the sum of the sizes of its terms.
  public var differenceTolerance = 1e-6
  /// The same for the two modes.
  public var productTolerance = 1e-10
  /// How many directions are tried.
  public var directions = 2
  /// Whether values are compared with differences; else the two modes with each other alone.
  public var comparesDifferences = true

  /// A check with these tolerances.
  public init() {}

  /// What is wrong with the derivatives of a graph at the point `inputs`, in one line each; empty where nothing is.
  /// - Parameter order: 1, or 2 for the derivatives of the gradient as well.
  public func failures(of graph: Graph, at inputs: [Name: ReferenceArray], order: Int = 1, seed: UInt64 = 1) throws -> [String] {
    guard !graph.differentiableResults.isEmpty, !graph.differentiableArguments.isEmpty else { return ["nothing is checked"] }
    var (graph, inputs) = (graph, inputs)
    var numbers = SeededGenerator(seed: seed)
    var failures: [String] = []
    for level in 1...order {
      let (name, prefix) = (level == 1 ? "" : "second order, ", "cotangent_\(level)_")
      failures += try firstOrderFailures(of: graph, at: inputs, prefix, &numbers).map { name + $0 }
      guard level < order else { break }
      // The cotangents are differentiated in turn.
      let cotangents = try numbers.direction(of: graph.differentiableResults, in: graph, at: inputs)
      for (number, array) in cotangents.enumerated() { inputs[Name("\(prefix)\(number)")] = array }
      graph = try graph.reverseGraph(prefix).expandingDerivatives()
    }
    return failures
  }

  private func firstOrderFailures(
    of graph: Graph, at inputs: [Name: ReferenceArray], _ prefix: String, _ numbers: inout SeededGenerator
  ) throws -> [String] {
    let reverse = try graph.reverseGraph(prefix).expandingDerivatives()
    let forward = try graph.forwardGraph().expandingDerivatives()
    let arguments = graph.differentiableArguments
    var failures: [String] = []
    for _ in 0..<directions {
      let tangents = try numbers.direction(of: arguments, in: graph, at: inputs)
      let cotangents = try numbers.direction(of: graph.differentiableResults, in: graph, at: inputs)
      let gradients = try evaluate(reverse, inputs, prefix, cotangents)
      let derivatives = try evaluate(forward, inputs, "tangent", tangents)
      let (byReverse, byForward) = (Product(gradients, tangents), Product(cotangents, derivatives))
      let scale = max(byReverse.scale, byForward.scale)
      if !(abs(byReverse.value - byForward.value) <= productTolerance * scale) {
        failures.append("reverse \(byReverse.value), forward \(byForward.value), scale \(scale)")
      }
      guard comparesDifferences else { continue }
      let (slope, noise) = try slope(of: graph, inputs, zip(arguments, tangents).map { (graph.name($0), $1) }, cotangents)
      for (mode, product) in [("reverse", byReverse), ("forward", byForward)] {
        if !(abs(product.value - slope) <= differenceTolerance * scale + noise) {
          failures.append("\(mode) \(product.value), by differences \(slope), scale \(scale)")
        }
      }
    }
    return failures
  }

  /// The slope of the projected results, and how uncertain rounding makes it.
  private func slope(
    of graph: Graph, _ inputs: [Name: ReferenceArray], _ direction: [(Name, ReferenceArray)], _ cotangents: [ReferenceArray]
  ) throws -> (slope: Double, noise: Double) {
    let step = 0x1p-10
    func projection(_ distance: Double) throws -> Product {
      var moved = inputs
      for (name, tangent) in direction {
        for position in tangent.reals.indices { moved[name]!.reals[position] += distance * tangent.reals[position] }
      }
      let results = try GraphInterpreter.evaluate(graph, inputs: moved).map(\.array).filter { $0.element.isFloat }
      return Product(cotangents, results)
    }
    let (near, far) = (
      (try projection(step), try projection(-step)), (try projection(2 * step), try projection(-2 * step))
    )
    let slope = (8 * (near.0.value - near.1.value) - (far.0.value - far.1.value)) / (12 * step)
    return (slope, 1e-11 * (near.0.scale + near.1.scale))
  }

  private func evaluate(
    _ graph: Graph, _ inputs: [Name: ReferenceArray], _ prefix: String, _ further: [ReferenceArray]
  ) throws -> [ReferenceArray] {
    var inputs = inputs
    for (number, array) in further.enumerated() { inputs[Name("\(prefix)\(number)")] = array }
    return try GraphInterpreter.evaluate(graph, inputs: inputs).map(\.array)
  }
}

/// The sum of the products of the elements of arrays, and of their sizes.
private struct Product {
  var (value, scale) = (0.0, 0.0)

  init(_ left: [ReferenceArray], _ right: [ReferenceArray]) {
    for (a, b) in zip(left, right) {
      for (x, y) in zip(a.reals, b.reals) { (value, scale) = (value + x * y, scale + abs(x * y)) }
    }
  }
}

extension SeededGenerator {
  /// A random array like each of these values.
  fileprivate mutating func direction(
    of values: [ValueID], in graph: Graph, at inputs: [Name: ReferenceArray]
  ) throws -> [ReferenceArray] {
    let arguments = graph.arguments.map { argument in
      let (name, type) = (graph.name(argument.value), graph.type(argument.value))
      return (name, type.shape, inputs[name]!.shape)
    }
    let binding = try SymbolBinding.solve(arguments, facts: graph.facts)
    return try values.map { value in
      let type = graph.type(value)
      return array(type.element, try type.shape.evaluate { binding[$0] })
    }
  }
}
