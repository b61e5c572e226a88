import HeedIR
import HeedSchedule
import Testing

@Suite struct ProductBlocksTests {
  private func blocks(rows: Int?, depth: Int, target: Target = .x86AVX512) -> ProductBlocks {
    ProductBlocks(rows: rows, depth: depth, panel: 3 * target.lanes(of: .f32), byteCount: 4, on: target)
  }

  @Test func aShallowProductIsNotSplit() {
    let shallow = blocks(rows: nil, depth: 384)
    #expect((shallow.rows, shallow.depth ?? 0) == (96, 0))
    #expect(shallow.bytes == (96 + 48) * 384 * 4)
  }

  @Test func aDeepProductIsSplitIntoEqualParts() throws {
    let deep = blocks(rows: nil, depth: 8192)
    let depth = try #require(deep.depth)
    #expect(deep.rows == 96 && depth % 32 == 0 && depth < 8192)
  }

  @Test(arguments: [1, 7, 8, 12, 50, 96, 1000]) func rowsAreThoseOfRegisterTiles(_ rows: Int) {
    let few = blocks(rows: rows, depth: 64)
    #expect(few.rows == (rows < 8 ? rows : min(96, (rows + 7) / 8 * 8)))
  }

  @Test(arguments: [1, 300, 1536, 3072, 20000, 1 << 20]) func blocksStayInTheCache(_ depth: Int) {
    for target in Target.all {
      let block = blocks(rows: nil, depth: depth, target: target)
      #expect(block.bytes <= target.caches.level2, "\(depth) on \(target)")
    }
  }
}
