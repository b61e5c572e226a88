import Foundation
import HeedIR

/// The further results of attention, one number a row.
struct RowOutputs {
  /// The logarithm of what the weights are divided by.
  var logSumExp: BoundView?
  /// The greatest live score.
  var maximum: BoundView?

  /// Binds the views of the results that `attributes` asks for.
  init(_ attributes: Attributes, _ views: ArraySlice<StridedView>, _ builder: inout KernelBuilder) {
    var views = views
    if attributes.isSet(.logSumExp) { logSumExp = builder.output(views.removeFirst(), name: "log_sum_exp") }
    if attributes.isSet(.maximum) { maximum = builder.output(views.removeFirst(), name: "maximum") }
  }
}

/// What is done once with each row, after all of its keys, in every schedule.
extension AttentionLowering {
  /// A score as the running maximum has it, times this, is the score that the graph means: the maximum may be of exponents of 2, or of
  /// scores that are not scaled.
  private var naturalScale: Double { scaling == .region ? 1 : scaling.exponentScale * Foundation.log(2) }

  /// What the weighted sum of values of a row is to be multiplied by; stores the row's further results.
  ///
  /// - Parameters:
  ///   - maximum: the greatest score of the row, -inf where nothing was live.
  ///   - sum: the sum of the row's weights, relative to that maximum.
  ///   - row: the row's batch indices and its query.
  func finishRow(_ maximum: BodyValue, _ sum: BodyValue, at row: [IntegerExpression], in body: inout Body) throws -> BodyValue {
    let element = types.accumulator
    let (zero, one) = (body.constant(0, element), body.constant(1, element))
    var (greatest, total) = (maximum, sum)
    var rescale: BodyValue?
    if let sinkTable {
      // One more score, whose value is 0: it moves the maximum and adds to the sum.
      let sink = try times(1 / naturalScale, tables[sinkTable].read(row, as: element, in: &body), in: &body)
      greatest = try body.apply(.maximum, maximum, sink)
      let isDead = try body.apply(.equal, greatest, body.constant(-.infinity, element))
      let shift = try body.apply(.select, isDead, zero, greatest)
      let factor = try power(try body.apply(.subtract, maximum, shift), in: &body)
      let weight = try power(try body.apply(.subtract, sink, shift), in: &body)
      total = try body.apply(.fusedMultiplyAdd, sum, factor, weight)
      rescale = factor
    }
    let isEmpty = try body.apply(.equal, total, zero)
    if let output = rowOutputs.logSumExp {
      let logarithm = try body.apply(.add, try times(naturalScale, greatest, in: &body), try body.apply(.log, total))
      body.store(try body.apply(.select, isEmpty, body.constant(-.infinity, element), logarithm), output.access(row))
    }
    if let output = rowOutputs.maximum { body.store(try times(naturalScale, maximum, in: &body), output.access(row)) }
    let inverse = try body.apply(.divide, one, total)
    let factor = try body.apply(.select, isEmpty, zero, inverse)
    return try rescale.map { try body.apply(.multiply, factor, $0) } ?? factor
  }

  private func times(_ scale: Double, _ value: BodyValue, in body: inout Body) throws -> BodyValue {
    scale == 1 ? value : try body.apply(.multiply, value, body.constant(scale, types.accumulator))
  }

  /// The scores of a block as weights of its values, where there is no softmax; 0 for dead pairs.
  mutating func weighByScore(
    _ at: ScoreBlock, _ scores: Place, into weights: Place, _ j0: IntegerExpression, _ columns: IntegerExpression,
    isPartial: IntegerExpression, in block: inout [Statement]
  ) throws {
    let (types, lowering) = (types, self)
    try whereMaskDecides(isPartial, in: &block) { builder, isPartial, sweep in
      try builder.map(lowering.rowDimensions(at) + [("c", columns)], in: &sweep) { body, index in
        let row = lowering.row(index.dropLast(), at)
        let raw = body.load(Access(scores, row.number, index.last!), types.accumulator)
        let indices = row.batch + [row.query, at.firstKey + j0 + index.last!]
        var weight = lowering.inline(lowering.score, [raw], indices, in: &body)
        if isPartial {
          let isLive = lowering.inline(lowering.condition, [], indices, in: &body)
          weight = try body.apply(.select, isLive, weight, body.constant(0, types.accumulator))
        }
        let isRounded = types.factor != types.accumulator
        body.store(
          isRounded ? try body.apply(.convert, weight, type: types.factor) : weight, Access(weights, row.number, index.last!))
      }
    }
    fillLastPair(at, weights, columns, in: &block)
  }

  /// Where products are of pairs: the weight that is missing in the last pair of an odd number of keys is 0.
  mutating func fillLastPair(_ at: ScoreBlock, _ weights: Place, _ columns: IntegerExpression, in block: inout [Statement]) {
    let types = types
    guard types.isPaired, columns.constant.map({ $0 % 2 != 0 }) ?? true else { return }
    var fill: [Statement] = []
    builder.map([("r", at.rowCount)], in: &fill) { body, index in
      body.store(body.constant(0, types.factor), Access(weights, index[0], columns))
    }
    block.append(.branch(condition: .apply(.notEqual, columns % 2, 0), then: fill, otherwise: []))
  }
}
