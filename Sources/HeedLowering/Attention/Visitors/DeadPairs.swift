import HeedIR

/// Tiles whose dead pairs are left out one by one.
extension WeightedSum {
  /// Adds the values of a tile's live pairs times their weights, pair by pair. The scores are still there, with -inf for dead pairs, or the
  /// products where scores weigh.
  ///
  /// It is rare, so it is little code rather than fast.
  /// - Parameters:
  ///   - shift: what each row's scores are shifted by.
  ///   - firstKey: the first of the `count` keys, counted from that of the block.
  ///   - first: its place in the tile.
  ///   - value: the component of the value of one of them.
  func addLivePairs(
    _ at: PairBlock, _ scores: Place, shift: Place, into accumulator: Place, firstKey: IntegerExpression,
    first: IntegerExpression = 0, count: IntegerExpression,
    value: (_ key: IntegerExpression, _ component: IntegerExpression) -> Access
  ) throws {
    let element = types.accumulator
    let loops = (kernel.rowDimensions(at) + [("j", count)]).map { (name: $0.0, end: $0.1) }
    try builder.nest(loops) { index in
      let (row, j) = (kernel.row(index.dropLast(), at), index.last!)
      let isLive = builder.scalar("is_live", .i32)
      let weight = builder.scalar("weight", element)
      try builder.compute { body in
        let score = body.load(Access(scores, row.number, first + j), element)
        let live: BodyValue
        if weighsByScore {
          let indices = row.batch + [row.query, at.keys.first + firstKey + j]
          live = kernel.inline(kernel.mask.condition, [], indices, in: &body)
          body.store(kernel.inline(kernel.score, [score], indices, in: &body), weight.access)
        } else {
          live = body.apply(.notEqual, score, body.constant(-.infinity, element))
          let difference = body.apply(.subtract, score, body.load(Access(shift, row.number), element))
          var number = try kernel.power(difference, in: &body)
          if let factor {
            let indices = row.batch + [row.query, at.keys.first + firstKey + j]
            number = body.apply(.multiply, number, kernel.inline(factor, [], indices, in: &body))
          }
          body.store(number, weight.access)
        }
        body.store(body.apply(.convert, live, type: .i32), isLive.access)
      }
      builder.branch(isLive.isSet) {
        builder.map([("e", .constant(shape.valueWidth))]) { body, index in
          let place = Access(accumulator, row.number, index[0])
          let (weight, sum) = (body.load(weight.access, element), body.load(place, element))
          body.store(body.apply(.fusedMultiplyAdd, weight, body.load(value(j, index[0]), element), sum), place)
        }
      }
    }
  }

  /// Appends what `add` does in the rounds that leave out the dead pairs of a tile.
  func whereDeadAreLeftOut(_ rounds: Rounds?, isOpen: IntegerExpression, _ add: () throws -> Void) rethrows {
    guard let rounds else { return }
    try builder.branch(rounds.leavesOutDead(ofTile: isOpen)) { try builder.cold(add) }
  }

  /// The product with a tile's values, where dead pairs are not left out one by one.
  func whereAllCount(_ rounds: Rounds?, isOpen: IntegerExpression, _ product: () -> Void) {
    guard let rounds else { return product() }
    builder.branch(rounds.leavesOutDead(ofTile: isOpen)) {
    } otherwise: {
      product()
    }
  }
}
