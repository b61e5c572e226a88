public import HeedIR

/// Arrays of one number.
///
/// The shapes here are written in the program, so a negative extent stops it with a message, as in `Array(repeating:count:)`;
/// `NDArray(zeros:_:)` throws instead.
extension NDArray {
  /// An array of zeros, or of false.
  public static func zeros(_ shape: [Int], element: ElementType = .f32) -> NDArray {
    stopping { try NDArray(zeros: element, shape) }
  }

  /// An array of ones, or of true.
  public static func ones(_ shape: [Int], element: ElementType = .f32) -> NDArray {
    NDArray(shape: shape, repeating: 1).converted(to: element)
  }

  /// An array of one value: `NDArray(shape: [2, 3], repeating: Float.pi)`.
  @_disfavoredOverload
  public init<Scalar: ArrayElement>(shape: [Int], repeating value: Scalar) {
    self = Self.stopping { try NDArray([value], []) }.repeated(shape)
  }

  /// An array of one number as written, which takes the type that the array is used as: `NDArray(shape: [2, 3], repeating: 0.5)`.
  public init(shape: [Int], repeating literal: ArrayLiteral) {
    self = Self.stopping {
      let value = try NDArray(literal)
      guard value.shape.isEmpty else { throw HeedError("got \(value.typeText) to repeat, expected one number") }
      return value
    }.repeated(shape)
  }

  private func repeated(_ shape: [Int]) -> NDArray {
    let zeros = Self.stopping { try NDArray(zeros: element, shape) }
    zeros.fill(zeros.layout, from: part(layout.broadcast(to: shape)!))
    return NDArray(element, zeros.layout, zeros.storage, isLiteral: isLiteral)
  }

  /// What `body` returns; its error stops the program.
  static func stopping(_ body: () throws -> NDArray) -> NDArray {
    do { return try body() } catch { fatalError("NDArray: \(error)") }
  }
}
