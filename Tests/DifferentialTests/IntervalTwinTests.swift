import Foundation
import Heed
import HeedInterpreter
import HeedLowering
import HeedTestSupport
import Testing

@Suite struct IntervalTwinTests {
  /// Whether the function is true, and false, for some pair of the rectangle.
  private static func truth(
    _ function: ScalarFunction, _ queries: ClosedRange<Int>, _ keys: ClosedRange<Int>, batch: [Int], tables: [ReferenceArray] = []
  ) throws -> (holds: Bool, fails: Bool) {
    var (holds, fails) = (false, false)
    for i in queries {
      for j in keys {
        let arguments = (batch + [i, j]).map { Literal($0) }
        if try function.evaluate(arguments, tables: tables)[0].integer != 0 { holds = true } else { fails = true }
        if holds && fails { return (true, true) }
      }
    }
    return (holds, fails)
  }

  enum Kind: CaseIterable { case plain, large, tables }

  /// Random predicates of one kind: 10,000 in all, or as many times more as `HEED_COMBINATIONS` says.
  private static let predicates =
    10_000 / 20 * (ProcessInfo.processInfo.environment["HEED_COMBINATIONS"].flatMap(Int.init) ?? 1)

  /// No rectangle said to be empty holds a live pair, and none said to be full a dead one: near 0, where arithmetic wraps, and with
  /// tables.
  @Test(arguments: 0..<20) func verdictsAreSound(_ part: Int) throws {
    var numbers = SeededGenerator(seed: UInt64(part))
    let kind = part % 10 < 4 ? Kind.plain : part % 10 < 6 ? .large : .tables
    var (decided, decidable) = (0, 0)
    for seed in (part * Self.predicates)..<((part + 1) * Self.predicates) {
      let predicate = try RandomPredicate(
        seed: UInt64(seed), index: part < 10 ? .i32 : .i64, hasLargeConstants: kind == .large, readsTables: kind == .tables)
      let twin = try IntervalTwin(predicate.function)
      for _ in 0..<4 {
        let origins =
          kind == .large ? [0, 90, 1 << 26, (1 << 27) - 6, (1 << 30) - 3, Int(Int32.max) - 12] : [0, 0, 5, 40, 96, 384]
        let firstQuery = origins.randomElement(using: &numbers)!
        let firstKey = origins.randomElement(using: &numbers)!
        let queries = firstQuery...(firstQuery + Int.random(in: 0..<12, using: &numbers))
        let keys = firstKey...(firstKey + Int.random(in: 0..<12, using: &numbers))
        let head = Int.random(in: 0..<3, using: &numbers)
        let truth = try Self.truth(predicate.function, queries, keys, batch: [head], tables: predicate.tables)
        let verdict = try twin.verdict(queries: queries, keys: keys, batch: [head], tables: predicate.tables)
        let isSound = (verdict.canHold || !truth.holds) && (verdict.canFail || !truth.fails)
        #expect(
          isSound, "seed \(seed): \(queries) x \(keys), head \(head): \(verdict), expected \(truth)\n\(predicate.function)")
        if !isSound { return }
        if truth.holds != truth.fails {
          decidable += 1
          if verdict.canHold != verdict.canFail { decided += 1 }
        }
      }
    }
    // A twin that knows nothing is sound as well.
    #expect(kind == .large || Double(decided) > 0.7 * Double(decidable), "\(decided) of \(decidable) rectangles decided")
  }

  /// Conditions whose empty and full rectangles are all found: differences of indices, meets of conjunctions, remainders, known bits,
  /// quotients.
  @Test(arguments: [
    "%live = less_equal %j, %i", "%d = subtract %i, %j\n%live = less %d, 7",
    "%a = add %i, 3\n%b = subtract %j, 2\n%live = greater %a, %b",
    "%a = multiply %i, 2\n%b = subtract %a, %j\n%live = less_equal %b, 4", "%a = add %i, %j\n%live = equal %a, 40",
    "%d = subtract %i, %j\n%m = remainder %d, 5\n%live = equal %m, 2",
    "%d = subtract %i, %j\n%m = remainder %d, 4\n%a = equal %m, 0\n%b = less_equal %d, 9\n%c = greater_equal %d, 0\n%e = and %a, %b\n%live = and %e, %c",
    "%t = add %i, %j\n%a = less %t, 40\n%b = greater_equal %j, %i\n%c = greater %i, 19\n%e = and %a, %b\n%live = and %e, %c",
    "%a = divide %i, 8\n%b = divide %j, 8\n%live = equal %a, %b",
  ]) func theseAreExact(_ lines: String) throws {
    let (region, _) = try Self.condition(lines)
    let twin = try IntervalTwin(region)
    for first in 0..<30 {
      let (queries, keys) = (first...(first + 6), (40 - first)...(43 - first))
      let truth = try Self.truth(region, queries, keys, batch: [0, 0])
      let verdict = try twin.verdict(queries: queries, keys: keys, batch: [0, 0])
      #expect(verdict.canHold == truth.holds, "\(queries) x \(keys): \(verdict)\n\(twin.function)")
      if !lines.contains("remainder") {
        #expect(verdict.canFail == truth.fails, "\(queries) x \(keys): \(verdict)\n\(twin.function)")
      }
    }
  }

  /// The where region of an attention with this mask, over two batch dimensions.
  private static func condition(_ lines: String) throws -> (region: ScalarFunction, graph: Graph) {
    var problem = AttentionGraph()
    problem.score = lines.split(separator: "\n").map(String.init) + [ScoreForm.masked]
    let graph = try problem.graph().lowered(options()).graph
    let node = try #require(graph.body.first { graph.op($0) == .attention })
    return (graph.regions(node).last!, graph)
  }

  /// Where no row is said to be empty, every query sees the key that the proof names.
  @Test func rowsThatAreProvedAreNotEmpty() throws {
    var proved = 0
    for seed in 0..<600 {
      let predicate = try RandomPredicate(seed: UInt64(seed), readsTables: seed % 2 == 1)
      guard let witness = try EmptyRows.witness(predicate.function, hasOwnKeys: true) else { continue }
      proved += 1
      for head in 0..<3 {
        for query in 0..<60 {
          let arguments = [head, query, witness == .own ? query : 0].map { Literal($0) }
          let isLive = try predicate.function.evaluate(arguments, tables: predicate.tables)[0].integer != 0
          #expect(isLive, "seed \(seed), query \(query): \(witness)\n\(predicate.function)")
          if !isLive { return }
        }
      }
    }
    #expect(proved > 30, "\(proved) of 600 proved")
  }

  @Test(
    arguments: [
      ("%live = less_equal %j, %i", .own), ("%live = less %j, %i", nil), ("%live = less %j, 5", .first),
      ("%a = divide %i, 8\n%b = divide %j, 8\n%c = equal %a, %b\n%d = less_equal %j, %i\n%live = and %c, %d", .own),
      ("%d = subtract %i, %j\n%live = greater_equal %d, 3", nil),
    ] as [(String, EmptyRows.Witness?)]) func emptyRowsAreFound(_ lines: String, _ witness: EmptyRows.Witness?) throws
  {
    #expect(try EmptyRows.witness(Self.condition(lines).region, hasOwnKeys: true) == witness)
  }

  /// Masked attention with random masks, at lengths of several tiles: small ones, so that there are many tiles.
  @Test(arguments: 0..<16) func compiledMasksAgree(_ part: Int) throws {
    for seed in (part * 2)..<(part * 2 + 2) {
      let predicate = try RandomPredicate(seed: UInt64(seed), readsTables: seed % 4 > 1)
      let graph = try Self.attention(predicate)
      var given: [Name: ReferenceArray] = [:]
      for (table, contents) in zip(predicate.function.tables, predicate.tables) { given[table.name] = contents }
      let sizes: [[Name: Int]] = [["M": 70, "N": 61], ["M": 7, "N": 33]]
      let inputs = try sizes.map { try randomInputs(graph, $0, given: given) }
      try expectAgreement(graph, inputs, targets: [hostTargets[seed % hostTargets.count]], note: "seed \(seed) ")
    }
  }

  /// Attention under the predicate in tiles of 8 rows and the fewest keys.
  private static func attention(_ predicate: RandomPredicate) throws -> Graph {
    let tables = predicate.function.tables
    let arguments = tables.map { ", %\($0.name): \($0.type)" }.joined()
    let region = predicate.function.text(tables: tables.map { "%\($0.name)" }, indent: 2)
    return try parse(
      """
      graph @masked(%q: f32[3, M, 2], %k: f32[3, N, 2], %v: f32[3, N, 3]\(arguments)) {
        %out = attention %q, %k, %v\(tables.map { ", %\($0.name)" }.joined()) score (%s: f32, %h: i32, %i: i32, %j: i32) {
          yield %s
        } where \(region) {tile = [8, 8]} : f32[3, M, 3]
        return %out
      }
      """)
  }
}
