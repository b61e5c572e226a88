internal import HeedIR

/// What picks from one dimension of an array: an index, which drops the dimension, or a range, which keeps it.
public struct ArrayIndex: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    case index(Int)
    case range(Int, Int?, step: Int)
    case rest
  }

  let kind: Kind

  /// The whole dimension.
  public static let all = ArrayIndex(kind: .range(0, nil, step: 1))
  /// All the dimensions that the other indices leave: `x[.rest, 0]` has the first element of each last row.
  public static let rest = ArrayIndex(kind: .rest)

  /// From `start` up to, not including, `stop`, in steps. Numbers below 0 count from the end.
  public static func range(_ start: Int, _ stop: Int, step: Int = 1) -> ArrayIndex {
    ArrayIndex(kind: .range(start, stop, step: step))
  }

  /// From `start` to the end, in steps. A number below 0 counts from the end.
  public static func from(_ start: Int, step: Int = 1) -> ArrayIndex { ArrayIndex(kind: .range(start, nil, step: step)) }
}

/// What can be an index of an array: `x[0, 2...5, (-3)..., .all]`. Numbers below 0 count from the end.
public protocol ArrayIndexConvertible {
  /// The index that the value stands for.
  var arrayIndex: ArrayIndex { get }
}

extension ArrayIndex: ArrayIndexConvertible {
  /// Itself.
  public var arrayIndex: ArrayIndex { self }
}

extension Int: ArrayIndexConvertible {
  /// One place; the dimension is dropped.
  public var arrayIndex: ArrayIndex { ArrayIndex(kind: .index(self)) }
}

extension Range<Int>: ArrayIndexConvertible {
  /// The range.
  public var arrayIndex: ArrayIndex { .range(lowerBound, upperBound) }
}

extension ClosedRange<Int>: ArrayIndexConvertible {
  /// The range.
  public var arrayIndex: ArrayIndex { upperBound == -1 ? .from(lowerBound) : .range(lowerBound, upperBound.next) }
}

extension PartialRangeFrom<Int>: ArrayIndexConvertible {
  /// The range up to the end.
  public var arrayIndex: ArrayIndex { .from(lowerBound) }
}

extension PartialRangeUpTo<Int>: ArrayIndexConvertible {
  /// The range from the first place on.
  public var arrayIndex: ArrayIndex { .range(0, upperBound) }
}

extension PartialRangeThrough<Int>: ArrayIndexConvertible {
  /// The range from the first place on.
  public var arrayIndex: ArrayIndex { upperBound == -1 ? .all : .range(0, upperBound.next) }
}

extension ArrayIndexConvertible where Self == ArrayIndex {
  /// The whole dimension.
  public static var all: ArrayIndex { ArrayIndex.all }
  /// All the dimensions that the other indices leave.
  public static var rest: ArrayIndex { ArrayIndex.rest }
  /// From `start` up to, not including, `stop`, in steps.
  public static func range(_ start: Int, _ stop: Int, step: Int = 1) -> ArrayIndex { ArrayIndex.range(start, stop, step: step) }
  /// From `start` to the end, in steps.
  public static func from(_ start: Int, step: Int = 1) -> ArrayIndex { ArrayIndex.from(start, step: step) }
}

extension Int {
  /// The next number; the greatest has none.
  fileprivate var next: Int { self == .max ? .max : self + 1 }
}

extension ArrayLayout {
  /// The part that `given` picks: one index for each dimension from the first on; dimensions without one are taken whole.
  /// - Throws: where an index or a range is not inside its dimension, or there are more indices than dimensions.
  func part(_ given: [ArrayIndex]) throws -> ArrayLayout {
    let rests = given.count { $0.kind == .rest }
    let used = given.count - rests
    guard used <= shape.count, rests <= 1 else {
      throw HeedError("got \(used) indices for an array of shape \(shape), expected at most \(shape.count), and .rest once")
    }
    var indices = given
    let place = indices.firstIndex(of: .rest) ?? indices.endIndex
    indices.replaceSubrange(
      place..<Swift.min(place + 1, indices.endIndex), with: Array(repeating: .all, count: shape.count - used))

    var (picked, strides, offset): ([Int], [Int], Int) = ([], [], self.offset)
    for (dimension, (index, stride)) in zip(indices, allStrides).enumerated() {
      let extent = shape[dimension]
      func fromStart(_ place: Int) -> Int { place < 0 ? extent + place : place }
      func outside(_ got: String) -> HeedError {
        HeedError("got \(got) in dimension \(dimension) of an array of shape \(shape), expected one inside 0 ..< \(extent)")
      }
      switch index.kind {
      case .index(let number):
        guard 0..<extent ~= fromStart(number) else { throw outside("the index \(number)") }
        offset += fromStart(number) * stride
      case .range(let first, let last, let step):
        let (start, stop) = (fromStart(first), last.map(fromStart) ?? extent)
        guard step >= 1 else { throw HeedError("got the step \(step) in dimension \(dimension), expected at least 1") }
        guard 0 <= start, start <= stop, stop <= extent else { throw outside("the range \(first) ..< \(last ?? extent)") }
        picked.append(start == stop ? 0 : (stop - start - 1) / step + 1)
        // Wraps only where there are no neighbours.
        strides.append(stride &* step)
        if start < extent { offset += start * stride }
      case .rest: continue
      }
    }
    return ArrayLayout(picked, strides: strides, offset: offset)
  }
}
