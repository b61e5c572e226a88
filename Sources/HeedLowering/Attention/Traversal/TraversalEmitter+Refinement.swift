import HeedAnalysis
import HeedIR
import HeedSchedule

/// What is known of the tile that is being refined.
struct Refinement {
  /// Not 0 where a live pair was found.
  let found: Scalar
  /// Not 0 where a granule may hold one.
  let possible: Scalar
  /// The first and the last inner granule that may hold one.
  let first: Scalar
  let last: Scalar
  /// Not 0 where a pair may be dead.
  let open: Scalar
  /// For each outer and each inner granule, whether they may hold a live pair.
  let granules: Place

  init(_ emitter: TraversalEmitter) {
    let builder = emitter.builder
    func scalar(_ name: Name) -> Scalar { builder.scalar(name, .i32) }
    (found, possible, open) = (scalar("found"), scalar("possible"), scalar("open"))
    (first, last) = (scalar("first_granule"), scalar("last_granule"))
    granules = builder.tile("granules", .i32, [emitter.outerGranules, emitter.granulesOfTile])
  }
}

/// Tiles that the interval extension leaves open: classified again in granules, then pair by pair.
extension TraversalEmitter {
  var isUndecided: IntegerExpression {
    .apply(.and, .equal(refinement!.found.value, 0), .notEqual(refinement!.possible.value, 0))
  }

  var isFound: IntegerExpression { .notEqual(refinement!.found.value, 0) }

  /// A full tile holds live pairs in all its granules; an open one is not known to hold any yet.
  func beginRefinement(_ verdict: IntegerExpression) throws {
    let (refinement, isFull) = (refinement!, IntegerExpression.equal(verdict, .verdict(.full)))
    let most = IntegerExpression.constant(innerTile)
    builder.set(refinement.found, isFull)
    builder.set(refinement.possible, 0)
    builder.set(refinement.open, attendsAll ?? 0)
    builder.set(refinement.first, most - isFull * most)
    builder.set(refinement.last, isFull * most - 1)
  }

  func classifyGranules(_ start: IntegerExpression, _ count: IntegerExpression) throws {
    let refinement = refinement!
    let granules = granules(start, start + count - 1, size: innerGranule)
    let firstGranule = builder.define("granule", granules.first)
    try builder.map([("a", outer.count.ceilingDivided(by: outerGranule)), ("g", granules.count)]) { body, index in
      var places: TermPlaces = outerBounds.mapValues { (places: $0.granules, indices: [index[0]]) }
      for number in summaries.numbers {
        places[number] = (
          summaries.granules[number]!, kernel.terms[number].batch.map { block.batch[$0] } + [firstGranule + index[1]]
        )
      }
      let rectangle = Rectangle(
        order, outer: outerGranule(index[0]), inner: innerGranule(firstGranule + index[1], start, count))
      let answer = try kernel.ask(rectangle, batch: block.batch, places, in: &body)
      let mustHold = body.apply(.and, answer.canHold, body.apply(.not, answer.canFail))
      let isPossible = body.apply(.convert, answer.canHold, type: .i32)
      body.accumulate(.maximum, body.apply(.convert, mustHold, type: .i32), refinement.found.access)
      body.accumulate(.maximum, isPossible, refinement.possible.access)
      body.accumulate(.maximum, body.apply(.convert, answer.canFail, type: .i32), refinement.open.access)
      body.store(isPossible, Access(refinement.granules, index[0], index[1]))
      let number = body.index(index[1], .i32)
      let most = body.index(.constant(innerTile), .i32)
      body.accumulate(.minimum, body.apply(.select, answer.canHold, number, most), refinement.first.access)
      let least = body.index(-1, .i32)
      body.accumulate(.maximum, body.apply(.select, answer.canHold, number, least), refinement.last.access)
    }
  }

  /// Tries the pairs of granules that may hold a live one, until one does.
  func searchPairs(_ start: IntegerExpression, _ count: IntegerExpression) throws {
    let refinement = refinement!
    let granules = granules(start, start + count - 1, size: innerGranule)
    builder.loop("a", to: outer.count.ceilingDivided(by: outerGranule)) { a in
      builder.loop("g", to: granules.count) { g in
        let isPossible = IntegerExpression.notEqual(.load(Access(refinement.granules, a, g)), 0)
        builder.branch(.apply(.and, .equal(refinement.found.value, 0), isPossible)) {
          let rectangle = Rectangle(order, outer: outerGranule(a), inner: innerGranule(granules.first + g, start, count))
          let query = builder.define("i", rectangle.queries.first)
          let key = builder.define("j", rectangle.keys.first)
          builder.map([("r", rectangle.queries.last - query + 1), ("c", rectangle.keys.last - key + 1)]) { body, index in
            let at = block.batch + [query + index[0], key + index[1]]
            let isLive = kernel.inline(kernel.mask.condition, [], at, in: &body)
            body.accumulate(.maximum, body.apply(.convert, isLive, type: .i32), refinement.found.access)
          }
        }
      }
    }
  }

  func trimmed(_ start: IntegerExpression, _ count: IntegerExpression) throws -> VisitedTile<IntegerExpression> {
    let refinement = refinement!
    let granules = granules(start, start, size: innerGranule)
    let size = IntegerExpression.constant(innerGranule)
    // Keys stand in panels.
    let step = IntegerExpression.constant(order == .queryMajor ? kernel.schedule.panelWidth : 1)
    let first = (granules.first + refinement.first.value) * size - inner.first
    let end = (granules.first + refinement.last.value + 1) * size - inner.first
    let trimmedFirst = builder.define("trimmed", .apply(.maximum, first, start) / step * step)
    let columns = builder.define("columns", .smaller(end, start + count) - trimmedFirst)
    return VisitedTile(first: trimmedFirst, count: columns, isOpen: .notEqual(refinement.open.value, 0))
  }

  /// The indices of an inner granule that are among `count` from `start`: first and last, as indices of the op.
  private func innerGranule(
    _ granule: IntegerExpression, _ start: IntegerExpression, _ count: IntegerExpression
  ) -> Rectangle.Ends {
    let size = IntegerExpression.constant(innerGranule)
    // Only a block's first index may stand within a granule.
    let first = isInnerAligned ? granule * size : .apply(.maximum, granule * size, inner.first + start)
    return (first, .smaller(granule * size + (size - 1), inner.first + start + count - 1))
  }

  private func outerGranule(_ granule: IntegerExpression) -> Rectangle.Ends {
    let size = IntegerExpression.constant(outerGranule)
    return (outer.first + granule * size, outer.first + .smaller(granule * size + size, outer.count) - 1)
  }
}
