extension Derivative {
  /// The derivative of `scan`.
  ///
  /// An exclusive scan of products or extrema is the inclusive one moved by a place: so are its tangents and cotangents.
  static let ofScan = Derivative(
    forward: { context, tangents in
      let tangent = tangents[0]!
      let scan = Differentiation.Scan(context)
      if scan.kind == .add { return [try context.applyOp(to: [tangent])] }
      let inclusive =
        scan.kind == .multiply
        ? try context.tangentOfProducts(scan, tangent)
        : try context.picked(tangent, context.placesOfExtrema(scan), dim: scan.dim)
      return [scan.isExclusive ? try context.moved(inclusive, scan, isForward: true) : inclusive]
    },
    reverse: { context, cotangents in
      let cotangent = cotangents[0]!
      let scan = Differentiation.Scan(context)
      if scan.kind == .add {
        return [
          try context.scan(cotangent, .add, dim: scan.dim, isExclusive: scan.isExclusive, isReverse: !scan.isReverse)
        ]
      }
      let inclusive = scan.isExclusive ? try context.moved(cotangent, scan, isForward: false) : cotangent
      if scan.kind == .multiply { return [try context.cotangentOfProducts(scan, inclusive)] }
      let type = context.type(context.operands[0])
      return [try context.scattered(inclusive, context.placesOfExtrema(scan), dim: scan.dim, into: type)]
    })
}

extension Differentiation {
  /// A scan's attributes.
  struct Scan {
    let kind: Reduction
    let dim: Int
    let isExclusive: Bool
    let isReverse: Bool

    init(_ context: Differentiation) {
      let attributes = context.attributes
      (kind, dim) = (attributes.required(.kind), attributes.required(.dim))
      (isExclusive, isReverse) = (attributes.isSet(.exclusive), attributes.isSet(.reverse))
    }
  }

  /// A value of an inclusive scan moved to the place of the exclusive one, with 0 in the place that is free; backward, the other way.
  fileprivate mutating func moved(_ value: ValueID, _ scan: Scan, isForward: Bool) throws -> ValueID {
    let extent = type(value).shape[scan.dim]
    if isForward != scan.isReverse {
      return try slice(padded(value, dim: scan.dim, low: 1), dim: scan.dim, 0, extent)
    }
    return try slice(padded(value, dim: scan.dim, high: 1), dim: scan.dim, 1, extent + 1)
  }

  /// For each running extremum the index of the last element so far that equals it; -1 where it is NaN.
  fileprivate mutating func placesOfExtrema(_ scan: Scan) throws -> ValueID {
    let (x, shape) = (operands[0], type(operands[0]).shape)
    let extrema = scan.isExclusive ? try self.scan(x, scan.kind, dim: scan.dim, isReverse: scan.isReverse) : results[0]
    let index = try iota(.i64, shape, dim: scan.dim)
    let none = scan.isReverse ? try number(shape[scan.dim]) : try literal(Literal(-1), .i64)
    let places = try self.scan(
      emit(.select, emit(.equal, x, extrema), index, none), scan.isReverse ? .minimum : .maximum, dim: scan.dim,
      isReverse: scan.isReverse)
    return try emit(.select, emit(.equal, extrema, extrema), places, literal(Literal(-1), .i64))
  }

  // MARK: Products

  /// The tangent of `r[i]` is the sum over j of `m[i, j] * before[j] * tangent[j]`. Here `m[i, j]` is the product of the elements behind j up
  /// to i, and `before[j]` that of the elements before j. There is no quotient, so that zeros may be among them; that takes a matrix per row.
  fileprivate mutating func tangentOfProducts(_ scan: Scan, _ tangent: ValueID) throws -> ValueID {
    let (matrix, before) = try productMatrix(scan)
    let factor = try emit(.multiply, before, row(tangent, scan))
    return try whole(contract(matrix, factor, "bij,bj->bi"), scan)
  }

  fileprivate mutating func cotangentOfProducts(_ scan: Scan, _ cotangent: ValueID) throws -> ValueID {
    let (matrix, before) = try productMatrix(scan)
    return try whole(emit(.multiply, before, contract(matrix, row(cotangent, scan), "bij,bi->bj")), scan)
  }

  private mutating func contract(_ left: ValueID, _ right: ValueID, _ subscripts: String) throws -> ValueID {
    try emit(.contract, left, right, attributes: [Attribute(.subscripts, try ContractSubscripts(subscripts))])
  }

  /// `m`, `[rows, N, N]`, and the products before each element, `[rows, N]`.
  private mutating func productMatrix(_ scan: Scan) throws -> (matrix: ValueID, before: ValueID) {
    let x = try row(operands[0], scan)
    let (rows, count) = (type(x).shape[0], type(x).shape[1])
    let square = Shape([rows, count, count])
    let (i, j) = (try iota(.i64, square, dim: 1), try iota(.i64, square, dim: 2))
    let isBehind = try scan.isReverse ? emit(.less, i, j) : emit(.greater, i, j)
    let factors = try emit(
      .select, isBehind, broadcast(x, to: square, dims: [0, 1]), constant(1, type(x).element))
    let products = try self.scan(factors, .multiply, dim: 1, isReverse: scan.isReverse)
    let isReached = try emit(.or, isBehind, emit(.equal, i, j))
    return (
      try keeping(products, where: isReached),
      try self.scan(x, .multiply, dim: 1, isExclusive: true, isReverse: scan.isReverse)
    )
  }

  /// A value with the dimension of the scan last and the others merged, in the computed type.
  private mutating func row(_ value: ValueID, _ scan: Scan) throws -> ValueID {
    let wide = try widened(value, to: type(value).element.computed)
    let turned = try emit(.transpose, wide, attributes: [Attribute(.permutation, permutation(scan))])
    let extents = type(turned).shape.extents
    return try emit(
      .reshape, turned, stated: TensorType(type(wide).element, [extents.dropLast().reduce(1, *), extents.last!]))
  }

  /// The opposite of `row`.
  private mutating func whole(_ value: ValueID, _ scan: Scan) throws -> ValueID {
    let (x, order) = (type(operands[0]), permutation(scan))
    let split = Shape(order.map { x.shape[$0] })
    let turned = try emit(.reshape, value, stated: TensorType(type(value).element, split))
    let back = order.indices.map { order.firstIndex(of: $0)! }
    return try widened(emit(.transpose, turned, attributes: [Attribute(.permutation, back)]), to: x.element)
  }

  private func permutation(_ scan: Scan) -> [Int] {
    (0..<type(operands[0]).rank).filter { $0 != scan.dim } + [scan.dim]
  }
}
