import HeedAnalysis
import HeedIR
import HeedSchedule

/// The schedule for few rows against many keys: decoding.
///
/// Memory sets the pace, so keys and values are read once, as they are stored. Heads that share their keys are rows of one block. The
/// keys are cut into parts of a fixed length, which run in parallel; each makes the maximum of its scores, the sum of its weights and
/// the weighted sum of its values. A second phase combines the parts in order, so that the result does not depend on threads.
/// (Flash decoding: Dao et al. 2023.)
struct FewRows {
  let sum: WeightedSum
  let summaries: TermSummaries

  typealias Limits = AttentionSchedule.FewRows
  var kernel: ScoreKernel { sum.kernel }
  var builder: KernelBuilder { sum.builder }
  var shape: AttentionShape { sum.shape }
  var types: AttentionTypes { sum.types }

  /// Where the parts' results lie: [batch of keys..., parts, rows] and, for sums, the width of values.
  struct Parts {
    let maximum: Place
    let sum: Place
    /// The sums of weights, where they are other ones and are asked for.
    let weightSum: Place?
    let values: Place
    let count: Extent
  }

  /// The scratch tiles of a part.
  private struct Tiles {
    let query: Place
    let scores: Place
    /// In place of the scores where they have one type.
    let weights: Place
    /// What a row's scores are shifted by: its greatest one.
    let shift: Place
    let sums: RowSums
    let accumulator: Place
  }

  /// The phases: parts, then their combination.
  /// - Parameter condition: the calls that have few rows; nil for all.
  func emit(when condition: IntegerExpression?, classifiesOnly: Bool) throws {
    let count = shape.keys.dividedRoundingUp(by: Limits.keysOfPart)
    let leading = shape.panelDimensions.map { shape.batch[$0] } + [count, Extent(Limits.most)]
    func workspace(_ name: Name, _ rest: [Extent]) -> Place {
      builder.workspace(name, TensorType(types.accumulator, Shape(leading + rest)))
    }
    let parts = Parts(
      maximum: workspace("part_maximum", []), sum: workspace("part_sum", []),
      weightSum: sum.keepsWeightSum ? workspace("part_weight_sum", []) : nil,
      values: workspace("part_values", [Extent(shape.valueWidth)]), count: count)
    try emitParts(parts, when: condition, classifiesOnly: classifiesOnly)
    if !classifiesOnly { try combine(parts, when: condition) }
  }

  private func emitParts(_ parts: Parts, when condition: IntegerExpression?, classifiesOnly: Bool) throws {
    let (domain, indices) = kernel.batchDomain(shape.panelDimensions)
    let (partDomain, part) = builder.dimension("s", IntegerExpression(parts.count))
    func access(_ place: Place, _ row: IntegerExpression, _ rest: IntegerExpression...) -> Access {
      Access(place, (indices + [part, row] + rest).map { Access.Index($0) })
    }
    try builder.phase("attend_part", domain + [partDomain], when: condition) {
      let first = builder.define("j0", part * .constant(Limits.keysOfPart))
      let columns = builder.define("columns", .smaller(IntegerExpression(shape.keys) - first, .constant(Limits.keysOfPart)))
      let at = PairBlock(
        batch: shape.batchIndices(ofPanels: indices), groups: shape.groupDimensions,
        queries: Span(first: 0, count: IntegerExpression(shape.queries)), rowCount: IntegerExpression(shape.groupRows),
        keys: Span(first: 0, count: IntegerExpression(shape.keys)))
      let tiles = makeTiles()
      let verdict = try TraversalEmitter(kernel, .queryMajor, at, summaries) { _ in }.verdict(over: first, columns)
      guard !classifiesOnly else {
        return builder.compute { body in
          body.store(body.apply(.convert, body.index(verdict, .i32), type: types.accumulator), access(parts.maximum, 0))
        }
      }
      try builder.branch(.notEqual(verdict, .verdict(.empty))) {
        try attend(at, tiles, Span(first: first, count: columns), isOpen: .equal(verdict, .verdict(.open)), parts, access)
      } otherwise: {
        storeNothing(at, parts, access)
      }
    }
  }

  /// The place of a row's result in one of the parts' buffers, for this part.
  private typealias PartAccess = (_ place: Place, _ row: IntegerExpression, _ rest: IntegerExpression...) -> Access

  private func makeTiles() -> Tiles {
    let (rows, element) = (Limits.most, types.accumulator)
    let query = kernel.queryTile(rows: rows)
    let scores = builder.tile("scores", element, [rows, Limits.keysOfPart])
    return Tiles(
      query: query, scores: scores,
      weights: types.isPaired ? builder.tile("weights", types.factor, [rows, Limits.keysOfPart]) : scores,
      shift: builder.tile("shift", element, [rows]),
      sums: RowSums(
        exponentials: builder.tile("sum", element, [rows]),
        weights: sum.keepsWeightSum ? builder.tile("weight_sum", element, [rows]) : nil),
      accumulator: builder.tile("accumulator", element, [rows, max(shape.valueWidth, 1)]))
  }

  /// A part that may hold a live pair.
  /// - Parameter seeing: the rows whose dead pairs have scores; nil where none have.
  private func attend(
    _ at: PairBlock, _ tiles: Tiles, _ keys: Span, isOpen: IntegerExpression, seeing rows: RowsWithoutKeys? = nil, _ parts: Parts,
    _ access: PartAccess
  ) throws {
    try kernel.loadQueries(at, tiles.query)
    try sum.inRounds(rows: Limits.most, at.rowCount, findsEmptyRows: false) { rounds in
      try attend(at, tiles, keys, isOpen: isOpen, seeing: rows, rounds, parts, access)
    }
  }

  private func attend(
    _ at: PairBlock, _ tiles: Tiles, _ keys: Span, isOpen: IntegerExpression, seeing rows: RowsWithoutKeys?, _ rounds: Rounds?,
    _ parts: Parts, _ access: PartAccess
  ) throws {
    let element = types.accumulator
    multiplyByStoredKeys(at, tiles.query, into: tiles.scores, keys)
    builder.map([("r", at.rowCount), ("e", .constant(shape.valueWidth))]) { body, index in
      body.store(body.constant(0, element), Access(tiles.accumulator, index[0], index[1]))
    }
    let tileKeys = TileKeys(first: keys.first, count: keys.count, isOpen: isOpen)
    if sum.weighsByScore {
      if let sum = tiles.sums.weights {
        builder.map([("r", at.rowCount)]) { body, index in body.store(body.constant(0, element), Access(sum, index[0])) }
      }
      try addLivePairs(at, tiles, keys, isOpen: isOpen, rounds)
      try sum.weighByScore(at, tiles.scores, into: tiles.weights, sum: tiles.sums.weights, tileKeys)
    } else {
      try kernel.applyRegions(at, tiles.scores, maximum: tiles.shift, keys.first, keys.count, isOpen: isOpen, seeing: rows)
      try builder.map([("r", at.rowCount)]) { body, index in
        let maximum = body.load(Access(tiles.shift, index[0]), element)
        let shift = try kernel.shift(by: maximum, in: &body)
        body.store(maximum, access(parts.maximum, index[0]))
        body.store(shift, Access(tiles.shift, index[0]))
        for sum in tiles.sums.all { body.store(body.constant(0, element), Access(sum, index[0])) }
      }
      try addLivePairs(at, tiles, keys, isOpen: isOpen, rounds)
      try sum.weigh(at, tiles.scores, shift: tiles.shift, into: tiles.weights, tiles.sums, tileKeys)
      builder.map([("r", at.rowCount)]) { body, index in
        body.store(body.load(Access(tiles.sums.exponentials, index[0]), element), access(parts.sum, index[0]))
      }
    }
    if let place = tiles.sums.weights, let target = parts.weightSum {
      builder.map([("r", at.rowCount)]) { body, index in
        body.store(body.load(Access(place, index[0]), element), access(target, index[0]))
      }
    }
    sum.whereAllCount(rounds, isOpen: isOpen) { addStoredValues(at, tiles.weights, into: tiles.accumulator, keys) }
    rounds?.look(
      at: tiles.accumulator, sum.weighsByScore ? nil : tiles.sums.exponentials, of: element, rows: at.rowCount,
      width: .constant(shape.valueWidth), builder)
    builder.map([("r", at.rowCount), ("e", .constant(shape.valueWidth))]) { body, index in
      let total = body.load(Access(tiles.accumulator, index[0], index[1]), element)
      body.store(total, access(parts.values, index[0], index[1]))
    }
  }

  private func addLivePairs(_ at: PairBlock, _ tiles: Tiles, _ keys: Span, isOpen: IntegerExpression, _ rounds: Rounds?) throws {
    try sum.whereDeadAreLeftOut(rounds, isOpen: isOpen) {
      try builder.forEachRun(of: sum.value, at.batch, from: keys.first, count: keys.count, alignment: Limits.keysOfPart) { run in
        try sum.addLivePairs(
          at, tiles.scores, shift: tiles.shift, into: tiles.accumulator, firstKey: keys.first + run.first, first: run.first,
          count: run.count
        ) { run.access($0, $1) }
      }
    }
  }

  /// Attends one row to all keys, whose dead pairs have scores, part by part.
  /// - Parameter number: the row's number in the parts.
  func attendWithoutKeys(_ batch: [IntegerExpression], _ query: IntegerExpression, number: IntegerExpression, _ parts: Parts) throws
  {
    let all = Span(first: 0, count: IntegerExpression(shape.keys))
    let at = PairBlock(batch: batch, queries: Span(first: query, count: 1), keys: all)
    let tiles = makeTiles()
    try builder.loop("s", to: IntegerExpression(parts.count)) { part in
      let first = builder.define("j0", part * .constant(Limits.keysOfPart))
      let count = builder.define("columns", .smaller(all.count - first, .constant(Limits.keysOfPart)))
      func access(_ place: Place, _ row: IntegerExpression, _ rest: IntegerExpression...) -> Access {
        Access(place, (shape.panelDimensions.map { batch[$0] } + [part, number + row] + rest).map { Access.Index($0) })
      }
      try attend(
        at, tiles, Span(first: first, count: count), isOpen: 1, seeing: RowsWithoutKeys(areSeen: 1, isEmpty: nil), parts, access)
    }
  }

  /// The results of a part without a live pair.
  private func storeNothing(_ at: PairBlock, _ parts: Parts, _ access: PartAccess) {
    let element = types.accumulator
    if !sum.weighsByScore {
      builder.map([("r", at.rowCount)]) { body, index in
        body.store(body.constant(-.infinity, element), access(parts.maximum, index[0]))
        body.store(body.constant(0, element), access(parts.sum, index[0]))
      }
    }
    if let weightSum = parts.weightSum {
      builder.map([("r", at.rowCount)]) { body, index in body.store(body.constant(0, element), access(weightSum, index[0])) }
    }
    builder.map([("r", at.rowCount), ("e", .constant(shape.valueWidth))]) { body, index in
      body.store(body.constant(0, element), access(parts.values, index[0], index[1]))
    }
  }
}
