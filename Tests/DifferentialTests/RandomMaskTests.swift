import Heed
import HeedTestSupport
import Testing

@Suite struct RandomMaskTests {
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
