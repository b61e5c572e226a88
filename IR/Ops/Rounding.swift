/// How the reference rounds what it computes in double precision.
public enum Rounding: Sendable {
  /// To the type of the value: the definition.
  case toType
  /// To the type in which kernels compute with the value: as above, but 16-bit floats are held in f32 and rounded only where a graph
  /// converts to them. What fused code computes.
  case toComputed
  /// Only where a graph converts: for comparing graphs as formulas.
  case none

  /// `value` as the reference holds it where its type is `element`.
  func round(_ value: Double, _ element: ElementType) -> Double {
    switch self {
    case .toType: element.round(value)
    case .toComputed: element.computed.round(value)
    case .none: value
    }
  }
}

extension ReferenceArray {
  /// Rounds the elements of a float array.
  package mutating func round(_ rounding: Rounding = .toType) {
    guard element.isFloat, element != .f64, rounding != .none else { return }
    for position in reals.indices { reals[position] = rounding.round(reals[position], element) }
  }
}
