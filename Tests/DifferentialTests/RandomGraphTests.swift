import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Random graphs through the whole compiler. `HEED_RANDOM_GRAPHS=1000` runs so many, `HEED_RANDOM_SEED=17` begins at that seed.
@Suite struct RandomGraphTests {
  private static func number(_ name: String, _ standard: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? standard
  }

  private static let count = number("HEED_RANDOM_GRAPHS", 60)
  private static let firstSeed = number("HEED_RANDOM_SEED", 1)
  private static let batch = 10

  @Test(arguments: 0..<((count + batch - 1) / batch)) func compiledCodeAgrees(_ number: Int) throws {
    for position in (number * Self.batch)..<min((number + 1) * Self.batch, Self.count) {
      let seed = UInt64(Self.firstSeed + position)
      let random = try RandomGraph(seed: seed, options: .compiled)
      let inputs = try random.bindings.enumerated().map { try random.inputs($0.element, seed: UInt64($0.offset)) }
      // What is computed in f64 from f32 is no better than that.
      let hasSingles = random.graph.text.contains("f32")
      try expectAgreement(
        random.graph, inputs, Tolerance(f32: 1e-4, f64: hasSingles ? 1e-4 : 1e-11),
        targets: [hostTargets[Int(seed) % hostTargets.count]],
        note: "seed \(seed) ")
    }
  }
}
