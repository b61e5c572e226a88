import Heed
import HeedTestSupport
import Testing

/// Weighted sums that share scores or probabilities, compiled: each is an attention that computes its own.
@Suite struct SharedScoreTests {
  /// A way to use one product of queries and keys several times, and the attentions that it becomes.
  struct Spelling: Sendable, CustomTestStringConvertible {
    let name: String
    let attentions: Int
    let result: @Sendable (GraphBuilder, _ scores: Tensor, _ v: Tensor) -> Tensor
    var testDescription: String { name }

    init(_ name: String, _ attentions: Int, _ result: @escaping @Sendable (GraphBuilder, Tensor, Tensor) -> Tensor) {
      (self.name, self.attentions, self.result) = (name, attentions, result)
    }
  }

  static let spellings: [Spelling] = [
    Spelling("window and causal", 2) { _, s, v in
      let (i, j) = (s.index(2), s.index(3))
      let near = softmax(s.where(abs(i - j) < 5, else: -.infinity))
      return matmul(0.7 * near + 0.3 * softmax(s.where(j <= i, else: -.infinity)), v)
    },
    Spelling("two temperatures", 2) { _, s, v in matmul(softmax(s) - 0.5 * softmax(s * 0.5), v) },
    Spelling("sums within sums", 2) { _, s, v in
      let (p, r) = (softmax(s), softmax(s.where(s.index(3) <= s.index(2), else: -.infinity)))
      return matmul((p - r) * 2 + p, v)
    },
    Spelling("both in both terms", 2) { _, s, v in
      let (p, r) = (softmax(s), softmax(s * 0.5))
      return matmul((p - r) + (p * 0.5 + r), v)
    },
    Spelling("two sums", 2) { _, s, v in matmul(softmax(s), v) * matmul(softmax(s * 2), v) },
    Spelling("two values", 2) { g, s, v in
      let (p, w) = (softmax(s), g.input("w", .f32, ["B", 2, "N", 12]))
      return matmul(p, v) + matmul(p, w)
    },
    Spelling("the second needs the first", 2) { g, s, v in
      let p = softmax(s)
      return matmul(p, matmul(p, v).sum(2, keepingDimensions: true) + v)
    },
    Spelling("squares are not linear", 0) { _, s, v in
      let p = softmax(s)
      return matmul(p, v) + matmul(p * p, v)
    },
    Spelling("the total of the scores", 0) { _, s, v in
      matmul(softmax(s), v) + matmul(softmax(s * 2), v) * s.sum(3, keepingDimensions: true)
    },
  ]

  private static let sizes: [[Name: Int]] = [
    ["B": 2, "M": 5, "N": 7], ["B": 1, "M": 70, "N": 130], ["B": 1, "M": 1, "N": 1100], ["B": 1, "M": 1, "N": 1],
  ]

  @Test(arguments: spellings) func agrees(_ spelling: Spelling) throws {
    let graph = Graph("shared") { g in
      let (q, k) = (g.input("q", .f32, ["B", 2, "M", 16]), g.input("k", .f32, ["B", 2, "N", 16]))
      let v = g.input("v", .f32, ["B", 2, "N", 12])
      return spelling.result(g, matmul(q, k.transposed()) * 0.25, v)
    }
    try expectAgreement(graph, at: Self.sizes, attentions: spelling.attentions)
  }
}
