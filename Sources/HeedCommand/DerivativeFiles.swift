import ArgumentParser
import Heed

/// The files of cotangents, gradients, tangents and derivatives.
struct DerivativeFiles: ParsableArguments {
  @Option(
    name: .customLong("cotangent"), help: "A result and the file of its cotangent; the only result needs none if it is one number.")
  var cotangents: [NamedFile] = []
  @Option(name: .customLong("gradient"), help: "An input or parameter and the file to write its gradient to: reverse mode.")
  var gradients: [NamedFile] = []
  @Option(name: .customLong("tangent"), help: "An input or parameter and the file of its tangent.") var tangents: [NamedFile] = []
  @Option(
    name: .customLong("derivative"), help: "A result and the file to write its derivative along the tangents to: forward mode.")
  var derivatives: [NamedFile] = []

  func validate() throws {
    guard cotangents.isEmpty || !gradients.isEmpty else { throw ValidationError("--cotangent needs --gradient") }
    guard tangents.isEmpty == derivatives.isEmpty else { throw ValidationError("--tangent and --derivative need each other") }
  }

  /// Whether nothing is to be written.
  var isEmpty: Bool { gradients.isEmpty && derivatives.isEmpty }

  /// What is written.
  var outputs: [OutputPath] { gradients.outputs("--gradient") + derivatives.outputs("--derivative") }

  /// A graph that computes derivatives too, and the files that it reads and writes for them.
  struct Request {
    var graph: Graph
    /// The names of further inputs, and what is read for them.
    var inputs: [(name: String, file: NamedFile)] = []
    /// What is written, by the position of the result.
    var outputs: [(position: Int, file: NamedFile)] = []

    /// The further inputs from their files.
    func arrays() throws -> [(name: String, array: NDArray)] {
      try inputs.map { ($0.name, try ArrayFile.read($0.file.path, name: $0.file.name)) }
    }
  }

  /// The graph that computes what the options ask for.
  /// - Throws: where a name is unknown, repeated, or not that of floats, or a cotangent is missing.
  func request(in graph: Graph) throws -> Request {
    var request = Request(graph: graph)
    if !gradients.isEmpty {
      let outputs = try cotangents.isEmpty ? [onlyNumber(of: graph)] : cotangents.map(\.name)
      request.add(
        try request.graph.differentiated(of: outputs, with: gradients.map(\.name), hasAllCotangents: !cotangents.isEmpty),
        reading: cotangents, writing: gradients)
    }
    if !derivatives.isEmpty {
      request.add(
        try request.graph.differentiated(of: derivatives.map(\.name), with: tangents.map(\.name), mode: .forward),
        reading: tangents, writing: derivatives)
    }
    return request
  }

  /// The name of the only result, which is one number.
  private func onlyNumber(of graph: Graph) throws -> String {
    guard graph.results.count == 1, graph.type(graph.results[0]).rank == 0 else {
      let results = zip(graph.resultNames, graph.results).map { "\($0): \(graph.type($1))" }.joined(separator: ", ")
      throw HeedError("got no --cotangent for a graph that returns \(results), expected one for each result to differentiate")
    }
    return graph.resultNames[0].text
  }
}

extension DerivativeFiles.Request {
  /// Replaces the graph by a differentiated one, whose further arguments and results are those of the files, in order.
  fileprivate mutating func add(_ differentiated: Graph, reading: [NamedFile], writing: [NamedFile]) {
    let names = differentiated.arguments[graph.arguments.count...].map { differentiated.name($0.value).text }
    inputs += zip(names, reading).map { (name: $0, file: $1) }
    outputs += writing.enumerated().map { (graph.results.count + $0.offset, $0.element) }
    graph = differentiated
  }
}
