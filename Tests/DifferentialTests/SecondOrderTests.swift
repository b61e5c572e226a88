import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Derivatives of derivatives, compiled.
@Suite struct SecondOrderTests {
  private static let ops: Set<String> = [
    "attention", "attention_reduce", "pair_sums", "pair_scatter", "softmax", "layer_norm", "rms_norm", "norm_gradient", "gelu",
  ]
  private static let cases = gradientCases.filter { ops.contains($0.mnemonic) }

  /// In f64 against the interpreter's.
  @Test(arguments: cases.indices) func compiledSecondDerivativesAgree(_ number: Int) throws {
    let test = Self.cases[number]
    let first = try test.graph().reverseGraph("cotangent_1_").expandingDerivatives()
    guard !first.differentiableResults.isEmpty else { return }
    let graph = try first.reverseGraph("cotangent_2_")
    let inputs = try test.sizes.prefix(2).enumerated().map { try test.inputs(graph, $1, seed: UInt64($0 + 1)) }
    try expectAgreement(graph, inputs, .loose, targets: [hostTargets[number % hostTargets.count]], note: "second order ")
  }
}
