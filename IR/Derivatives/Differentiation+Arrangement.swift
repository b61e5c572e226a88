extension Differentiation {
  /// The elements from `start` up to `stop` along a dimension.
  mutating func slice(_ value: ValueID, dim: Int, _ start: Extent, _ stop: Extent) throws -> ValueID {
    var (starts, stops) = (type(value).shape.extents.map { _ in Extent(0) }, type(value).shape.extents)
    (starts[dim], stops[dim]) = (start, stop)
    return try emit(.slice, value, attributes: [Attribute(.start, starts), Attribute(.stop, stops)])
  }

  /// The value with zeros before and after it along a dimension.
  mutating func padded(_ value: ValueID, dim: Int, low: Extent = 0, high: Extent = 0) throws -> ValueID {
    var (lows, highs) = (type(value).shape.extents.map { _ in Extent(0) }, type(value).shape.extents.map { _ in Extent(0) })
    (lows[dim], highs[dim]) = (low, high)
    return try padded(value, low: lows, high: highs)
  }

  /// The value between zeros.
  mutating func padded(_ value: ValueID, low: [Extent], high: [Extent]) throws -> ValueID {
    let zero = Attribute(.padValue, Literal(0.0))
    return try emit(.pad, value, attributes: [Attribute(.low, low), Attribute(.high, high), zero])
  }

  /// The index along a dimension.
  mutating func iota(_ element: ElementType, _ shape: Shape, dim: Int) throws -> ValueID {
    try emit(.iota, attributes: [Attribute(.dim, dim)], stated: TensorType(element, shape))
  }

  /// An extent as an i64 scalar.
  mutating func number(_ extent: Extent) throws -> ValueID {
    try emit(.extent, attributes: [Attribute(.extentValue, [extent])], stated: TensorType(.i64, .scalar))
  }

  /// `value` where the condition holds, else 0, whatever stands there.
  mutating func keeping(_ value: ValueID, where condition: ValueID) throws -> ValueID {
    try emit(.select, condition, value, constant(0, type(value).element))
  }

  /// The slices of `value` along `dim` that `indices`, of rank 1, name; zeros for an index outside.
  mutating func gatherOrZero(_ value: ValueID, _ indices: ValueID, dim: Int) throws -> ValueID {
    let wide = try widened(indices, to: .i64)
    let zero = try literal(Literal(0), .i64)
    let isInside = try emit(
      .and, emit(.greaterEqual, wide, zero), emit(.less, wide, number(type(value).shape[dim])))
    // An index outside is replaced, so that a call need not check the indices.
    let gathered = try emit(.gather, value, emit(.select, isInside, wide, zero), attributes: [Attribute(.dim, dim)])
    return try keeping(gathered, where: broadcast(isInside, to: type(gathered).shape, dims: [dim]))
  }

  // MARK: Elements picked row by row

  /// Each element of `value`, `[..., N, ...]`, that the elements of `indices`, `[..., K, ...]`, name along a dimension; 0 for an index below 0.
  mutating func picked(_ value: ValueID, _ indices: ValueID, dim: Int) throws -> ValueID {
    let shape = type(value).shape
    let places = try flatPlaces(indices, of: shape, dim: dim)
    let flat = try emit(.reshape, value, stated: TensorType(type(value).element, [shape.count]))
    let found = try gatherOrZero(flat, places, dim: 0)
    return try emit(.reshape, found, stated: TensorType(type(value).element, type(indices).shape))
  }

  /// The transpose of `picked`: a tensor of this type of the sums of the elements of `value` whose index names each element.
  mutating func scattered(_ value: ValueID, _ indices: ValueID, dim: Int, into result: TensorType) throws -> ValueID {
    let places = try flatPlaces(indices, of: result.shape, dim: dim)
    let flat = try emit(.reshape, value, stated: TensorType(result.element, [type(value).shape.count]))
    let sums = try emit(
      .scatterAdd, zeros(TensorType(result.element, [result.shape.count])), places, flat, attributes: [Attribute(.dim, 0)])
    return try emit(.reshape, sums, stated: result)
  }

  /// The row-major positions, in a tensor of this shape, of what `indices` name along a dimension; -1 for an index below 0. Of rank 1.
  private mutating func flatPlaces(_ indices: ValueID, of shape: Shape, dim: Int) throws -> ValueID {
    let extents = type(indices).shape.extents
    let (outer, inner) = (extents[..<dim].reduce(1, *), extents[(dim + 1)...].reduce(1, *))
    // [outer, K, inner], of a tensor [outer, N, inner].
    let split = Shape([outer, extents[dim], inner])
    let index = try emit(.reshape, widened(indices, to: .i64), stated: TensorType(.i64, split))
    let row = try emit(.multiply, iota(.i64, split, dim: 0), number(shape[dim]))
    let place = try emit(
      .add, emit(.multiply, emit(.add, row, index), number(inner)), iota(.i64, split, dim: 2))
    let isNone = try emit(.less, index, literal(Literal(0), .i64))
    let chosen = try emit(.select, isNone, literal(Literal(-1), .i64), place)
    return try emit(.reshape, chosen, stated: TensorType(.i64, [split.count]))
  }
}

extension Derivative {
  /// The derivative of an op whose first result is elements along the last dimension, in another order or fewer of them, and whose result
  /// `indices` says where they were.
  static let ofPickedElements = Derivative(
    forward: { context, tangents in
      let (dim, indices) = (context.type(context.operands[0]).rank - 1, context.result(.indices)!)
      return [try context.picked(tangents[0]!, indices, dim: dim), nil]
    },
    reverse: { context, cotangents in
      let type = context.type(context.operands[0])
      guard let cotangent = cotangents[0] else { return [nil] }
      return [try context.scattered(cotangent, context.result(.indices)!, dim: type.rank - 1, into: type)]
    })
}
