import HeedIR

/// What is known of a number of the condition over a rectangle of indices.
enum AbstractNumber {
  /// The number, exactly.
  case linear(LinearForm)
  /// A whole number between bounds; where it is a remainder, of what.
  case whole(Bounds, residue: Residue? = nil)
  /// A float between bounds in the type in which kernels compute, neither NaN nor infinite where the bounds are finite.
  case real(Bounds)
  case unknown

  /// `dividend` modulo a positive constant.
  struct Residue {
    var dividend: Bounds
    var modulus: Int
  }

  /// A number that is `value` whatever the indices.
  static func uniform(_ value: ScalarValue) -> AbstractNumber { .linear(LinearForm(rest: value)) }
}
