public import HeedIR

/// What a graph's closure returns: one tensor or several.
public protocol GraphOutput {
  /// The tensors, in the order in which a call returns them.
  var outputs: [Tensor] { get }
}

extension Tensor: GraphOutput {
  /// This tensor alone.
  public var outputs: [Tensor] { [self] }
}

extension Array: GraphOutput where Element == Tensor {
  /// The tensors of the array.
  public var outputs: [Tensor] { self }
}

extension Graph {
  /// A graph from plain tensor math:
  ///
  /// ```swift
  /// let attention = Graph("attention") { g in
  ///   let q = g.input("q", .f32, ["B", 8, "S", 64])
  ///   let k = g.input("k", .f32, ["B", 8, "S", 64])
  ///   let v = g.input("v", .f32, ["B", 8, "S", 64])
  ///   return matmul(softmax(matmul(q, k.transposed()) / 8), v)
  /// }
  /// ```
  ///
  /// The first mistake in `body`, or what it throws, is kept in `failure` with its file and line, and thrown when the graph is
  /// verified or compiled.
  public init(
    _ name: String, file: String = #filePath, line: Int = #line, _ body: (GraphBuilder) throws -> some GraphOutput
  ) {
    let site = CallSite(file, line)
    let builder = GraphBuilder(Name(name), site)
    do {
      try builder.run { builder.setResults(try body($0).outputs, site) }
    } catch let error as HeedError {
      builder.fail(error)
    } catch {
      builder.fail(HeedError("\(error)"))
    }
    self = builder.graph
  }

  /// The same, throwing the first mistake.
  public init(
    building name: String, file: String = #filePath, line: Int = #line, _ body: (GraphBuilder) throws -> some GraphOutput
  ) throws {
    self.init(name, file: file, line: line, body)
    if let failure { throw failure }
  }

  /// A graph that goes on where `graph` ends, under the same name: the training step of a graph that was read from text.
  ///
  /// ```swift
  /// let step = try Graph(continuing: Graph.parse(text)[0]) { g, results in
  ///   g.minimize(results[0], by: AdamW(), learningRate: 1e-3)
  ///   return results
  /// }
  /// ```
  ///
  /// What replaces states of `graph` still does.
  /// - Parameter body: takes the tensors that `graph` returns.
  /// - Throws: the first mistake, or what `body` throws.
  public init(
    continuing graph: Graph, file: String = #filePath, line: Int = #line,
    _ body: (_ g: GraphBuilder, _ results: [Tensor]) throws -> some GraphOutput
  ) throws {
    if let failure = graph.failure { throw failure }
    let site = CallSite(file, line)
    let builder = GraphBuilder(continuing: graph, site)
    try builder.run { builder.setResults(try body($0, builder.results).outputs, site) }
    if let failure = builder.graph.failure { throw failure }
    self = builder.graph
  }
}
