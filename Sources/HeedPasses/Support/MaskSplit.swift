import HeedAnalysis
package import HeedIR

/// Takes a score apart into what decides whether a pair lives and the score of live pairs.
///
///     select(m, s, -inf)                     m      s
///     s + select(m, 0, -inf)                 m      s + 0
///     select(a, select(b, s, -inf), -inf)    a, b   s
///     select(a, s, select(b, s, -inf))       a | b  s
///     select(m, s, -inf) * 0.125 + bias      m      s * 0.125 + bias
///     s + (1 - convert(m)) * -10000          m      s + 0
///     minimum(s, select(m, inf, -inf))       m      s
///
/// A finite constant of at most `threshold` in place of -inf counts as masking, by the numeric contract; only rows without a live
/// pair can tell the difference.
package struct MaskSplit {
  /// The greatest finite constant that counts as masking.
  package static let threshold = -1e4

  /// The code that scores and conditions are values of.
  package private(set) var region: FunctionBuilder
  /// Finite constants that were taken for -inf.
  package private(set) var finiteFills: [Double] = []
  /// Negative constants in a mask's place that are too near to 0 to count as masking.
  package private(set) var keptFills: [Double] = []
  /// What was split before: scores share their parts.
  private var known: [Request: Parts] = [:]

  private struct Request: Hashable {
    var value: ScalarValue
    var scale: Double
  }

  /// A score and the condition under which its pair lives; nil where it always does.
  package struct Parts {
    package var live: ScalarValue?
    package var score: ScalarValue
  }

  package init(region: FunctionBuilder) { self.region = region }

  /// - Parameter scale: what the score is multiplied by further up; decides whether a finite constant is large enough.
  package mutating func split(_ value: ScalarValue, scale: Double = 1) throws -> Parts {
    let request = Request(value: value, scale: scale)
    if let parts = known[request] { return parts }
    // A value can be met under many scales, each a product of others: past a bound its mask stays where it is.
    let parts = known.count < 4096 ? try splitNew(value, scale) : Parts(score: value)
    known[request] = parts
    return parts
  }

  private mutating func splitNew(_ value: ScalarValue, _ scale: Double) throws -> Parts {
    if let operands = region.match(value, .select) { return try splitChoice(value, operands, scale) }
    if let operands = region.match(value, .add) {
      let (left, right) = (try split(operands[0], scale: scale), try split(operands[1], scale: scale))
      return try joined(.add, left, right, value)
    }
    if let operands = region.match(value, .subtract) {
      let (left, right) = (try split(operands[0], scale: scale), try split(operands[1], scale: -scale))
      return try joined(.subtract, left, right, value)
    }
    if let operands = region.match(value, .multiply), let factor = region.literal(operands[1])?.real, factor != 0, factor.isFinite {
      let inner = try split(operands[0], scale: scale * factor)
      return inner.live == nil
        ? Parts(score: value) : Parts(live: inner.live, score: region.apply(.multiply, [inner.score, operands[1]]))
    }
    if let operands = region.match(value, .negate) {
      let inner = try split(operands[0], scale: -scale)
      return inner.live == nil ? Parts(score: value) : Parts(live: inner.live, score: region.apply(.negate, [inner.score]))
    }
    if let operands = region.match(value, .convert), region.function.type(operands[0]).isFloat, region.function.type(value).isFloat
    {
      let inner = try split(operands[0], scale: scale)
      guard inner.live != nil else { return Parts(score: value) }
      return Parts(live: inner.live, score: region.apply(.convert, [inner.score], type: region.function.type(value)))
    }
    if let operands = region.match(value, .minimum), scale > 0 {
      // A mask by minimum: live pairs compare with +inf.
      for (score, mask) in [(operands[0], operands[1]), (operands[1], operands[0])] {
        let parts = try split(mask, scale: scale)
        if parts.live != nil, region.literal(parts.score)?.real == .infinity {
          let inner = try split(score, scale: scale)
          return Parts(live: try both(inner.live, parts.live), score: inner.score)
        }
      }
    }
    return Parts(score: value)
  }

  private mutating func splitChoice(_ value: ScalarValue, _ operands: [ScalarValue], _ scale: Double) throws -> Parts {
    let (condition, left, right) = (operands[0], operands[1], operands[2])
    if isMasked(right, scale, beside: left) {
      let inner = try split(left, scale: scale)
      return Parts(live: try both(condition, inner.live), score: inner.score)
    }
    if isMasked(left, scale, beside: right) {
      let inner = try split(right, scale: scale)
      return Parts(live: try both(region.apply(.not, [condition]), inner.live), score: inner.score)
    }
    let (a, b) = (try split(left, scale: scale), try split(right, scale: scale))
    guard a.live != nil || b.live != nil, a.score == b.score else { return Parts(score: value) }
    // Live under the condition as the left is, else as the right is.
    switch (a.live, b.live) {
    case (let live?, nil): return Parts(live: region.apply(.or, [region.apply(.not, [condition]), live]), score: a.score)
    case (nil, let live?): return Parts(live: region.apply(.or, [condition, live]), score: a.score)
    case (let first?, let second?): return Parts(live: region.apply(.select, [condition, first, second]), score: a.score)
    default: return Parts(score: value)
    }
  }

  private mutating func joined(_ op: Op, _ left: Parts, _ right: Parts, _ value: ScalarValue) throws -> Parts {
    guard left.live != nil || right.live != nil else { return Parts(score: value) }
    return Parts(live: try both(left.live, right.live), score: region.apply(op, [left.score, right.score]))
  }

  private mutating func both(_ left: ScalarValue?, _ right: ScalarValue?) throws -> ScalarValue? {
    guard let left, let right else { return left ?? right }
    return left == right ? left : region.apply(.and, [left, right])
  }

  /// Whether `value` is a constant that masks a score that is multiplied by `scale` further up, beside what a live pair has: where that is
  /// a number as well, what is between them counts.
  private mutating func isMasked(_ value: ScalarValue, _ scale: Double, beside live: ScalarValue) -> Bool {
    guard let constant = region.literal(value)?.real else { return false }
    let other = region.literal(live)?.real ?? 0
    let effective = (constant.isFinite && other.isFinite ? constant - other : constant) * scale
    if effective == -.infinity, constant.isInfinite { return true }
    if effective <= Self.threshold {
      if !finiteFills.contains(constant) { finiteFills.append(constant) }
      return true
    }
    if effective <= -10, !keptFills.contains(constant) { keptFills.append(constant) }
    return false
  }
}

extension FunctionBuilder {
  /// The operands of nested `and`s, each once.
  func conjuncts(_ value: ScalarValue?) -> [ScalarValue] {
    guard let value else { return [] }
    return code.conjuncts(of: value) { match($0, .not) != nil }.map(\.value)
  }
}
