import HeedDSL
import HeedIR
import Testing

/// Reductions, softmax and products over segments of rows.
@Suite struct SegmentTests {
  private let inputs = ["x": reals([1, 5, 3, 2, 4, 0, 7, 1], [4, 2]), "offsets": integers([0, 3, 3, 4])]

  private func results(_ build: (_ x: Tensor, _ offsets: Tensor) -> [Tensor]) throws -> [ReferenceArray] {
    try run(inputs) { g in build(g.input("x", .f32, ["T", 2]), g.input("offsets", .i32, ["B + 1"])) }
  }

  @Test func reductions() throws {
    let results = try results { [$0.segmentSum($1), $0.segmentMax($1), $0.segmentMean($1)] }
    #expect(results[0] == reals([8, 7, 0, 0, 7, 1], [3, 2]))
    #expect(results[1] == reals([4, 5, -.infinity, -.infinity, 7, 1], [3, 2]))
    #expect(isNear(results[2], reals([8.0 / 3, 7.0 / 3, 0, 0, 7, 1], [3, 2]), 1e-6))
  }

  /// Each segment's softmax is that of its rows alone; one of -inf alone is 0.
  @Test func softmaxes() throws {
    let results = try results { x, offsets in
      let masked = x.where(x != 1, else: -.infinity)
      return [masked.segmentSoftmax(offsets), softmax(masked[0..<3], dimension: 0)]
    }
    #expect(isNear(reals(Array(results[0].reals.prefix(6)), [3, 2]), results[1], 1e-6))
    #expect(results[0].reals.suffix(2) == [1, 0])
  }

  @Test func products() throws {
    let matrices = reals((0..<12).map(Double.init), [3, 2, 2])
    let results = try run(inputs.merging(["m": matrices]) { a, _ in a }) { g in
      let (x, offsets) = (g.input("x", .f32, ["T", 2]), g.input("offsets", .i32, ["B + 1"]))
      let m = g.input("m", .f32, ["B", 2, 2])
      return [x.segmentMatmul(m, offsets), matmul(x[0..<3], m[0]), matmul(x[3...], m[2])]
    }
    #expect(results[0].reals == results[1].reals + results[2].reals)
  }
}
