import HeedIR
import HeedInterpreter
import HeedTestSupport
import Testing

@Suite struct RandomGraphTests {
  static let seeds: [UInt64] = Array(0..<400)

  @Test func parseOfPrintIsTheIdentity() throws {
    for seed in Self.seeds {
      let random = try RandomGraph(seed: seed)
      let parsed = try Graph.parse(random.graph.text)
      #expect(parsed.count == 1)
      #expect(parsed[0].structure == random.graph.structure, "\(random)")
      #expect(parsed[0].text == random.graph.text, "\(random)")
      try parsed[0].verify()
    }
  }

  @Test func everyOpOccurs() throws {
    var found: Set<String> = []
    for seed in Self.seeds {
      let graph = try RandomGraph(seed: seed).graph
      for node in graph.body { found.insert(graph.op(node).mnemonic) }
    }
    // Of these, tests of derivatives make random ones.
    let ofDerivatives: Set<Op> = [.vjp, .jvp, .identity, .pairSums, .pairScatter]
    let missing = Op.all.filter { !ofDerivatives.contains($0) }.map(\.mnemonic).filter { !found.contains($0) }
    #expect(missing.isEmpty, "no random graph has \(missing)")
  }

  /// Numbers stay moderate, so that values before and after a rewriting can be compared.
  @Test func valuesAreFinite() throws {
    for seed in Self.seeds.prefix(150) {
      let random = try RandomGraph(seed: seed)
      for binding in random.bindings {
        for (name, array) in try GraphInterpreter.evaluate(random.graph, inputs: random.inputs(binding)) {
          let isFinite = array.reals.allSatisfy { $0.isFinite && abs($0) < 1e9 }
          #expect(isFinite, "%\(name) with \(binding): \(array.reals.filter { !$0.isFinite }.prefix(3))\n\(random)")
        }
      }
    }
  }
}

/// Text that was damaged is an error or another graph, never a crash.
@Suite struct DamagedTextTests {
  @Test func damagedGraphsNeverCrash() throws {
    var numbers = SeededGenerator(seed: 7)
    for seed in UInt64(0)..<60 {
      let text = try RandomGraph(seed: seed).graph.text
      for _ in 0..<25 {
        let damaged = numbers.damaged(text)
        do {
          for graph in try Graph.parse(damaged) {
            // What parses prints and parses again.
            #expect(try Graph.parse(graph.text).map(\.text) == [graph.text])
            try? graph.verify()
          }
        } catch let error as HeedError {
          #expect(error.location != nil, "\(error) in\n\(damaged)")
        }
      }
    }
  }
}
