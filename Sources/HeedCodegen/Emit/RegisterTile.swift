internal import HeedIR

/// A block of a matrix product whose sums stay in vector registers: `rows` rows of `vectors` vectors.
struct RegisterTile: Hashable {
  var rows: Int
  var vectors: Int

  /// The tile for a product of `rows` x `vectors` vectors: the one that keeps the multiply-add units busiest.
  ///
  /// A step along the contracted dimension loads `vectors` vectors and broadcasts `rows` scalars for `rows * vectors`
  /// multiply-adds. It needs registers for `rows * vectors` sums, the loaded vectors and at least one scalar. Two loads and two
  /// multiply-adds start a cycle; a multiply-add takes four cycles, so fewer than eight sums leave the units idle. Eight leave no
  /// slack for any delay: measured with AVX2, 4 x 2 sums reach 0.92 of the peak, 5 x 2 0.95 and 6 x 2 0.97.
  ///
  /// - Parameter isExact: whether a remainder of rows has a smaller tile of its own. Otherwise it takes a whole one, whose rows each have
  ///   an address in a register.
  static func best(rows: Int, isExact: Bool, vectors: Int, on target: Target) -> RegisterTile {
    // The scheduler moves broadcasts ahead, further where there are more registers: measured, fewer spare ones spill sums.
    // Without fused multiply-add each product needs a register as well.
    let spare = (target.vectorRegisterCount > 16 ? 4 : 1) + (target.has(.fma) ? 0 : 1)
    let registers = target.vectorRegisterCount - spare
    // Of 16 general registers ten hold addresses of rows: measured with AVX-512, 12 x 2 sums reach 0.89 of the peak, 8 x 2 0.91.
    let mostRows = isExact ? 14 : 10
    var best = (tile: RegisterTile(rows: 1, vectors: 1), cost: Double.infinity)
    for vectorCount in 1...max(1, min(vectors, 6)) {
      for rowCount in 1...max(1, min(rows, mostRows)) where rowCount * vectorCount + vectorCount <= registers {
        let tile = RegisterTile(rows: rowCount, vectors: vectorCount)
        let cost = tile.cost(rows: isExact ? rows : (rows + rowCount - 1) / rowCount * rowCount, vectors: vectors)
        if cost < best.cost - 1e-9 { best = (tile, cost) }
      }
    }
    return best.tile
  }

  /// The tile for few rows whose number is known only at run time. It spans whole rows of the right operand, so that memory is read
  /// in order, if two rows of sums fit; otherwise it has four rows.
  static func skinny(vectors: Int, on target: Target) -> RegisterTile {
    let whole = RegisterTile(rows: 2, vectors: vectors)
    if vectors > 4, 3 * vectors + 4 <= target.vectorRegisterCount { return whole }
    return best(rows: 4, isExact: true, vectors: vectors, on: target)
  }

  /// Half cycles a step for the whole product, remainders by smaller tiles included.
  private func cost(rows totalRows: Int, vectors totalVectors: Int) -> Double {
    var cost = 0.0
    for (vectorCount, vectorBlocks) in [(vectors, totalVectors / vectors), (totalVectors % vectors, 1)] where vectorCount > 0 {
      for (rowCount, rowBlocks) in [(rows, totalRows / rows), (totalRows % rows, 1)] where rowCount > 0 {
        let multiplyAdds = Double(rowCount * vectorCount)
        // Loads compete with the multiply-adds for issue slots even where they are not the bottleneck.
        let loads = Double(rowCount + vectorCount)
        let step = max(multiplyAdds, loads, 8) + 0.1 * loads + 0.15 * max(0, 12 - multiplyAdds)
        cost += step * Double(vectorBlocks * rowBlocks)
      }
    }
    return cost
  }
}
