/// Where the rule of an op writes the nodes of its derivative: the graph being built, and the op's operands and results in it.
public struct Differentiation: NodeEmitter, AppliedOp {
  /// Builds the graph that the nodes go into.
  public var rewriter: GraphRewriter
  /// The op.
  public let op: Op
  /// The op's operands.
  public let operands: [ValueID]
  /// The op's results.
  public let results: [ValueID]
  /// The op's attributes.
  public let attributes: Attributes
  /// The op's regions.
  public let regions: [ScalarFunction]
  /// The graph that the op runs; nil for most.
  public let body: Graph?
  /// What is being differentiated: what it reports, and which op asks.
  var sweep: DerivativeSweep
  private let wanted: [Bool]

  /// The place for the derivative of `node` of the graph being built.
  init(_ rewriter: GraphRewriter, _ node: NodeID, _ sweep: DerivativeSweep, wanted: [Bool]) {
    let graph = rewriter.result
    (op, operands, results) = (graph.op(node), Array(graph.operands(node)), graph.results(node))
    (attributes, regions, body) = (graph.attributes(node), Array(graph.regions(node)), graph.bodyGraph(node))
    (self.rewriter, self.sweep, self.wanted) = (rewriter, sweep, wanted)
  }

  /// Whether the cotangent of the operand of this number is needed.
  public func isWanted(_ operand: Int) -> Bool { wanted[operand] }

  /// The op's result of this name; nil where it has none.
  public func result(_ name: ResultName) -> ValueID? { position(of: name).map { results[$0] } }

  /// Says something about what is differentiated.
  mutating func remark(_ kind: Remark.Kind, _ message: String) { sweep.remark(kind, results[0], message) }

  /// The op on other operands of the same types, and its only result.
  mutating func applyOp(to operands: [ValueID]) throws -> ValueID {
    try rewriter.append(op, operands, attributes: attributes.all, regions: regions, stated: type(results[0]))
  }

  /// A tensor of zeros.
  mutating func zeros(_ type: TensorType) throws -> ValueID {
    let zero = try constant(0, type.element)
    return type.rank == 0 ? zero : try broadcast(zero, to: type.shape, dims: [])
  }

  /// The sum over these dimensions, which are dropped; the value itself where there are none.
  mutating func sum(_ value: ValueID, over dims: [Int]) throws -> ValueID {
    dims.isEmpty ? value : try emit(.reduce, value, attributes: [Attribute(.dims, dims), Attribute(.kind, .add)])
  }

  /// The op as what it decomposes into.
  /// - Returns: the operands as the nodes read them, the results, and the nodes in order.
  mutating func decomposed() throws -> (operands: [ValueID], results: [ValueID], nodes: [NodeID]) {
    // Two operands may be one value: each is differentiated by itself.
    let copies = try operands.map { try emit(.identity, $0) }
    let first = rewriter.result.nodeCapacity
    var context = Decomposition(
      rewriter: rewriter, op: op, operands: copies, attributes: attributes, regions: regions, resultTypes: results.map(type))
    let new = try op.decompose(&context)
    rewriter = context.rewriter
    return (copies, new, rewriter.result.body.filter { $0.index >= first })
  }

  /// The tangents of `outputs`, from those of other values, through these nodes.
  mutating func tangents(
    of outputs: [ValueID], from tangents: [ValueID: ValueID], through nodes: [NodeID]
  ) throws -> [ValueID?] {
    let found = try sweep.tangents(of: outputs, from: tangents, through: nodes, &rewriter)
    return outputs.map { found[$0] }
  }

  /// The cotangents of values, from those of `outputs`, through these nodes; nil for what is nil.
  mutating func cotangents(
    of outputs: [(ValueID, ValueID)], with values: [ValueID?], through nodes: [NodeID]
  ) throws -> [ValueID?] {
    let found = try sweep.cotangents(of: outputs, with: values.compactMap { $0 }, through: nodes, &rewriter)
    return values.map { value in value.flatMap { found[$0] } }
  }
}
