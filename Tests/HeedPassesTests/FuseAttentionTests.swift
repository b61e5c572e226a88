import HeedIR
import HeedPasses
import Testing

@Suite struct FuseAttentionTests {
  static let sizes: [[Name: Int]] = [
    ["B": 2, "M": 3, "N": 5, "S": 4, "T": 6, "H": 2, "W": 2], ["B": 1, "M": 1, "N": 1, "S": 1, "T": 1, "H": 1, "W": 1],
    ["B": 1, "M": 6, "N": 2, "S": 7, "T": 9, "H": 3, "W": 2],
  ]

  @Test(arguments: Spelling.all) func becomesOneOp(_ spelling: Spelling) throws {
    let graph = try parse(spelling.text)
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    let outcome = try pipeline.run(graph)
    let fused = outcome.graph.ir
    let remarks = outcome.remarks.map(\.description).joined(separator: "\n")
    #expect(fused.count(.attention) == 1, "\(fused.text)\n\(remarks)")
    #expect(fused.count(.softmax) == 0 && fused.count(.contract) == 0 && fused.count(.exp) == 0, "\(fused.text)")
    for words in spelling.says { #expect(remarks.contains(words), "\(remarks)") }
    try expectSameValues(graph, fused, sizes: Self.sizes)
    #expect(try pipeline.run(fused).graph.ir.text == fused.text)
  }
}
