/// A number written in IR: a real or a whole one, kept to the bit (NaN equals itself).
public struct Literal: Hashable, Sendable {
  private let bits: UInt64
  /// True for a real number, false for a whole one.
  public let isReal: Bool

  /// A real number.
  public init(_ value: Double) { (bits, isReal) = (value.bitPattern, true) }
  /// A whole number.
  public init(_ value: Int64) { (bits, isReal) = (UInt64(bitPattern: value), false) }
  /// A whole number.
  public init(_ value: Int) { self.init(Int64(value)) }
  /// A boolean as a whole number: 1 for true, 0 for false.
  public init(_ value: Bool) { self.init(Int64(value ? 1 : 0)) }

  /// The value as a double; a whole number is converted.
  public var real: Double { isReal ? Double(bitPattern: bits) : Double(Int64(bitPattern: bits)) }

  /// The whole number. Traps where the literal is real.
  public var integer: Int64 {
    precondition(!isReal, "a real literal used as an integer")
    return Int64(bitPattern: bits)
  }

  /// The literal as a value of `element`: real for float types (rounded to the type), whole for the others. Nil where the value is
  /// not one of that type (a fraction for an integer, 300 for a u8, 2 for a bool).
  public func converted(to element: ElementType) -> Literal? {
    if element.isFloat { return Literal(element.round(real)) }
    if isReal {
      guard let exact = Int64(exactly: real), element.integerRange.contains(exact) else { return nil }
      return Literal(exact)
    }
    return element.integerRange.contains(integer) ? self : nil
  }

  /// The text of the literal as a value of `element`: `0.125`, `-inf`, `3`, `true`.
  public func text(as element: ElementType) -> String {
    if element == .bool { return integer != 0 ? "true" : "false" }
    if !element.isFloat { return "\(integer)" }
    let value = real
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    // The shortest text that reads as the same value when it is rounded to the element type again.
    if element == .f64 { return "\(value)" }
    return "\(Float(value))"
  }
}
