/// Where an op's decomposition writes the simpler ops: the graph being built, and the op's own operands in it.
public struct Decomposition: NodeEmitter {
  /// Builds the graph that the simpler ops go into.
  public var rewriter: GraphRewriter
  /// The op.
  public let op: Op
  /// The op's operands in that graph.
  public let operands: [ValueID]
  /// The op's attributes.
  public let attributes: Attributes
  /// The op's regions.
  public let regions: [ScalarFunction]
  /// The types of the op's results, which the simpler ops must have as well.
  public let resultTypes: [TensorType]

  /// The place for the decomposition of one node.
  public init(
    rewriter: GraphRewriter, op: Op, operands: [ValueID], attributes: Attributes, regions: [ScalarFunction],
    resultTypes: [TensorType]
  ) {
    (self.rewriter, self.op, self.operands, self.attributes) = (rewriter, op, operands, attributes)
    (self.regions, self.resultTypes) = (regions, resultTypes)
  }
}

extension GraphRewriter {
  /// Replaces `node` by its op's decomposition.
  public mutating func decompose(_ node: NodeID) throws {
    let old = source.results(node)
    var context = Decomposition(
      rewriter: self, op: source.op(node), operands: source.operands(node).map { self($0) }, attributes: source.attributes(node),
      regions: Array(source.regions(node)), resultTypes: old.map(source.type))
    let new = try context.op.decompose(&context)
    self = context.rewriter
    for (from, to) in zip(old, new) { replace(from, with: to) }
  }
}
