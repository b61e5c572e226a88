import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Compiled gradients against the interpreter's, for every op that has a derivative.
@Suite struct GradientTests {
  private static let others: [[ElementType]] = [[.f64], [.bf16], [.f16], []]

  private struct Run {
    let graph: Graph
    let inputs: [[Name: ReferenceArray]]
  }

  /// The graph of the gradients of a case, at each of its sizes.
  private func reverse(_ number: Int, _ element: ElementType) throws -> Run {
    let test = gradientCases[number]
    let graph = try test.graph(element).reverseGraph()
    return Run(graph: graph, inputs: try test.sizes.enumerated().map { try test.inputs(graph, $1, seed: UInt64($0 + 1)) })
  }

  /// Of f32 within 2e-5 of the largest element, of f64 within 1e-11, of 16-bit types within some roundings. Each case has f32 and perhaps
  /// another type.
  @Test(arguments: gradientCases.indices) func compiledGradientsAgree(_ number: Int) throws {
    for element in [.f32] + Self.others[number % 4] {
      let run = try reverse(number, element)
      try expectAgreement(
        run.graph, run.inputs, .loose, targets: [hostTargets[number % hostTargets.count]], note: "\(element) ")
    }
  }

  @Test(arguments: gradientCases.indices) func compiledTangentsAgree(_ number: Int) throws {
    let test = gradientCases[number]
    let graph = try test.graph(.f32).forwardGraph()
    let inputs = try test.sizes.enumerated().map { try test.inputs(graph, $1, seed: UInt64($0 + 1)) }
    try expectAgreement(graph, inputs, .loose, targets: [hostTargets[(number + 1) % hostTargets.count]], note: "forward ")
  }

  /// The same bits for any number of threads.
  @Test(arguments: gradientCases.indices) func threads(_ number: Int) throws {
    let run = try reverse(number, .f32)
    try expectSameBits(run.graph, run.inputs)
  }

  /// Random attention, fused: its own rules in both modes against each other, and against the derivative of what was written.
  @Test(arguments: 0..<12) func randomAttention(_ number: Int) throws {
    var options = RandomGraph.Options()
    (options.floats, options.attentionProbability) = ([.f64], 0.5)
    var check = DirectionalCheck()
    (check.comparesDifferences, check.directions) = (false, 1)
    var found = 0
    for position in 0..<100 where found < 4 {
      let seed = UInt64(number * 100 + position + 1)
      let random = try RandomGraph(seed: seed, options: options)
      guard random.graph.isDifferentiable, !random.graph.differentiableArguments.isEmpty,
        !random.graph.differentiableResults.isEmpty
      else { continue }
      let fused = try random.graph.optimized(DifferentialTests.options()).graph.ir
      guard fused.body.contains(where: { fused.op($0).has(.scoresPairs) }) else { continue }
      found += 1
      let reverse = try random.graph.reverseGraph()
      let optimized = try fused.reverseGraph()
      for binding in random.bindings {
        let inputs = try random.inputs(binding)
        let failures = try check.failures(of: fused, at: inputs, seed: seed)
        #expect(failures.isEmpty, "\(binding) \(random)\n\(fused.text)")
        let all = try randomInputs(reverse, binding, seed: seed, given: inputs)
        let (got, expected) = (
          try GraphInterpreter.evaluate(optimized, inputs: all), try GraphInterpreter.evaluate(reverse, inputs: all)
        )
        for (x, y) in zip(got, expected) {
          if let difference = try difference(NDArray(x.array), y.array, .loose) {
            Issue.record("%\(y.name) \(binding): \(difference)\n\(random)\n\(fused.text)")
          }
        }
      }
    }
    #expect(found > 0)
  }
}
