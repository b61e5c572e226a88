import HeedIR

// The greater and the lesser of two, by the names that Swift has for numbers, and what is made of them.

/// The greater element; the right one where either is NaN.
public func max(_ left: Tensor, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  left.with(right, .maximum, CallSite(file, line))
}

/// The greater of each element and a number.
public func max(_ left: Tensor, _ right: Double, file: String = #filePath, line: Int = #line) -> Tensor {
  maximum(left, right, file: file, line: line)
}

/// The greater of each element and a number.
public func max(_ left: Tensor, _ right: some TensorScalar, file: String = #filePath, line: Int = #line) -> Tensor {
  maximum(left, right, file: file, line: line)
}

/// The greater of a number and each element.
public func max(_ left: Double, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  right.scalar(left, CallSite(file, line)).with(right, .maximum, CallSite(file, line))
}

/// The greater of a number and each element.
public func max(_ left: some TensorScalar, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  right.scalar(left, CallSite(file, line)).with(right, .maximum, CallSite(file, line))
}

/// The lesser element; the right one where either is NaN.
public func min(_ left: Tensor, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  left.with(right, .minimum, CallSite(file, line))
}

/// The lesser of each element and a number.
public func min(_ left: Tensor, _ right: Double, file: String = #filePath, line: Int = #line) -> Tensor {
  minimum(left, right, file: file, line: line)
}

/// The lesser of each element and a number.
public func min(_ left: Tensor, _ right: some TensorScalar, file: String = #filePath, line: Int = #line) -> Tensor {
  minimum(left, right, file: file, line: line)
}

/// The lesser of a number and each element.
public func min(_ left: Double, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  right.scalar(left, CallSite(file, line)).with(right, .minimum, CallSite(file, line))
}

/// The lesser of a number and each element.
public func min(_ left: some TensorScalar, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  right.scalar(left, CallSite(file, line)).with(right, .minimum, CallSite(file, line))
}

// Doubles have functions of their own, so that `.infinity` has one meaning.

/// Each element held within `lower ... upper`; NaN stays NaN: `clamp(x, 0, .infinity)`.
public func clamp(
  _ x: Tensor, _ lower: some TensorScalar, _ upper: Double, file: String = #filePath, line: Int = #line
) -> Tensor {
  let site = CallSite(file, line)
  return clamp(x, x.scalar(lower, site), x.scalar(upper, site), file: file, line: line)
}

/// Each element held within `lower ... upper`; NaN stays NaN: `clamp(x, -.infinity, 0)`.
public func clamp(
  _ x: Tensor, _ lower: Double, _ upper: some TensorScalar, file: String = #filePath, line: Int = #line
) -> Tensor {
  let site = CallSite(file, line)
  return clamp(x, x.scalar(lower, site), x.scalar(upper, site), file: file, line: line)
}

/// Each element held within `lower ... upper`; NaN stays NaN.
public func clamp(_ x: Tensor, _ lower: Double, _ upper: Double, file: String = #filePath, line: Int = #line) -> Tensor {
  let site = CallSite(file, line)
  return clamp(x, x.scalar(lower, site), x.scalar(upper, site), file: file, line: line)
}

/// Each element held within `lower ... upper`; NaN stays NaN.
public func clamp(
  _ x: Tensor, _ lower: some TensorScalar, _ upper: some TensorScalar, file: String = #filePath, line: Int = #line
) -> Tensor {
  let site = CallSite(file, line)
  return clamp(x, x.scalar(lower, site), x.scalar(upper, site), file: file, line: line)
}

/// Each element held within `lower ... upper`, tensors that broadcast; NaN stays NaN.
public func clamp(_ x: Tensor, _ lower: Tensor, _ upper: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  // The right one is taken where either is NaN.
  min(upper, max(lower, x, file: file, line: line), file: file, line: line)
}

extension Tensor {
  /// The index of the greatest element along a dimension, which is dropped, i32; of equal ones the first. NaN counts as less than
  /// everything. There is at least one element.
  public func argMax(
    _ dimension: Int = -1, keepingDimension: Bool = false, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    builder.located(file, line) { indexOfFirst("argMax", dimension, keepingDimension) { $0 } }
  }

  /// The index of the least element along a dimension, which is dropped, i32; of equal ones the first. NaN counts as greater than
  /// everything. There is at least one element.
  public func argMin(
    _ dimension: Int = -1, keepingDimension: Bool = false, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    builder.located(file, line) { indexOfFirst("argMin", dimension, keepingDimension) { $0.element.isFloat ? -$0 : ~$0 } }
  }

  /// The index of the element that is greatest by `key`.
  private func indexOfFirst(
    _ caller: String, _ dimension: Int, _ keepingDimension: Bool, _ key: (Tensor) -> Tensor
  ) -> Tensor {
    guard let position = resolve(dimension, nil),
      builder.expect(
        shape[position] != 0, "\(caller): got \(summary), expected at least 1 element along dimension \(dimension)", nil)
    else { return builder.poison(TensorType(.i32, shape)) }
    let keys = key(element == .bool ? cast(to: .u8) : self)
    let indices = keys.movingDimension(position, to: rank - 1).topK(1).indices
    return keepingDimension ? indices.movingDimension(rank - 1, to: position) : indices.droppingDimensions([rank - 1], nil)
  }

  /// The tensor with one dimension at another place, the others in order.
  func movingDimension(_ from: Int, to place: Int) -> Tensor {
    guard builder.graph.failure == nil else { return self }
    var order = Array(0..<rank)
    order.insert(order.remove(at: from), at: place)
    return permuted(order, nil)
  }
}
