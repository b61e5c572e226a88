import Foundation
import HeedIR

/// What is done once with each row, after all of its keys, in every schedule; and the further results of attention, one number per row.
struct RowResults {
  let kernel: ScoreKernel
  /// The logarithm of what the weights are divided by.
  let logSumExp: BoundView?
  /// That logarithm less the greatest score.
  let relativeLogSumExp: BoundView?
  /// The greatest live score.
  let maximum: BoundView?
  /// The sum of the weights.
  let weightSum: BoundView?
  /// What the row's scores are lessened by, and the logarithm of what their exponentials are divided by; 0 for a row without a live pair.
  let shift: BoundView?
  let logDivisor: BoundView?
  /// The output before it is rounded.
  let unrounded: BoundView?
  /// A further score per row, whose value is 0.
  let sink: BoundSource?

  /// Binds the views of those results that there are.
  init(_ kernel: ScoreKernel, _ attributes: Attributes, _ views: [ResultName: StridedView]) {
    self.kernel = kernel
    func output(_ name: ResultName) -> BoundView? { views[name].map { kernel.builder.output($0, name: name.name) } }
    (logSumExp, relativeLogSumExp) = (output(.logSumExp), output(.relativeLogSumExp))
    (maximum, weightSum) = (output(.maximum), output(.weightSum))
    (shift, logDivisor, unrounded) = (output(.shift), output(.logDivisor), output(.unrounded))
    sink = attributes[.sink].map { kernel.tables[$0.number] }
  }

  /// A score as the running maximum has it, times this, is the score that the graph means: the maximum may be of exponents of 2, or of
  /// scores that are not scaled.
  private var naturalScale: Double {
    kernel.scaling == .region ? 1 : kernel.scaling.exponentScale * Foundation.log(2)
  }

  /// What the weighted sum of values of a row is to be multiplied by; stores the row's further results.
  ///
  /// - Parameters:
  ///   - maximum: the greatest score of the row, -inf where nothing was live.
  ///   - sum: the sum of the row's exponentials, relative to that maximum.
  ///   - weightSum: the sum of the exponentials times their factors; nil where they have none.
  ///   - row: the row's batch indices and its query.
  func finish(
    _ maximum: BodyValue, _ sum: BodyValue, weightSum: BodyValue?, at row: [IntegerExpression], in body: inout BodyBuilder
  ) throws -> BodyValue {
    let element = kernel.types.accumulator
    let (zero, one) = (body.constant(0, element), body.constant(1, element))
    var (greatest, total) = (maximum, sum)
    var rescale: BodyValue?
    if let sink {
      // One more score, whose value is 0: it moves the maximum and adds to the sum.
      let score = try times(1 / naturalScale, sink.read(row, as: element, in: &body), in: &body)
      greatest = body.apply(.maximum, maximum, score)
      let shift = try kernel.shift(by: greatest, in: &body)
      let factor = try kernel.power(body.apply(.subtract, maximum, shift), in: &body)
      let weight = try kernel.power(body.apply(.subtract, score, shift), in: &body)
      total = body.apply(.fusedMultiplyAdd, sum, factor, weight)
      rescale = factor
    }
    let isEmpty = body.apply(.equal, total, zero)
    func orNone(_ logarithm: BodyValue) -> BodyValue {
      body.apply(.select, isEmpty, body.constant(-.infinity, element), logarithm)
    }
    if let logSumExp {
      let logarithm = body.apply(.add, try times(naturalScale, greatest, in: &body), body.apply(.log, total))
      body.store(orNone(logarithm), logSumExp.access(row))
    }
    if let relativeLogSumExp { body.store(orNone(body.apply(.log, total)), relativeLogSumExp.access(row)) }
    if let shift, let logDivisor {
      let isNone = body.apply(.equal, greatest, body.constant(-.infinity, element))
      body.store(
        body.apply(.select, isNone, zero, try times(naturalScale, greatest, in: &body)), shift.access(row))
      body.store(body.apply(.select, isNone, zero, body.apply(.log, total)), logDivisor.access(row))
    }
    if let output = self.maximum {
      // A NaN among the scores may have been missed by the maximum, but is in the sum; so is that of an infinite maximum.
      let infinite = body.apply(.equal, maximum, body.constant(.infinity, element))
      let known = body.apply(.or, body.apply(.equal, sum, sum), infinite)
      let orNaN = body.apply(.select, known, maximum, sum)
      body.store(try times(naturalScale, orNaN, in: &body), output.access(row))
    }
    let inverse = body.apply(.divide, one, total)
    var factor = body.apply(.select, isEmpty, zero, inverse)
    if let rescale { factor = body.apply(.multiply, factor, rescale) }
    if let output = self.weightSum { body.store(body.apply(.multiply, weightSum ?? sum, factor), output.access(row)) }
    return factor
  }

  private func times(_ scale: Double, _ value: BodyValue, in body: inout BodyBuilder) throws -> BodyValue {
    scale == 1 ? value : body.apply(.multiply, value, body.constant(scale, kernel.types.accumulator))
  }
}
