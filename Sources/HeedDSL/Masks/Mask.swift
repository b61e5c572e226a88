import HeedIR

/// Which pairs of a query and a key are live: a function from their indices to bools that broadcast against the scores.
///
/// ```swift
/// let scores = matmul(q, k.transposed()) / 8
/// let masked = scores.where(.causal() & .slidingWindow(before: 255, after: 0) | .keys(below: 4), else: -.infinity)
/// return matmul(softmax(masked), v)
/// ```
///
/// Masks are plain tensor math: `mask(scores)` is a tensor of bools as one would write it by hand. A custom mask is a
/// closure, `Mask { pair in pair.query % 2 == pair.key % 2 }`. The compiler knows none of them by name.
public struct Mask {
  private let live: (Pairs) -> Tensor

  /// A mask that holds where the closure's tensor does; the tensor broadcasts against the scores.
  public init(_ live: @escaping (_ pair: Pairs) -> Tensor) { self.live = live }

  /// Whether the pairs are live: bools.
  public func callAsFunction(_ pairs: Pairs) -> Tensor { live(pairs) }

  /// Whether the pairs of scores `[batch, heads..., queries, keys]` are live: bools that broadcast against the scores.
  public func callAsFunction(_ scores: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    scores.builder.located(file, line) { live(Pairs(scores)) }
  }

  // MARK: Combinations

  /// Both.
  public static func & (left: Mask, right: Mask) -> Mask { Mask { left($0) & right($0) } }

  /// Either.
  public static func | (left: Mask, right: Mask) -> Mask { Mask { left($0) | right($0) } }

  /// The opposite.
  public static prefix func ! (mask: Mask) -> Mask { Mask { !mask($0) } }

  /// Both.
  public func and(_ other: Mask) -> Mask { self & other }
  /// Either.
  public func or(_ other: Mask) -> Mask { self | other }
  /// The opposite.
  public var not: Mask { !self }

  /// This mask where `condition` holds, else the other: of heads, `.causal().if(.heads(0..<4), else: .all)`.
  public func `if`(_ condition: Mask, else other: Mask) -> Mask { (condition & self) | (!condition & other) }

  // MARK: Simple masks

  /// Every pair.
  public static var all: Mask { Mask { $0.builder.constant(true, .bool) } }

  /// The queries at positions below a number.
  public static func queries(below count: Int) -> Mask { Mask { $0.query < count } }

  /// The keys at positions below a number.
  public static func keys(below count: Int) -> Mask { Mask { $0.key < count } }

  /// The keys at positions below a number per row of the batch, `[batch]`: the rest is padding.
  public static func keys(below counts: Tensor) -> Mask { Mask { $0.key < $0.perBatch(counts) } }

  /// All pairs of some heads.
  public static func heads(_ heads: Range<Int>) -> Mask {
    Mask { ($0.head >= heads.lowerBound) & ($0.head < heads.upperBound) }
  }

  /// All pairs of the heads for which a table of bools, `[heads]`, is true.
  public static func heads(_ table: Tensor) -> Mask { Mask { $0.perHead(table) } }

  /// The pairs for which a table of bools is true: `[queries, keys]`, or anything else that broadcasts against the scores.
  public static func table(_ table: Tensor) -> Mask { Mask { _ in table } }
}

extension Tensor {
  /// These scores where the mask holds, else `other`: `scores.where(.causal(), else: -.infinity)`.
  ///
  /// The scores are `[batch, heads..., queries, keys]`.
  public func `where`(_ mask: Mask, else other: Double, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.located(file, line) { select(mask(Pairs(self)), self, other) }
  }
}
