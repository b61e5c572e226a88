import Foundation
import HeedIR
import HeedInterpreter
import HeedPasses
import HeedTestSupport
import Testing

/// Spellings of attention changed at random places through all passes: no trap, a graph that verifies, and its values.
///
/// `HEED_MUTATIONS=20000` makes so many, `HEED_MUTATION_SEED=17` begins at that seed.
@Suite struct PatternMutationTests {
  private static func number(_ name: String, _ standard: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? standard
  }

  private static let count = number("HEED_MUTATIONS", 400)
  private static let firstSeed = number("HEED_MUTATION_SEED", 1)
  private static let batch = 100
  private static let sizes: [Name: Int] = ["B": 2, "M": 3, "N": 6, "S": 4, "T": 6, "H": 2, "W": 3, "L": 2]

  /// In f64, so that a rounding error is no difference.
  private static let patterns = (Spelling.all + Spelling.nearMisses).map(\.text).filter { !$0.contains("f16") }
    .map { $0.replacing("f32", with: "f64") }

  @Test(arguments: 0..<((count + batch - 1) / batch)) func keepValues(_ number: Int) throws {
    var compared = 0
    let seeds = (number * Self.batch..<min((number + 1) * Self.batch, Self.count)).map { UInt64(Self.firstSeed + $0) }
    print("mutations of seeds \(seeds.first!) to \(seeds.last!)")
    for seed in seeds {
      let pattern = try parse(Self.patterns[Int(seed % UInt64(Self.patterns.count))])
      var mutator = GraphMutator(seed: seed)
      let graph = mutator.mutated(pattern, count: 1 + Int(seed % 4))
      var pipeline = PassPipeline()
      pipeline.verifiesEach = true
      do {
        let after = try pipeline.run(graph).graph.ir
        if try agree(graph, after, seed) { compared += 1 }
      } catch {
        Issue.record("seed \(seed): \(error)\n\(graph.text)")
      }
    }
    // Most changes leave numbers that can be compared.
    #expect(compared * 2 > seeds.count)
  }

  /// Compares values where those of the graph as written are of moderate size.
  /// - Returns: whether they were compared.
  private func agree(_ graph: Graph, _ after: Graph, _ seed: UInt64) throws -> Bool {
    let inputs = try randomInputs(graph, extents: Self.sizes, seed: seed)
    guard try isModerate(graph, inputs) else { return false }
    let (expected, got) = (
      try GraphInterpreter.evaluate(graph, inputs: inputs), try GraphInterpreter.evaluate(after, inputs: inputs)
    )
    for (left, right) in zip(expected, got) {
      #expect(left.array.integers == right.array.integers, "seed \(seed)\n\(graph.text)\nbecame\n\(after.text)")
      for (x, y) in zip(left.array.reals, right.array.reals) where x.isFinite {
        guard abs(x - y) <= 1e-6 * max(1, abs(x)) else {
          Issue.record("seed \(seed): \(left.name): got \(y), expected \(x)\n\(graph.text)\nbecame\n\(after.text)")
          return true
        }
      }
    }
    return true
  }

  /// Whether all finite numbers that the graph computes are of moderate size: a finite mask value then decides, as it is meant to.
  /// No product may be of 0 and an infinity or a NaN either. It is NaN, or nothing where a mask is seen in it.
  private func isModerate(_ graph: Graph, _ inputs: [Name: ReferenceArray]) throws -> Bool {
    var all = graph
    let floats = graph.body.flatMap { graph.results($0) }.filter { graph.type($0).element.isFloat && !isFill(graph, $0) }
    all.setResults(floats, names: floats.indices.map { Name("v\($0)") })
    let arrays = Dictionary(uniqueKeysWithValues: zip(floats, try GraphInterpreter.evaluate(all, inputs: inputs).map(\.array)))
    guard arrays.values.allSatisfy({ $0.reals.allSatisfy { !$0.isFinite || abs($0) < 1e3 || $0 <= -9000 } }) else { return false }
    return graph.body.allSatisfy { node in
      let operands = graph.operands(node).compactMap { arrays[$0]?.reals }
      switch graph.op(node) {
      case .contract: return !operands.contains { $0.contains { $0.isInfinite } }
      case .multiply where operands.count == 2 && operands[0].count == operands[1].count:
        return !zip(operands[0], operands[1]).contains { $0 == 0 && !$1.isFinite || $1 == 0 && !$0.isFinite }
      default: return true
      }
    }
  }

  private func isFill(_ graph: Graph, _ value: ValueID) -> Bool { graph.definingNode(value, where: .constant) != nil }
}
