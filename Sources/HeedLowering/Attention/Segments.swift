import HeedIR
import HeedSchedule

/// Segments of a ragged batch: where they begin, and which blocks of rows are theirs.
extension ScoreKernel {
  /// What is not checked at the call may be anything: no segment leaves the rows.
  private func offset(_ segment: IntegerExpression) -> IntegerExpression {
    .smaller(.apply(.maximum, .load(offsets!.access([segment])), 0), IntegerExpression(shape.queries))
  }

  /// `let`s for the first row of a segment and the number of its rows.
  func segmentSpan(_ segment: IntegerExpression) -> Span {
    let start = builder.define("start", offset(segment))
    return Span(first: start, count: builder.define("length", .apply(.maximum, offset(segment + 1) - start, 0)))
  }

  /// The blocks of rows of all segments, and some spare ones between them: those of a segment stand at floor(offset / rows) + segment.
  var segmentBlocks: Extent { shape.queries.dividedRoundingDown(by: schedule.tile.rows) + segmentCount }

  /// The phase that writes for each block of rows the number of its segment, or -1 in the spare places.
  func numberBlocks(_ table: Place) {
    let (domain, segment) = builder.dimension("s", IntegerExpression(segmentCount))
    let rows = schedule.tile.rows
    builder.phase("number_blocks", [domain]) {
      let span = segmentSpan(segment)
      let first = builder.define("first", span.first / .constant(rows) + segment)
      let next = builder.define("next", (span.first + span.count) / .constant(rows) + segment + 1)
      let used = builder.define("used", span.count.ceilingDivided(by: rows))
      builder.map([("c", next - first)]) { body, at in
        let isUsed = body.index(.apply(.less, at[0], used), .i32)
        // segment where used, else -1: (segment + 1) * used - 1
        let number = body.index((segment + 1) * .value(isUsed) - 1, .i32)
        body.store(number, Access(table, [Access.Index(first + at[0], isGuarded: true)]))
      }
    }
  }
}
