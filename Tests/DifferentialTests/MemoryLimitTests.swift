import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Compiled gradients of random graphs with values that are computed again: the same bits.
@Suite struct RandomMemoryTests {
  /// A graph of gradients, what it is run with, and what it returns without a limit.
  private struct Case {
    let random: RandomGraph
    let graph: Graph
    let sizes: [String: Int]
    let inputs: [String: NDArray]

    /// Nil where the random graph has no derivatives.
    init?(seed: UInt64, floats: [ElementType]) throws {
      var shape = RandomGraph.Options.compiled
      (shape.steps, shape.floats) = (8...20, floats)
      random = try RandomGraph(seed: seed, options: shape)
      guard random.graph.isDifferentiable, !random.graph.differentiableArguments.isEmpty,
        !random.graph.differentiableResults.isEmpty
      else { return nil }
      graph = try Self.gradients(random.graph)
      let (binding, symbols) = (random.bindings[0], graph.symbols)
      sizes = Dictionary(uniqueKeysWithValues: binding.filter { symbols.contains($0.key) }.map { ($0.key.text, $0.value) })
      inputs = Dictionary(
        uniqueKeysWithValues: try randomInputs(graph, binding, seed: seed, given: random.inputs(binding)).map {
          ($0.key.text, try NDArray($0.value))
        })
    }

    static func gradients(_ graph: Graph) throws -> Graph {
      var reverse = try graph.reverseGraph()
      reverse.makeParametersInputs()
      return reverse
    }

    /// The names of the results of which some bit is not that of the graph without limits and blocks.
    func differing(_ program: CompiledGraph) throws -> [String] {
      let (expected, got) = (try graph.compile(options())(inputs) as Outputs, try program(inputs) as Outputs)
      return try expected.names.filter { name in
        try got[name]!.doubles().map(\.bitPattern) != expected[name]!.doubles().map(\.bitPattern)
      }
    }
  }

  private static let floats: [[ElementType]] = [[.f32], [.f64], [.bf16], [.f16]]

  @Test(arguments: 0..<8) func limits(_ number: Int) throws {
    var limited = 0
    for position in 0..<8 {
      guard let test = try Case(seed: UInt64(number * 8 + position + 1), floats: Self.floats[number % 4]) else { continue }
      let natural = try test.graph.lowered(options()).memoryPlan(sizes: test.sizes)
      for limit in [natural.total - natural.workspace / 8, try least(test)] where limit < natural.total {
        var limits = options()
        limits.memoryLimit = MemoryLimit(limit, sizes: test.sizes)
        let program: CompiledGraph
        do { program = try test.graph.compile(limits) } catch let error as HeedError
          where error.message.contains("expected at least")
        { continue }
        limited += 1
        #expect(try program.memoryPlan(sizes: test.sizes).total <= limit)
        #expect(try test.differing(program) == [], "\(limit) of \(natural.total) bytes\n\(test.random)")
      }
    }
    #expect(limited > 0)
  }

  /// The least limit that can be met.
  private func least(_ test: Case) throws -> Int {
    var limits = options()
    limits.memoryLimit = MemoryLimit(0, sizes: test.sizes)
    do {
      _ = try test.graph.lowered(limits)
      return 0
    } catch let error as HeedError {
      let match = try #require(error.message.firstMatch(of: /expected at least (\d+):/), "\(error)")
      return Int(match.output.1)!
    }
  }
}
