extension Differentiation {
  /// The elements of the first operand that equal an extremum, and how many there are for each extremum: at least 1, of the computed type.
  ///
  /// None equals NaN.
  struct Extremes {
    let isExtreme: ValueID
    let count: ValueID
  }

  /// The extremes among `x` of a reduction along `dims` to `extremum`.
  mutating func extremes(of x: ValueID, _ extremum: ValueID, dims: [Int]) throws -> Extremes {
    let shape = type(x).shape
    let spread = try broadcast(extremum, to: shape, dims: (0..<shape.rank).filter { !dims.contains($0) })
    let isExtreme = try emit(.equal, x, spread)
    return Extremes(isExtreme: isExtreme, count: try atLeastOne(sum(ones(isExtreme, like: x), over: dims)))
  }

  /// 1 where the condition holds, else 0, in the type in which sums of elements like those of `x` are.
  mutating func ones(_ condition: ValueID, like x: ValueID) throws -> ValueID {
    try widened(condition, to: type(x).element.computed)
  }

  /// The count, or 1 where it is 0.
  mutating func atLeastOne(_ count: ValueID) throws -> ValueID {
    try emit(.maximum, count, constant(1, type(count).element))
  }

  /// Each cotangent divided equally among the extremes.
  mutating func share(_ cotangent: ValueID, _ extremes: Extremes, dims: [Int]) throws -> ValueID {
    let shape = type(extremes.isExtreme).shape
    let part = try emit(.divide, widened(cotangent, to: type(extremes.count).element), extremes.count)
    let narrow = try widened(part, to: type(cotangent).element)
    let spread = try broadcast(narrow, to: shape, dims: (0..<shape.rank).filter { !dims.contains($0) })
    return try keeping(spread, where: extremes.isExtreme)
  }

  /// The mean of the tangents of the extremes.
  mutating func mean(_ tangent: ValueID, _ extremes: Extremes, dims: [Int]) throws -> ValueID {
    let kept = try keeping(widened(tangent, to: type(extremes.count).element), where: extremes.isExtreme)
    return try widened(emit(.divide, sum(kept, over: dims), extremes.count), to: type(tangent).element)
  }

  /// For each element of `x` the product of all others along `dims`, in the computed type: no quotient, so that zeros may be among them.
  mutating func productOfOthers(_ x: ValueID, dims: [Int]) throws -> ValueID {
    let (value, rank) = (try widened(x, to: type(x).element.computed), type(x).rank)
    if dims.count == 1 { return try productOfOthers(value, dim: dims[0]) }
    // The dimensions become one, the last.
    let permutation = (0..<rank).filter { !dims.contains($0) } + dims
    let turned = try emit(.transpose, value, attributes: [Attribute(.permutation, permutation)])
    let shape = type(turned).shape
    let (kept, merged) = (shape.extents.prefix(rank - dims.count), shape.extents.suffix(dims.count).reduce(1, *))
    let flat = try emit(.reshape, turned, stated: TensorType(type(value).element, Shape(kept + [merged])))
    let product = try productOfOthers(flat, dim: kept.count)
    let split = try emit(.reshape, product, stated: type(turned))
    return try emit(
      .transpose, split, attributes: [Attribute(.permutation, (0..<rank).map { permutation.firstIndex(of: $0)! })])
  }

  private mutating func productOfOthers(_ value: ValueID, dim: Int) throws -> ValueID {
    try emit(
      .multiply, scan(value, .multiply, dim: dim, isExclusive: true),
      scan(value, .multiply, dim: dim, isExclusive: true, isReverse: true))
  }

  /// Running reductions along a dimension.
  mutating func scan(
    _ value: ValueID, _ kind: Reduction, dim: Int, isExclusive: Bool = false, isReverse: Bool = false
  ) throws -> ValueID {
    var attributes = [Attribute(.dim, dim), Attribute(.kind, kind)]
    if isExclusive { attributes.append(Attribute(.exclusive, true)) }
    if isReverse { attributes.append(Attribute(.reverse, true)) }
    return try emit(.scan, value, attributes: attributes)
  }

  /// The sums of the products of rows, `[..., N, W]` each, as `[..., N]` of this type.
  mutating func rowProduct(_ left: ValueID, _ right: ValueID, _ element: ElementType) throws -> ValueID {
    let product = try emit(.multiply, widened(left, to: element), widened(right, to: element))
    return try sum(product, over: [type(product).rank - 1])
  }
}
