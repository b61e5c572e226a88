import Heed
import Testing

/// The pairs that attention computes under a mask.
@Suite struct AttendedPairsTests {
  private func attention(_ mask: @escaping (GraphBuilder) -> Mask) throws -> CompiledGraph {
    try Graph("attention") { g in
      let (q, k, v) = (
        g.input("q", .f32, ["B", 3, "S", 16]), g.input("k", .f32, ["B", 3, "S", 16]),
        g.input("v", .f32, ["B", 3, "S", 16])
      )
      return matmul(softmax(matmul(q, k.transposed()).where(mask(g), else: -.infinity)), v)
    }.compile()
  }

  @Test(arguments: [1, 100, 1000]) func allPairs(_ length: Int) throws {
    let program = try attention { _ in .all }
    #expect(
      try program.attendedPairs(sizes: ["B": 2, "S": length]) == Double(2 * 3 * length * length))
    #expect(try program.attendedPairs(sizes: ["B": 0, "S": length]) == 0)
  }

  /// At least those that live, and at most those of their tiles.
  @Test(arguments: [1, 100, 1000, 3001]) func causalPairs(_ length: Int) throws {
    let pairs = try attention { _ in .causal() }.attendedPairs(sizes: ["B": 1, "S": length])
    let live = 3 * length * (length + 1) / 2
    #expect(pairs >= Double(live) && pairs <= Double(live + 3 * length * 512))
  }

  /// Masks of tables count as these say; heads with masks of their own are added up.
  @Test func tablesAreRead() throws {
    let program = try attention { g in .keys(below: g.input("lengths", .i32, ["B"])) & .heads(1..<3)
    }
    let lengths = try NDArray([96, 960] as [Int32])
    let pairs = try program.attendedPairs(
      sizes: ["B": 2, "S": 1000], tables: ["lengths": lengths])
    #expect(pairs >= 2 * 1000 * 1056 && pairs <= 2 * 1000 * 1152)
    #expect(throws: HeedError.self) { try program.attendedPairs(sizes: ["B": 2, "S": 1000]) }
    #expect(throws: HeedError.self) { try program.attendedPairs(sizes: ["S": 1000]) }
  }

  /// Documents by offsets are computed each on their own.
  @Test func documents() throws {
    let program = try attention { g in .documents(g.input("offsets", .i32, ["D + 1"])) }
    let offsets = try NDArray([0, 100, 100, 400] as [Int32])
    let pairs = try program.attendedPairs(sizes: ["B": 1, "S": 400, "D": 3], tables: ["offsets": offsets])
    #expect(pairs == Double(3 * (100 * 100 + 300 * 300)))
  }
}
