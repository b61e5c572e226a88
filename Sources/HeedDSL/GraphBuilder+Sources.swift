public import HeedIR

extension GraphBuilder {
  /// The index along `dimension`, at every element of a tensor of this shape, in an integer type.
  public func iota(
    _ shape: Shape, dimension: Int = 0, as element: ElementType = .i32, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let (type, site) = (TensorType(element, shape), CallSite(file, line))
    guard let dimension = poison(type).resolve(dimension, site) else { return poison(type) }
    return iota(type, dimension, site)
  }

  func iota(_ type: TensorType, _ dimension: Int, _ site: CallSite?) -> Tensor {
    emit(.iota, [], [Attribute(.dim, dimension)], stated: type, site)
  }

  /// A scalar: `g.constant(-.infinity)`.
  public func constant(_ value: Double, _ element: ElementType = .f32, file: String = #filePath, line: Int = #line) -> Tensor {
    constant([value.literal], TensorType(element, .scalar), CallSite(file, line))
  }

  /// A scalar.
  public func constant(
    _ value: some TensorScalar, _ element: ElementType = .f32, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    constant([value.literal], TensorType(element, .scalar), CallSite(file, line))
  }

  /// A tensor of the numbers of `values` in row-major order; without a shape, of rank 1: `g.constant([0, -.infinity])`.
  public func constant(
    _ values: [Double], _ element: ElementType = .f32, shape: Shape? = nil, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    constant(values.map(\.literal), TensorType(element, shape ?? [Extent(values.count)]), CallSite(file, line))
  }

  /// A tensor of the numbers of `values` in row-major order; without a shape, of rank 1.
  public func constant(
    _ values: [some TensorScalar], _ element: ElementType = .f32, shape: Shape? = nil, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    constant(values.map(\.literal), TensorType(element, shape ?? [Extent(values.count)]), CallSite(file, line))
  }

  func constant(_ literals: [Literal], _ type: TensorType, _ site: CallSite?) -> Tensor {
    let converted = literals.map { $0.converted(to: type.element) }
    if let bad = converted.firstIndex(of: nil) {
      return fail("got the number \(literals[bad].shown), expected one of type \(type.element)", site, guess: type)
    }
    return emit(.constant, [], [Attribute(.constantValue, converted.map { $0! })], stated: type, site)
  }

  /// A tensor of this shape, each element `value`.
  public func full(
    _ shape: Shape, _ value: some TensorScalar, _ element: ElementType = .f32, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    full(shape, value.literal, element, CallSite(file, line))
  }

  /// A tensor of this shape, each element `value`: `g.full(["M", "N"], -.infinity)`.
  public func full(
    _ shape: Shape, _ value: Double, _ element: ElementType = .f32, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    full(shape, value.literal, element, CallSite(file, line))
  }

  private func full(_ shape: Shape, _ literal: Literal, _ element: ElementType, _ site: CallSite) -> Tensor {
    let scalar = constant([literal], TensorType(element, .scalar), site)
    return shape.rank == 0 ? scalar : broadcast(scalar, to: shape, site)
  }

  /// An extent as a scalar of the graph: `g.size("S")`.
  public func size(
    _ extent: some ExtentConvertible, as element: ElementType = .i32, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    self.extent(extent.extent, element, CallSite(file, line))
  }

  func extent(_ extent: Extent, _ element: ElementType, _ site: CallSite?) -> Tensor {
    let type = TensorType(element, .scalar)
    if let value = extent.constant { return constant([Literal(value)], type, site) }
    return emit(.extent, [], [Attribute(.extentValue, [extent])], stated: type, site)
  }

  /// The number of the segment that each of `count` rows lies in, from offsets `[segments + 1]` that rise from 0 to `count`.
  public func segmentIDs(
    _ offsets: Tensor, count: some ExtentConvertible, as element: ElementType = .i32, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    emit(.segmentIDs, [offsets], stated: TensorType(element, [count.extent]), CallSite(file, line))
  }
}

extension Literal {
  /// The number as an error message writes it.
  var shown: String { isReal ? "\(real)" : "\(integer)" }
}
