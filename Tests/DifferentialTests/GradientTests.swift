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
    let all = try [1, 2, 3].map { threads in
      let compiled = try run.graph.compile(options(threads: threads))
      return try run.inputs.map { input in
        try compiled.run(run.graph, input, guarding: .ends).map { $0.values(as: Float.self).map(\.bitPattern) }
      }
    }
    #expect(all[0] == all[1] && all[0] == all[2], "\(run.graph.text)")
  }
}
