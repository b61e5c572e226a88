import HeedIR

/// A change of scores: a function from the scores and the indices of their pairs to scores of the same shape.
///
/// ```swift
/// let scores = (matmul(q, k.transposed()) / 8).applying(.softCap(30), .alibi())
/// return matmul(softmax(scores.where(.causal(), else: -.infinity)), v)
/// ```
///
/// Changes are plain tensor math, and a custom one is a closure:
/// `Score { score, pair in score + pair.perHead(bias) }`. The compiler knows none of them by name.
public struct Score {
  private let change: (Tensor, Pairs) -> Tensor

  /// A change that the closure writes.
  public init(_ change: @escaping (_ score: Tensor, _ pair: Pairs) -> Tensor) { self.change = change }

  /// The changed scores of these pairs.
  public func callAsFunction(_ scores: Tensor, _ pairs: Pairs) -> Tensor { change(scores, pairs) }

  /// The changed scores, `[batch, heads..., queries, keys]`.
  public func callAsFunction(_ scores: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    scores.builder.located(file, line) { change(scores, Pairs(scores)) }
  }

  /// This change and then another.
  public func then(_ next: Score) -> Score { Score { next(self($0, $1), $1) } }

  /// A bias that is added to the scores.
  static func adding(_ bias: @escaping (_ pair: Pairs, _ type: ElementType) -> Tensor) -> Score {
    Score { score, pair in
      // 16-bit floats hold no distance beyond 256 exactly.
      let wide = score.element.computed
      return score + bias(pair, wide).cast(to: score.element)
    }
  }
}

extension Tensor {
  /// These scores, `[batch, heads..., queries, keys]`, changed one change after the other: `scores.applying(.softCap(30), .alibi())`.
  public func applying(_ changes: Score..., file: String = #filePath, line: Int = #line) -> Tensor {
    builder.located(file, line) {
      let pairs = Pairs(self)
      return changes.reduce(self) { $1($0, pairs) }
    }
  }
}
