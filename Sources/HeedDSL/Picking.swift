public import HeedIR

extension Tensor {
  /// Integers `[...]` as rows with a 1 at their place, `[..., count]`; a row of zeros for a number outside.
  public func oneHot(
    _ count: some ExtentConvertible, as element: ElementType = .f32, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    builder.located(file, line) {
      guard self.element.isInteger else {
        return builder.fail("oneHot: got \(summary), expected integers", nil, guess: TensorType(element, shape))
      }
      // Narrow integers do not count far enough.
      let places = self.element == .i64 ? self : cast(to: .i32)
      return (places.expandingDimension(-1) == builder.iota([count.extent], as: places.element)).cast(to: element)
    }
  }

  /// Elements picked along a dimension by integers, one index per element: `r[i, k] = x[i, indices[i, k]]`.
  ///
  /// The indices have the rank of the tensor, and its extents in all dimensions but that one. For an index outside the element is NaN, or
  /// 0 where the elements are integers.
  public func takeAlong(_ indices: Tensor, dimension: Int = -1, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.located(file, line) {
      let guess = TensorType(element, indices.shape)
      guard let position = resolve(dimension, nil) else { return builder.poison(guess) }
      let others = { (shape: Shape) in Shape(shape.extents.enumerated().filter { $0.offset != position }.map(\.element)) }
      guard indices.element.isInteger, indices.rank == rank, builder.areEqual(others(indices.shape), others(shape)) else {
        return builder.fail(
          "takeAlong: got \(summary) at \(indices.summary), expected integers of its shape but for dimension \(dimension)", nil,
          guess: guess)
      }
      // The row-major place: of the last dimension, the number of the row times its extent, plus the index.
      let at = indices.cast(to: .i64)
      var place: Tensor?
      for own in 0..<rank where shape[own] != 1 || own == position {
        var ones = shape.extents.map { _ in Extent(1) }
        ones[own] = shape[own]
        let index = own == position ? at : builder.iota(Shape(ones), dimension: own, as: .i64)
        place = place.map { $0 * builder.size(shape[own], as: .i64) + index } ?? index
      }
      let isInside = (at >= 0) & (at < size(position, as: .i64))
      return reshape([shape.count]).gather(select(isInside, place!, -1))
    }
  }

  /// The elements in order along a dimension, and the indices that they had there, i32. Equal ones keep their order; NaN comes last.
  ///
  /// In time N log N of the extent N.
  public func sort(
    _ dimension: Int = -1, descending: Bool = false, file: String = #filePath, line: Int = #line
  ) -> (values: Tensor, indices: Tensor) {
    builder.located(file, line) {
      let guesses: [ResultName: TensorType] = [.values: type, .indices: TensorType(.i32, shape)]
      guard let position = resolve(dimension, nil) else {
        return (builder.poison(guesses[.values]!), builder.poison(guesses[.indices]!))
      }
      let rows = movingDimension(position, to: rank - 1)
      let attributes = descending ? [Attribute(.descending, true)] : []
      let sorted = builder.emitNamed(.sort, [rows], attributes, guesses: guesses, nil)
      func moved(_ name: ResultName) -> Tensor { sorted[name]!.movingDimension(rank - 1, to: position) }
      return (moved(.values), moved(.indices))
    }
  }

  /// The indices that put the elements along a dimension in order, i32: `x.takeAlong(x.argSort())` is sorted. Equal elements keep their
  /// order; NaN comes last.
  public func argSort(_ dimension: Int = -1, descending: Bool = false, file: String = #filePath, line: Int = #line) -> Tensor {
    sort(dimension, descending: descending, file: file, line: line).indices
  }
}
