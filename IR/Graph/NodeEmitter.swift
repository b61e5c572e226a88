/// What appends nodes to a graph that is being built: decompositions and derivatives of ops.
public protocol NodeEmitter {
  /// Builds the graph that the nodes go into.
  var rewriter: GraphRewriter { get set }
}

extension NodeEmitter {
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

  /// `value` as elements of type `element`.
  mutating func widened(_ value: ValueID, to element: ElementType) throws -> ValueID {
    let type = type(value)
    return type.element == element ? value : try emit(.convert, value, stated: TensorType(element, type.shape))
  }
}
