import HeedIR
import HeedInterpreter
import HeedPasses
import HeedTestSupport
import Testing

/// The one graph that `text` holds.
func parse(_ text: String, file: String = "test") throws -> Graph {
  let graphs = try Graph.parse(text, file: file)
  #expect(graphs.count == 1)
  return graphs[0]
}

/// Inputs for a graph: floats around 0, small integers, bools, segment offsets for arguments named `offsets`.
func randomInputs(_ graph: Graph, extents: [Name: Int], seed: UInt64) throws -> [Name: ReferenceArray] {
  var generator = SeededGenerator(seed: seed)
  var inputs: [Name: ReferenceArray] = [:]
  for argument in graph.arguments {
    let (name, type) = (graph.name(argument.value), graph.type(argument.value))
    let shape = try type.shape.evaluate { extents[$0] }
    var array = ReferenceArray(type.element, shape)
    for position in 0..<array.count {
      switch type.element {
      case .bool: array.integers[position] = generator.next() % 3 == 0 ? 0 : 1
      case let element where element.isFloat: array.reals[position] = element.round(Double.random(in: -2...2, using: &generator))
      default: array.integers[position] = Int64.random(in: 0..<4, using: &generator)
      }
    }
    if name == "offsets" {
      let rows = Int64(extents["T"] ?? 0)
      let inner = (0..<max(array.count - 2, 0)).map { _ in Int64.random(in: 0...rows, using: &generator) }.sorted()
      array.integers = [0] + inner + [rows]
    }
    inputs[name] = array
  }
  return inputs
}

/// The greatest difference between two runs' results, relative to the magnitude where that is above 1; NaN equals NaN, and infinities
/// equal themselves; results of other names or types differ by infinity.
func greatestDifference(_ left: [(name: Name, array: ReferenceArray)], _ right: [(name: Name, array: ReferenceArray)]) -> Double {
  guard left.count == right.count else { return .infinity }
  var greatest = 0.0
  for (a, b) in zip(left, right) {
    guard a.name == b.name, a.array.element == b.array.element, a.array.shape == b.array.shape else { return .infinity }
    if a.array.integers != b.array.integers { return .infinity }
    for (x, y) in zip(a.array.reals, b.array.reals) where x != y && !(x.isNaN && y.isNaN) {
      let difference = abs(x - y) / max(1, abs(x), abs(y))
      greatest = max(greatest, difference.isNaN ? .infinity : difference)
    }
  }
  return greatest
}

/// Checks that two graphs give the same on random inputs, for several sizes, without rounding: passes may reassociate.
func expectSameValues(
  _ before: Graph, _ after: Graph, sizes: [[Name: Int]], tolerance: Double = 1e-9,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  for (number, extents) in sizes.enumerated() {
    let inputs = try randomInputs(before, extents: extents, seed: UInt64(number) &* 977 + 5)
    let difference = greatestDifference(
      try GraphInterpreter.evaluate(before, inputs: inputs, rounding: .none),
      try GraphInterpreter.evaluate(after, inputs: inputs, rounding: .none))
    #expect(difference <= tolerance, "\(extents)\n\(before.text)\n\(after.text)", sourceLocation: sourceLocation)
  }
}

extension Graph {
  func count(_ op: Op) -> Int { body.count { self.op($0) == op } }
}

extension PassPipeline {
  /// Runs the passes for a target that serves tests for which any would do.
  func run(_ graph: Graph) throws -> Outcome { try run(graph, target: .x86AVX512) }
}
