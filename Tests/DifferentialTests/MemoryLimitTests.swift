import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Gradients of random graphs under limits of memory: the same bits.
@Suite struct RandomMemoryLimitTests {
  @Test(arguments: 0..<8) func sameBits(_ number: Int) throws {
    var limited = 0
    for position in 0..<8 {
      let seed = UInt64(number * 8 + position + 1)
      var options = RandomGraph.Options.compiled
      options.steps = 8...20
      let random = try RandomGraph(seed: seed, options: options)
      guard random.graph.isDifferentiable, !random.graph.differentiableArguments.isEmpty,
        !random.graph.differentiableResults.isEmpty
      else { continue }
      var graph = try random.graph.reverseGraph()
      graph.makeParametersInputs()
      let binding = random.bindings[0]
      let sizes = Dictionary(
        uniqueKeysWithValues: binding.filter { graph.symbols.contains($0.key) }.map { ($0.key.text, $0.value) })
      let inputs = try randomInputs(graph, binding, seed: seed, given: random.inputs(binding))
      func run(_ limit: Int?) throws -> Outputs {
        var options = options()
        options.memoryLimit = limit.map { MemoryLimit($0, sizes: sizes) }
        let program = try graph.compile(options)
        if let limit { #expect(try program.memoryPlan(sizes: sizes).total <= limit) }
        return try program(
          Dictionary(uniqueKeysWithValues: inputs.map { ($0.key.text, try NDArray($0.value)) })) as Outputs
      }
      let natural = try graph.lowered(options()).memoryPlan(sizes: sizes)
      let expected = try run(nil)
      for limit in [natural.total - natural.workspace / 8, try least(graph, sizes)] where limit < natural.total {
        let got: Outputs
        do { got = try run(limit) } catch let error as HeedError where error.message.contains("expected at least") { continue }
        limited += 1
        for name in expected.names {
          let (x, y) = (got[name]!, expected[name]!)
          let isSame = try x.doubles().map(\.bitPattern) == y.doubles().map(\.bitPattern)
          #expect(isSame, "%\(name) at \(limit) of \(natural.total) bytes\n\(random)")
        }
      }
    }
    #expect(limited > 0)
  }

  /// The least limit that can be met.
  private func least(_ graph: Graph, _ sizes: [String: Int]) throws -> Int {
    var options = options()
    options.memoryLimit = MemoryLimit(0, sizes: sizes)
    do {
      _ = try graph.lowered(options)
      return 0
    } catch let error as HeedError {
      let match = try #require(error.message.firstMatch(of: /expected at least (\d+):/), "\(error)")
      return Int(match.output.1)!
    }
  }
}
