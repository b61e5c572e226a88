import Heed
import HeedInterpreter
import HeedRuntime
import HeedTestSupport

/// A graph at lengths at which it is small, with random arguments, and a target that runs here.
struct SmallGraph {
  let graph: Graph
  let inputs: [Name: ReferenceArray]
  let target: Target

  /// The most elements of a value, and of all together: more takes time, and finds nothing else.
  private static let (mostElements, mostInAll) = (1 << 14, 1 << 16)

  /// Nil where it is not small.
  init?(_ graph: Graph) {
    var numbers = SeededGenerator(seed: UInt64(graph.text.utf8.count))
    var binding: [Name: Int] = [:]
    for symbol in graph.allSymbols { binding[symbol] = numbers.pick([1, 2, 3, 5]) }
    let values = graph.arguments.map(\.value) + graph.body.flatMap(graph.results)
    var count = 0
    for value in values {
      guard let shape = try? graph.type(value).shape.evaluate({ binding[$0] }), let elements = try? Shape.elementCount(of: shape),
        elements <= Self.mostElements
      else { return nil }
      count += elements
    }
    // A product's work is that of its result times what it sums over, which an argument's size bounds.
    guard count < Self.mostInAll, graph.nodeCapacity < 400 else { return nil }
    self.graph = graph
    var inputs: [Name: ReferenceArray] = [:]
    for argument in graph.arguments {
      let type = graph.type(argument.value)
      inputs[graph.name(argument.value)] = numbers.array(type.element, try! type.shape.evaluate { binding[$0] })
    }
    self.inputs = inputs
    target = numbers.pick(Target.all.filter(\.runsOnHost))
  }
}

extension CompiledGraph {
  /// Runs what `graph` was compiled to, with all memory between guard pages.
  func run(_ graph: Graph, _ inputs: [Name: ReferenceArray], guarding: GuardedMemory) throws -> [NDArray] {
    func arrays(_ role: Argument.Role) throws -> [(name: String, array: NDArray)] {
      try graph.arguments.filter { $0.role == role }.map {
        (graph.name($0.value).text, try NDArray(inputs[graph.name($0.value)]!).guarded(guarding))
      }
    }
    let parameters = try arrays(.parameter)
    let loaded = parameters.isEmpty ? self : try load(parameters: parameters)
    var states = Dictionary(uniqueKeysWithValues: try arrays(.state))
    let outputs = try loaded.run(arrays(.input), states: &states, guarding: guarding)
    return (0..<outputs.count).map { outputs[$0] }
  }
}
