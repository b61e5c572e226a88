import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// ONNX's own cases of Attention, RotaryEmbedding and FlexAttention, by the interpreter and compiled, within ONNX's tolerances.
@Suite struct ONNXCaseTests {
  @Test func allAreThere() {
    let counts = Dictionary(grouping: ONNXCase.all, by: \.operatorName).mapValues(\.count)
    #expect(counts == ["Attention": 93, "RotaryEmbedding": 8, "FlexAttention": 11])
  }

  @Test(arguments: ONNXCase.all) func agrees(_ entry: ONNXCase) throws {
    let graph = try entry.graph()
    let inputs = Dictionary(uniqueKeysWithValues: entry.inputs.map { (Name($0.name), $0.array) })
    let reference = try GraphInterpreter.evaluate(graph, inputs: inputs)
    let compiled = try graph.compile(options())
    let got = try compiled(Dictionary(uniqueKeysWithValues: entry.inputs.map { ($0.name, $0.array) }))
    for (number, (name, expected)) in entry.outputs.enumerated() {
      expect(reference[number].array, expected, entry, "the interpreter's \(name)")
      expect(got[number], expected, entry, "the compiled \(name)")
    }
    // Scores that are returned are stored; all else is one op.
    let fused = compiled.graph.body.count { compiled.graph.op($0) == .attention }
    if entry.outputs.contains(where: { $0.name == "qk_matmul_output" }) {
      let saysWhy = compiled.remarks.contains { $0.pass == "fuse-attention" && $0.kind == .declined }
      #expect(fused == 1 || saysWhy, "\(compiled.remarks)")
    } else {
      #expect(fused == (entry.operatorName == "RotaryEmbedding" ? 0 : 1), "\(compiled.graph.text)\n\(compiled.remarks)")
    }
  }

  /// As numpy's assert_allclose compares; 16-bit floats besides within what rounding each step of the reference may have left.
  private func expect(_ got: NDArray, _ expected: NDArray, _ entry: ONNXCase, _ what: String) {
    guard got.element == expected.element, got.shape == expected.shape else {
      Issue.record("\(what): got \(got.element)\(got.shape), expected \(expected.element)\(expected.shape)")
      return
    }
    let (x, y) = (ReferenceArray(got).reals, ReferenceArray(expected).reals)
    let largest = y.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    let rounding = expected.element.byteCount == 2 ? 2 * expected.element.roundoff * largest : 0
    for (position, (x, y)) in zip(x, y).enumerated() where x != y && !(x.isNaN && y.isNaN) {
      let bound = entry.absoluteTolerance + entry.relativeTolerance * abs(y) + rounding
      if !(abs(x - y) <= bound) {
        Issue.record("\(what) at \(position): got \(x), expected \(y) within \(bound)")
        return
      }
    }
  }
}
