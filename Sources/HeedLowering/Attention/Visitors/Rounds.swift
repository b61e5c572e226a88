import HeedIR

/// The rounds over the keys of a block of rows: one, and others for what is rare.
///
/// - The product with the values multiplies those of dead pairs by 0, and 0 times a NaN or an infinity is NaN. No tile is looked at for
///   that at first. Where a sum of values is NaN though its weights are numbers, the block is computed again: tiles that may hold dead
///   pairs are added key by key, without those.
/// - A row without a live pair may be the softmax of its dead pairs' scores. Where a block has such a row, it is computed again, over all
///   keys.
struct Rounds {
  /// Not 0 in a round that leaves out dead pairs.
  let leavesOutDead: Scalar
  /// Not 0 where a sum of values came out NaN.
  let hasNaN: Scalar
  /// Whether a tile that is not open may hold a weight of 0 that is not a live pair's.
  let isAnyTileOpen: Bool
  /// Not 0 in a round that takes the scores of dead pairs in rows without a live one; nil where those have none.
  let seesDead: Scalar?
  /// Not 0 for rows without a live pair: [rows].
  let isEmpty: Place?

  /// The rows whose dead pairs have scores.
  var rowsWithoutKeys: RowsWithoutKeys? { seesDead.map { RowsWithoutKeys(areSeen: $0.isSet, isEmpty: isEmpty) } }

  /// A condition: whether the dead pairs of a tile are left out one by one.
  func leavesOutDead(ofTile isOpen: IntegerExpression) -> IntegerExpression {
    isAnyTileOpen ? leavesOutDead.isSet : .apply(.and, leavesOutDead.isSet, isOpen)
  }

  /// Notes whether a sum of values is NaN, though what its row is multiplied by is a number.
  ///
  /// It is little code, a row at once, for it is next to nothing beside the products.
  /// - Parameters:
  ///   - sums: the sums: [rows, width].
  ///   - factors: what each row is multiplied by; nil for nothing.
  func look(
    at sums: Place, _ factors: Place?, of element: ElementType, rows: IntegerExpression, width: IntegerExpression,
    _ builder: KernelBuilder
  ) {
    builder.loop("r", to: rows) { row in
      builder.map([("e", width)]) { body, index in
        let sum = body.load(Access(sums, row, index[0]), element)
        var isWrong = body.apply(.notEqual, sum, sum)
        if let factors {
          let factor = body.load(Access(factors, row), element)
          isWrong = body.apply(.and, isWrong, body.apply(.equal, factor, factor))
        }
        body.accumulate(.maximum, body.apply(.convert, isWrong, type: .i32), hasNaN.access)
      }
    }
  }

  /// Notes in the body that finishes a row whether none of its pairs lived.
  func look(atGreatest score: BodyValue, ofRow row: IntegerExpression, in body: inout BodyBuilder) {
    guard let isEmpty else { return }
    let isDead = body.apply(.equal, score, body.constant(-.infinity, body.type(score)))
    body.accumulate(.maximum, body.apply(.convert, isDead, type: .i32), Access(isEmpty, row))
  }
}

extension WeightedSum {
  /// Appends what `build` does with the rows of a block, in rounds; nil where one is always enough.
  /// - Parameters:
  ///   - most: the most rows of a block, which has `count`.
  ///   - findsEmptyRows: whether rows without a live pair are computed again.
  func inRounds(
    rows most: Int, _ count: IntegerExpression, findsEmptyRows: Bool, _ build: (Rounds?) throws -> Void
  ) throws {
    guard hasDeadPairs else { return try build(nil) }
    let findsEmptyRows = findsEmptyRows && kernel.scoreOfDead != nil
    func scalar(_ name: Name, _ value: IntegerExpression = 0) -> Scalar { builder.scalar(name, .i32, initial: .expression(value)) }
    let isDue = scalar("is_due", 1)
    let rounds = Rounds(
      leavesOutDead: scalar("leaves_out_dead"), hasNaN: scalar("has_nan"),
      isAnyTileOpen: types.isPaired || kernel.score.mayBeInfinite, seesDead: findsEmptyRows ? scalar("sees_dead") : nil,
      isEmpty: findsEmptyRows ? builder.tile("is_empty", .i32, [most]) : nil)
    if let isEmpty = rounds.isEmpty {
      builder.map([("r", count)]) { body, index in body.store(body.index(0, .i32), Access(isEmpty, index[0])) }
    }
    try builder.loop("round", to: findsEmptyRows ? 3 : 2) { _ in
      try builder.branch(isDue.isSet) {
        builder.set(rounds.hasNaN, 0)
        try build(rounds)
        // What is due and was not done yet.
        let isNaNDue = builder.define("is_nan_due", .apply(.and, rounds.hasNaN.isSet, .equal(rounds.leavesOutDead.value, 0)))
        builder.set(rounds.leavesOutDead, .apply(.or, rounds.leavesOutDead.isSet, isNaNDue))
        builder.set(isDue, isNaNDue)
        guard let seesDead = rounds.seesDead, let isEmpty = rounds.isEmpty else { return }
        let hasEmpty = builder.scalar("has_empty", .i32, initial: .expression(0))
        builder.map([("r", count)]) { body, index in
          body.accumulate(.maximum, body.load(Access(isEmpty, index[0]), .i32), hasEmpty.access)
        }
        let isEmptyDue = builder.define("is_empty_due", .apply(.and, hasEmpty.isSet, .equal(seesDead.value, 0)))
        builder.set(seesDead, .apply(.or, seesDead.isSet, isEmptyDue))
        builder.set(isDue, .apply(.or, isNaNDue, isEmptyDue))
      }
    }
  }

  /// Whether a tile may hold a weight that is 0 because its pair is dead, or the last of an odd number of keys has no partner.
  private var hasDeadPairs: Bool {
    !kernel.mask.isAlwaysTrue || kernel.offsets != nil && types.isPaired || !weighsByScore && kernel.score.mayBeInfinite
  }
}

extension ScalarFunction {
  /// Whether a score may be -inf where its product is a number: one that is read or written as such.
  var mayBeInfinite: Bool {
    instructions.contains { instruction in
      switch instruction.operation {
      case .element(let table): tables[table].type.element.isFloat
      case .constant(let literal): literal.isReal && literal.real.isInfinite
      case .elementwise(let op): op == .log || op == .log2
      case .extent: false
      }
    }
  }
}
