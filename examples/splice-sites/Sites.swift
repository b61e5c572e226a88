import Heed

/// Sequences of DNA of primates around a place where a gene may be cut: 60 bases, 0 to 3 for a, c, g and t, and what is at their middle.
struct SpliceSites {
  var bases: [[Int32]] = []
  /// 0 where an exon ends and an intron begins, 1 where an intron ends and an exon begins, 2 where neither does.
  var kinds: [Int] = []

  /// The 3,001 that differ of the 3,186 of the table: what is there twice could be learned by heart and then asked for.
  init() throws {
    let table = try ExampleData.spliceSites.table()
    var seen: Set<String> = []
    for (text, kind) in zip(try table.texts("sequence"), try table.texts("class")) where seen.insert(text).inserted {
      bases.append(text.map { ["a": 0, "c": 1, "g": 2, "t": 3][$0]! })
      kinds.append(["ei": 0, "ie": 1, "n": 2][kind]!)
    }
  }

  /// What a model reads of these.
  func inputs(_ indices: [Int]) throws -> [String: NDArray] { ["bases": try NDArray(indices.map { bases[$0] })] }

  /// The same, and what it is to answer.
  func batch(_ indices: [Int]) throws -> [String: NDArray] {
    var batch = try inputs(indices)
    batch["kinds"] = try NDArray(indices.map { Int32(kinds[$0]) }, [indices.count])
    return batch
  }

  /// A fifth of some sequences, and the others.
  func chosen(for seed: Int, of indices: [Int]) -> (fifth: [Int], others: [Int]) {
    var numbers = SeededGenerator(seed: seed)
    let order = indices.shuffled(using: &numbers)
    return (order.prefix(order.count / 5).sorted(), order.dropFirst(order.count / 5).sorted())
  }

  /// These sequences with random bases in the place of one window of each.
  func replaced(_ indices: [Int], _ windows: [Int], seed: Int) -> SpliceSites {
    var numbers = SeededGenerator(seed: seed)
    var changed = self
    (changed.bases, changed.kinds) = (indices.map { bases[$0] }, indices.map { kinds[$0] })
    for (sequence, start) in windows.enumerated() {
      for place in start..<start + 6 { changed.bases[sequence][place] = Int32.random(in: 0..<4, using: &numbers) }
    }
    return changed
  }

  /// How many of these a model tells wrong.
  func errors(_ model: TrainedModel, _ indices: [Int]) throws -> Int {
    let logits = try model(inputs(indices))["logits"]!.doubles()
    return indices.indices.count { number in
      let row = Array(logits[3 * number..<3 * number + 3])
      return row.firstIndex(of: row.max()!) != kinds[indices[number]]
    }
  }
}
