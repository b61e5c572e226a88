/// What an op costs: floating-point operations and bytes that must move at least, both polynomials in the graph's symbols.
public struct Cost: Hashable, Sendable {
  public var flops: Extent
  public var bytes: Extent

  public init(flops: Extent, bytes: Extent) { (self.flops, self.bytes) = (flops, bytes) }

  public static func + (left: Cost, right: Cost) -> Cost { Cost(flops: left.flops + right.flops, bytes: left.bytes + right.bytes) }
}

/// A node as an op's cost and its conditions on data depend on it.
public struct CostQuery {
  public let op: Op
  public let operands: [TensorType]
  public let results: [TensorType]
  public let attributes: Attributes
  public let regions: [ScalarFunction]

  public init(op: Op, operands: [TensorType], results: [TensorType], attributes: Attributes, regions: [ScalarFunction]) {
    self.op = op
    (self.operands, self.results, self.attributes, self.regions) = (operands, results, attributes, regions)
  }

  /// A node of a graph.
  public init(_ graph: Graph, _ node: NodeID) {
    self.init(
      op: graph.op(node), operands: graph.operands(node).map(graph.type), results: graph.results(node).map(graph.type),
      attributes: graph.attributes(node), regions: Array(graph.regions(node)))
  }

  /// Every operand read once, every result written once.
  public var bytes: Extent {
    (operands + results).reduce(Extent(0)) { $0 + $1.shape.count * Extent($1.element.byteCount) }
  }

  /// The cost of an op that does one operation per result element.
  public var oneOperationPerElement: Cost { Cost(flops: results[0].shape.count, bytes: bytes) }
}
