import HeedIR
import HeedPasses
import Testing

/// One softmax over several sets of keys.
@Suite struct KeySetTests {
  @Test(arguments: KeySetSpelling.ofScores + KeySetSpelling.ofKeys) func eachSetIsOneOp(_ test: KeySetSpelling) throws {
    let fused = try check(test)
    #expect(fused.count(.softmax) == 0 && fused.count(.contract) == 0 && fused.count(.concatenate) == 0, "\(fused.text)")
  }

  @Test(arguments: KeySetSpelling.nearMisses) func staysTogether(_ test: KeySetSpelling) throws {
    let fused = try check(test)
    #expect(fused.count(.softmax) == (test.sets == 0 ? 1 : 0), "\(fused.text)")
  }

  private func check(_ test: KeySetSpelling) throws -> Graph {
    let graph = try parse(test.spelling.text)
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    let outcome = try pipeline.run(graph)
    let fused = outcome.graph.ir
    let remarks = outcome.remarks.map(\.description).joined(separator: "\n")
    #expect(fused.count(.attention) == test.sets, "\(fused.text)\n\(remarks)")
    for words in test.spelling.says { #expect(remarks.contains(words), "\(remarks)") }
    try expectSameValues(
      graph, fused, sizes: FuseAttentionTests.sizes, tolerance: test.spelling.text.contains("f16") ? 2e-3 : 1e-6)
    #expect(try pipeline.run(fused).graph.ir.text == fused.text)
    return fused
  }
}
