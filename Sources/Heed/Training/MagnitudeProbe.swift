internal import HeedArrays
internal import HeedIR

/// A step's graph that returns the largest magnitude in each of its values: NaN where one of them is.
struct MagnitudeProbe {
  /// The graph with derivatives as ops of their own, which the report names.
  private let graph: Graph
  private let program: CompiledGraph
  /// The floats of the graph, in order, by the position of their magnitude.
  private let values: [ValueID]
  /// The loss, and what replaces states.
  private let targets: [ValueID]

  init(_ source: Graph, loss: String) throws {
    graph = source.hasDerivatives ? try source.expandingDerivatives() : source
    let graph = graph
    var (rewriter, magnitudes, values): (GraphRewriter, [ValueID], [ValueID]) = (GraphRewriter(graph), [], [])
    func probe(_ value: ValueID) throws {
      let type = graph.type(value)
      guard type.element.isFloat else { return }
      let size = try rewriter.append(.absolute, [rewriter(value)])
      let all = [Attribute(.dims, Array(0..<type.rank)), Attribute(.kind, .maximum)]
      magnitudes.append(type.rank == 0 ? size : try rewriter.append(.reduce, [size], attributes: all))
      values.append(value)
    }
    for argument in graph.arguments { try probe(argument.value) }
    for node in graph.body {
      rewriter.copy(node)
      if graph.op(node) != .constant { for value in graph.results(node) { try probe(value) } }
    }
    rewriter.result.setResults(magnitudes, names: magnitudes.indices.map { Name("magnitude\($0)") })
    program = try rewriter.result.compile()
    self.values = values
    targets = zip(graph.results, graph.resultNames).filter { $0.1.text == loss }.map(\.0) + graph.updates.map(\.value)
  }

  /// The text of the node where numbers that are not finite begin, on the way to the loss or, where that is finite, to a state.
  func origin(_ inputs: [String: NDArray], _ parameters: [String: NDArray], updating state: inout GraphState) throws -> String {
    let names = Set(graph.parameters.map(\.name))
    let loaded = names.isEmpty ? program : try program.load(parameters: parameters.filter { names.contains($0.key) })
    let outputs: Outputs = try loaded(inputs, updating: &state)
    var search = OriginSearch(graph: graph, magnitudes: Array(repeating: 0, count: graph.valueCapacity))
    for (value, output) in zip(values, outputs) { search.magnitudes[Int(value.index)] = try output.converted(to: .f64).double() }
    guard let target = targets.first(where: { !search.magnitudes[Int($0.index)].isFinite }), let origin = search.origin(of: target)
    else { throw HeedError("got finite numbers everywhere without fusion: the fused kernels compute something larger on the way") }
    guard let node = graph.definingNode(origin) else {
      return "\(graph.name(origin).text), an argument of type \(graph.type(origin))"
    }
    let text = graph.text(of: node).split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: " ")
    return text + (graph.place(origin).map { ", made at \($0.file):\($0.line)" } ?? "")
  }
}

/// Follows numbers that are not finite back to where they begin.
private struct OriginSearch {
  let graph: Graph
  var magnitudes: [Double]

  private func magnitude(_ value: ValueID) -> Double { magnitudes[Int(value.index)] }

  /// The value where what is not finite in `value` begins; nil where that is an infinity that the graph writes as a constant, as masks do.
  func origin(of value: ValueID) -> ValueID? {
    guard let node = graph.definingNode(value) else { return value }
    let operands = graph.operands(node)
    if let operand = operands.first(where: { magnitude($0).isNaN }) { return origin(of: operand) }
    for operand in operands where magnitude(operand) == .infinity {
      if let origin = origin(of: operand) { return origin }
    }
    guard magnitude(value) == .infinity else { return value }
    return isConstantInfinite(operands) ? nil : value
  }

  private func isConstantInfinite(_ operands: some Collection<ValueID>) -> Bool {
    operands.contains { operand in
      guard magnitude(operand) == .infinity || graph.definingNode(operand, where: .constant) != nil else { return false }
      return graph.scalarConstant(operand).map { $0.real.isInfinite } ?? (magnitude(operand) == .infinity)
    }
  }
}
