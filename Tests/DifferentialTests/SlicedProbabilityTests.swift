import Heed
import HeedTestSupport
import Testing

/// Slices of probabilities, by heads or rows and by keys, compiled.
@Suite struct SlicedProbabilityTests {
  struct Spelling: Sendable, CustomTestStringConvertible {
    let name: String
    let attentions: Int
    let result: @Sendable (GraphBuilder) -> Tensor
    var testDescription: String { name }

    init(_ name: String, _ attentions: Int, _ result: @escaping @Sendable (GraphBuilder) -> Tensor) {
      (self.name, self.attentions, self.result) = (name, attentions, result)
    }
  }

  private static func queries(_ g: GraphBuilder, _ heads: Extent = 4) -> Tensor { g.input("q", .f32, ["B", heads, "M", 16]) }
  private static func keys(_ g: GraphBuilder, _ heads: Extent = 4) -> Tensor { g.input("k", .f32, ["B", heads, "N", 16]) }
  private static func values(_ g: GraphBuilder) -> Tensor { g.input("v", .f32, ["B", 2, "N", 5]) }

  static let spellings: [Spelling] = [
    Spelling("differential, pairs of heads", 2) { g in
      let p = softmax(matmul(queries(g), keys(g).transposed()) / 4).reshape(["B", 2, 2, "M", "N"])
      return matmul(p[.all, .all, 0] - 0.3 * p[.all, .all, 1], values(g))
    },
    Spelling("differential, halves of the heads", 2) { g in
      let p = softmax(matmul(queries(g), keys(g).transposed()) / 4).reshape(["B", 2, 2, "M", "N"])
      return matmul(p[.all, 0] - 0.3 * p[.all, 1], values(g))
    },
    Spelling("differential, masked, ranges of heads", 2) { g in
      let s = matmul(queries(g), keys(g).transposed()) / 4
      let p = softmax(s.where(s.index(3) <= s.index(2), else: -.infinity))
      return matmul(p[.all, .range(0, 2)] - 0.3 * p[.all, .range(2, 4)], values(g))
    },
    Spelling("differential, stacked", 2) { g in
      let (q, r) = (queries(g, 2), g.input("r", .f32, ["B", 2, "M", 16]))
      let (k, l) = (keys(g, 2), g.input("l", .f32, ["B", 2, "N", 16]))
      let p = softmax(matmul(stack([q, r]), stack([k, l]).transposed()) / 4)
      return matmul(p[0] - 0.3 * p[1], values(g))
    },
    Spelling("one head of all, one row", 1) { g in
      let p = softmax(matmul(queries(g), keys(g).transposed()) / 4)
      return matmul(p[.all, .range(1, 3), .range(0, 1)], values(g))
    },
    Spelling("a bias of each head", 2) { g in
      let bias = g.input("bias", .f32, [4, "M", "N"]).broadcast(to: ["B", 4, "M", "N"], dimensions: [1, 2, 3])
      let p = softmax(matmul(queries(g), keys(g).transposed()) / 4 + bias).reshape(["B", 2, 2, "M", "N"])
      return matmul(p[.all, .all, 0] - 0.3 * p[.all, .all, 1], values(g))
    },
    Spelling("the mean of the heads as well", 0) { g in
      let p = softmax(matmul(queries(g), keys(g).transposed()) / 4)
      return matmul(p[.all, .range(0, 2)], values(g)) * p.mean(1).sum(2).reshape(["B", 1, "M", 1])
    },
    Spelling("keys side by side, weights apart", 2) { g in
      let (k, l) = (keys(g, 2), g.input("l", .f32, ["B", 2, "M", 16]))
      let p = softmax(matmul(queries(g, 2), concatenate([k, l], dimension: 2).transposed()) / 4)
      return matmul(p[.rest, .range(0, "N")], values(g)) + matmul(p[.rest, .from("N")], g.input("w", .f32, ["B", 2, "M", 5]))
    },
  ]

  @Test(arguments: spellings) func agrees(_ spelling: Spelling) throws {
    let sizes: [[Name: Int]] = [
      ["B": 2, "M": 5, "N": 7], ["B": 1, "M": 70, "N": 130], ["B": 1, "M": 1, "N": 1100], ["B": 1, "M": 1, "N": 1],
    ]
    try expectAgreement(Graph("slices", spelling.result), at: sizes, attentions: spelling.attentions)
  }
}
