/// What can stand where an extent is wanted: a number, text or an extent.
public protocol ExtentConvertible {
  /// The extent that the value stands for.
  var extent: Extent { get }
}

extension Extent: ExtentConvertible {
  /// Itself.
  public var extent: Extent { self }
}

extension Int: ExtentConvertible {
  /// A constant extent.
  public var extent: Extent { Extent(self) }
}

extension String: ExtentConvertible {
  /// The extent that the text writes: `"S"`, `"2*S + 1"`.
  public var extent: Extent { Extent(stringLiteral: self) }
}

extension Extent {
  /// The sum with a number.
  public static func + (left: Extent, right: Int) -> Extent { left + Extent(right) }
  /// The sum with a number.
  public static func + (left: Int, right: Extent) -> Extent { Extent(left) + right }
  /// The difference from a number.
  public static func - (left: Extent, right: Int) -> Extent { left - Extent(right) }
  /// The difference from a number.
  public static func - (left: Int, right: Extent) -> Extent { Extent(left) - right }
  /// The product with a number.
  public static func * (left: Extent, right: Int) -> Extent { left * Extent(right) }
  /// The product with a number.
  public static func * (left: Int, right: Extent) -> Extent { Extent(left) * right }

  /// Adds an extent.
  public static func += (left: inout Extent, right: some ExtentConvertible) { left = left + right.extent }
  /// Subtracts an extent.
  public static func -= (left: inout Extent, right: some ExtentConvertible) { left = left - right.extent }
  /// Multiplies by an extent.
  public static func *= (left: inout Extent, right: some ExtentConvertible) { left = left * right.extent }
}
