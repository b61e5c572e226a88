import HeedIR

/// The keys of a tile, counted from the first of its block, and whether a pair may be dead, which is a condition.
struct TileKeys {
  let first: IntegerExpression
  let count: IntegerExpression
  let isOpen: IntegerExpression
}

/// The sums that rows keep while their keys go by: [rows].
struct RowSums {
  /// Of the exponentials, which the weights are divided by.
  let exponentials: Place
  /// Of the weights, where that sum is another one and is asked for.
  let weights: Place?

  /// The sums that are there.
  var all: [Place] { [exponentials] + (weights.map { [$0] } ?? []) }
}

/// Weights from scores, in every schedule.
extension WeightedSum {
  /// The weights, e to the difference of score and shift times the pair's factor, and the sums of the rows: of the exponentials, and of
  /// the weights where those are kept. Where weights are rounded to be multiplied, they are summed before.
  func weigh(_ at: PairBlock, _ scores: Place, shift: Place, into weights: Place, _ sums: RowSums, _ keys: TileKeys) throws {
    guard let factor else {
      try builder.map([("r", at.rowCount), ("c", keys.count)]) { body, index in
        let weight = try exponential(Access(scores, index[0], index[1]), Access(shift, index[0]), in: &body)
        body.store(try rounded(weight, in: &body), Access(weights, index[0], index[1]))
        body.accumulate(.add, weight, Access(sums.exponentials, index[0]))
      }
      return fillLastPair(at, weights, keys.count)
    }
    try kernel.whereMaskDecides(keys.isOpen) { isOpen in
      try builder.map(kernel.rowDimensions(at) + [("c", keys.count)]) { body, index in
        let row = kernel.row(index.dropLast(), at)
        let place = Access(scores, row.number, index.last!)
        let exponential = try exponential(place, Access(shift, row.number), in: &body)
        let indices = row.batch + [row.query, at.keys.first + keys.first + index.last!]
        var weight = body.apply(.multiply, exponential, kernel.inline(factor, [], indices, in: &body))
        // The factor of a dead pair may be anything.
        if isOpen, kernel.scoreOfDead == nil {
          weight = try kernel.masked(weight, indices, dead: 0, in: &body)
        } else if isOpen {
          let none = body.constant(0, types.accumulator)
          weight = body.apply(.select, body.apply(.equal, exponential, none), none, weight)
        }
        body.store(try rounded(weight, in: &body), Access(weights, row.number, index.last!))
        body.accumulate(.add, exponential, Access(sums.exponentials, row.number))
        if let sum = sums.weights { body.accumulate(.add, weight, Access(sum, row.number)) }
      }
    }
    fillLastPair(at, weights, keys.count)
  }

  /// e to the difference of a score and its row's shift.
  private func exponential(_ score: Access, _ shift: Access, in body: inout BodyBuilder) throws -> BodyValue {
    let shift = body.load(shift, types.accumulator)
    let score = body.load(score, types.accumulator)
    guard let scale = kernel.scaling.fusedScale else {
      return try kernel.power(body.apply(.subtract, score, shift), in: &body)
    }
    let factor = body.constant(scale, types.accumulator)
    let scaled = body.apply(.multiply, shift, body.apply(.negate, factor))
    return body.apply(.exp2, body.apply(.fusedMultiplyAdd, score, factor, scaled))
  }

  /// The scores of a tile as weights of its values, where there is no softmax; 0 for dead pairs.
  func weighByScore(
    _ at: PairBlock, _ scores: Place, into weights: Place, sum: Place?, _ keys: TileKeys
  ) throws {
    try kernel.whereMaskDecides(keys.isOpen) { isOpen in
      try builder.map(kernel.rowDimensions(at) + [("c", keys.count)]) { body, index in
        let row = kernel.row(index.dropLast(), at)
        let raw = body.load(Access(scores, row.number, index.last!), types.accumulator)
        let indices = row.batch + [row.query, at.keys.first + keys.first + index.last!]
        var weight = kernel.inline(kernel.score, [raw], indices, in: &body)
        if isOpen { weight = try kernel.masked(weight, indices, dead: 0, in: &body) }
        body.store(try rounded(weight, in: &body), Access(weights, row.number, index.last!))
        if let sum { body.accumulate(.add, weight, Access(sum, row.number)) }
      }
    }
    fillLastPair(at, weights, keys.count)
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
