import HeedDSL
import HeedIR
import Testing

@Suite struct ContractionTests {
  private static func array(_ shape: [Int]) -> ReferenceArray {
    reals((0..<shape.reduce(1, *)).map { Double(($0 * 7 + 3) % 11) - 5 }, shape)
  }

  private static func type(_ shape: [Int]) -> Shape { Shape(shape.map { Extent($0) }) }

  /// NumPy's matmul by its definition.
  private static func product(_ x: ReferenceArray, _ y: ReferenceArray) -> ReferenceArray {
    let left = x.shape.count == 1 ? [1] + x.shape : x.shape
    let right = y.shape.count == 1 ? y.shape + [1] : y.shape
    let (a, b) = (reals(x.reals, left), reals(y.reals, right))
    let rank = max(left.count, right.count)
    let batch = (0..<rank - 2).map { d in
      max(d < rank - left.count ? 1 : left[d - rank + left.count], d < rank - right.count ? 1 : right[d - rank + right.count])
    }
    func batchIndex(_ indices: [Int], _ shape: [Int]) -> [Int] {
      zip(indices.suffix(shape.count - 2), shape).map { $1 == 1 ? 0 : $0 }
    }
    let full = ReferenceArray.generated(.f32, batch + [left[left.count - 2], right[right.count - 1]]) { at in
      let outer = Array(at.prefix(rank - 2))
      return Literal(
        (0..<left[left.count - 1]).reduce(0.0) { sum, k in
          sum + a.reals[a.position(batchIndex(outer, left) + [at[rank - 2], k])]
            * b.reals[b.position(batchIndex(outer, right) + [k, at[rank - 1]])]
        })
    }
    let shape = batch + (x.shape.count == 1 ? [] : [full.shape[rank - 2]]) + (y.shape.count == 1 ? [] : [full.shape[rank - 1]])
    return reals(full.reals, shape)
  }

  @Test func everyPairOfBatches() throws {
    let batches: [[Int]] = [[], [1], [3], [2, 3], [1, 3], [2, 1], [1, 1]]
    var shapes = batches.flatMap { left in batches.map { (left + [2, 4], $0 + [4, 5]) } }
    shapes += [([4], [4]), ([4], [4, 5]), ([2, 4], [4]), ([3, 2, 4], [4]), ([4], [3, 4, 5])]
    for (left, right) in shapes {
      let (x, y) = (Self.array(left), Self.array(right))
      let got = try run(["x": x, "y": y]) { matmul($0.input("x", .f32, Self.type(left)), $0.input("y", .f32, Self.type(right))) }[0]
      #expect(got == Self.product(x, y), "\(left) by \(right)")
    }
  }

  @Test func repeatedBatchesAreNotCopied() throws {
    #expect(
      try text { matmul($0.input("x", .f32, ["B", "S", 64]), $0.input("w", .f32, [64, 8])) }
        == "%0 = contract %x, %w {subscripts = \"aik,kj->aij\"} : f32[B, S, 8]\nreturn %0")
    #expect(
      try text { matmul($0.input("x", .f32, ["B", 1, "S", 64]), $0.input("y", .f32, ["H", 64, 8])) } == """
        %0 = reshape %x : f32[B, S, 64]
        %1 = contract %0, %y {subscripts = "aik,bkj->abij"} : f32[B, H, S, 8]
        return %1
        """)
  }

  @Test func einsums() throws {
    let (x, y) = (Self.array([2, 3]), Self.array([3, 4]))
    let results = try run(["x": x, "y": y]) { g in
      let (x, y) = (g.input("x", .f32, [2, 3]), g.input("y", .f32, [3, 4]))
      return [
        einsum("ij,jk->ik", x, y), einsum("ij,jk->ki", x, y), einsum("ij, jk -> i", x, y), einsum("ij,jk->", x, y),
        einsum("ij->ji", x),
        einsum("ij->", x), einsum("ij->i", x), einsum("ij->ij", x),
      ]
    }
    let product = Self.product(x, y)
    let flipped = ReferenceArray.generated(.f32, [4, 2]) { product[$0[1] * 4 + $0[0]] }
    let rows = reals([product.reals[..<4].reduce(0, +), product.reals[4...].reduce(0, +)])
    #expect(results[0] == product)
    #expect(results[1] == flipped)
    #expect(isNear(results[2], rows))
    #expect(isNear(results[3], reals([rows.reals.reduce(0, +)], [])))
    #expect(results[4] == ReferenceArray.generated(.f32, [3, 2]) { x[$0[1] * 3 + $0[0]] })
    #expect(isNear(results[5], reals([x.reals.reduce(0, +)], [])))
    #expect(isNear(results[6], reals([x.reals[..<3].reduce(0, +), x.reals[3...].reduce(0, +)])))
    #expect(results[7] == x)
  }

  @Test func einsumText() throws {
    #expect(
      try text { einsum("bhid,bhjd->bhij", $0.input("q", .f32, ["B", 8, "S", 64]), $0.input("k", .f32, ["B", 8, "T", 64])) }
        == "%0 = contract %q, %k {subscripts = \"bhid,bhjd->bhij\"} : f32[B, 8, S, T]\nreturn %0")
    #expect(
      try text { einsum("ijk,jl->il", $0.input("x", .f32, ["A", 3, 5]), $0.input("y", .f32, [3, 4])) } == """
        %0 = reduce %x {dims = [2], kind = add} : f32[A, 3]
        %1 = contract %0, %y {subscripts = "ij,jl->il"} : f32[A, 4]
        return %1
        """)
  }
}
