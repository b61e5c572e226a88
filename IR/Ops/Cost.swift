/// What an op costs: floating-point operations and the bytes that must be moved at least, both polynomials in the graph's symbols.
public struct Cost: Hashable, Sendable {
  /// Floating-point operations.
  public var flops: Extent
  /// Bytes read and written.
  public var bytes: Extent

  /// A cost of so many operations and bytes.
  public init(flops: Extent, bytes: Extent) { (self.flops, self.bytes) = (flops, bytes) }

  /// The cost of both.
  public static func + (left: Cost, right: Cost) -> Cost { Cost(flops: left.flops + right.flops, bytes: left.bytes + right.bytes) }
}

/// What an op's cost, and its conditions on data, may depend on: a node's types, attributes and regions.
public struct CostQuery {
  /// The op.
  public let op: Op
  /// The operands' types.
  public let operands: [TensorType]
  /// The results' types.
  public let results: [TensorType]
  /// The node's attributes.
  public let attributes: Attributes
  /// The node's regions.
  public let regions: [ScalarFunction]
  /// The graph that the node runs; nil for most ops.
  public let body: Graph?

  /// A node of these types, attributes and regions.
  public init(
    op: Op, operands: [TensorType], results: [TensorType], attributes: Attributes, regions: [ScalarFunction], body: Graph? = nil
  ) {
    (self.op, self.body) = (op, body)
    (self.operands, self.results, self.attributes, self.regions) = (operands, results, attributes, regions)
  }

  /// A node of a graph.
  public init(_ graph: Graph, _ node: NodeID) {
    self.init(
      op: graph.op(node), operands: graph.operands(node).map(graph.type), results: graph.results(node).map(graph.type),
      attributes: graph.attributes(node), regions: Array(graph.regions(node)), body: graph.bodyGraph(node))
  }

  /// Every operand read once, every result written once.
  public var bytes: Extent {
    (operands + results).reduce(Extent(0)) { $0 + $1.shape.count * Extent($1.element.byteCount) }
  }

  /// The cost of an op that does one operation per result element.
  public var oneOperationPerElement: Cost { Cost(flops: results[0].shape.count, bytes: bytes) }
}
