import HeedAnalysis
import HeedIR

/// Which tiles of the score matrix live: the interval twin of the mask over rectangles, coarse ones first.
///
/// A run of blocks is asked for at once, then each of its blocks (many a vector); a block that is neither ruled out nor proved full is
/// looked at in granules of a few queries and keys, which also tell where in it live keys begin and end. Where no granule is proved to
/// hold a live pair, pairs are tried until one lives: a block that is attended holds one.
extension AttentionLowering {
  /// The blocks of keys of a run.
  static let blocksOfRun = 64
  /// The most queries and keys of a granule, and the granules of a group, whose bounds are kept as well.
  static let mostOfGranule = 16
  static let granulesOfGroup = 64

  /// The greatest power of two, up to the most of a granule, that divides the size of a block.
  static func granule(dividing size: Int) -> Int {
    var granule = mostOfGranule
    while size % granule != 0 { granule /= 2 }
    return granule
  }

  /// Where bounds of a term lie: one element for each granule or block.
  struct BoundPlaces {
    var low: Place
    var high: Place
  }

  /// The bounds of key terms over granules of keys, and over groups of granules, in workspaces.
  struct KeySummary {
    var granules: BoundPlaces
    var groups: BoundPlaces
  }

  /// The bounds of query terms over granules of queries, and over all of a block.
  struct QueryBounds {
    var granules: BoundPlaces
    var all: BoundPlaces
  }

  /// The bounds of terms where the twin is asked, as they are read in a map.
  struct TermPlaces {
    /// By the term's number.
    var query: [Int: (place: BoundPlaces, index: IntegerExpression)] = [:]
    var key: [Int: (place: BoundPlaces, indices: [IntegerExpression])] = [:]
  }

  struct Rectangle {
    var firstQuery: IntegerExpression
    var lastQuery: IntegerExpression
    var firstKey: IntegerExpression
    var lastKey: IntegerExpression
  }

  // MARK: Terms

  /// The value of a term, bounded in its type's stead.
  func value(of term: MaskTerm, at indices: [IntegerExpression], in body: inout Body) throws -> BodyValue {
    let value = inline(term.function, [], indices, in: &body)
    return body.type(value) == term.boundType ? value : try body.apply(.convert, value, type: term.boundType)
  }

  /// Takes a term's value into its bounds; a NaN makes them infinite.
  private func bound(
    _ term: MaskTerm, at indices: [IntegerExpression], by places: BoundPlaces, _ place: [IntegerExpression], in body: inout Body
  ) throws {
    let value = try value(of: term, at: indices, in: &body)
    var (low, high) = (value, value)
    if term.boundType.isFloat {
      let isNumber = try body.apply(.equal, value, value)
      low = try body.apply(.select, isNumber, value, body.constant(-.infinity, term.boundType))
      high = try body.apply(.select, isNumber, value, body.constant(.infinity, term.boundType))
    }
    let index = place.map { Access.Index($0) }
    body.accumulate(.minimum, low, Access(places.low, index))
    body.accumulate(.maximum, high, Access(places.high, index))
  }

  /// Bounds of nothing.
  func begin(_ type: ElementType, _ places: BoundPlaces, _ place: [IntegerExpression], in body: inout Body) {
    let index = place.map { Access.Index($0) }
    let ends = type.isFloat ? [Literal(Double.infinity), Literal(-Double.infinity)] : [Literal(Int64.max), Literal(Int64.min)]
    for (end, target) in zip(ends, [places.low, places.high]) {
      body.store(body.append(Body.Instruction(.constant(end), type: type)), Access(target, index))
    }
  }

  /// Takes bounds into others.
  func merge(
    _ type: ElementType, _ from: BoundPlaces, _ source: [Access.Index], _ to: BoundPlaces, _ target: [IntegerExpression],
    in body: inout Body
  ) {
    let isGuarded = source.contains { $0.isGuarded }
    let none = type.isFloat ? [Literal(Double.infinity), Literal(-Double.infinity)] : [Literal(Int64.max), Literal(Int64.min)]
    let index = target.map { Access.Index($0) }
    let low = body.load(Access(from.low, source), type, otherwise: isGuarded ? none[0] : nil)
    let high = body.load(Access(from.high, source), type, otherwise: isGuarded ? none[1] : nil)
    body.accumulate(.minimum, low, Access(to.low, index))
    body.accumulate(.maximum, high, Access(to.high, index))
  }

  mutating func boundTiles(_ number: Int, _ name: String, _ count: Int, in block: inout [Statement]) -> BoundPlaces {
    let type = twin.terms[number].boundType
    return BoundPlaces(
      low: builder.tile(Name("\(name)\(number)_low"), type, [count], in: &block),
      high: builder.tile(Name("\(name)\(number)_high"), type, [count], in: &block))
  }

  private func termNumbers(_ side: MaskTerm.Side) -> [Int] { twin.terms.indices.filter { twin.terms[$0].side == side } }

  /// Workspaces for the bounds of the key terms, whose contents `summarizeKeys` makes.
  mutating func allocateSummaries() {
    guard isMasked else { return }
    for number in termNumbers(.key) {
      let term = twin.terms[number]
      let leading = term.batch.map { batch[$0] }
      func places(_ name: String, _ count: Extent) -> BoundPlaces {
        let type = TensorType(term.boundType, Shape(leading + [count]))
        return BoundPlaces(
          low: builder.workspace(Name("\(name)\(number)_low"), type), high: builder.workspace(Name("\(name)\(number)_high"), type))
      }
      summaries[number] = KeySummary(
        granules: places("granule", keys.dividedRoundingUp(by: keyGranule)),
        groups: places("group", keys.dividedRoundingUp(by: keyGranule * Self.granulesOfGroup)))
    }
  }

  /// The bounds of each key term over all keys: one pass over them.
  mutating func summarizeKeys() throws {
    for (number, summary) in summaries.sorted(by: { $0.key < $1.key }) {
      let term = twin.terms[number]
      let (domain, indices) = batchDomain(term.batch)
      let granules = keys.dividedRoundingUp(by: keyGranule)
      let (groups, group) = builder.dimension("n", IntegerExpression(granules.dividedRoundingUp(by: Self.granulesOfGroup)))
      var body: [Statement] = []
      let first = builder.define("first", group * .constant(Self.granulesOfGroup), in: &body)
      let count = builder.define("count", .blockSize(granules, block: first, size: Self.granulesOfGroup), in: &body)
      let tiles = boundTiles(number, "term", Self.granulesOfGroup, in: &body)
      var all = [IntegerExpression](repeating: 0, count: batchRank + 2)
      for (dimension, index) in zip(term.batch, indices) { all[dimension] = index }
      let (lowering, granule, keys) = (self, keyGranule, IntegerExpression(keys))
      builder.map([("g", count)], in: &body) { body, index in lowering.begin(term.boundType, tiles, index, in: &body) }
      try builder.map([("g", count), ("c", .constant(granule))], in: &body) { body, index in
        var at = all
        at[at.count - 1] = .smaller((first + index[0]) * .constant(granule) + index[1], keys - 1)
        try lowering.bound(term, at: at, by: tiles, [index[0]], in: &body)
      }
      builder.map([("u", 1)], in: &body) { body, _ in
        lowering.begin(term.boundType, summary.groups, indices + [group], in: &body)
      }
      builder.map([("g", count)], in: &body) { body, index in
        let place = (indices + [first + index[0]]).map { Access.Index($0) }
        for (tile, target) in [(tiles.low, summary.granules.low), (tiles.high, summary.granules.high)] {
          body.store(body.load(Access(tile, index[0]), term.boundType), Access(target, place))
        }
        lowering.merge(
          term.boundType, tiles, [Access.Index(index[0])], summary.groups, indices + [group], in: &body)
      }
      builder.phase(Name("summarize\(number)"), domain + [groups], body)
    }
  }

  /// The bounds of the query terms over a block of rows; over granules only where the rows are those of one head.
  mutating func boundQueries(_ at: ScoreBlock, in block: inout [Statement]) throws -> [Int: QueryBounds] {
    var found: [Int: QueryBounds] = [:]
    let (granule, count) = at.groups.isEmpty ? (queryGranule, rowBlock / queryGranule) : (0, 1)
    for number in termNumbers(.query) {
      let term = twin.terms[number]
      let granules = boundTiles(number, "granule", count, in: &block)
      let all = boundTiles(number, "rows", 1, in: &block)
      let lowering = self
      builder.map([("a", .constant(count))], in: &block) { body, index in
        lowering.begin(term.boundType, granules, index, in: &body)
      }
      builder.map([("u", 1)], in: &block) { body, _ in lowering.begin(term.boundType, all, [0], in: &body) }
      if at.groups.isEmpty {
        try builder.map([("a", at.rows.ceilingDivided(by: granule)), ("r", .constant(granule))], in: &block) { body, index in
          let query = at.firstRow + .smaller(index[0] * .constant(granule) + index[1], at.rows - 1)
          try lowering.bound(term, at: at.batch + [query, 0], by: granules, [index[0]], in: &body)
        }
      } else {
        try builder.map(rowDimensions(at), in: &block) { body, index in
          let row = lowering.row(index[...], at)
          try lowering.bound(term, at: row.batch + [row.query, 0], by: granules, [0], in: &body)
        }
      }
      builder.map([("a", .constant(count))], in: &block) { body, index in
        lowering.merge(term.boundType, granules, [Access.Index(index[0])], all, [0], in: &body)
      }
      found[number] = QueryBounds(granules: granules, all: all)
    }
    return found
  }

  // MARK: Verdicts

  /// The twin's answers for a rectangle, as values of a map's body.
  func ask(_ rectangle: Rectangle, batch: [IntegerExpression], _ places: TermPlaces, in body: inout Body) throws -> (
    canHold: BodyValue, canFail: BodyValue
  ) {
    let function = twin.function
    let used = Set(function.instructions.flatMap(\.operands) + function.results)
    var arguments: [BodyValue] = []
    for index in [rectangle.firstQuery, rectangle.lastQuery, rectangle.firstKey, rectangle.lastKey] + batch {
      let isUsed = used.contains(function.parameter(arguments.count))
      arguments.append(isUsed ? body.index(index, .i64) : BodyValue(-1))
    }
    for (number, term) in twin.terms.enumerated() {
      switch term.side {
      case .uniform: arguments.append(try value(of: term, at: batch + [0, 0], in: &body))
      case .query:
        let (place, index) = places.query[number]!
        arguments += [place.low, place.high].map { body.load(Access($0, index), term.boundType) }
      case .key:
        let (place, indices) = places.key[number]!
        arguments += [place.low, place.high].map { body.load(Access($0, indices.map { Access.Index($0) }), term.boundType) }
      }
    }
    let results = inlineAll(function, arguments, [], in: &body)
    return (results[0], results[1])
  }
}
