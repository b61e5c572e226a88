import HeedIR
import HeedPasses
import Testing

/// Keys and values that are small integers, or narrower floats than the queries.
@Suite struct IntegerCacheTests {
  @Test(arguments: IntegerCacheSpelling.all + IntegerCacheSpelling.nearMisses) func isReadAsItIs(_ test: IntegerCacheSpelling)
    throws
  {
    let graph = try parse(test.spelling.text)
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    let outcome = try pipeline.run(graph)
    let fused = outcome.graph.ir
    let remarks = outcome.remarks.map(\.description).joined(separator: "\n")
    let attention = try #require(fused.body.first { fused.op($0) == .attention }, "\(fused.text)\n\(remarks)")
    #expect(fused.operands(attention).dropFirst().prefix(2).map { fused.type($0).element } == test.types, "\(fused.text)")
    #expect(fused.count(.softmax) == 0, "\(fused.text)")
    for words in test.spelling.says { #expect(remarks.contains(words), "\(remarks)") }
    let isNarrow = test.spelling.text.contains("f16")
    try expectSameValues(graph, fused, sizes: FuseAttentionTests.sizes, tolerance: isNarrow ? 2e-2 : 1e-6)
    #expect(try pipeline.run(fused).graph.ir.text == fused.text)
  }
}
