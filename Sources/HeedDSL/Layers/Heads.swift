import HeedIR

// Heads of attention: rows that hold the heads one after another, and heads that serve several heads of queries. All of it is views.

extension Tensor {
  /// Rows that hold `count` heads one after another as heads: `[..., rows, count * size]` to `[..., count, rows, size]`.
  public func splittingHeads(_ count: Int, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.located(file, line) { splittingHeads(count, "splittingHeads") }
  }

  /// The heads of each row one after another: `[..., count, rows, size]` to `[..., rows, count * size]`.
  public func mergingHeads(file: String = #filePath, line: Int = #line) -> Tensor {
    builder.located(file, line) {
      guard rank >= 3 else {
        return builder.fail("mergingHeads: got \(summary), expected rank 3 or more: [..., heads, rows, size]", nil, guess: type)
      }
      return merged()
    }
  }

  /// Heads of keys or values repeated for the heads of queries that share them: `[..., heads, rows, size]` to
  /// `[..., count, rows, size]`, where head h of the result is head `h / (count / heads)`.
  public func repeatingHeads(_ count: Int, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.located(file, line) {
      guard rank >= 3 else {
        return builder.fail("repeatingHeads: got \(summary), expected rank 3 or more: [..., heads, rows, size]", nil, guess: type)
      }
      return repeatingHeads(Extent(count), "repeatingHeads")
    }
  }

  /// `[..., rows, count * size]` to `[..., count, rows, size]`.
  func splittingHeads(_ count: Int, _ caller: String) -> Tensor {
    guard builder.graph.failure == nil, count > 0, rank >= 2, let size = extent(-1).dividedExactly(by: count) else {
      return builder.fail(
        "\(caller): got \(summary) for \(count) heads, expected rows of a multiple of \(count)", nil, guess: type)
    }
    return reshape(Shape(shape.extents.dropLast() + [Extent(count), size])).swappingRowsAndHeads()
  }

  private func merged() -> Tensor {
    guard builder.graph.failure == nil else { return self }
    let x = swappingRowsAndHeads()
    return x.reshape(Shape(x.shape.extents.dropLast(2) + [x.extent(-2) * x.extent(-1)]))
  }

  /// The dimensions before the last one exchanged.
  private func swappingRowsAndHeads() -> Tensor {
    permuted(Array(0..<(rank - 3)) + [rank - 2, rank - 3, rank - 1], nil)
  }

  /// `[..., heads, rows, size]` to `[..., count, rows, size]`, each head repeated in place: head h of the result is `h / (count / heads)`.
  func repeatingHeads(_ count: Extent, _ caller: String) -> Tensor {
    guard builder.graph.failure == nil, rank >= 3 else { return self }
    let heads = extent(-3)
    if builder.areEqual(heads, count) { return self }
    guard let few = heads.constant, let many = count.constant, few > 0, many % few == 0 else {
      return builder.fail("\(caller): got \(heads) heads for keys and \(count) for queries, expected a divisor", nil, guess: type)
    }
    let (outer, rest) = (shape.extents.dropLast(2), shape.extents.suffix(2))
    let groups = expandingDimension(-3).broadcast(to: Shape(outer + [Extent(many / few)] + rest))
    return groups.reshape(Shape(outer.dropLast() + [count] + rest))
  }
}
