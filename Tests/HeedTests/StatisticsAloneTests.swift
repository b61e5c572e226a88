import Heed
import Testing

/// Statistics of a softmax whose weights weigh no values: fused as those of attention are.
@Suite struct StatisticsAloneTests {
  private static let forms: [(name: String, of: @Sendable (Tensor) -> Tensor)] = [
    ("sums over queries", { $0.sum(-2) }), ("entropies", { -($0 * log(max($0, 1e-30))).sum(-1) }),
    ("greatest", { $0.topK(2).values }), ("widened", { ($0 * 2).sum(-2) }),
  ]

  private func graph(_ form: Int, gradient: Bool) throws -> Graph {
    try Graph(building: "statistics") { g in
      let (q, k) = (g.input("q", .f32, ["B", 2, "M", 8]), g.input("k", .f32, ["B", 2, "N", 8]))
      let scores = matmul(q, k.transposed()).where(Mask { $0.query != $0.key }, else: -.infinity)
      let result = Self.forms[form].of(softmax(scores)).named("result")
      return gradient ? [result] + gradients(of: (result * result).sum(), with: [q, k]) : [result]
    }
  }

  @Test(arguments: [0, 1, 2, 3]) func areThoseOfTheInterpreter(_ form: Int) throws {
    // The greatest weights are differentiated by the decomposition, which stores them.
    for gradient in form == 2 ? [false] : [false, true] {
      let graph = try graph(form, gradient: gradient)
      let program = try graph.compile()
      #expect(program.graph.text.contains("= attention "), "\(Self.forms[form].name): \(program.remarks)")
      let plans = try [1 << 10, 1 << 14].map { try program.memoryPlan(sizes: ["B": 1, "M": $0, "N": $0]).total }
      #expect(plans[1] < 17 * plans[0], "\(Self.forms[form].name)")
      for (rows, columns) in [(1, 2), (1, 40), (70, 30), (130, 500)] {
        let inputs = ["q": NDArray.random([2, 2, rows, 8], seed: 1), "k": NDArray.random([2, 2, columns, 8], seed: 2)]
        let (found, expected) = (try program(inputs), try graph.interpret(inputs))
        for name in found.names {
          let pairs = zip(try found[name]!.doubles(), try expected[name]!.doubles())
          let largest = pairs.map { abs($1) }.max() ?? 0
          #expect(
            pairs.allSatisfy { abs($0 - $1) <= 2e-5 * max(1, largest) }, "\(Self.forms[form].name), \(name), \(rows) x \(columns)")
        }
      }
    }
  }

  /// Weights that are needed themselves are stored as before.
  @Test func weightsThatAreReturnedStay() throws {
    let program = try Graph(building: "weights") { g in
      let weights = softmax(matmul(g.input("q", .f32, ["M", 8]), g.input("k", .f32, ["N", 8]).transposed()))
      return [weights, weights.sum(0)]
    }.compile()
    #expect(!program.graph.text.contains("= attention "))
  }
}
