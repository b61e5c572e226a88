import HeedIR

/// What fused attention computes in.
///
/// Products are summed in f32 (f64 for f64), scores and the running maximum and sum are kept in that type, and the regions are computed
/// in it. Where all operands are bf16, they are multiplied as they are, two at a time, where the target has an instruction for that: the
/// weights are rounded to bf16 then. Elsewhere narrower operands are widened as they are packed or loaded.
struct AttentionTypes {
  /// The type of sums, scores and regions.
  let accumulator: ElementType
  /// The type of what is multiplied: queries, packed keys, weights.
  let factor: ElementType
  /// Whether products are of pairs of bf16, which lie side by side along the contracted dimension.
  let isPaired: Bool

  /// - Parameter operands: the types of what is multiplied: queries, keys and, where they are weighed, values.
  init(operands: [ElementType], score: ElementType, on target: Target) {
    accumulator = operands[0] == .f64 || score == .f64 ? .f64 : .f32
    isPaired = operands.allSatisfy { $0 == .bf16 } && accumulator == .f32 && target.has(.bfloat16Products)
    factor = isPaired ? .bf16 : accumulator
  }

  /// The shape of a packed matrix: units of the contracted dimension, then the other one, then the two elements of a pair.
  func unitShape(_ contracted: Extent, by other: Extent) -> [Extent] {
    isPaired ? [contracted.dividedRoundingUp(by: 2), other, 2] : [contracted, other]
  }

  /// The same of sizes that are known.
  func unitSizes(_ contracted: Int, by other: Int) -> [Int] {
    isPaired ? [(contracted + 1) / 2, other, 2] : [max(contracted, 1), other]
  }

  /// An extent of the contracted dimension with the padding that pairs need.
  func padded(_ extent: Int) -> Int { isPaired ? (extent + 1) / 2 * 2 : extent }
}

/// How scores become exponents of 2.
enum ScoreScaling: Equatable {
  /// The score only scales: the scale times log2(e) is multiplied into the query, and scores are exponents.
  case inQuery(Double)
  /// The score only scales, by a positive number: the maximum is taken of unscaled scores, and the scale times log2(e) is applied
  /// to a score's difference from it.
  case inExponent(Double)
  /// Any region: it is computed for each score, and log2(e) applied to the difference from the maximum, which cannot overflow where
  /// the scores do not.
  case region

  /// - Parameters:
  ///   - scoreOfDead: the score of a dead pair, for rows without a live one; nil where such a row is 0.
  ///   - showsMaximum: whether a row's greatest score is a result. That of a row of dead pairs is a constant of the mask, which others
  ///     compare with, so it is not scaled.
  init(_ score: ScalarFunction, ofDead scoreOfDead: ScalarFunction?, showsMaximum: Bool, _ types: AttentionTypes) {
    switch score.scaleOfFirstParameter {
    // Rounding the scaled query to bf16 again would cost precision.
    case .some(let scale) where types.isPaired: self = scale > 0 && scale.isFinite ? .inExponent(scale * Double.log2e) : .region
    case .some(let scale): self = .inQuery(scale * Double.log2e)
    case .none: self = .region
    }
    guard let scoreOfDead else { return }
    // The number of a mask may be the least there is: it stays as it is where its multiple would overflow.
    let most = types.accumulator == .f64 ? Double.greatestFiniteMagnitude : Double(Float.greatestFiniteMagnitude)
    let scale = Double.log2e / exponentScale
    if showsMaximum || !(scoreOfDead.greatestConstant * scale < most / 2) || !(abs(1 / queryScale) < most / 2) { self = .region }
  }

  /// What the query is multiplied by.
  var queryScale: Double { if case .inQuery(let scale) = self { scale } else { 1 } }

  /// The scale that can be multiplied to score and maximum before they are subtracted: one that makes neither larger.
  var fusedScale: Double? { if case .inExponent(let scale) = self, scale <= 1 { scale } else { nil } }

  /// What a score's difference from the maximum is multiplied by.
  var exponentScale: Double {
    switch self {
    case .inQuery: 1
    case .inExponent(let scale): scale
    case .region: Double.log2e
    }
  }
}

extension ScalarFunction {
  /// A bound of the size that constants give the result, where scores and what is read from tables are small.
  fileprivate var greatestConstant: Double {
    var bounds = parameters.map { _ in 1.0 }
    for instruction in instructions {
      let operands = instruction.operands.map { bounds[$0.index] }
      let bound =
        switch instruction.operation {
        case .constant(let literal) where literal.isReal && literal.real.isFinite: abs(literal.real)
        case .elementwise(.add), .elementwise(.subtract): operands[0] + operands[1]
        case .elementwise(.multiply): operands[0] * operands[1]
        case .elementwise(.divide): constant(instruction.operands[1]).map { operands[0] / abs($0.real) } ?? operands[0]
        default: operands.max() ?? 1
        }
      bounds.append(max(bound, 1))
    }
    return bounds[results[0].index]
  }

  /// c, where the function gives its first parameter times the constant c.
  fileprivate var scaleOfFirstParameter: Double? {
    let result = results[0]
    if result == parameter(0) { return 1 }
    guard let instruction = instruction(result), case .elementwise(let op) = instruction.operation else { return nil }
    let operands = instruction.operands
    switch op {
    case .multiply:
      if operands[0] == parameter(0) { return constant(operands[1])?.real }
      if operands[1] == parameter(0) { return constant(operands[0])?.real }
      return nil
    case .divide: return operands[0] == parameter(0) ? constant(operands[1]).map { 1 / $0.real } : nil
    default: return nil
    }
  }
}
