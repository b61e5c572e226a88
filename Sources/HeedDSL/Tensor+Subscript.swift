public import HeedIR

/// What picks from one dimension of a tensor: an index, which drops the dimension, or a range, which keeps it.
public struct TensorIndex: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    case index(Extent)
    case range(Extent?, Extent?, step: Int)
    case rest
    case new
  }

  let kind: Kind

  /// The whole dimension.
  public static let all = TensorIndex(kind: .range(nil, nil, step: 1))
  /// All the dimensions that the other indices leave: `x[.rest, 0]` is the first element of each last row.
  public static let rest = TensorIndex(kind: .rest)
  /// A new dimension of extent 1.
  public static let newDimension = TensorIndex(kind: .new)

  /// From `start` up to, not including, `stop`, in steps. Constants below 0 count from the end.
  public static func range(_ start: some ExtentConvertible, _ stop: some ExtentConvertible, step: Int = 1) -> TensorIndex {
    TensorIndex(kind: .range(start.extent, stop.extent, step: step))
  }

  /// From `start` to the end, in steps. A constant below 0 counts from the end.
  public static func from(_ start: some ExtentConvertible, step: Int = 1) -> TensorIndex {
    TensorIndex(kind: .range(start.extent, nil, step: step))
  }
}

/// What can be an index of a tensor: `x[0, 2...5, (-3)..., .all, "S - 1"]`.
public protocol TensorIndexConvertible {
  /// The index that the value stands for.
  var tensorIndex: TensorIndex { get }
}

extension TensorIndex: TensorIndexConvertible {
  /// Itself.
  public var tensorIndex: TensorIndex { self }
}

extension Int: TensorIndexConvertible {
  /// One place; the dimension is dropped.
  public var tensorIndex: TensorIndex { TensorIndex(kind: .index(Extent(self))) }
}

extension Extent: TensorIndexConvertible {
  /// One place; the dimension is dropped.
  public var tensorIndex: TensorIndex { TensorIndex(kind: .index(self)) }
}

extension String: TensorIndexConvertible {
  /// One place, which the text writes: `"S - 1"`. The dimension is dropped.
  public var tensorIndex: TensorIndex { TensorIndex(kind: .index(extent)) }
}

extension Range<Int>: TensorIndexConvertible {
  /// The range.
  public var tensorIndex: TensorIndex { .range(lowerBound, upperBound) }
}

extension ClosedRange<Int>: TensorIndexConvertible {
  /// The range.
  public var tensorIndex: TensorIndex { upperBound == -1 ? .from(lowerBound) : .range(lowerBound, Extent(upperBound) + 1) }
}

extension PartialRangeFrom<Int>: TensorIndexConvertible {
  /// The range up to the end.
  public var tensorIndex: TensorIndex { .from(lowerBound) }
}

extension PartialRangeUpTo<Int>: TensorIndexConvertible {
  /// The range from the first place on.
  public var tensorIndex: TensorIndex { .range(0, upperBound) }
}

extension PartialRangeThrough<Int>: TensorIndexConvertible {
  /// The range from the first place on.
  public var tensorIndex: TensorIndex { upperBound == -1 ? .all : .range(0, Extent(upperBound) + 1) }
}

extension TensorIndexConvertible where Self == TensorIndex {
  /// The whole dimension.
  public static var all: TensorIndex { TensorIndex.all }
  /// All the dimensions that the other indices leave.
  public static var rest: TensorIndex { TensorIndex.rest }
  /// A new dimension of extent 1.
  public static var newDimension: TensorIndex { TensorIndex.newDimension }
  /// From `start` up to, not including, `stop`, in steps.
  public static func range(_ start: some ExtentConvertible, _ stop: some ExtentConvertible, step: Int = 1) -> TensorIndex {
    TensorIndex(kind: .range(start.extent, stop.extent, step: step))
  }
  /// From `start` to the end, in steps.
  public static func from(_ start: some ExtentConvertible, step: Int = 1) -> TensorIndex {
    TensorIndex(kind: .range(start.extent, nil, step: step))
  }
}

extension Tensor {
  /// A part of the tensor: one index for each dimension from the first on; dimensions without one are taken whole.
  ///
  /// ```swift
  /// x[0]                 // the first matrix of a batch
  /// x[0..., 2]           // column 2
  /// x[..., (-1)...]      // the last element of each row, the dimension kept
  /// x[.range(0, "S - 1", step: 2)]
  /// ```
  public subscript(_ indices: [TensorIndex], file file: String = #filePath, line line: Int = #line) -> Tensor {
    sliced(indices, CallSite(file, line))
  }

  // One per number of indices, since literals in a parameter pack do not take a type from their context.

  /// A part of the tensor by one index; the other dimensions are taken whole.
  public subscript<A: TensorIndexConvertible>(_ a: A, file file: String = #filePath, line line: Int = #line) -> Tensor {
    sliced([a.tensorIndex], CallSite(file, line))
  }

  /// A part of the tensor by two indices.
  public subscript<A: TensorIndexConvertible, B: TensorIndexConvertible>(_ a: A, _ b: B, file file: String = #filePath,
    line line: Int = #line
  ) -> Tensor {
    sliced([a.tensorIndex, b.tensorIndex], CallSite(file, line))
  }

  /// A part of the tensor by three indices.
  public subscript<A: TensorIndexConvertible, B: TensorIndexConvertible, C: TensorIndexConvertible>(_ a: A, _ b: B, _ c: C,
    file file: String = #filePath, line line: Int = #line
  ) -> Tensor {
    sliced([a.tensorIndex, b.tensorIndex, c.tensorIndex], CallSite(file, line))
  }

  /// A part of the tensor by four indices.
  public subscript<A: TensorIndexConvertible, B: TensorIndexConvertible, C: TensorIndexConvertible, D: TensorIndexConvertible>(
    _ a: A, _ b: B, _ c: C, _ d: D, file file: String = #filePath, line line: Int = #line
  ) -> Tensor {
    sliced([a.tensorIndex, b.tensorIndex, c.tensorIndex, d.tensorIndex], CallSite(file, line))
  }

  /// A part of the tensor by five indices.
  public subscript<
    A: TensorIndexConvertible, B: TensorIndexConvertible, C: TensorIndexConvertible, D: TensorIndexConvertible,
    E: TensorIndexConvertible
  >(_ a: A, _ b: B, _ c: C, _ d: D, _ e: E, file file: String = #filePath, line line: Int = #line) -> Tensor {
    sliced([a.tensorIndex, b.tensorIndex, c.tensorIndex, d.tensorIndex, e.tensorIndex], CallSite(file, line))
  }

  /// A part of the tensor by six indices.
  public subscript<
    A: TensorIndexConvertible, B: TensorIndexConvertible, C: TensorIndexConvertible, D: TensorIndexConvertible,
    E: TensorIndexConvertible, F: TensorIndexConvertible
  >(_ a: A, _ b: B, _ c: C, _ d: D, _ e: E, _ f: F, file file: String = #filePath, line line: Int = #line) -> Tensor {
    sliced([a.tensorIndex, b.tensorIndex, c.tensorIndex, d.tensorIndex, e.tensorIndex, f.tensorIndex], CallSite(file, line))
  }

  /// The whole tensor.
  public subscript(_ all: UnboundedRange, file file: String = #filePath, line line: Int = #line) -> Tensor { self }

  /// A part of the tensor by an index of the last dimension.
  public subscript<A: TensorIndexConvertible>(_ rest: UnboundedRange, _ a: A, file file: String = #filePath,
    line line: Int = #line
  ) -> Tensor {
    sliced([.rest, a.tensorIndex], CallSite(file, line))
  }

  /// A part of the tensor by indices of the last two dimensions.
  public subscript<A: TensorIndexConvertible, B: TensorIndexConvertible>(_ rest: UnboundedRange, _ a: A, _ b: B,
    file file: String = #filePath, line line: Int = #line
  ) -> Tensor {
    sliced([.rest, a.tensorIndex, b.tensorIndex], CallSite(file, line))
  }

  private func sliced(_ given: [TensorIndex], _ site: CallSite) -> Tensor {
    guard builder.graph.failure == nil else { return builder.poison(type) }
    let used = given.count { $0.kind != .rest && $0.kind != .new }
    guard used <= rank, given.count(where: { $0.kind == .rest }) <= 1 else {
      return builder.fail("got \(used) indices for \(summary), expected at most \(rank), and .rest once", site, guess: type)
    }
    var indices = given
    let place = indices.firstIndex(of: .rest) ?? indices.endIndex
    indices.replaceSubrange(place..<Swift.min(place + 1, indices.endIndex), with: Array(repeating: .all, count: rank - used))

    var (start, stop, step): ([Extent], [Extent], [Int]) = ([], [], [])
    var shape: [Extent] = []
    for index in indices {
      // `.new` does not use a dimension of the operand, and there may be none left.
      let extent = start.count < rank ? self.shape[start.count] : 1
      func fromStart(_ bound: Extent) -> Extent { (bound.constant ?? 0) < 0 ? extent + bound : bound }
      switch index.kind {
      case .index(let index):
        start.append(fromStart(index))
        stop.append(fromStart(index) + 1)
        step.append(1)
      case .range(let from, let to, let stride):
        guard stride >= 1 else { return builder.fail("got the step \(stride), expected at least 1", site, guess: type) }
        start.append(fromStart(from ?? 0))
        stop.append(to.map(fromStart) ?? extent)
        step.append(stride)
        shape.append((stop.last! - start.last!).dividedRoundingUp(by: stride))
      case .new: shape.append(1)
      case .rest: continue  // Replaced above.
      }
    }
    let isWhole = start.allSatisfy { $0 == 0 } && stop == self.shape.extents && step.allSatisfy { $0 == 1 }
    guard !isWhole else { return reshaped(Shape(shape), site) }
    var attributes = [Attribute(.start, start), Attribute(.stop, stop)]
    if step.contains(where: { $0 != 1 }) { attributes.append(Attribute(.step, step)) }
    let slice = builder.emit(.slice, [self], attributes, guess: TensorType(element, Shape(shape)), site)
    return slice.value == nil ? builder.poison(TensorType(element, Shape(shape))) : slice.reshaped(Shape(shape), site)
  }
}
