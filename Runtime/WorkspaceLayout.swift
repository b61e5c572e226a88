/// Where blocks of memory lie that are each in use for some of the steps of a call: those in use at once do not overlap.
///
/// The largest are placed first, each into the smallest gap that it fits: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural
/// Net Inference", 2020.
package struct WorkspaceLayout: Sendable {
  /// A block: its bytes, and the first and the last step that use it.
  package struct Block: Sendable {
    package let byteCount: Int
    package let life: ClosedRange<Int>

    /// A block of so many bytes, in use from the first to the last of these steps.
    package init(byteCount: Int, life: ClosedRange<Int>) { (self.byteCount, self.life) = (byteCount, life) }
  }

  /// For each block the bytes from the start of the workspace.
  package private(set) var offsets: [Int]
  /// The bytes of the workspace.
  package private(set) var byteCount = 0

  /// - Throws: where the blocks take more bytes than 63 bits count.
  package init(_ blocks: [Block]) throws {
    offsets = Array(repeating: 0, count: blocks.count)
    let order = blocks.indices.filter { blocks[$0].byteCount > 0 }.sorted {
      (blocks[$1].byteCount, blocks[$0].life.lowerBound, $0) < (blocks[$0].byteCount, blocks[$1].life.lowerBound, $1)
    }
    /// The blocks that have a place, by offset.
    var placed: [Int] = []
    for number in order {
      let block = blocks[number]
      var best: (offset: Int, gap: Int)?
      var end = 0
      for other in placed where blocks[other].life.overlaps(block.life) {
        let gap = offsets[other] - end
        if gap >= block.byteCount, gap < best?.gap ?? .max { best = (end, gap) }
        end = max(end, offsets[other] + blocks[other].byteCount)
      }
      offsets[number] = best?.offset ?? end
      let (stop, overflow) = offsets[number].addingReportingOverflow(block.byteCount)
      guard !overflow else { throw CallPlan.tooLarge }
      byteCount = max(byteCount, stop)
      var (low, high) = (0, placed.count)
      while low < high {
        let middle = (low + high) / 2
        if offsets[placed[middle]] <= offsets[number] { low = middle + 1 } else { high = middle }
      }
      placed.insert(number, at: low)
    }
  }
}
