/// What becomes of the losses of single positions or elements.
public enum LossReduction: String, Hashable, Sendable, CaseIterable {
  /// Their mean; NaN of none.
  case mean
  /// Their sum.
  case sum
  /// Each by itself.
  case none
}

extension Tensor {
  /// Losses put together.
  /// - Parameter count: what a mean divides by; the number of elements where it is nil.
  func reduced(_ reduction: LossReduction, count: Tensor? = nil) -> Tensor {
    switch reduction {
    case .none: self
    case .sum: sum()
    case .mean: count.map { sum() / $0 } ?? mean()
    }
  }

  /// Floats in the type in which losses are computed: f32 for 16 bits.
  var inLossType: Tensor { cast(to: element.computed) }
}
