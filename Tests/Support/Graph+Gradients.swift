public import HeedIR

/// The graphs of derivatives of a graph: its own results' places are taken by what is asked for.
extension Graph {
  /// The float arguments: what the graph is differentiated with respect to.
  public var differentiableArguments: [ValueID] { arguments.map(\.value).filter { type($0).element.isFloat } }

  /// The float results.
  public var differentiableResults: [ValueID] { results.filter { type($0).element.isFloat } }

  /// Whether every op that takes floats has a rule.
  public var isDifferentiable: Bool {
    body.allSatisfy { node in op(node).derivative != nil || !operands(node).contains { type($0).element.isFloat } }
  }

  /// The graph of the cotangents of the float arguments, in order. Its further arguments are those of the float results: `cotangent0` and so on.
  public func reverseGraph(_ prefix: String = "cotangent") throws -> Graph {
    var graph = self
    let outputs = differentiableResults
    let cotangents = graph.addArguments(prefix, like: outputs)
    let inputs = differentiableArguments
    let node = try graph.append(
      .vjp, outputs + cotangents + inputs, attributes: [Attribute(.outputs, outputs.count)])
    graph.setResults(graph.results(node), names: inputs.indices.map { Name("g\($0)") })
    return graph
  }

  /// The graph of the tangents of the float results, in order. Its further arguments are those of the float arguments: `tangent0` and so on.
  public func forwardGraph(_ prefix: String = "tangent") throws -> Graph {
    var graph = self
    let (outputs, inputs) = (differentiableResults, differentiableArguments)
    let tangents = graph.addArguments(prefix, like: inputs)
    let node = try graph.append(.jvp, outputs + inputs + tangents, attributes: [Attribute(.outputs, outputs.count)])
    graph.setResults(graph.results(node), names: outputs.indices.map { Name("d\($0)") })
    return graph
  }

  fileprivate mutating func addArguments(_ prefix: String, like values: [ValueID]) -> [ValueID] {
    values.enumerated().map { addArgument(Name("\(prefix)\($0)"), type($1)) }
  }
}
