import HeedIR
import HeedInterpreter
import HeedPasses
import Testing

/// Weights that are linear functions of probabilities, and weights divided by their own sum.
@Suite struct LinearWeightTests {
  @Test(arguments: Spelling.pairFactors + Spelling.rowFactors + Spelling.ownSums + Spelling.guards)
  func becomesOneOp(_ spelling: Spelling) throws { try check(spelling, attentions: 1) }

  @Test(arguments: Spelling.twoTerms) func becomesTwo(_ spelling: Spelling) throws { try check(spelling, attentions: 2) }
  @Test(arguments: Spelling.threeTerms) func becomesThree(_ spelling: Spelling) throws { try check(spelling, attentions: 3) }

  /// The stored term keeps its product.
  @Test(arguments: Spelling.storedTerms) func becomesOneBesideAProduct(_ spelling: Spelling) throws {
    try check(spelling, attentions: 1, contracts: 1)
  }

  @Test(arguments: Spelling.linearNearMisses) func staysAsWritten(_ spelling: Spelling) throws {
    try check(spelling, attentions: 0)
  }

  private func check(_ spelling: Spelling, attentions: Int, contracts: Int = 0) throws {
    let graph = try parse(spelling.text)
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    let outcome = try pipeline.run(graph)
    let result = outcome.graph.ir
    let remarks = outcome.remarks.map(\.description).joined(separator: "\n")
    #expect(result.count(.attention) == attentions, "\(result.text)\n\(remarks)")
    if attentions > 0 {
      let left = result.count(.contract) + result.count(.linear)
      #expect(
        left == contracts && result.count(.softmax) <= contracts && result.count(.exp) == 0 && result.count(.exp2) == 0,
        "\(result.text)\n\(remarks)")
    }
    for words in spelling.says { #expect(remarks.contains(words), "\(words)\n\(remarks)") }
    for inputs in try Self.inputs(graph) {
      let difference = greatestDifference(
        try GraphInterpreter.evaluate(graph, inputs: inputs), try GraphInterpreter.evaluate(result, inputs: inputs))
      #expect(difference <= 1e-6, "\(graph.text)\n\(result.text)")
    }
    #expect(try pipeline.run(result).graph.ir.text == result.text)
  }

  /// Random inputs; the same with a row of queries that is NaN, and with a row of the mask that is false.
  private static func inputs(_ graph: Graph) throws -> [[Name: ReferenceArray]] {
    try FuseAttentionTests.sizes.enumerated().flatMap { number, extents in
      let plain = try randomInputs(graph, extents: extents, seed: UInt64(number) &* 977 + 5)
      var special = plain
      // With factors of 0, or a maximum, what a NaN amounts to depends on the order of operations.
      if !graph.text.contains("%keep"), !graph.text.contains("%top"), !graph.text.contains("%greatest") {
        special["q"]?.reals[1] = .nan
      }
      if let mask = plain["mask"], mask.element == .bool {
        let row = mask.shape.last!
        for position in mask.count - row..<mask.count { special["mask"]!.integers[position] = 0 }
      }
      return [plain, special]
    }
  }
}
