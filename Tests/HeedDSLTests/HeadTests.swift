import HeedDSL
import Testing

/// Heads of rows, apart and together.
@Suite struct HeadTests {
  @Test func headsMove() throws {
    let x = reals((0..<8).map(Double.init), [2, 4])
    let results = try run(["x": x]) { g in
      let heads = g.input("x", .f32, ["S", 4]).splittingHeads(2)
      return [heads, heads.mergingHeads(), heads.repeatingHeads(4)]
    }
    #expect(results[0] == reals([0, 1, 4, 5, 2, 3, 6, 7], [2, 2, 2]))
    #expect(results[1] == x)
    #expect(results[2] == reals([0, 1, 4, 5, 0, 1, 4, 5, 2, 3, 6, 7, 2, 3, 6, 7], [4, 2, 2]))
  }

  @Test func mistakes() {
    func message(_ body: @escaping (Tensor) -> Tensor) -> String? {
      mistake { g in body(g.input("x", .f32, ["S", 6])) }?.message
    }
    #expect(message { $0.splittingHeads(4) } == "splittingHeads: got %x: f32[S, 6] for 4 heads, expected rows of a multiple of 4")
    #expect(message { $0.mergingHeads() } == "mergingHeads: got %x: f32[S, 6], expected rank 3 or more: [..., heads, rows, size]")
    #expect(
      message { $0.splittingHeads(3).repeatingHeads(4) }
        == "repeatingHeads: got 3 heads for keys and 4 for queries, expected a divisor")
  }
}
