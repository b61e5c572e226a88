// `y += x`, `y *= 2`: the variable holds the new tensor; the graph keeps the old one.

extension Tensor {
  /// Adds a tensor.
  public static func += (left: inout Tensor, right: Tensor) { left = left + right }
  /// Adds a number.
  public static func += (left: inout Tensor, right: some TensorScalar) { left = left + right }
  /// Subtracts a tensor.
  public static func -= (left: inout Tensor, right: Tensor) { left = left - right }
  /// Subtracts a number.
  public static func -= (left: inout Tensor, right: some TensorScalar) { left = left - right }
  /// Multiplies by a tensor.
  public static func *= (left: inout Tensor, right: Tensor) { left = left * right }
  /// Multiplies by a number.
  public static func *= (left: inout Tensor, right: some TensorScalar) { left = left * right }
  /// Divides by a tensor.
  public static func /= (left: inout Tensor, right: Tensor) { left = left / right }
  /// Divides by a number.
  public static func /= (left: inout Tensor, right: some TensorScalar) { left = left / right }
  /// Takes the remainder by a tensor.
  public static func %= (left: inout Tensor, right: Tensor) { left = left % right }
  /// Takes the remainder by a number.
  public static func %= (left: inout Tensor, right: some TensorScalar) { left = left % right }

  /// Keeps the bits that are set in both.
  public static func &= (left: inout Tensor, right: Tensor) { left = left & right }
  /// Sets the bits that are set in the right one.
  public static func |= (left: inout Tensor, right: Tensor) { left = left | right }
  /// Changes the bits that are set in the right one.
  public static func ^= (left: inout Tensor, right: Tensor) { left = left ^ right }
}
