import Heed
import HeedInterpreter
import HeedLowering
import HeedTestSupport
import Testing

@Suite struct IntervalTwinTests {
  /// Whether the function is true, and false, for some pair of the rectangle.
  private static func truth(
    _ function: ScalarFunction, _ queries: ClosedRange<Int>, _ keys: ClosedRange<Int>, head: Int
  ) throws -> (holds: Bool, fails: Bool) {
    var (holds, fails) = (false, false)
    for i in queries {
      for j in keys {
        if try function.evaluate([Literal(head), Literal(i), Literal(j)])[0].integer != 0 { holds = true } else { fails = true }
        if holds && fails { return (true, true) }
      }
    }
    return (holds, fails)
  }

  /// No rectangle said to be empty holds a live pair, and none said to be full a dead one, near 0 and where arithmetic wraps.
  @Test(arguments: [ElementType.i32, .i64], [false, true]) func verdictsAreSound(_ index: ElementType, _ isLarge: Bool) throws {
    var numbers = SeededGenerator(seed: 7)
    var decided = 0
    var decidable = 0
    for seed in 0..<(isLarge ? 150 : 250) {
      let predicate = try RandomPredicate(seed: UInt64(seed), index: index, hasLargeConstants: isLarge)
      for _ in 0..<6 {
        let origins = isLarge ? [0, 90, 1 << 26, (1 << 27) - 6, (1 << 30) - 3, Int(Int32.max) - 12] : [0, 0, 5, 40, 96, 384]
        let firstQuery = origins.randomElement(using: &numbers)!
        let firstKey = origins.randomElement(using: &numbers)!
        let queries = firstQuery...(firstQuery + Int.random(in: 0..<12, using: &numbers))
        let keys = firstKey...(firstKey + Int.random(in: 0..<12, using: &numbers))
        let head = Int.random(in: 0..<3, using: &numbers)
        let truth = try Self.truth(predicate.function, queries, keys, head: head)
        let verdict = IndexRectangle.verdict(of: predicate.function, queries: queries, keys: keys, uniform: [head])
        let isSound = (verdict.canHold || !truth.holds) && (verdict.canFail || !truth.fails)
        #expect(
          isSound,
          "seed \(seed): \(queries) x \(keys), head \(head): \(verdict), expected \(truth)\n\(predicate.function.text(tables: []))")
        if !isSound { return }
        if truth.holds != truth.fails {
          decidable += 1
          if verdict.canHold != verdict.canFail { decided += 1 }
        }
      }
    }
    // A twin that knows nothing is sound as well.
    #expect(isLarge || Double(decided) > 0.6 * Double(decidable), "\(decided) of \(decidable) rectangles decided")
  }

  /// Differences of indices are exact: each rectangle that is empty or full is found to be so.
  @Test(arguments: [
    "%live = less_equal %j, %i", "%d = subtract %i, %j\n%live = less %d, 7",
    "%a = add %i, 3\n%b = subtract %j, 2\n%live = greater %a, %b",
    "%a = multiply %i, 2\n%b = subtract %a, %j\n%live = less_equal %b, 4", "%a = add %i, %j\n%live = equal %a, 40",
  ]) func linearFormsAreExact(_ lines: String) throws {
    var problem = AttentionGraph()
    problem.score = lines.split(separator: "\n").map(String.init) + [ScoreForm.masked]
    let graph = try problem.graph().lowered(options()).graph
    let node = try #require(graph.body.first { graph.op($0) === Op.attention })
    let region = graph.regions(node).last!
    for first in 0..<30 {
      let (queries, keys) = (first...(first + 6), (40 - first)...(43 - first))
      var (holds, fails) = (false, false)
      for i in queries {
        for j in keys {
          if try region.evaluate([0, 0, i, j].map { Literal($0) })[0].integer != 0 { holds = true } else { fails = true }
        }
      }
      let verdict = IndexRectangle.verdict(of: region, queries: queries, keys: keys, uniform: [0, 0])
      #expect(verdict.canHold == holds && verdict.canFail == fails, "\(queries) x \(keys): \(verdict)\n\(graph.text)")
    }
  }

  /// Masked attention with random masks, at lengths of several tiles: small ones, so that there are many tiles.
  @Test(arguments: 0..<16) func compiledMasksAgree(_ batch: Int) throws {
    for seed in (batch * 2)..<(batch * 2 + 2) {
      let predicate = try RandomPredicate(seed: UInt64(seed))
      var problem = AttentionGraph()
      (problem.batch, problem.width, problem.valueWidth) = (["B", "2"], 2, 3)
      problem.score = ["%h = iota {dim = 1} : $I"] + predicate.lines + [ScoreForm.masked]
      let graph = try problem.graph()
      let sizes: [[Name: Int]] = [["B": 1, "M": 70, "N": 61], ["B": 2, "M": 7, "N": 33]]
      try expectAgreement(
        graph, at: sizes, targets: [hostTargets[seed % hostTargets.count]], pipeline: Self.smallTiles,
        note: "seed \(seed) ")
    }
  }

  /// The standard passes, then attention in tiles of 8 rows and the fewest keys.
  private static let smallTiles = PassPipeline(
    PassPipeline.standardPasses + [
      GraphPass("small-tiles", summary: "tiles of 8 rows") { graph, _ in
        var rewriter = GraphRewriter(graph)
        for node in graph.body {
          guard graph.op(node) === Op.attention else {
            rewriter.copy(node)
            continue
          }
          let kept = graph.attributes(node).all.filter { $0.key != "tile" }
          let value = try rewriter.append(
            .attention, graph.operands(node).map { rewriter($0) },
            attributes: kept + [Attribute("tile", .integers(IntegerList([8, 8])))], regions: Array(graph.regions(node)))
          rewriter.replace(graph.result(node), with: value)
        }
        graph = rewriter.finish()
      }
    ])
}
