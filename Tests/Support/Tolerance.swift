public import HeedArrays
public import HeedIR
import HeedInterpreter

/// How far compiled results may be from those of the reference.
public struct Tolerance: Sendable {
  /// What an error is relative to: the element itself, or the largest element of the array, for sums that cancel.
  public enum Scale: Sendable { case element, array }

  /// For results in f32, and in narrower floats beside their own rounding.
  public var f32 = 2e-6
  /// For results in f64.
  public var f64 = 1e-12
  /// How often a 16-bit result and what it is computed from were rounded: each rounding adds half a unit in the last place to what f32
  /// leaves. Where ops are not fused, each result is rounded.
  public var roundings = 4.0
  /// What errors are relative to.
  public var scale = Scale.array
  /// Elements below this count as so large.
  public var least = 1.0

  /// For sums and products.
  public static let sums = Tolerance()
  /// For ops on elements, one or a few.
  public static let elements = Tolerance(scale: .element)
  /// For long chains of ops.
  public static let loose = Tolerance(f32: 2e-5, f64: 1e-11)
  /// For what is not rounded.
  public static let exact = Tolerance(f32: 0, f64: 0)

  /// The standard for the results of kernels; the members say what each part means.
  public init(f32: Double = 2e-6, f64: Double = 1e-12, roundings: Double = 4, scale: Scale = .array, least: Double = 1) {
    (self.f32, self.f64, self.roundings, self.scale, self.least) = (f32, f64, roundings, scale, least)
  }
}

extension ElementType {
  /// The greatest relative error of a value rounded to this 16-bit float type.
  public var roundoff: Double { self == .bf16 ? 0x1p-8 : 0x1p-11 }
}

/// How `got` differs from `expected`; nil where it does not. Integers must be equal; the reference's numbers are rounded first, so
/// that what is too large for the type is infinite.
public func difference(_ got: NDArray, _ expected: ReferenceArray, _ tolerance: Tolerance) throws -> String? {
  guard got.element == expected.element, got.shape == expected.shape else {
    return "got \(got.element)\(got.shape), expected \(expected.element)\(expected.shape)"
  }
  let array = ReferenceArray(got)
  guard expected.element.isFloat else {
    guard let position = zip(array.integers, expected.integers).enumerated().first(where: { $1.0 != $1.1 })?.offset else {
      return nil
    }
    return "at \(position) got \(array.integers[position]), expected \(expected.integers[position])"
  }
  let element = expected.element
  let isNarrow = element.byteCount == 2
  // The error of a narrow result is measured from the exact number, which is as large as the type can hold.
  let reals = expected.reals.map { isNarrow && element.round($0).isFinite ? $0 : element.round($0) }
  let largest = reals.reduce(tolerance.least) { $1.isFinite ? max($0, abs($1)) : $0 }
  let rounding = isNarrow && tolerance.f32 > 0 ? tolerance.roundings * element.roundoff : 0
  let relative = element == .f64 ? tolerance.f64 : tolerance.f32 + rounding
  for (position, (x, y)) in zip(array.reals, reals).enumerated() where x != y && !(x.isNaN && y.isNaN) {
    let scale = tolerance.scale == .array ? largest : max(tolerance.least, abs(y))
    if !(abs(x - y) <= relative * scale) { return "at \(position) got \(x), expected \(expected.reals[position]), scale \(scale)" }
  }
  return nil
}
