/// Where an op's decomposition writes the simpler ops: the graph being built, and the op's own operands in it.
public struct Decomposition {
  public var rewriter: GraphRewriter
  public let operands: [ValueID]
  public let attributes: Attributes
  public let regions: [ScalarFunction]
  public let resultTypes: [TensorType]

  public init(
    rewriter: GraphRewriter, operands: [ValueID], attributes: Attributes, regions: [ScalarFunction], resultTypes: [TensorType]
  ) {
    (self.rewriter, self.operands, self.attributes) = (rewriter, operands, attributes)
    (self.regions, self.resultTypes) = (regions, resultTypes)
  }

  public func type(_ value: ValueID) -> TensorType { rewriter.result.type(value) }

  /// Appends an op and gives its only result.
  public mutating func emit(
    _ op: Op, _ operands: ValueID..., attributes: [Attribute] = [], regions: [ScalarFunction] = [], stated: TensorType? = nil
  ) throws -> ValueID {
    try rewriter.append(op, operands, attributes: attributes, regions: regions, stated: stated)
  }

  /// A scalar constant, which elementwise ops broadcast.
  public mutating func constant(_ value: Double, _ element: ElementType) throws -> ValueID {
    guard let literal = Literal(value).converted(to: element) else { throw HeedError("\(value) is no \(element)") }
    return try emit(.constant, attributes: [Attribute("value", .literals(LiteralList([literal])))], stated: TensorType(element, .scalar))
  }
}

extension GraphRewriter {
  /// Replaces `node` by its op's decomposition.
  public mutating func decompose(_ node: NodeID) throws {
    let old = source.results(node)
    var context = Decomposition(
      rewriter: self, operands: source.operands(node).map { self($0) }, attributes: source.attributes(node),
      regions: Array(source.regions(node)), resultTypes: old.map(source.type))
    let new = try source.op(node).decompose(&context)
    self = context.rewriter
    for (from, to) in zip(old, new) { replace(from, with: to) }
  }
}
