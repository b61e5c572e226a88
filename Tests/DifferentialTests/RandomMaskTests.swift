import Heed
import HeedTestSupport
import Testing

@Suite struct RandomMaskTests {
  /// Masked attention with random masks, at lengths of several tiles: small ones, so that there are many tiles.
  @Test(arguments: 0..<16) func compiledMasksAgree(_ part: Int) throws {
    for seed in (part * 2)..<(part * 2 + 2) {
      let predicate = try RandomPredicate(seed: UInt64(seed), readsTables: seed % 4 > 1)
      let graph = try predicate.attention(tile: " {tile = [8, 8]}")
      var given: [Name: ReferenceArray] = [:]
      for (table, contents) in zip(predicate.function.tables, predicate.tables) { given[table.name] = contents }
      let sizes: [[Name: Int]] = [["M": 70, "N": 61], ["M": 7, "N": 33]]
      let inputs = try sizes.map { try randomInputs(graph, $0, given: given) }
      try expectAgreement(graph, inputs, targets: [hostTargets[seed % hostTargets.count]], note: "seed \(seed) ")
    }
  }
}
