import HeedIR
import HeedInterpreter
import HeedTestSupport
import Testing

/// An f64 array: no rounding between what the test says and what is compared.
func f64(_ shape: [Int], _ values: Double...) -> ReferenceArray { ReferenceArray(.f64, shape, reals: values) }
func i64(_ shape: [Int], _ values: Int64...) -> ReferenceArray { ReferenceArray(.i64, shape, integers: values) }
func i32(_ shape: [Int], _ values: Int64...) -> ReferenceArray { ReferenceArray(.i32, shape, integers: values) }
func u8(_ shape: [Int], _ values: Int64...) -> ReferenceArray { ReferenceArray(.u8, shape, integers: values) }
func bool(_ shape: [Int], _ values: Bool...) -> ReferenceArray { ReferenceArray(.bool, shape, integers: values.map { $0 ? 1 : 0 }) }

/// True where the arrays have one type and shape and equal elements: NaN equals NaN, finite reals differ by at most `tolerance` times the
/// larger of 1 and their size.
func areClose(_ left: ReferenceArray, _ right: ReferenceArray, tolerance: Double = 1e-12) -> Bool {
  guard left.element == right.element, left.shape == right.shape, left.integers == right.integers else { return false }
  return zip(left.reals, right.reals).allSatisfy { a, b in
    a == b || a.isNaN && b.isNaN || (a - b).magnitude <= tolerance * max(1, b.magnitude)
  }
}

extension ReferenceArray {
  /// An array of seeded random elements: reals around 0; integers in `range`.
  static func random(
    _ element: ElementType, _ shape: [Int], in range: ClosedRange<Int64> = 0...5, using generator: inout SeededGenerator
  ) -> ReferenceArray {
    .generated(element, shape) { _ in
      element.isFloat
        ? Literal(Double.random(in: -2...2, using: &generator)) : Literal(element.wrap(.random(in: range, using: &generator)))
    }
  }
}

/// The results of the only graph that `text` holds.
func evaluate(_ text: String, _ inputs: [Name: ReferenceArray]) throws -> [ReferenceArray] {
  try GraphInterpreter.evaluate(#require(try Graph.parse(text).first), inputs: inputs).map(\.array)
}

/// The message of the error that `body` throws.
func errorMessage(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch {
    return (error as? HeedError)?.message ?? "\(error)"
  }
}
