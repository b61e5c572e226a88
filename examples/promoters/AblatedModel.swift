import Heed

/// A trained model without some of its heads.
struct AblatedModel {
  private let program: CompiledGraph
  private let gates: NDArray

  init(_ graph: CompiledGraph, _ state: GraphState, without removed: Set<Int>) throws {
    program = try graph.load(state)
    gates = try NDArray((0..<promoterHeads).map { removed.contains($0) ? 0 : 1 as Float })
  }

  private func outputs(_ sequences: Sequences) throws -> Outputs {
    try program(["bases": NDArray(sequences.bases), "gates": gates])
  }

  func logits(_ sequences: Sequences) throws -> [Double] { try outputs(sequences)["logit"]!.doubles() }

  func accuracy(_ sequences: Sequences) throws -> Double {
    mean(zip(try logits(sequences), sequences.isPromoter).map { ($0 > 0) == $1 ? 1 : 0 })
  }

  /// The mean logit of promoters, less that of the others.
  func margin(_ sequences: Sequences) throws -> Double {
    let signed = zip(try logits(sequences), sequences.isPromoter).map { $1 ? $0 : -$0 }
    return 2 * mean(signed)
  }

  /// For each sequence the query and the key of the greatest weight of a head.
  func greatestPairs(_ sequences: Sequences, head: Int) throws -> [(Int, Int)] {
    let weights = try outputs(sequences)["weights"]!.floats()
    let tokens = sequences.bases[0].count - 5
    let size = tokens * tokens
    return (0..<sequences.count).map { sequence in
      let map = weights[(sequence * promoterHeads + head) * size..<(sequence * promoterHeads + head + 1) * size]
      let place = map.indices.filter { ($0 - map.startIndex) % (tokens + 1) != 0 }.max { map[$0] < map[$1] }! - map.startIndex
      return (place / tokens, place % tokens)
    }
  }
}

/// What both boxes add to the logit beyond what each adds alone, in random sequences: the mean over 100 of them for each distance.
func cooperation(_ model: AblatedModel, at distances: [Int], _ seed: Int) throws -> Double {
  var numbers = SeededGenerator(seed: 7 * seed)
  var sequences = Sequences()
  for distance in distances {
    for _ in 0..<100 {
      let place = Int.random(in: 0...(54 - distance), using: &numbers)
      let plain = (0..<60).map { _ in Int32.random(in: 0..<4, using: &numbers) }
      for boxes in [(true, true), (true, false), (false, true), (false, false)] {
        var bases = plain
        if boxes.0 { bases.replaceSubrange(place..<place + 6, with: Sequences.first) }
        if boxes.1 { bases.replaceSubrange(place + distance..<place + distance + 6, with: Sequences.second) }
        sequences.bases.append(bases)
      }
    }
  }
  let logits = try model.logits(sequences)
  let beyond: [Double] = (0..<logits.count / 4).map { number in
    let quadruple = Array(logits[4 * number..<4 * number + 4])
    return quadruple[0] - quadruple[1] - quadruple[2] + quadruple[3]
  }
  return mean(beyond)
}
