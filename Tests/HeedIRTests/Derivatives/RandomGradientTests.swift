import Foundation
import HeedIR
import HeedInterpreter
import HeedTestSupport
import Testing

/// Derivatives of random graphs in f64: reverse mode against forward mode, which holds at kinks as well.
/// `HEED_GRADIENTS=1000` tries so many graphs, `HEED_GRADIENT_SEED=17` begins at that seed.
@Suite struct RandomGradientTests {
  private static func number(_ name: String, _ standard: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? standard
  }

  private static let count = number("HEED_GRADIENTS", 500)
  private static let firstSeed = number("HEED_GRADIENT_SEED", 1)
  private static let batch = 50

  @Test(arguments: 0..<((count + batch - 1) / batch)) func reverseAgreesWithForward(_ number: Int) throws {
    var options = RandomGraph.Options()
    options.floats = [.f64]
    var check = DirectionalCheck()
    check.comparesDifferences = false
    check.directions = 1
    var checked = 0
    let positions = (number * Self.batch)..<min((number + 1) * Self.batch, Self.count)
    for position in positions {
      let seed = UInt64(Self.firstSeed + position)
      let random = try RandomGraph(seed: seed, options: options)
      let graph = random.graph
      guard graph.isDifferentiable, !graph.differentiableArguments.isEmpty, !graph.differentiableResults.isEmpty else { continue }
      for binding in random.bindings {
        let failures = try check.failures(of: graph, at: try random.inputs(binding), seed: seed)
        #expect(failures.isEmpty, "\(binding) \(random)")
      }
      checked += 1
    }
    #expect(checked > positions.count / 3, "\(checked) graphs of \(positions.count)")
  }
}
