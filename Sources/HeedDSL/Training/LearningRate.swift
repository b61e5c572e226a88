import Foundation

/// A learning rate as a function of the step.
///
/// ```swift
/// let rate: LearningRate = 1e-3
/// let schedule = LearningRate.cosine(from: 3e-4, to: 3e-5, over: 10_000).warmedUp(over: 100)
/// ```
public struct LearningRate: Sendable {
  /// The rate of a step, an f64, given how many steps were made before it, an f64.
  let rate: @Sendable (_ made: Tensor) -> Tensor

  /// The rate that `rate` computes, an f64, from the number of steps made before, an f64.
  public init(_ rate: @escaping @Sendable (_ made: Tensor) -> Tensor) { self.rate = rate }

  /// The same rate for all steps.
  public static func constant(_ rate: Double) -> LearningRate { LearningRate { $0 * 0 + rate } }

  /// In a straight line from one rate, that of the first step, to another, which it keeps after `steps` steps.
  public static func linear(from first: Double, to last: Double, over steps: Int) -> LearningRate {
    LearningRate { first + progress($0, steps) * (last - first) }
  }

  /// Along half a cosine from one rate, that of the first step, to another, which it keeps after `steps` steps.
  public static func cosine(from first: Double, to last: Double, over steps: Int) -> LearningRate {
    LearningRate { last + (cos(progress($0, steps) * Double.pi) + 1.0) * ((first - last) / 2) }
  }

  /// `steps` steps of which the n-th has n / steps of this schedule's first rate, then the schedule.
  public func warmedUp(over steps: Int) -> LearningRate {
    guard steps > 0 else { return self }
    return LearningRate { made in
      let factor = minimum((made + 1.0) / Double(steps), 1.0)
      return rate(maximum(made - Double(steps), 0.0)) * factor
    }
  }

  /// How much of some steps is made: from 0 to 1.
  private static func progress(_ made: Tensor, _ steps: Int) -> Tensor { minimum(made / Double(max(1, steps)), 1.0) }
}

extension LearningRate: ExpressibleByFloatLiteral {
  /// The same rate for all steps.
  public init(floatLiteral rate: Double) { self = .constant(rate) }
}
