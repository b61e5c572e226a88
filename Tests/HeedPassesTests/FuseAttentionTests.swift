import HeedIR
import HeedPasses
import Testing

@Suite struct FuseAttentionTests {
  static let sizes: [[Name: Int]] = [
    ["B": 2, "M": 3, "N": 6, "S": 4, "T": 6, "H": 2, "W": 3], ["B": 1, "M": 1, "N": 1, "S": 1, "T": 1, "H": 1, "W": 1],
    ["B": 1, "M": 6, "N": 2, "S": 7, "T": 9, "H": 2, "W": 1],
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
    // Scales are numbers of f32; probabilities in half precision are kept in more.
    try expectSameValues(graph, fused, sizes: Self.sizes, tolerance: spelling.text.contains("f16") ? 2e-3 : 1e-6)
    #expect(try pipeline.run(fused).graph.ir.text == fused.text)
  }

  @Test(arguments: Spelling.nearMisses + Spelling.nearMissesOfRanks) func staysAsWritten(_ spelling: Spelling) throws {
    let graph = try parse(spelling.text)
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    let outcome = try pipeline.run(graph)
    let remarks = outcome.remarks.map(\.description).joined(separator: "\n")
    #expect(outcome.graph.ir.count(.attention) == 0, "\(outcome.graph.ir.text)")
    for words in spelling.says { #expect(remarks.contains(words), "\(remarks)") }
    try expectSameValues(graph, outcome.graph.ir, sizes: Self.sizes, tolerance: 1e-6)
    #expect(try pipeline.run(outcome.graph.ir).graph.ir.text == outcome.graph.ir.text)
  }

  /// Products with a table are left beside attention; nothing has an element for each pair.
  @Test(arguments: Spelling.relativePositions) func readsRelativePositions(_ spelling: Spelling) throws {
    let graph = try parse(spelling.text)
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    let outcome = try pipeline.run(graph)
    let fused = outcome.graph.ir
    let remarks = outcome.remarks.map(\.description).joined(separator: "\n")
    #expect(fused.count(.attention) == 1 && fused.count(.softmax) == 0 && fused.count(.gather) == 0, "\(fused.text)\n\(remarks)")
    for words in spelling.says { #expect(remarks.contains(words), "\(remarks)") }
    try expectSameValues(graph, fused, sizes: Self.sizes, tolerance: 1e-6)
    #expect(try pipeline.run(fused).graph.ir.text == fused.text)
  }

  /// Repeated heads of keys and values are broadcast, not merged with others: a merged repetition would be stored.
  @Test func repeatedHeadsStayViews() throws {
    let spelling = try #require(Spelling.all.first { $0.name == "repeated heads" })
    let fused = try PassPipeline().run(parse(spelling.text)).graph.ir
    let node = try #require(fused.body.first { fused.op($0) == .attention })
    for operand in fused.operands(node).dropFirst().prefix(2) {
      #expect(fused.type(operand).shape.rank == 5)
      #expect(fused.definingNode(operand, where: .broadcast) != nil, "\(fused.text)")
    }
  }
}
