package import HeedIR

/// The elements of a value as an arrangement of the elements of one of the program's buffers. View ops (transpose, slice,
/// broadcast and most reshapes) change the arrangement and move no data.
package struct StridedView: Hashable {
  /// The position of the buffer in the program.
  package var buffer: Int
  /// The type of the elements as they are stored.
  package var element: ElementType
  /// In elements, from the buffer's start.
  package var offset: Extent
  /// The extents of the view's dimensions.
  package var shape: [Extent]
  /// In elements; 0 along a broadcast dimension.
  package var strides: [Extent]

  package init(buffer: Int, element: ElementType, offset: Extent, shape: [Extent], strides: [Extent]) {
    (self.buffer, self.element, self.offset) = (buffer, element, offset)
    (self.shape, self.strides) = (shape, strides)
  }

  /// Whether the elements lie one after the other, the last dimension innermost.
  package var isRowMajor: Bool {
    let rowMajor = Shape(shape).rowMajorStrides
    return zip(shape, zip(strides, rowMajor)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
  }

  /// The dimensions in another order: dimension `i` of the result is dimension `permutation[i]`.
  package func transposed(_ permutation: [Int]) -> StridedView {
    var view = self
    view.shape = permutation.map { shape[$0] }
    view.strides = permutation.map { strides[$0] }
    return view
  }

  /// Every `step`-th element of each dimension from `start` on.
  package func sliced(start: [Extent], step: [Int], shape: [Extent]) -> StridedView {
    var view = self
    for (dimension, first) in start.enumerated() { view.offset = view.offset + first * strides[dimension] }
    view.strides = zip(strides, step).map { $0 * Extent($1) }
    view.shape = shape
    return view
  }

  /// The elements repeated along new dimensions and those of extent 1.
  /// - Parameter dims: the result's dimension for each of the operand's.
  package func broadcast(dims: [Int], to shape: [Extent]) -> StridedView {
    var view = self
    view.strides = Array(repeating: 0, count: shape.count)
    // Extents that differ as text may be equal by a fact: only an extent of 1 is repeated.
    for (dimension, target) in dims.enumerated() where self.shape[dimension] != 1 || shape[target] == 1 {
      view.strides[target] = strides[dimension]
    }
    view.shape = shape
    return view
  }

  /// The same elements in row-major order as other dimensions, or nil where no strides express that.
  ///
  /// Dimensions that follow each other in memory form runs; the new dimensions must fill run after run.
  package func reshaped(to newShape: [Extent]) -> StridedView? {
    var runs: [(count: Extent, stride: Extent)] = []
    for (extent, stride) in zip(shape, strides) where extent != 1 {
      if let last = runs.last, last.stride == stride * extent {
        runs[runs.count - 1] = (last.count * extent, stride)
      } else {
        runs.append((extent, stride))
      }
    }
    var newStrides = [Extent](repeating: 0, count: newShape.count)
    var dimension = 0
    for run in runs {
      let start = dimension
      var count = Extent(1)
      while dimension < newShape.count, count != run.count {
        count = count * newShape[dimension]
        dimension += 1
      }
      guard count == run.count else { return nil }
      var stride = run.stride
      for inner in (start..<dimension).reversed() {
        newStrides[inner] = stride
        stride = stride * newShape[inner]
      }
    }
    guard newShape[dimension...].allSatisfy({ $0 == 1 }) else { return nil }
    var view = self
    view.shape = newShape
    view.strides = newStrides
    return view
  }
}

/// Where a kernel gets the elements of a value from.
enum Source: Hashable {
  case view(StridedView)
  /// Every element is this number.
  case literal(Literal)
  /// The index along a dimension.
  case iota(dimension: Int)
  /// Every element is the number of this extent.
  case extent(Extent)

  func transposed(_ permutation: [Int]) -> Source {
    switch self {
    case .view(let view): .view(view.transposed(permutation))
    case .iota(let dimension): .iota(dimension: permutation.firstIndex(of: dimension)!)
    case .literal, .extent: self
    }
  }

  func broadcast(dims: [Int], to shape: [Extent]) -> Source {
    switch self {
    case .view(let view): .view(view.broadcast(dims: dims, to: shape))
    case .iota(let dimension): .iota(dimension: dims[dimension])
    case .literal, .extent: self
    }
  }

  /// Nil where the reshaped value must be computed into memory.
  func reshaped(to shape: [Extent]) -> Source? {
    switch self {
    case .view(let view): view.reshaped(to: shape).map(Source.view)
    case .iota: nil
    case .literal, .extent: self
    }
  }
}
