internal import HeedIR

/// Square blocks transposed in registers.
///
/// Steps that keep to parts of 128 bits come first: x86 has them as unpack instructions, ARM as zips. Then whole parts change
/// places.
/// ```
/// a0 a1 a2 a3     a0 b0 a1 b1     a0 b0 c0 d0
/// b0 b1 b2 b3     a2 b2 a3 b3     a2 b2 c2 d2     rows 1 and 2 have changed places:
/// c0 c1 c2 c3     c0 d0 c1 d1     a1 b1 c1 d1     their numbers are reversed bit by bit
/// d0 d1 d2 d3     c2 d2 c3 d3     a3 b3 c3 d3
/// ```
extension Emitter {
  /// The transpose of a square: one vector per lane, of integers of up to 64 bits. Row r of the result holds lane r of every row.
  func transposed(_ rows: [LLVMValue]) -> [LLVMValue] {
    let side = rows.count
    precondition(side & (side - 1) == 0 && rows.allSatisfy { $0.type.laneCount == side }, "not a square of a power of two")
    let part = min(side, 128 / rows[0].type.lane.integerBits)
    var vectors = rows
    var run = 1
    while run < part {
      vectors = exchanged(vectors, distance: run) { low, high in
        let (first, second) = interleaving(side, run: run, within: part)
        return (builder.shuffle(low, high, first), builder.shuffle(low, high, second))
      }
      run *= 2
    }
    // Position p of each group of `part` rows holds column reversed(p): into order.
    let bits = part.trailingZeroBitCount
    vectors = vectors.indices.map { row in
      let reversed = (0..<bits).reduce(0) { $0 | (row >> $1 & 1) << (bits - 1 - $1) }
      return vectors[row & ~(part - 1) | reversed]
    }
    while run < side {
      // Even and odd runs of the lower row, then those of the higher one.
      vectors = exchanged(vectors, distance: run) { low, high in
        func parts(_ parity: Int) -> LLVMValue { builder.shuffle(low, high, (0..<2 * side).filter { $0 / part % 2 == parity }) }
        return (parts(0), parts(1))
      }
      run *= 2
    }
    return vectors
  }

  /// Each pair of vectors whose numbers differ by `distance`, a power of two, replaced.
  private func exchanged(
    _ vectors: [LLVMValue], distance: Int, _ replace: (LLVMValue, LLVMValue) -> (LLVMValue, LLVMValue)
  ) -> [LLVMValue] {
    var result = vectors
    for low in vectors.indices where low & distance == 0 {
      (result[low], result[low + distance]) = replace(vectors[low], vectors[low + distance])
    }
    return result
  }

  /// The lanes of two vectors by turns, `run` at a time: of the lower halves and of the upper halves of each part.
  private func interleaving(_ lanes: Int, run: Int, within part: Int) -> ([Int], [Int]) {
    func half(_ start: Int) -> [Int] {
      stride(from: 0, to: lanes, by: part).flatMap { first in
        stride(from: first + start, to: first + start + part / 2, by: run).flatMap { lane in
          (0..<run).map { lane + $0 } + (0..<run).map { lanes + lane + $0 }
        }
      }
    }
    return (half(0), half(part / 2))
  }
}
