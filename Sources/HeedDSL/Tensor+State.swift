import HeedIR

/// States: tensors that a call reads and replaces.
extension Tensor {
  /// Makes the call replace this state, or parameter, by `new` when it ends; a parameter becomes a state. Within the graph the tensor stays
  /// what it was before the call.
  ///
  /// ```swift
  /// let count = g.state("count", .f32, initial: 0)
  /// count.update(to: count + 1)
  /// ```
  /// - Returns: `new`.
  @discardableResult
  public func update(to new: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.update(self, to: new, CallSite(file, line))
    return new
  }

  /// Makes the call replace some rows of this state, and returns the state with them: a cache that grows in place.
  ///
  /// ```swift
  /// let keys = g.state("keys", .f32, ["B", 8, "N", 64], initial: 0)
  /// let all = keys.update(at: position, with: key, dimension: 2)      // of key [B, 8, 1, 64]
  /// ```
  /// - Parameters:
  ///   - position: where the first of the rows goes, an integer; a row outside the state is dropped.
  ///   - rows: of the state's shape but along the dimension.
  ///   - dimension: along which rows are counted; negative from the last.
  @discardableResult
  public func update(
    at position: Tensor, with rows: Tensor, dimension: Int = -2, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    return builder.located(file, line) {
      let place = dimension < 0 ? dimension + rows.shape.rank : dimension
      guard rows.shape.extents.indices.contains(place) else {
        return builder.fail(
          "got the dimension \(dimension) of rows of type \(rows.type), expected one of theirs", site, guess: type)
      }
      let numbers = builder.iota([rows.shape[place]], as: position.element.isInteger ? position.element : .i32)
      return update(to: scatter(position + numbers, rows, dimension: dimension))
    }
  }
}
