import Foundation
import HeedDSL
import HeedIR
import Testing

@Suite struct IndexingTests {
  @Test func text() throws {
    #expect(
      try HeedDSLTests.text { g in
        let (table, ids) = (g.input("table", .f32, [100, 8]), g.input("ids", .i32, ["T"]))
        let offsets = g.input("offsets", .i32, ["B + 1"])
        let rows = table.gather(ids)
        let (values, indices) = rows.topK(2)
        return [
          rows.segmentSum(offsets), g.segmentIDs(offsets, count: "T"), table.scatterAdd(ids, rows),
          table.gather(ids, dimension: -1), values, indices,
        ]
      } == """
        %0 = gather %table, %ids {dim = 0} : f32[T, 8]
        %1, %2 = top_k %0 {count = 2} : f32[T, 2], i32[T, 2]
        %3 = segment_sum %0, %offsets : f32[B, 8]
        %4 = segment_ids %offsets : i32[T]
        %5 = scatter_add %table, %ids, %0 {dim = 0} : f32[100, 8]
        %6 = gather %table, %ids {dim = 1} : f32[100, T]
        return %3, %4, %5, %6, %1, %2
        """)
  }

  @Test func values() throws {
    let inputs = ["x": reals([1, 2, 3, 4, 5, 6], [3, 2]), "ids": integers([2, 0, 2]), "offsets": integers([0, 1, 1, 3])]
    let results = try run(inputs) { g in
      let (x, ids, offsets) = (g.input("x", .f32, [3, 2]), g.input("ids", .i32, [3]), g.input("offsets", .i32, ["B + 1"]))
      let top = g.constant([3, 9, 9, 1]).topK(3)
      return [x.gather(ids), x.segmentSum(offsets), g.segmentIDs(offsets, count: 3), x.scatterAdd(ids, x), top.values, top.indices]
    }
    #expect(
      results == [
        reals([5, 6, 1, 2, 5, 6], [3, 2]), reals([1, 2, 0, 0, 8, 10], [3, 2]), integers([0, 2, 2]),
        reals([4, 6, 3, 4, 11, 14], [3, 2]),
        reals([9, 9, 3]), integers([1, 2, 0]),
      ])
  }
}

@Suite struct ReductionTests {
  @Test func text() throws {
    #expect(
      try HeedDSLTests.text { g in
        let x = g.input("x", .f32, ["B", "S", 4])
        return [
          x.sum(), x.max(-1, keepingDimensions: true), x.mean(2, 0), x.mean(1), x.cumulativeSum(1, exclusive: true),
          x.scan(.maximum, reversed: true),
        ]
      } == """
        %0 = reduce %x {dims = [0, 1, 2], kind = add} : f32
        %1 = reduce %x {dims = [2], kind = maximum} : f32[B, S]
        %2 = reshape %1 : f32[B, S, 1]
        %3 = reduce %x {dims = [0, 2], kind = add} : f32[S]
        %4 = extent {value = [4*B]} : f32
        %5 = divide %3, %4 : f32[S]
        %6 = reduce %x {dims = [1], kind = add} : f32[B, 4]
        %7 = extent {value = [S]} : f32
        %8 = divide %6, %7 : f32[B, 4]
        %9 = scan %x {dim = 1, exclusive = true, kind = add} : f32[B, S, 4]
        %10 = scan %x {dim = 2, kind = maximum, reverse = true} : f32[B, S, 4]
        return %0, %2, %5, %8, %9, %10
        """)
  }

  @Test func values() throws {
    let results = try run(["x": reals([1, 2, 3, 4, 5, 6], [2, 3])]) { g in
      let x = g.input("x", .f32, [2, 3])
      return [
        x.sum(0), x.product(1), x.min(), x.max(0, keepingDimensions: true), x.mean(1), x.mean(), x.cumulativeSum(),
        x.cumulativeSum(0, exclusive: true), x.scan(.multiply, 1, reversed: true),
      ]
    }
    #expect(
      results == [
        reals([5, 7, 9]), reals([6, 120]), reals([1], []), reals([4, 5, 6], [1, 3]), reals([2, 5]), reals([3.5], []),
        reals([1, 3, 6, 4, 9, 15], [2, 3]), reals([0, 0, 0, 1, 2, 3], [2, 3]), reals([6, 6, 3, 120, 30, 6], [2, 3]),
      ])
    let bools = try run { g in
      let x = g.constant([true, false, true, true], .bool, shape: [2, 2])
      return [x.any(), x.all(1), x.all(0)]
    }
    #expect(bools.map(\.integers) == [[1], [0, 1], [1, 0]])
  }
}

@Suite struct NormalizationTests {
  @Test func text() throws {
    #expect(
      try HeedDSLTests.text { g in
        let (x, w) = (g.input("x", .f32, ["B", "S", 4]), g.parameter("w", .f32, [4]))
        let angles = g.input("angles", .f32, ["S", 2])
        return [
          softmax(x), softmax(x, dimension: 1), layerNorm(x, scale: w, bias: w, epsilon: 0.5), rmsNorm(x, scale: w, epsilon: 0.25),
          rotary(x, cosines: angles, sines: angles), rotary(x, cosines: angles, sines: angles, interleaved: true),
        ]
      } == """
        %0 = softmax %x {dim = 2} : f32[B, S, 4]
        %1 = softmax %x {dim = 1} : f32[B, S, 4]
        %2 = layer_norm %x, %w, %w {epsilon = 0.5} : f32[B, S, 4]
        %3 = rms_norm %x, %w {epsilon = 0.25} : f32[B, S, 4]
        %4 = rotary %x, %angles, %angles : f32[B, S, 4]
        %5 = rotary %x, %angles, %angles {interleaved = true} : f32[B, S, 4]
        return %0, %1, %2, %3, %4, %5
        """)
  }

  @Test func values() throws {
    let results = try run(["x": reals([0, Foundation.log(3), -.infinity, -.infinity, 3, 4], [3, 2]), "w": reals([2, 3])]) { g in
      let (x, w) = (g.input("x", .f32, [3, 2]), g.input("w", .f32, [2]))
      return [softmax(x), layerNorm(x[2...], scale: w, bias: w, epsilon: 0), rmsNorm(x[2...], scale: w, epsilon: 0)]
    }
    #expect(isNear(results[0], reals([0.25, 0.75, 0, 0, 1 / (1 + M_E), M_E / (1 + M_E)], [3, 2])))
    #expect(isNear(results[1], reals([0, 6], [1, 2])))
    #expect(isNear(results[2], reals([6 / 12.5.squareRoot(), 12 / 12.5.squareRoot()], [1, 2])))
  }
}
