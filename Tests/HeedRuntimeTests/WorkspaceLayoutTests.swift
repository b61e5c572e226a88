import HeedRuntime
import Testing

/// Where blocks of a workspace lie.
@Suite struct WorkspaceLayoutTests {
  private typealias Block = WorkspaceLayout.Block

  private func block(_ byteCount: Int, _ life: ClosedRange<Int>) -> Block { Block(byteCount: byteCount, life: life) }

  @Test func blocksThatAreNeverInUseAtOnceShareMemory() throws {
    let layout = try WorkspaceLayout([block(64, 0...1), block(64, 1...2), block(128, 2...3), block(64, 4...4)])
    #expect(layout.byteCount == 192)
    #expect(layout.offsets[2] == 0 && layout.offsets[1] == 128)
  }

  /// Between two large blocks that end, a smaller one takes the smallest gap that it fits.
  @Test func theSmallestGapIsTaken() throws {
    let layout = try WorkspaceLayout([
      block(1000, 0...9), block(900, 0...4), block(800, 0...9), block(700, 0...4), block(660, 0...9), block(650, 5...9),
    ])
    #expect(layout.offsets[5] == layout.offsets[3])
  }

  @Test func nothingTakesNothing() throws {
    #expect(try WorkspaceLayout([]).byteCount == 0)
    #expect(try WorkspaceLayout([block(0, 0...3)]).byteCount == 0)
  }

  @Test func tooManyBytes() {
    #expect(throws: (any Error).self) { try WorkspaceLayout([block(.max - 10, 0...1), block(.max - 20, 0...1)]) }
  }

  /// Random blocks: none overlaps another in use at once, and the whole is close to what is in use at the fullest moment.
  @Test(arguments: 0..<30) func randomBlocks(_ seed: Int) throws {
    var numbers = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
    func next(_ limit: Int) -> Int {
      numbers = numbers &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((numbers >> 33) % UInt64(limit))
    }
    let blocks = (0..<200).map { _ in
      let start = next(100)
      return block(64 * (1 + next(next(2) == 0 ? 10 : 1000)), start...min(99, start + next(20)))
    }
    let layout = try WorkspaceLayout(blocks)
    for (i, x) in blocks.enumerated() {
      for (j, y) in blocks.enumerated() where i < j && x.life.overlaps(y.life) {
        let (a, b) = (layout.offsets[i], layout.offsets[j])
        #expect(a + x.byteCount <= b || b + y.byteCount <= a)
      }
      #expect(layout.offsets[i] + x.byteCount <= layout.byteCount)
    }
    let fullest = (0..<100).map { step in blocks.reduce(0) { $0 + ($1.life.contains(step) ? $1.byteCount : 0) } }.max()!
    #expect(layout.byteCount >= fullest)
    #expect(Double(layout.byteCount) < 1.2 * Double(fullest), "\(layout.byteCount) of \(fullest)")
  }
}
