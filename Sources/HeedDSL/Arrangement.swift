public import HeedIR

// Tensors put together, taken apart and moved, by views and copies.

/// Tensors of one shape along a new dimension, counted in the result: n of `[M, N]` are `[n, M, N]`.
public func stack(_ tensors: [Tensor], dimension: Int = 0, file: String = #filePath, line: Int = #line) -> Tensor {
  guard let first = tensors.first else {
    return GraphBuilder.fail("stack: got no tensors, expected at least one", CallSite(file, line))
  }
  return first.builder.located(file, line) {
    let position = dimension < 0 ? dimension + first.rank + 1 : dimension
    return concatenate(tensors.map { $0.expandingDimension(position) }, dimension: position)
  }
}

extension Tensor {
  /// Equal parts along a dimension, `count` of them: `let parts = x.split(3)`. The extent is a multiple of the count.
  public func split(_ count: Int, dimension: Int = -1, file: String = #filePath, line: Int = #line) -> [Tensor] {
    let site = CallSite(file, line)
    // As many tensors as were asked for, so that what follows a mistake finds them.
    let none = Array(repeating: builder.poison(type), count: Swift.max(1, Swift.min(count, Self.mostParts)))
    guard let position = resolve(dimension, site) else { return none }
    guard count >= 1, count <= Self.mostParts, let size = shape[position].dividedExactly(by: count) else {
      builder.fail(
        "split: got \(count) parts of dimension \(dimension) of \(summary), expected a number that divides \(shape[position])", site
      )
      return none
    }
    return (0..<count).map { part(position, size * $0, size * ($0 + 1), site) }
  }

  private static let mostParts = 1 << 16

  /// Parts of these extents along a dimension, from the first on; together they have all of it: `x.split(sizes: [64, "S - 64"])`.
  public func split(
    sizes: [any ExtentConvertible], dimension: Int = -1, file: String = #filePath, line: Int = #line
  ) -> [Tensor] {
    let (site, sizes) = (CallSite(file, line), sizes.map(\.extent))
    let none = Array(repeating: builder.poison(type), count: Swift.max(1, sizes.count))
    guard let position = resolve(dimension, site), sizes.allSatisfy({ builder.isValid($0, site) }) else { return none }
    guard builder.areEqual(sizes.reduce(0, +), shape[position]), sizes.allSatisfy({ $0.constant ?? 0 >= 0 }) else {
      builder.fail(
        "split: got the sizes \(Shape(sizes)) for dimension \(dimension) of \(summary), expected a sum of \(shape[position])", site)
      return none
    }
    var start = Extent(0)
    return sizes.map { size in
      defer { start += size }
      return part(position, start, start + size, site)
    }
  }

  /// The elements `start ..< stop` along a dimension that is counted from 0.
  func part(_ position: Int, _ start: Extent, _ stop: Extent, step: Int = 1, _ site: CallSite?) -> Tensor {
    guard builder.graph.failure == nil, start != 0 || stop != shape[position] || step != 1 else { return self }
    var (from, to, steps) = (shape.extents.map { _ in Extent(0) }, shape.extents, shape.extents.map { _ in 1 })
    (from[position], to[position], steps[position]) = (start, stop, step)
    return builder.emit(
      .slice, [self], [Attribute(.start, from), Attribute(.stop, to)] + (step == 1 ? [] : [Attribute(.step, steps)]), site)
  }

  /// The elements moved along a dimension by `shift` places, those that leave it at its end put in at its start: `r[i + shift] = x[i]`.
  /// A negative number moves toward the start.
  ///
  /// Where the extent is not known, the shift is at most the extent.
  public func roll(
    _ shift: some ExtentConvertible, dimension: Int = -1, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let (site, shift) = (CallSite(file, line), shift.extent)
    guard let position = resolve(dimension, site), builder.isValid(shift, site) else { return builder.poison(type) }
    let extent = shape[position]
    var places = shift
    if let count = extent.constant, let number = shift.constant {
      places = Extent(count > 0 ? (number % count + count) % count : 0)
    }
    if places == 0 { return self }
    // What becomes the first element.
    let first = places.constant ?? 0 < 0 ? places * -1 : extent - places
    return concatenate(
      [part(position, first, extent, site), part(position, 0, first, site)], dimension: position, file: file, line: line)
  }
}

/// The matrices of the last two dimensions with 0 above a diagonal: the elements `[i, j]` with `j - i > diagonal`.
public func tril(_ x: Tensor, diagonal: Int = 0, file: String = #filePath, line: Int = #line) -> Tensor {
  x.builder.located(file, line) { x.triangle("tril", diagonal) { $0 <= $1 } }
}

/// The matrices of the last two dimensions with 0 below a diagonal: the elements `[i, j]` with `j - i < diagonal`.
public func triu(_ x: Tensor, diagonal: Int = 0, file: String = #filePath, line: Int = #line) -> Tensor {
  x.builder.located(file, line) { x.triangle("triu", diagonal) { $0 >= $1 } }
}

extension Tensor {
  fileprivate func triangle(_ name: String, _ diagonal: Int, _ isKept: (_ difference: Tensor, Int) -> Tensor) -> Tensor {
    guard rank >= 2 else { return builder.fail("\(name): got \(summary), expected a tensor of rank 2 or more", nil, guess: type) }
    let (row, column) = (builder.iota([extent(-2), 1]), builder.iota([1, extent(-1)], dimension: 1))
    return select(isKept(column - row, diagonal), self, 0)
  }
}
