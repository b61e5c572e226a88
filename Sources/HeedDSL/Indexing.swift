import HeedIR

extension Tensor {
  /// Slices picked along a dimension by integers: the result has the indices' dimensions in place of that one.
  ///
  /// The slice of an index outside is NaN, or 0 where the elements are integers.
  public func gather(_ indices: Tensor, dimension: Int = 0, file: String = #filePath, line: Int = #line) -> Tensor {
    let site = CallSite(file, line)
    guard let position = resolve(dimension, site) else { return builder.poison(type) }
    return builder.emit(.gather, [self, indices], [Attribute(.dim, position)], site)
  }

  /// The tensor with slices along a dimension replaced by those of `updates`, in order, at the places `indices`: of equal ones the last
  /// counts. An index outside drops its slice.
  public func scatter(
    _ indices: Tensor, _ updates: Tensor, dimension: Int = 0, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    guard let position = resolve(dimension, site) else { return builder.poison(type) }
    return builder.emit(.scatter, [self, indices, updates], [Attribute(.dim, position)], site)
  }

  /// The tensor with slices of `updates` added along a dimension at the places `indices`, in order. An index outside drops its slice.
  public func scatterAdd(
    _ indices: Tensor, _ updates: Tensor, dimension: Int = 0, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    guard let position = resolve(dimension, site) else { return builder.poison(type) }
    return builder.emit(.scatterAdd, [self, indices, updates], [Attribute(.dim, position)], site)
  }

  /// The `count` largest elements along the last dimension, descending, and their indices, i32; of equal ones the first.
  public func topK(_ count: Int, file: String = #filePath, line: Int = #line) -> (values: Tensor, indices: Tensor) {
    let shape = Shape(shape.extents.dropLast() + [Extent(count)])
    let results = builder.emitNamed(
      .topK, [self], [Attribute(.count, count)],
      guesses: [.values: TensorType(element, shape), .indices: TensorType(.i32, shape)], CallSite(file, line))
    return (results[.values]!, results[.indices]!)
  }
}
