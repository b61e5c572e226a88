import Heed

/// Trains on planted pairs of boxes, and asks what the heads look at and what both boxes do together.
func findPlantedPairs(_ laboratory: Laboratory) throws {
  let steps = 400
  let learner = try promoterLearner(rate: 5e-3, steps: steps) { promoterModel($0, length: 60).logit }
  let plain = try Graph(building: "model") { [promoterModel($0, length: 60, hasGates: true).logit] }.compile()
  let tracing = try Graph(building: "tracing") { [promoterModel($0, length: 60, hasGates: true).weights] }.compile()
  var distances: [[Int]] = []
  for seed in laboratory.seeds {
    let state = try learner.train(steps: steps, seed: seed) { try Sequences.planted(64, seed: 10_000 * seed + $0).inputs() }.model
      .state
    let (known, new) = (Sequences.planted(400, seed: -seed), Sequences.planted(400, seed: -1000 - seed))
    let all = try AblatedModel(plain, state, without: [])
    laboratory.measure("accuracy", try all.accuracy(new))

    // How much heads matter is found on some sequences, and what they look at on others.
    let margin = try all.margin(known)
    let costs = try (0..<promoterHeads).map { margin - (try AblatedModel(plain, state, without: [$0]).margin(known)) }
    let order = (0..<promoterHeads).sorted { costs[$0] > costs[$1] }
    let both = margin - (try AblatedModel(plain, state, without: Set(order.prefix(2))).margin(known))
    laboratory.measure("heads", both / (costs[order[0]] + costs[order[1]]))
    laboratory.say(
      "seed \(seed): margin \(shown(margin)), what each head costs of it \(costs.map(shown).joined(separator: ", ")), the first two "
        + shown(both))

    let pairs = try AblatedModel(tracing, state, without: []).greatestPairs(new, head: order[0])
    let promoters = new.bases.indices.filter { new.isPromoter[$0] }
    laboratory.measure("positions", mean(promoters.map { isBoxes(pairs[$0], new.boxes[$0]!) ? 1 : 0 }))
    let boxes = recoveredBoxes(promoters.map { (new.bases[$0], min(pairs[$0].0, pairs[$0].1), max(pairs[$0].0, pairs[$0].1)) })
    laboratory.measure("motifs", Double(zip(boxes.letters, Sequences.first + Sequences.second).count { $0 == $1 }))
    distances.append(boxes.distances)
    let counts = Dictionary(boxes.distances.map { ($0, 1) }, uniquingKeysWith: +)
    laboratory.measure("spacing", Double(abs(counts.max { ($0.value, $1.key) < ($1.value, $0.key) }!.key - Sequences.spacing)))

    let (right, wrong) = (
      try cooperation(all, at: [Sequences.spacing], seed), try cooperation(all, at: [10, 15, 19, 27, 32, 38], seed)
    )
    laboratory.measure("cooperation", right)
    laboratory.measure("apart", wrong / right)
  }
  try draw(laboratory, distances)
}

/// Whether a pair is that of the boxes, in either order, each within two bases.
private func isBoxes(_ pair: (Int, Int), _ boxes: (first: Int, second: Int)) -> Bool {
  abs(min(pair.0, pair.1) - boxes.first) <= 2 && abs(max(pair.0, pair.1) - boxes.second) <= 2
}

/// What the ends of pairs have in common: around each end, the six bases that are most often the same, and how far apart the two sixes
/// begin. A window that holds five bases of a box may stand for it, so the ends alone are not as exact.
private func recoveredBoxes(_ pairs: [(bases: [Int32], first: Int, second: Int)]) -> (letters: [Int32], distances: [Int]) {
  func common(_ ends: [(bases: [Int32], place: Int)]) -> (start: Int, letters: [Int32]) {
    let columns: [(letter: Int32, share: Double)] = (-3..<9).map { offset in
      var counts = [0, 0, 0, 0]
      for (bases, place) in ends where bases.indices.contains(place + offset) { counts[Int(bases[place + offset])] += 1 }
      let most = counts.max()!
      return (Int32(counts.firstIndex(of: most)!), Double(most) / Double(max(counts.reduce(0, +), 1)))
    }
    func share(_ start: Int) -> Double { columns[start..<start + 6].map(\.share).reduce(0, +) }
    let start = (0...6).max { share($0) < share($1) }!
    return (start - 3, columns[start..<start + 6].map(\.letter))
  }
  let (first, second) = (common(pairs.map { ($0.bases, $0.first) }), common(pairs.map { ($0.bases, $0.second) }))
  return (first.letters + second.letters, pairs.map { $0.second + second.start - $0.first - first.start })
}

private func draw(_ laboratory: Laboratory, _ distances: [[Int]]) throws {
  try laboratory.draw(
    Plot(
      title: "Attention is greatest between boxes that stand 23 bases apart",
      x: Plot.Axis(label: "distance from query to key of the greatest weight (bases)"),
      y: Plot.Axis(label: "share of promoters"),
      series: distances.enumerated().map { seed, distances in
        Plot.Series(
          title: "seed \(seed + 1)",
          points: (0...54).map { distance in
            (Double(distance), Double(distances.count { $0 == distance }) / Double(distances.count))
          })
      }, key: "top right"))
}
