extension Target {
  /// Instructions that some processors have, as far as the compiler decides by them. The raw value is the name in text.
  ///
  /// A feature says what instructions do, not which they are: that is in Sources/HeedCodegen/Targets.
  public enum Feature: String, CaseIterable, Hashable, Sendable {
    /// A multiply and an add that are written as fused run as one instruction, rounded once. Without it they run as two, rounded
    /// twice.
    case fma
    /// One instruction rounds a vector of floats to whole numbers.
    case rounding
    /// Vector loads and stores can leave lanes out at no cost.
    case maskedAccess = "masks"
    /// One instruction adds the products of pairs of bf16 to sums of f32.
    case bfloat16Products = "bf16 products"
    /// One instruction takes the fraction of a vector of floats, and one multiplies it by powers of two.
    case powerScaling = "power scaling"
  }
}

extension Target.Feature: CustomStringConvertible {
  /// The name in text.
  public var description: String { rawValue }
}
