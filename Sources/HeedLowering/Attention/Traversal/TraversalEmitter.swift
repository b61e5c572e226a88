import HeedAnalysis
import HeedIR
import HeedSchedule

/// Emits a traversal of the tiles of one block into the kernel being built.
final class TraversalEmitter {
  let kernel: any PairKernel
  let order: TraversalOrder
  let block: PairBlock
  /// The bounds of the terms of the inner index.
  let summaries: TermSummaries
  /// A condition: whether all tiles are attended to, as open ones, whatever the mask says; nil for never.
  let attendsAll: IntegerExpression?
  /// What is done with a tile that is attended to.
  private let visit: (VisitedTile<IntegerExpression>) throws -> Void
  /// What is done before the tiles of a group, given its first inner index and the one behind its last.
  private let prepare: (_ first: IntegerExpression, _ end: IntegerExpression) throws -> Void
  /// The bounds of the terms of the outer index over the block.
  private(set) var outerBounds: [Int: OuterBounds] = [:]
  private var verdicts: Place?
  private(set) var refinement: Refinement?

  var builder: KernelBuilder { kernel.builder }

  init(
    _ kernel: any PairKernel, _ order: TraversalOrder, _ block: PairBlock, _ summaries: TermSummaries,
    attendsAll: IntegerExpression? = nil,
    prepare: @escaping (_ first: IntegerExpression, _ end: IntegerExpression) throws -> Void = { _, _ in },
    visit: @escaping (VisitedTile<IntegerExpression>) throws -> Void
  ) {
    (self.kernel, self.order, self.block, self.summaries) = (kernel, order, block, summaries)
    (self.attendsAll, self.prepare, self.visit) = (attendsAll, prepare, visit)
  }

  /// The outer and the inner indices of the block.
  var outer: Span { order == .queryMajor ? block.queries : block.keys }
  var inner: Span { order == .queryMajor ? block.keys : block.queries }
  var innerTile: Int { kernel.tile(of: order.inner) }
  var innerGranule: Int { kernel.granule(of: order.inner) }
  var outerGranule: Int { kernel.granule(of: order.outer) }

  /// Appends the statements that visit the block's tiles.
  /// - Parameter tilesOfGroup: the tiles that are classified together.
  func emit(tilesOfGroup: Int = AttentionSchedule.tilesOfGroup) throws {
    let isMasked = !kernel.mask.isAlwaysTrue
    if isMasked { outerBounds = try boundOuterTerms() }
    let extent = kernel.extent(of: order.inner)
    let hasWholeTiles = inner.count == IntegerExpression(extent) && extent.dividedExactly(by: innerTile) != nil
    try TileTraversal(
      order: order, tile: innerTile, tilesOfGroup: tilesOfGroup, hasWholeTiles: hasWholeTiles, isMasked: isMasked,
      isExact: kernel.mask.interval.isExact
    ).visit(self, count: inner.count)
  }
}

extension TraversalEmitter: TraversalMachine {
  func named(_ name: Name, _ number: IntegerExpression) -> IntegerExpression { builder.define(name, number) }

  func forEach(
    _ name: Name, from: IntegerExpression, to end: IntegerExpression, step: Int, _ body: (IntegerExpression) throws -> Void
  ) throws { try builder.loop(name, from: from, to: end, step: step, body) }

  func when(_ condition: IntegerExpression, _ then: () throws -> Void, otherwise: () throws -> Void) throws {
    try builder.branch(condition, then, otherwise: otherwise)
  }

  // MARK: The range of inner indices

  func innerRange() throws -> InnerRange<IntegerExpression> {
    let range = try kernel.range(order, of: block)
    verdicts = builder.tile("verdicts", .i32, [AttentionSchedule.tilesOfGroup])
    if !kernel.mask.interval.isExact { refinement = Refinement(self) }
    guard let attendsAll, range.isBounded else { return range }
    return InnerRange(
      first: builder.define("first", range.first * (1 - attendsAll)),
      end: builder.define("end", range.end + attendsAll * (inner.count - range.end)), isBounded: true)
  }

  func beginGroup(_ first: IntegerExpression, _ end: IntegerExpression) throws { try prepare(first, end) }

  func attend(_ tile: VisitedTile<IntegerExpression>) throws { try visit(tile) }

  func leave(_ start: IntegerExpression, _ count: IntegerExpression, settledBy level: TraversalLevel?) throws {}

  func verdict(ofTile number: IntegerExpression) -> IntegerExpression {
    let verdict = IntegerExpression.load(Access(verdicts!, number))
    guard let attendsAll else { return builder.define("verdict", verdict) }
    // Of an open tile that is not refined any granule counts, as of a full one.
    let all = IntegerExpression.verdict(refinement == nil ? .open : .full)
    return builder.define("verdict", verdict + attendsAll * (all - verdict))
  }

  // MARK: Groups and tiles

  func groupCanHold(_ first: IntegerExpression, _ end: IntegerExpression) throws -> IntegerExpression {
    var places = placesOverBlock
    for number in summaries.numbers {
      let (term, tiles) = (kernel.terms[number], kernel.boundScalars(number, "group"))
      let groups = granules(first, end - 1, size: innerGranule * AttentionSchedule.granulesOfGroup)
      let leading = term.batch.map { block.batch[$0] }
      builder.compute { kernel.begin(term.boundType, tiles, [], in: &$0) }
      builder.map([("n", groups.count)]) { body, index in
        kernel.merge(
          term.boundType, summaries.groups[number]!, (leading + [groups.first + index[0]]).map { Access.Index($0) }, into: tiles,
          [], in: &body)
      }
      places[number] = (tiles, [])
    }
    let canHold = builder.scalar("can_hold", .i32)
    try builder.compute { body in
      let answer = try kernel.ask(rectangle(first, end - 1), batch: block.batch, places, in: &body)
      body.store(body.apply(.convert, answer.canHold, type: .i32), canHold.access)
    }
    return attendsAll.map { .apply(.or, $0, .notEqual(canHold.value, 0)) } ?? .notEqual(canHold.value, 0)
  }

  func classifyTiles(_ first: IntegerExpression, _ end: IntegerExpression) throws {
    var places = placesOverBlock
    let size = IntegerExpression.constant(innerTile)
    let count = builder.define("tiles", (end - first).ceilingDivided(by: innerTile))
    let (dimension, n) = builder.dimension("n", count)
    for number in summaries.numbers {
      let (term, tiles) = (kernel.terms[number], kernel.boundTiles(number, "tile", AttentionSchedule.tilesOfGroup))
      let leading = term.batch.map { block.batch[$0] }
      builder.map([("n", count)]) { body, index in kernel.begin(term.boundType, tiles, index, in: &body) }
      builder.map([("n", count), ("g", .constant(granulesOfTile))]) { body, index in
        let granule = (inner.first + first + index[0] * size) / .constant(innerGranule) + index[1]
        let source = leading.map { Access.Index($0) } + [Access.Index(granule, isGuarded: true)]
        kernel.merge(term.boundType, summaries.granules[number]!, source, into: tiles, [index[0]], in: &body)
      }
      places[number] = (tiles, [n])
    }
    var body = BodyBuilder()
    let start = first + n * size
    let answer = try kernel.ask(rectangle(start, .smaller(end, start + size) - 1), batch: block.batch, places, in: &body)
    body.store(try body.verdict(answer.canHold, answer.canFail), Access(verdicts!, n))
    builder.append(.map(Map([dimension], body.finish())))
  }

  // MARK: Rectangles

  /// A tile that does not begin with a granule touches one more.
  var granulesOfTile: Int { innerTile / innerGranule + (isInnerAligned ? 0 : 1) }

  /// Whether the block's first inner index begins a granule: keys do but for segments, queries where a statistic does not begin elsewhere.
  var isInnerAligned: Bool {
    order == .queryMajor ? kernel.offsets == nil : inner.first.constantValue.map { $0 % innerGranule == 0 } ?? false
  }

  /// The pairs of the whole outer span and of inner indices, counted from the first of the block.
  func rectangle(_ first: IntegerExpression, _ last: IntegerExpression) -> Rectangle {
    Rectangle(order, outer: (outer.first, outer.last), inner: (inner.first + first, inner.first + last))
  }

  /// The granules, or groups of them, that hold the inner indices from `first` to `last`: the number of the first one and how many.
  func granules(_ first: IntegerExpression, _ last: IntegerExpression, size: Int) -> Span {
    let start = (inner.first + first) / .constant(size)
    return Span(first: start, count: (inner.first + last) / .constant(size) - start + 1)
  }

  /// Where the bounds of the outer terms over the whole block lie.
  var placesOverBlock: TermPlaces { outerBounds.mapValues { (places: $0.block, indices: []) } }
}

/// Pairs whose queries, and whose keys, follow each other.
struct Rectangle {
  /// The first and the last index.
  typealias Ends = (first: IntegerExpression, last: IntegerExpression)

  let queries: Ends
  let keys: Ends

  init(_ order: TraversalOrder, outer: Ends, inner: Ends) {
    switch order {
    case .queryMajor: (queries, keys) = (outer, inner)
    case .keyMajor: (queries, keys) = (inner, outer)
    }
  }
}

extension BodyBuilder {
  /// The verdict that two answers of an interval extension amount to, as an i32.
  mutating func verdict(_ canHold: BodyValue, _ canFail: BodyValue) throws -> BodyValue {
    func constant(_ verdict: Verdict, _ body: inout BodyBuilder) -> BodyValue {
      body.index(IntegerExpression.verdict(verdict), .i32)
    }
    let (open, full, empty) = (constant(.open, &self), constant(.full, &self), constant(.empty, &self))
    let live = apply(.select, canFail, open, full)
    return apply(.select, canHold, live, empty)
  }
}
