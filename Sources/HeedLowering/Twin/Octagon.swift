import HeedIR

/// Bounds of whole numbers, inclusive, as values of the twin's code.
struct TwinBounds: Hashable {
  var low: ScalarValue
  var high: ScalarValue
}

/// A set of (query, key) pairs bounded by i, j, i - j and i + j: what is known of the indices where some conditions hold.
/// (The octagon domain: Miné 2006.)
struct Octagon: Hashable {
  private(set) var query: TwinBounds
  private(set) var key: TwinBounds
  private(set) var difference: TwinBounds
  private(set) var sum: TwinBounds
  /// Whether more is known of the differences, and of the sums, than queries and keys by themselves imply.
  private(set) var boundsDifference = false
  private(set) var boundsSum = false

  /// All pairs of a rectangle.
  init(query: TwinBounds, key: TwinBounds, _ code: inout TwinCode) {
    (self.query, self.key) = (query, key)
    difference = code.subtract(query, key)
    sum = code.add(query, key)
  }

  /// Keeps the pairs where `query * i + key * j + rest <= 0`, as far as that has the form of an octagon's bound.
  /// - Returns: false where it has not, and nothing changed.
  mutating func meet(query slope: Int, key keySlope: Int, rest: ScalarValue, _ code: inout TwinCode) -> Bool {
    let divisor = slope == 0 ? abs(keySlope) : keySlope == 0 ? abs(slope) : Self.greatestCommonDivisor(slope, keySlope)
    guard divisor > 0, abs(slope / divisor) <= 1, abs(keySlope / divisor) <= 1 else { return false }
    // a i + b j <= floor(-rest / divisor)
    let negated = code.apply(.subtract, code.whole(0), rest)
    let limit = code.apply(.divide, negated, code.whole(divisor))
    /// The form is a positive multiple of `bounds`' number, or a negative one.
    func bound(_ bounds: inout TwinBounds, isPositive: Bool, _ code: inout TwinCode) {
      if isPositive {
        bounds.high = code.apply(.minimum, bounds.high, limit)
      } else {
        bounds.low = code.apply(.maximum, bounds.low, code.apply(.subtract, code.whole(0), limit))
      }
    }
    switch (slope.signum(), keySlope.signum()) {
    case (let sign, 0): bound(&query, isPositive: sign > 0, &code)
    case (0, let sign): bound(&key, isPositive: sign > 0, &code)
    case (let sign, let other) where sign == other:
      bound(&sum, isPositive: sign > 0, &code)
      boundsSum = true
    case (let sign, _):
      bound(&difference, isPositive: sign > 0, &code)
      boundsDifference = true
    }
    return true
  }

  /// Tightens each bound by the others.
  mutating func close(_ code: inout TwinCode) {
    difference = code.meet(difference, code.subtract(query, key))
    sum = code.meet(sum, code.add(query, key))
    let (oldQuery, oldKey) = (query, key)
    if boundsDifference {
      query = code.meet(query, code.add(difference, oldKey))
      key = code.meet(key, code.subtract(oldQuery, difference))
    }
    if boundsSum {
      query = code.meet(query, code.subtract(sum, oldKey))
      key = code.meet(key, code.subtract(sum, oldQuery))
    }
    if boundsDifference && boundsSum {
      query = code.meet(query, code.half(code.add(sum, difference)))
      key = code.meet(key, code.half(code.subtract(sum, difference)))
    }
    difference = code.meet(difference, code.subtract(query, key))
    sum = code.meet(sum, code.add(query, key))
  }

  /// A condition that is false only where no pair is in the octagon. After `close` it is exact unless sums are bounded too.
  func mayHold(_ code: inout TwinCode) -> ScalarValue {
    [query, key, difference, sum].reduce(code.truth(true)) { known, bounds in
      code.apply(.and, known, code.apply(.lessEqual, bounds.low, bounds.high))
    }
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    var (x, y) = (abs(a), abs(b))
    while y != 0 { (x, y) = (y, x % y) }
    return x
  }

  /// The bounds of `query * i + key * j + rest`.
  func bounds(query slope: Int, key keySlope: Int, rest: ScalarValue, _ code: inout TwinCode) -> TwinBounds {
    var best = code.add(code.scale(query, slope), code.scale(key, keySlope))
    if boundsDifference, slope != 0, keySlope != 0 {
      // a i + b j is a (i - j) + (a + b) j, and -b (i - j) + (a + b) i.
      best = code.meet(best, code.add(code.scale(difference, slope), code.scale(key, slope + keySlope)))
      if slope != -keySlope {
        best = code.meet(best, code.add(code.scale(difference, -keySlope), code.scale(query, slope + keySlope)))
      }
    }
    if boundsSum, slope != 0, keySlope != 0 {
      best = code.meet(best, code.add(code.scale(sum, slope), code.scale(key, keySlope - slope)))
      if slope != keySlope { best = code.meet(best, code.add(code.scale(sum, keySlope), code.scale(query, slope - keySlope))) }
    }
    return code.add(best, TwinBounds(low: rest, high: rest))
  }
}

extension TwinCode {
  mutating func add(_ a: TwinBounds, _ b: TwinBounds) -> TwinBounds {
    TwinBounds(low: apply(.add, a.low, b.low), high: apply(.add, a.high, b.high))
  }

  mutating func subtract(_ a: TwinBounds, _ b: TwinBounds) -> TwinBounds {
    TwinBounds(low: apply(.subtract, a.low, b.high), high: apply(.subtract, a.high, b.low))
  }

  /// Times a constant.
  mutating func scale(_ bounds: TwinBounds, _ factor: Int) -> TwinBounds {
    switch factor {
    case 0: return TwinBounds(low: whole(0), high: whole(0))
    case 1: return bounds
    default:
      let ends = [bounds.low, bounds.high].map { end in
        factor == -1 ? apply(.subtract, whole(0), end) : apply(.multiply, end, whole(factor))
      }
      return factor < 0 ? TwinBounds(low: ends[1], high: ends[0]) : TwinBounds(low: ends[0], high: ends[1])
    }
  }

  /// What is within both.
  mutating func meet(_ a: TwinBounds, _ b: TwinBounds) -> TwinBounds {
    TwinBounds(low: apply(.maximum, a.low, b.low), high: apply(.minimum, a.high, b.high))
  }

  /// The bounds of the halves of even numbers.
  mutating func half(_ bounds: TwinBounds) -> TwinBounds {
    TwinBounds(
      low: apply(.divide, apply(.add, bounds.low, whole(1)), whole(2)), high: apply(.divide, bounds.high, whole(2)))
  }
}
