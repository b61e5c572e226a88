import HeedIR

/// Weights from scores, in every schedule.
extension WeightedSum {
  /// The weights, e to the difference of score and shift, and their sums. Where weights are rounded to be multiplied, they are summed
  /// before.
  func weigh(
    _ at: PairBlock, _ scores: Place, shift: Place, into weights: Place, sum: Place, _ columns: IntegerExpression
  ) throws {
    try builder.map([("r", at.rowCount), ("c", columns)]) { body, index in
      let shift = body.load(Access(shift, index[0]), types.accumulator)
      let score = body.load(Access(scores, index[0], index[1]), types.accumulator)
      let weight: BodyValue
      if let scale = kernel.scaling.fusedScale {
        let scale = body.constant(scale, types.accumulator)
        let scaled = body.apply(.multiply, shift, body.apply(.negate, scale))
        weight = body.apply(.exp2, body.apply(.fusedMultiplyAdd, score, scale, scaled))
      } else {
        weight = try kernel.power(body.apply(.subtract, score, shift), in: &body)
      }
      body.store(try rounded(weight, in: &body), Access(weights, index[0], index[1]))
      body.accumulate(.add, weight, Access(sum, index[0]))
    }
    fillLastPair(at, weights, columns)
  }

  /// The scores of a tile as weights of its values, where there is no softmax; 0 for dead pairs.
  func weighByScore(
    _ at: PairBlock, _ scores: Place, into weights: Place, _ firstKey: IntegerExpression, _ columns: IntegerExpression,
    isOpen: IntegerExpression
  ) throws {
    try kernel.whereMaskDecides(isOpen) { isOpen in
      try builder.map(kernel.rowDimensions(at) + [("c", columns)]) { body, index in
        let row = kernel.row(index.dropLast(), at)
        let raw = body.load(Access(scores, row.number, index.last!), types.accumulator)
        let indices = row.batch + [row.query, at.keys.first + firstKey + index.last!]
        var weight = kernel.inline(kernel.score, [raw], indices, in: &body)
        if isOpen { weight = try kernel.masked(weight, indices, dead: 0, in: &body) }
        body.store(try rounded(weight, in: &body), Access(weights, row.number, index.last!))
      }
    }
    fillLastPair(at, weights, columns)
  }

  /// A weight in the type in which it is multiplied.
  private func rounded(_ weight: BodyValue, in body: inout BodyBuilder) throws -> BodyValue {
    types.factor == types.accumulator ? weight : body.apply(.convert, weight, type: types.factor)
  }

  /// Where products are of pairs: the weight that is missing in the last pair of an odd number of keys is 0.
  private func fillLastPair(_ at: PairBlock, _ weights: Place, _ columns: IntegerExpression) {
    guard types.isPaired else { return }
    builder.branch(.notEqual(columns % 2, 0)) {
      builder.map([("r", at.rowCount)]) { body, index in
        body.store(body.constant(0, types.factor), Access(weights, index[0], columns))
      }
    }
  }
}
