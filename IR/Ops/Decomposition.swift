/// Where an op's decomposition writes the simpler ops: the graph being built, and the op's own operands in it.
public struct Decomposition {
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

  /// The type of a value of the graph being built.
  public func type(_ value: ValueID) -> TensorType { rewriter.result.type(value) }

  /// Appends an op and returns its only result.
  /// - Throws: where operands, attributes or regions do not fit the op.
  public mutating func emit(
    _ op: Op, _ operands: ValueID..., attributes: [Attribute] = [], regions: [ScalarFunction] = [], stated: TensorType? = nil
  ) throws -> ValueID {
    try rewriter.append(op, operands, attributes: attributes, regions: regions, stated: stated)
  }

  /// A scalar constant, which elementwise ops broadcast.
  public mutating func constant(_ value: Double, _ element: ElementType) throws -> ValueID {
    guard let literal = Literal(value).converted(to: element) else { throw HeedError("\(value) is no \(element)") }
    return try self.literal(literal, element)
  }

  /// A scalar constant, which elementwise ops broadcast.
  public mutating func literal(_ value: Literal, _ element: ElementType) throws -> ValueID {
    try emit(.constant, attributes: [Attribute(.constantValue, [value])], stated: TensorType(element, .scalar))
  }

  /// `value` repeated to `shape`: its dimensions become `dims`.
  public mutating func broadcast(_ value: ValueID, to shape: Shape, dims: [Int]) throws -> ValueID {
    try emit(
      .broadcast, value, attributes: [Attribute(.dims, dims)],
      stated: TensorType(type(value).element, shape))
  }

  /// `value`, which has all dimensions of `shape` except `dim`, repeated along `dim`.
  public mutating func broadcast(_ value: ValueID, to shape: Shape, without dim: Int) throws -> ValueID {
    try broadcast(value, to: shape, dims: (0..<shape.rank).filter { $0 != dim })
  }

  /// The reduction of the elements along `dim`, which is dropped.
  public mutating func reduce(_ value: ValueID, _ kind: Reduction, dim: Int) throws -> ValueID {
    try emit(.reduce, value, attributes: [Attribute(.dims, [dim]), Attribute(.kind, kind)])
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
