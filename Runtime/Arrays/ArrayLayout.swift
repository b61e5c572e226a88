/// Where the elements of an array lie in its memory, counted in elements.
struct ArrayLayout: Hashable, Sendable {
  /// The extents, outermost first.
  let shape: [Int]
  /// The distance between neighbours in each dimension; nil where the elements are in row-major order without gaps.
  let strides: [Int]?
  /// The place of the first element.
  let offset: Int

  /// Elements in row-major order from `offset` on.
  init(_ shape: [Int], offset: Int = 0) { (self.shape, self.offset, strides) = (shape, offset, nil) }

  /// Elements at these distances. Where the order is row-major all the same, or there are no elements, no strides are kept.
  init(_ shape: [Int], strides: [Int], offset: Int) {
    let isEmpty = shape.contains(0)
    let rowMajor = Self.rowMajorStrides(shape)
    let isContiguous = isEmpty || zip(shape, zip(strides, rowMajor)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
    (self.shape, self.strides, self.offset) = (shape, isContiguous ? nil : strides, isEmpty ? 0 : offset)
  }

  /// The distance between neighbours in each dimension.
  var allStrides: [Int] { strides ?? Self.rowMajorStrides(shape) }

  /// The strides of a row-major array. They wrap where there are no elements and other extents are huge.
  static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for dimension in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[dimension] = strides[dimension + 1] &* shape[dimension + 1]
    }
    return strides
  }

  /// The same elements repeated along dimensions of extent 1 and new outer ones, without copies; nil where they do not fit `shape`.
  func broadcast(to shape: [Int]) -> ArrayLayout? {
    let added = shape.count - self.shape.count
    guard added >= 0, zip(self.shape, shape[added...]).allSatisfy({ $0 == 1 || $0 == $1 }) else { return nil }
    let strides = zip(self.shape, allStrides).enumerated().map { $1.0 == 1 && shape[added + $0] != 1 ? 0 : $1.1 }
    return ArrayLayout(shape, strides: Array(repeating: 0, count: added) + strides, offset: offset)
  }
}

/// Copies elements of `size` bytes between two places, each with its distances between neighbours, counted in elements.
func copyElements(
  ofSize size: Int, shape: [Int], from source: UnsafeRawPointer, _ sourceStrides: [Int], to target: UnsafeMutableRawPointer,
  _ targetStrides: [Int]
) {
  // The innermost dimensions in which both are contiguous are one piece.
  var outer = shape.count
  var run = 1
  while outer > 0, sourceStrides[outer - 1] == run && targetStrides[outer - 1] == run || shape[outer - 1] == 1 {
    outer -= 1
    run *= shape[outer]
  }
  func copy(_ dimension: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
    guard dimension < outer else { return target.copyMemory(from: source, byteCount: run * size) }
    for index in 0..<shape[dimension] {
      copy(dimension + 1, source + index * sourceStrides[dimension] * size, target + index * targetStrides[dimension] * size)
    }
  }
  copy(0, source, target)
}
