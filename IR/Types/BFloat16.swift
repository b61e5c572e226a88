/// A bfloat16: the upper half of a `Float`.
public struct BFloat16: BitwiseCopyable, Hashable, Sendable {
  /// Sign, eight bits of exponent and seven of fraction: the upper 16 bits of the same `Float`.
  public var bitPattern: UInt16

  /// The bfloat16 of these bits.
  public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// The nearest bfloat16, ties to even; a NaN stays a (quiet) NaN.
  public init(_ value: Float) {
    let bits = value.bitPattern
    if value.isNaN {
      bitPattern = UInt16(truncatingIfNeeded: bits >> 16) | 0x40
    } else {
      let rounding = 0x7fff + ((bits >> 16) & 1)
      bitPattern = UInt16(truncatingIfNeeded: (bits &+ rounding) >> 16)
    }
  }

  /// The nearest bfloat16 to a double, rounded once: the float between is rounded to odd, so that no tie is made.
  public init(_ value: Double) {
    var single = Float(value)
    if single.isFinite, Double(single) != value, single.bitPattern & 1 == 0 {
      let towardZero = abs(Double(single)) > abs(value) ? single.bitPattern - 1 : single.bitPattern
      single = Float(bitPattern: towardZero | 1)
    }
    self.init(single)
  }

  /// The same value as a `Float`; exact.
  public var float: Float { Float(bitPattern: UInt32(bitPattern) << 16) }
}
