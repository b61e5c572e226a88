import HeedIR
import HeedTestSupport
import Testing

/// The rules of the ops against differences and against each other.
@Suite struct GradientTests {
  @Test(arguments: gradientCases.indices) func rulesAgreeWithDifferences(_ number: Int) throws {
    let test = gradientCases[number]
    let graph = try test.graph()
    try graph.verify()
    for (position, size) in test.sizes.enumerated() {
      let inputs = try test.inputs(graph, size, seed: UInt64(position + 1))
      let failures = try DirectionalCheck().failures(of: graph, at: inputs, order: 2)
      #expect(failures.isEmpty, "\(test) at \(size)")
    }
  }

  /// A check that has nothing to check fails, and so does one of a wrong derivative.
  @Test func aCheckCanFail() throws {
    let graph = try Graph.parse("graph @f(%n: i32[N]) { %r = add %n, %n return %r }")[0]
    #expect(try DirectionalCheck().failures(of: graph, at: ["n": ReferenceArray(.i32, [2])]) == ["nothing is checked"])
    // By convention the derivative of a maximum of equal operands is that of one of them.
    let kink = try Graph.parse("graph @f(%x: f64[N]) { %r = maximum %x, 0.0 return %r }")[0]
    let failures = try DirectionalCheck().failures(of: kink, at: ["x": ReferenceArray(.f64, [2])])
    #expect(failures.count == 4 && failures.allSatisfy { $0.contains("by differences") }, "\(failures)")
  }
}
