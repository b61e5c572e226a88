package import HeedIR

/// Bounds of a number, inclusive, as values of the code that computes them.
package struct Bounds: Hashable {
  package var low: ScalarValue
  package var high: ScalarValue

  package init(low: ScalarValue, high: ScalarValue) { (self.low, self.high) = (low, high) }
}

/// Interval arithmetic.
extension FunctionBuilder {
  /// The bounds of sums.
  mutating func add(_ a: Bounds, _ b: Bounds) -> Bounds {
    Bounds(low: apply(.add, a.low, b.low), high: apply(.add, a.high, b.high))
  }

  /// The bounds of differences.
  mutating func subtract(_ a: Bounds, _ b: Bounds) -> Bounds {
    Bounds(low: apply(.subtract, a.low, b.high), high: apply(.subtract, a.high, b.low))
  }

  /// The bounds of whole numbers times a constant.
  mutating func scale(_ bounds: Bounds, _ factor: Int) -> Bounds {
    switch factor {
    case 0: return Bounds(low: whole(0), high: whole(0))
    case 1: return bounds
    default:
      let ends = [bounds.low, bounds.high].map { end in
        factor == -1 ? apply(.subtract, whole(0), end) : apply(.multiply, end, whole(factor))
      }
      return factor < 0 ? Bounds(low: ends[1], high: ends[0]) : Bounds(low: ends[0], high: ends[1])
    }
  }

  /// What is within both.
  mutating func meet(_ a: Bounds, _ b: Bounds) -> Bounds {
    Bounds(low: apply(.maximum, a.low, b.low), high: apply(.minimum, a.high, b.high))
  }

  /// The bounds of the halves of even numbers.
  mutating func half(_ bounds: Bounds) -> Bounds {
    Bounds(
      low: apply(.divide, apply(.add, bounds.low, whole(1)), whole(2)), high: apply(.divide, bounds.high, whole(2)))
  }

  /// The bounds of the absolute values of whole numbers.
  mutating func magnitude(_ bounds: Bounds) -> Bounds {
    let opposite = scale(bounds, -1)
    return Bounds(
      low: apply(.maximum, apply(.maximum, bounds.low, opposite.low), whole(0)),
      high: apply(.maximum, bounds.high, opposite.high))
  }

  /// The bounds of a product by those of its factors.
  mutating func corners(_ op: Op, _ x: Bounds, _ y: Bounds) -> Bounds {
    let ends = [(x.low, y.low), (x.low, y.high), (x.high, y.low), (x.high, y.high)].map { apply(op, $0.0, $0.1) }
    return Bounds(
      low: ends.dropFirst().reduce(ends[0]) { apply(.minimum, $0, $1) },
      high: ends.dropFirst().reduce(ends[0]) { apply(.maximum, $0, $1) })
  }

  /// False for bounds that are infinite or NaN.
  mutating func isFinite(_ bounds: Bounds) -> ScalarValue {
    let type = type(bounds.low)
    let infinity = constant(Literal(Double.infinity), type)
    return apply(.and, apply(.less, apply(.negate, infinity), bounds.low), apply(.less, bounds.high, infinity))
  }

  /// The bounds of a bitwise op by known bits: the bits that both ends share above the first in which they differ. Where a number may
  /// be negative, only that the result's magnitude is within `limit`.
  mutating func bitwise(_ op: Op, _ x: Bounds, _ y: Bounds, limit: Int) -> Bounds {
    let (a, b) = (knownBits(x), knownBits(y))
    let known: (ones: ScalarValue, possible: ScalarValue)
    if op == .xor {
      let unknown = apply(.or, a.unknown, b.unknown)
      let ones = apply(.and, apply(.xor, a.ones, b.ones), apply(.not, unknown))
      known = (ones, apply(.or, ones, unknown))
    } else {
      known = (apply(op, a.ones, b.ones), apply(op, apply(.or, a.ones, a.unknown), apply(.or, b.ones, b.unknown)))
    }
    let isFollowed = apply(.and, apply(.lessEqual, whole(0), x.low), apply(.lessEqual, whole(0), y.low))
    return Bounds(
      low: apply(.select, isFollowed, known.ones, whole(-limit)), high: apply(.select, isFollowed, known.possible, whole(limit)))
  }

  private mutating func knownBits(_ x: Bounds) -> (ones: ScalarValue, unknown: ScalarValue) {
    guard x.low != x.high else { return (x.low, whole(0)) }
    var unknown = apply(.xor, x.low, x.high)
    for shift in [1, 2, 4, 8, 16, 32] { unknown = apply(.or, unknown, apply(.shiftRight, unknown, whole(shift))) }
    return (apply(.and, x.low, apply(.not, unknown)), unknown)
  }
}
