import Foundation
import Heed
import HeedTestSupport
import Testing

/// Linear attention written as the product of all pairs: the compiled values are those of the written form, whether it became linear or not.
@Suite struct WrittenLinearAttentionTests {
  /// A way to write the weights.
  struct Form: Sendable, CustomTestStringConvertible {
    var name: String
    var isLinear = true
    /// The weights of the scores, with the indices of query and key.
    var weights: @Sendable (GraphBuilder, _ s: Tensor, _ i: Tensor, _ j: Tensor) -> Tensor
    var testDescription: String { name }
  }

  /// The running sum of `x`, `[2, "S"]`, as a column and as a row.
  private static func sums(_ x: Tensor) -> (ofQuery: Tensor, ofKey: Tensor) {
    let sum = x.cumulativeSum(1)
    return (sum.expandingDimension(2), sum.expandingDimension(1))
  }

  private static func gates(_ g: GraphBuilder) -> Tensor { log(sigmoid(g.input("f", .f32, [2, "S"]) + 3)) }

  private static let forms: [Form] = [
    Form(name: "tril(s)") { _, s, _, _ in tril(s) },
    Form(name: "s * tril(ones)") { g, s, _, _ in s * tril(g.full(["S", "S"], 1.0)) },
    Form(name: "i - j >= 0") { _, s, i, j in select(i - j >= 0, s, 0) },
    Form(name: "j < i + 1") { _, s, i, j in select(j < i + 1, s, 0) },
    Form(name: "not j > i") { _, s, i, j in select(!(j > i), s, 0) },
    Form(name: "tril(pow)") { g, s, i, j in s * tril(pow(g.full([], 0.97), (i - j).cast(to: .f32))) },
    Form(name: "maximum(i - j, 0)") { g, s, i, j in
      s * select(j <= i, pow(g.full([], 0.97), max(i - j, 0).cast(to: .f32)), 0)
    },
    Form(name: "1 - 2^(-5 - h)") { g, s, i, j in
      let gamma = 1 - exp2(-5 - g.iota([2, 1, 1]).cast(to: .f32))
      return s * select(i - j >= 0, pow(gamma, (i - j).cast(to: .f32)), 0)
    },
    Form(name: "sigmoid that may be 0") { g, s, i, j in
      tril(s * pow(sigmoid(g.input("z", .f32, [2, 1, 1]) * 100), (i - j).cast(to: .f32)))
    },
    Form(name: "tril(exp)") { g, s, _, _ in
      let (a, b) = sums(gates(g))
      return s * tril(exp(a - b))
    },
    Form(name: "key factor") { g, s, i, j in
      let (a, b) = sums(gates(g))
      return exp((a - b).where(j <= i, else: -.infinity)) * s * g.input("t", .f32, [2, 1, "S"])
    },
    Form(name: "input gate") { g, s, i, j in
      let (a, b) = sums(gates(g))
      return select(j <= i, s * exp(a - b + g.input("t", .f32, [2, 1, "S"])), 0)
    },
    Form(name: "negative, of rows") { g, s, i, j in
      let (a, b) = sums(gates(g))
      return select(j <= i, -s * exp(a - b) / (1 + i.cast(to: .f32)), 0)
    },
    Form(name: "einsum with the decays") { g, s, i, j in
      let (a, b) = sums(gates(g))
      return einsum("hls,hls->hls", s, exp((a - b).where(j <= i, else: -.infinity)))
    },
    Form(name: "einsum with a triangle") { g, s, _, _ in einsum("hls,ls->hls", s, tril(g.full(["S", "S"], 1.0))) },
    Form(name: "divided by the size of the own sum") { g, s, i, j in
      let w = s * select(j <= i, pow(g.full([], 0.97), (i - j).cast(to: .f32)), 0)
      return w / max(abs(w.sum(-1, keepingDimensions: true)), 1)
    },
    Form(name: "divided by the own sum") { g, s, i, j in
      let w = select(j <= i, s * g.full([], 0.25), 0)
      return w / (w.sum(-1, keepingDimensions: true) + 64)
    },
    Form(name: "-0.9", isLinear: false) { g, s, i, j in select(j <= i, s * pow(g.full([], -0.9), (i - j).cast(to: .f32)), 0) },
    Form(name: "a base that is an input", isLinear: false) { g, s, i, j in
      select(j <= i, s * pow(g.input("z", .f32, [2, 1, 1]), (i - j).cast(to: .f32)), 0)
    },
    Form(name: "tanh", isLinear: false) { g, s, i, j in
      select(j <= i, s * pow(tanh(g.input("z", .f32, [2, 1, 1])), (i - j).cast(to: .f32)), 0)
    },
    Form(name: "both directions", isLinear: false) { _, s, i, j in s * exp(-0.1 * abs(i - j).cast(to: .f32)) },
    Form(name: "strictly before", isLinear: false) { _, s, i, j in select(j < i, s, 0) },
    Form(name: "before the next but one", isLinear: false) { _, s, i, j in select(j <= i + 1, s, 0) },
  ]

  private static func graph(_ form: Form) -> Graph {
    Graph("written") { g in
      let (q, k, v) = (g.input("q", .f32, [2, "S", 8]), g.input("k", .f32, [2, "S", 8]), g.input("v", .f32, [2, "S", 9]))
      let s = matmul(q, k.transposed())
      return matmul(form.weights(g, s, s.index(1), s.index(2)), v)
    }
  }

  @Test(arguments: forms) func agrees(_ form: Form) throws {
    let graph = Self.graph(form)
    try expectAgreement(graph, at: [["S": 70], ["S": 1], ["S": 33], ["S": 0]], .loose, targets: [hostTargets.last!])
    let after = try PassPipeline().run(graph, target: .host).graph.ir
    #expect(after.body.contains { after.op($0) == .linearAttention } == form.isLinear, "\(after.text)")
    #expect(!after.body.contains { after.op($0) == .contract }, "\(after.text)")
  }

  /// Factors of rows, and sums of weights, are in f32.
  @Test func narrow() throws {
    let graph = Graph("narrow") { g in
      let (q, k, v) = (g.input("q", .bf16, [2, "S", 8]), g.input("k", .bf16, [2, "S", 8]), g.input("v", .bf16, [2, "S", 9]))
      let s = matmul(q, k.transposed())
      return matmul(tril(s * g.input("t", .bf16, [2, 1, "S"])), v)
    }
    try expectAgreement(graph, at: [["S": 70], ["S": 3]], .loose, targets: [allHostTargets.last!])
  }

  /// The power of a number that is 0, negative, or 1, with the values by hand.
  @Test(arguments: [(0, [1, 1, 1, 1]), (-0.9, [1, 0.1, 0.91, 0.181]), (1, [1, 2, 3, 4])] as [(Double, [Float])])
  func powers(_ base: Double, _ expected: [Float]) throws {
    let graph = Graph("powers") { g in
      let (q, k, v) = (g.input("q", .f32, ["S", 1]), g.input("k", .f32, ["S", 1]), g.input("v", .f32, ["S", 1]))
      let s = matmul(q, k.transposed())
      let (i, j) = (s.index(0), s.index(1))
      return matmul(select(j <= i, s * pow(g.input("c", .f32, []), (i - j).cast(to: .f32)), 0), v)
    }
    let ones = ReferenceArray(.f32, [4, 1], reals: [1, 1, 1, 1])
    let inputs: [Name: ReferenceArray] = ["q": ones, "k": ones, "v": ones, "c": ReferenceArray(.f32, [], reals: [base])]
    let got = try graph.compile(options()).run(graph, inputs, guarding: .ends)[0].values(as: Float.self)
    for (x, y) in zip(got, expected) { #expect(abs(x - y) < 1e-6) }
  }
}
