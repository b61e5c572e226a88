import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// What the language composes of several ops, compiled.
@Suite struct LanguageTests {
  /// Rows sorted by their expert, a product per expert, and back: the offsets are computed.
  @Test func mixtureOfExperts() throws {
    let count = 6
    let graph = try Graph(building: "experts") { g in
      let (x, expert) = (g.input("x", .f32, ["T", 5]), g.input("expert", .i32, ["T"]))
      let weights = g.parameter("weights", .f32, [count, 5, 7])
      let order = expert.argSort()
      let offsets = concatenate([g.constant([0], .i32), expert.oneHot(count, as: .i32).sum(0).cumulativeSum()])
      let rows = x.gather(order).segmentMatmul(weights, offsets)
      let sparse = g.full(["T", 7], 0.0).scatterAdd(order, rows)
      // Every expert for every row, and the right one taken.
      let dense = einsum("tk,ekn,te->tn", x, weights, expert.oneHot(count))
      return [sparse.named("sparse"), (sparse - dense).named("difference")]
    }
    try expectAgreement(graph, at: [["T": 1], ["T": 50], ["T": 0], ["T": 200]])
    let inputs = try randomInputs(graph, ["T": 40])
    #expect(try GraphInterpreter.evaluate(graph, inputs: inputs)[1].array.reals.allSatisfy { abs($0) < 1e-4 })
  }

  @Test func convolutions() throws {
    let graph = try Graph(building: "convolutions") { g in
      let x = g.input("x", .f32, ["B", 4, "H", "W"])
      let (w, each, patch) = (
        g.input("w", .f32, [6, 2, 3, 2]), g.input("each", .f32, [4, 1, 3, 3]), g.input("patch", .f32, [8, 4, 2, 2])
      )
      return [
        convolution2D(x, w, stride: (2, 1), padding: (1, 1), groups: 2), convolution2D(x, each, padding: (1, 1), groups: 4),
        convolution2D(x, patch, bias: g.input("bias", .f32, [8]), stride: (2, 2)),
        convolution1D(x[.all, .all, 0], g.input("v", .f32, [3, 4, 2]), dilation: 2),
      ]
    }
    try expectAgreement(graph, at: [["B": 2, "H": 5, "W": 6], ["B": 1, "H": 3, "W": 3], ["B": 0, "H": 4, "W": 9]])
  }

  @Test func arrangementsAndOrder() throws {
    let graph = try Graph(building: "order") { g in
      let x = g.input("x", .f32, ["B", "S", 6])
      let (first, second) = (x.sort(1), x.split(2)[1])
      return [
        x.takeAlong(x.argSort(1, descending: true), dimension: 1), first.values, x.argMax(1), x.argMin(), x.roll(2),
        x.roll(-1, dimension: 0),
        tril(x), triu(x, diagonal: -1), second, stack([x, -x], dimension: 1), x.variance(1), logSoftmax(x, dimension: 1),
        clamp(x, -1, 1.0), softplus(x * 20),
        groupNorm(x.transposed(0, 2, 1), groups: 2, scale: g.full([6], 2.0), bias: g.full([6], 1.0)),
      ]
    }
    try expectAgreement(graph, at: [["B": 2, "S": 5], ["B": 1, "S": 1], ["B": 3, "S": 40]], .loose)
  }

  @Test(arguments: floatTypes) func segments(_ element: ElementType) throws {
    let graph = try Graph(building: "segments") { g in
      let (x, offsets) = (g.input("x", element, ["T", 3]), g.input("offsets", .i32, ["B + 1"]))
      return [x.segmentSoftmax(offsets), x.segmentMean(offsets)]
    }
    for list in [[0, 2, 2, 9], [0], [0, 70]] as [[Int64]] {
      let inputs = try randomInputs(
        graph, ["T": Int(list.last!), "B": list.count - 1],
        given: ["offsets": ReferenceArray(.i32, [list.count], integers: list)])
      try expectAgreement(graph, [inputs], Tolerance(f32: 4e-6, roundings: 8))
    }
  }
}
