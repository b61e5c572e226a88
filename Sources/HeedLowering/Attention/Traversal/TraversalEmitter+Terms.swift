import HeedAnalysis
import HeedIR
import HeedSchedule

/// The bounds of a term of the outer index: over granules, and over all of a block.
struct OuterBounds {
  var granules: BoundPlaces
  var block: BoundPlaces
}

extension TraversalEmitter {
  /// The bounds of the outer terms over the block; over granules only where the rows are those of one head.
  func boundOuterTerms() throws -> [Int: OuterBounds] {
    let isOneHead = block.groups.isEmpty
    let (granule, count) = isOneHead ? (outerGranule, outerGranules) : (0, 1)
    var found: [Int: OuterBounds] = [:]
    for number in kernel.termNumbers(order.outer) {
      let term = kernel.terms[number]
      let granules = kernel.boundTiles(number, "granule", count)
      let all = kernel.boundScalars(number, "block")
      builder.map([("a", .constant(count))]) { body, index in kernel.begin(term.boundType, granules, index, in: &body) }
      builder.compute { kernel.begin(term.boundType, all, [], in: &$0) }
      if isOneHead {
        try builder.map([("a", outer.count.ceilingDivided(by: granule)), ("r", .constant(granule))]) { body, index in
          let place = outer.first + .smaller(index[0] * .constant(granule) + index[1], outer.count - 1)
          let at = block.batch + (order == .queryMajor ? [place, 0] : [0, place])
          try kernel.bound(term, at: at, by: granules, [index[0]], in: &body)
        }
      } else {
        try builder.map(kernel.rowDimensions(block)) { body, index in
          let row = kernel.row(index[...], block)
          try kernel.bound(term, at: row.batch + [row.query, 0], by: granules, [0], in: &body)
        }
      }
      builder.map([("a", .constant(count))]) { body, index in
        kernel.merge(term.boundType, granules, [Access.Index(index[0])], into: all, [], in: &body)
      }
      found[number] = OuterBounds(granules: granules, block: all)
    }
    return found
  }

  /// The granules of an outer block.
  var outerGranules: Int { kernel.tile(of: order.outer) / outerGranule }

  /// The verdict over inner indices, for the heads of the block's group together: for few rows, which ask about parts of the keys and
  /// refine nothing.
  func verdict(over first: IntegerExpression, _ count: IntegerExpression) throws -> IntegerExpression {
    guard !kernel.mask.isAlwaysTrue else { return .verdict(.full) }
    var places: TermPlaces = try boundOuterTerms().mapValues { (places: $0.block, indices: []) }
    // A summary of a head in the group is not that of the others.
    for number in summaries.numbers {
      let (term, tiles) = (kernel.terms[number], kernel.boundScalars(number, "part"))
      let granules = granules(first, first + count - 1, size: innerGranule)
      builder.compute { kernel.begin(term.boundType, tiles, [], in: &$0) }
      builder.map(kernel.groupDimensions(block) + [("g", granules.count)]) { body, index in
        let batch = kernel.batchIndices(block, index.dropLast())
        let place = (term.batch.map { batch[$0] } + [granules.first + index.last!]).map { Access.Index($0) }
        kernel.merge(term.boundType, summaries.granules[number]!, place, into: tiles, [], in: &body)
      }
      places[number] = (tiles, [])
    }
    let canHold = builder.scalar("can_hold", .i32, initial: .expression(0))
    let canFail = builder.scalar("can_fail", .i32, initial: .expression(0))
    try builder.map(kernel.groupDimensions(block) + [("u", 1)]) { body, index in
      let batch = kernel.batchIndices(block, index.dropLast())
      let answer = try kernel.ask(rectangle(first, first + count - 1), batch: batch, places, in: &body)
      for (value, target) in [(answer.canHold, canHold), (answer.canFail, canFail)] {
        body.accumulate(.maximum, body.apply(.convert, value, type: .i32), target.access)
      }
    }
    return builder.define("verdict", canHold.value * (canFail.value * 2 + 1))
  }
}

extension PairKernel {
  /// The interval extension's answers for a rectangle, as values of a map's body.
  func ask(
    _ rectangle: Rectangle, batch: [IntegerExpression], _ places: TermPlaces, in body: inout BodyBuilder
  ) throws -> (canHold: BodyValue, canFail: BodyValue) {
    let function = mask.interval.function
    let used = function.usedParameters
    var arguments: [BodyValue] = []
    for index in [rectangle.queries.first, rectangle.queries.last, rectangle.keys.first, rectangle.keys.last] + batch {
      arguments.append(used.contains(arguments.count) ? body.index(index, .i64) : BodyValue(-1))
    }
    for (number, term) in terms.enumerated() {
      guard term.side != .uniform else {
        arguments.append(try value(of: term, at: batch + [0, 0], in: &body))
        continue
      }
      let (bounds, indices) = places[number]!
      let place = indices.map { Access.Index($0) }
      arguments += [bounds.low, bounds.high].map { body.load(Access($0, place), term.boundType) }
    }
    let results = inlineAll(function, arguments, [], in: &body)
    return (results[0], results[1])
  }
}
