import HeedDSL
import HeedIR
import Testing

/// `linearAttention` against the products that it stands for, written out.
@Suite struct LinearAttentionTests {
  private static func numbers(_ shape: [Int], seed: Int) -> ReferenceArray {
    reals((0..<shape.reduce(1, *)).map { Double(($0 + seed) * 7919 % 1009) / 1009 }, shape, .f64)
  }

  private static let inputs = [
    "q": numbers([2, 4, 5, 3], seed: 1), "k": numbers([2, 2, 5, 3], seed: 2), "v": numbers([2, 2, 5, 2], seed: 3),
    "decay": numbers([4, 5], seed: 4),
  ]

  /// The results of both forms: four query heads, two heads of keys.
  private func run(_ build: (_ q: Tensor, _ k: Tensor, _ v: Tensor, _ decay: Tensor) -> [Tensor]) throws -> [ReferenceArray] {
    try HeedDSLTests.run(Self.inputs) { g in
      build(
        g.input("q", .f64, ["B", 4, "S", 3]), g.input("k", .f64, ["B", 2, "S", 3]), g.input("v", .f64, ["B", 2, "S", 2]),
        g.input("decay", .f64, [4, "S"]))
    }
  }

  /// `[B, 2, S, D]` as `[B, 4, S, D]`, each head twice.
  private func repeated(_ x: Tensor) -> Tensor {
    let (b, s, d) = (x.extent(0), x.extent(2), x.extent(3))
    return x.expandingDimension(2).broadcast(to: Shape([b, 2, 2, s, d])).reshape(Shape([b, 4, s, d]))
  }

  @Test func everyQueryMeetsEveryKey() throws {
    let results = try run { q, k, v, _ in
      let weights = matmul(q, repeated(k).transposed())
      return [
        linearAttention(q, k, v, normalized: false), matmul(weights, repeated(v)),
        linearAttention(q, k, v, epsilon: 0.5),
        matmul(weights, repeated(v)) / (weights.sum(-1, keepingDimensions: true) + 0.5),
      ]
    }
    #expect(isNear(results[0], results[1]))
    #expect(isNear(results[2], results[3]))
  }

  @Test func causal() throws {
    let results = try run { q, k, v, decay in
      let products = matmul(q, repeated(k).transposed())
      let weights = products.where(products.index(3) <= products.index(2), else: 0)
      let sums = decay.cumulativeSum(1)
      let decayed = weights * exp(sums.expandingDimension(2) - sums.expandingDimension(1))
      return [
        linearAttention(q, k, v, causal: true, epsilon: 0.5),
        matmul(weights, repeated(v)) / (weights.sum(-1, keepingDimensions: true) + 0.5),
        linearAttention(q, k, v, causal: true, normalized: false, logDecay: decay), matmul(decayed, repeated(v)),
      ]
    }
    #expect(isNear(results[0], results[1]))
    #expect(isNear(results[2], results[3]))
  }

  /// The first rows begin without a state; there is one state a head of keys.
  @Test func states() throws {
    let results = try run { q, k, v, _ in
      let rest = linearAttention(q, k, v, from: nil)
      return [
        rest.output, linearAttention(q, k, v, causal: true), rest.state.matrix, rest.state.keySum!, matmul(k.transposed(), v),
        k.sum(-2),
      ]
    }
    #expect(isNear(results[0], results[1]))
    #expect(isNear(results[2], results[4]))
    #expect(isNear(results[3], results[5]))
  }
}
