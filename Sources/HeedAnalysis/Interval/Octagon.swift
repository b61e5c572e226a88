package import HeedIR

/// A set of (query, key) pairs bounded by i, j, i - j and i + j: what is known of the indices where some conditions hold.
/// (The octagon domain: Miné 2006.)
package struct Octagon: Hashable {
  package private(set) var query: Bounds
  package private(set) var key: Bounds
  package private(set) var difference: Bounds
  package private(set) var sum: Bounds
  /// Whether more is known of the differences, and of the sums, than queries and keys by themselves imply.
  package private(set) var boundsDifference = false
  package private(set) var boundsSum = false
  /// Whether queries, and keys, are bounded by more than the rectangle.
  private var boundsQuery = false
  private var boundsKey = false
  /// The bounds that cross where the octagon is empty.
  private var crossing: [Bounds] = []

  /// All pairs of a rectangle, which has some.
  package init(query: Bounds, key: Bounds, _ code: inout FunctionBuilder) {
    (self.query, self.key) = (query, key)
    difference = code.subtract(query, key)
    sum = code.add(query, key)
  }

  /// Keeps the pairs where `form <= 0`, as far as that has the form of an octagon's bound.
  /// - Returns: false where it does not, and nothing changed.
  package mutating func meet(_ form: LinearForm, _ code: inout FunctionBuilder) -> Bool {
    let (slope, keySlope) = (form.query, form.key)
    let divisor = Self.greatestCommonDivisor(slope, keySlope)
    guard divisor > 0, abs(slope / divisor) <= 1, abs(keySlope / divisor) <= 1 else { return false }
    // a i + b j <= floor(-rest / divisor)
    let negated = code.apply(.subtract, code.whole(0), form.rest)
    let limit = code.apply(.divide, negated, code.whole(divisor))
    /// The form is a positive multiple of `bounds`' number, or a negative one.
    func bound(_ bounds: inout Bounds, isPositive: Bool, _ code: inout FunctionBuilder) {
      if isPositive {
        bounds.high = code.apply(.minimum, bounds.high, limit)
      } else {
        bounds.low = code.apply(.maximum, bounds.low, code.apply(.subtract, code.whole(0), limit))
      }
    }
    switch (slope.signum(), keySlope.signum()) {
    case (let sign, 0):
      bound(&query, isPositive: sign > 0, &code)
      boundsQuery = true
    case (0, let sign):
      bound(&key, isPositive: sign > 0, &code)
      boundsKey = true
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
  package mutating func close(_ code: inout FunctionBuilder) {
    if boundsQuery || boundsKey {
      difference = code.meet(difference, code.subtract(query, key))
      sum = code.meet(sum, code.add(query, key))
    }
    // Every difference between those of the ends is one of some pair.
    crossing = (boundsDifference ? [difference] : []) + (boundsQuery ? [query] : []) + (boundsKey ? [key] : [])
    let (oldQuery, oldKey) = (query, key)
    if boundsDifference {
      query = code.meet(query, code.add(difference, oldKey))
      key = code.meet(key, code.subtract(oldQuery, difference))
    }
    guard boundsSum else { return }
    query = code.meet(query, code.subtract(sum, oldKey))
    key = code.meet(key, code.subtract(sum, oldQuery))
    if boundsDifference {
      query = code.meet(query, code.half(code.add(sum, difference)))
      key = code.meet(key, code.half(code.subtract(sum, difference)))
    }
    difference = code.meet(difference, code.subtract(query, key))
    sum = code.meet(sum, code.add(query, key))
    crossing = [query, key, difference, sum]
  }

  /// A condition that is false only where no pair is in the octagon, which is closed. It is exact unless sums are bounded too.
  package func mayHold(_ code: inout FunctionBuilder) -> ScalarValue {
    crossing.reduce(code.truth(true)) { known, bounds in
      code.apply(.and, known, code.apply(.lessEqual, bounds.low, bounds.high))
    }
  }

  /// The bounds of a form.
  package func bounds(_ form: LinearForm, _ code: inout FunctionBuilder) -> Bounds {
    let (slope, keySlope) = (form.query, form.key)
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
    return code.add(best, Bounds(low: form.rest, high: form.rest))
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    var (x, y) = (abs(a), abs(b))
    while y != 0 { (x, y) = (y, x % y) }
    return x
  }
}
