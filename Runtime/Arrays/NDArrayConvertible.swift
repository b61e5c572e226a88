/// What can be passed as an array: a number, a Swift array of them, however deep, or an `NDArray`.
public protocol NDArrayConvertible: Sendable {
  /// The value as an array of its own element type.
  /// - Throws: where the arrays at one depth are not of one length.
  func array() throws -> NDArray

  /// These values along a new first dimension.
  /// - Throws: where they are not of one shape.
  static func stacked(_ values: [Self]) throws -> NDArray
}

extension NDArrayConvertible {
  /// These values along a new first dimension.
  public static func stacked(_ values: [Self]) throws -> NDArray { try NDArray(stacking: values.map { try $0.array() }) }
}

extension NDArrayConvertible where Self: ArrayElement {
  /// A scalar.
  public func array() throws -> NDArray { try NDArray([self], []) }
  /// An array of one dimension.
  public static func stacked(_ values: [Self]) throws -> NDArray { try NDArray(values, [values.count]) }
}

extension Array: NDArrayConvertible where Element: NDArrayConvertible {
  /// The elements along a new first dimension.
  public func array() throws -> NDArray { try Element.stacked(self) }
}

extension NDArray: NDArrayConvertible {
  /// Itself.
  public func array() throws -> NDArray { self }

  /// An array of numbers, or of arrays of them: `NDArray([[1, 2], [3, 4]] as [[Float]])`.
  /// - Throws: where the arrays at one depth are not of one length.
  @_disfavoredOverload  // Numbers written in place are a literal: see the initialiser of `ArrayLiteral`.
  public init(_ value: some NDArrayConvertible) throws { self = try value.array() }
}
