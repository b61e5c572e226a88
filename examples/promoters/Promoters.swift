import Heed

extension Example {
  static let promoters = Example(
    name: "promoters", idea: "Attention finds the pairs of motifs that make a promoter, and how far apart they stand.",
    claims: [
      Claim("accuracy", "planted pairs: share of new sequences told right", .atLeast(0.95)),
      Claim(
        "positions", "the greatest weight of the head that matters most is from box to box: share of promoters", .atLeast(0.9),
        exception: "in one seed of five it is so in 0.63 of them"),
      Claim("motifs", "the six most equal bases around its ends are the boxes: letters right, of 12", .atLeast(12)),
      Claim("spacing", "the most frequent distance of those, of 23 bases planted: difference", .atMost(0)),
      Claim("cooperation", "logits that both boxes add beyond the sum of each alone, at the right spacing", .atLeast(2)),
      Claim("apart", "the same at other spacings, of that at the right one", .atMost(0.25)),
      Claim(
        "heads", "margin lost without the two heads that matter most, of the sum of what each costs", .atLeast(1.1), of: .mean,
        exception: "heads add up, the pair is read within one"),
      Claim("real", "106 promoters, 10 folds: share told right by attention", .atLeast(0.85), of: .mean, on: .promoters),
      Claim(
        "one-hot", "the same, less that of logistic regression on bases by position", .atLeast(0), of: .mean, on: .promoters),
      Claim("k-mers", "the same, less that of logistic regression on counts of triples", .atLeast(0), of: .mean, on: .promoters),
    ],
    graph: { Graph("promoters") { [model($0, length: 60).logit] } }, run: measure)
}

private let (width, heads) = (32, 4)

/// The logit that a sequence is a promoter, and the weights of attention. A token is a window of six bases; scores depend on what is in
/// two windows, and on their distance.
/// - Parameter hasGates: whether a call says what the result of each head is multiplied by: 0 takes a head out.
private func model(
  _ g: GraphBuilder, length: Int, hasPositions: Bool = false, hasGates: Bool = false
) -> (logit: Tensor, weights: Tensor) {
  let bases = g.input("bases", .i32, ["B", length]).oneHot(4)
  let windows = convolution1D(
    bases.transposed(), g.initialize(g.parameter("windows.weight", .f32, [width, 4, 6]), .kaimingUniform()),
    bias: g.initialize(g.parameter("windows.bias", .f32, [width]), .zeros))
  var x = gelu(windows).transposed()
  let tokens = length - 5
  if hasPositions { x += g.initialize(g.parameter("places", .f32, [tokens, width]), .normal(deviation: 0.1)) }
  let distances = g.initialize(g.parameter("distances", .f32, [heads, 2 * tokens - 1]), .zeros)
  var attention = MultiHeadAttention("attention", in: g, size: width, headCount: heads)
  if hasGates { attention.headGates = g.input("gates", .f32, [heads]) }
  let (y, weights) = attention.attend(x, mask: .all, scores: .relativeTable(distances))
  x += y
  x += FeedForward("mlp", in: g, size: width, hiddenSize: 2 * width)(LayerNorm("norm", in: g, size: width)(x))
  return (Linear("head", in: g, inputs: width, outputs: 1)(x.max(1)).named("logit"), weights.named("weights"))
}

/// Logistic regression on the bases by position, or on how often each triple of bases occurs.
private func regression(_ g: GraphBuilder, length: Int, onTriples: Bool) -> Tensor {
  let bases = g.input("bases", .i32, ["B", length])
  guard onTriples else { return Linear("map", in: g, inputs: 4 * length, outputs: 1)(bases.oneHot(4).reshape(["B", 4 * length])) }
  let triples = bases[.all, .range(0, length - 2)] * 16 + bases[.all, .range(1, length - 1)] * 4 + bases[.all, .range(2, length)]
  return Linear("map", in: g, inputs: 64, outputs: 1)(triples.oneHot(64).sum(1))
}

private func learner(rate: Double, steps: Int, weightDecay: Double = 0.01, _ logit: @escaping (GraphBuilder) -> Tensor) throws
  -> Learner
{
  try Learner(
    AdamW(weightDecay: weightDecay), learningRate: .cosine(from: rate, to: rate / 20, over: steps), clippingNorm: 1
  ) { g in
    binaryCrossEntropy(logits: logit(g), g.input("targets", .f32, ["B", 1]))
  } outputs: {
    [logit($0).named("logit")]
  }
}

private func measure(_ laboratory: Laboratory) throws {
  let steps = 400
  let learner = try learner(rate: 5e-3, steps: steps) { model($0, length: 60).logit }
  let plain = try Graph(building: "model") { [model($0, length: 60, hasGates: true).logit] }.compile()
  let tracing = try Graph(building: "tracing") { [model($0, length: 60, hasGates: true).weights] }.compile()
  var distances: [[Int]] = []
  for seed in laboratory.seeds {
    let state = try learner.train(steps: steps, seed: seed) { try Sequences.planted(64, seed: 10_000 * seed + $0).inputs() }.model
      .state
    let (known, new) = (Sequences.planted(400, seed: -seed), Sequences.planted(400, seed: -1000 - seed))
    let all = try Planted(plain, state, without: [])
    laboratory.measure("accuracy", try all.accuracy(new))

    // How much heads matter is found on some sequences, and what they look at on others.
    let margin = try all.margin(known)
    let costs = try (0..<heads).map { margin - (try Planted(plain, state, without: [$0]).margin(known)) }
    let order = (0..<heads).sorted { costs[$0] > costs[$1] }
    let both = margin - (try Planted(plain, state, without: Set(order.prefix(2))).margin(known))
    laboratory.measure("heads", both / (costs[order[0]] + costs[order[1]]))
    laboratory.say(
      "seed \(seed): margin \(shown(margin)), what each head costs of it \(costs.map(shown).joined(separator: ", ")), the first two "
        + shown(both))

    let pairs = try Planted(tracing, state, without: []).greatestPairs(new, head: order[0])
    let promoters = new.bases.indices.filter { new.isPromoter[$0] }
    laboratory.measure("positions", mean(promoters.map { isBoxes(pairs[$0], new.boxes[$0]!) ? 1 : 0 }))
    let boxes = recovered(promoters.map { (new.bases[$0], min(pairs[$0].0, pairs[$0].1), max(pairs[$0].0, pairs[$0].1)) })
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
  if laboratory.has(.promoters) { try compare(laboratory) }
}

/// Whether a pair is that of the boxes, in either order, each within two bases.
private func isBoxes(_ pair: (Int, Int), _ boxes: (first: Int, second: Int)) -> Bool {
  abs(min(pair.0, pair.1) - boxes.first) <= 2 && abs(max(pair.0, pair.1) - boxes.second) <= 2
}

/// What the ends of pairs have in common: around each end, the six bases that are most often the same, and how far apart the two sixes
/// begin. A window that holds five bases of a box may stand for it, so the ends alone are not as exact.
private func recovered(_ pairs: [(bases: [Int32], first: Int, second: Int)]) -> (letters: [Int32], distances: [Int]) {
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

/// A trained model without some of its heads.
private struct Planted {
  private let program: CompiledGraph
  private let gates: NDArray

  init(_ graph: CompiledGraph, _ state: GraphState, without removed: Set<Int>) throws {
    program = try graph.load(state)
    gates = try NDArray((0..<heads).map { removed.contains($0) ? 0 : 1 as Float })
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
      let map = weights[(sequence * heads + head) * size..<(sequence * heads + head + 1) * size]
      let place = map.indices.filter { ($0 - map.startIndex) % (tokens + 1) != 0 }.max { map[$0] < map[$1] }! - map.startIndex
      return (place / tokens, place % tokens)
    }
  }
}

/// What both boxes add to the logit beyond what each adds alone, in random sequences: the mean over 100 of them for each distance.
private func cooperation(_ model: Planted, at distances: [Int], _ seed: Int) throws -> Double {
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

// MARK: Real promoters

private func compare(_ laboratory: Laboratory) throws {
  let sequences = try Sequences.real()
  let steps = 100
  let kinds: [(GraphBuilder) -> Tensor] = [
    { model($0, length: 57, hasPositions: true).logit }, { regression($0, length: 57, onTriples: false) },
    { regression($0, length: 57, onTriples: true) },
  ]
  func accuracy(_ learner: Learner, seed: Int, folds: Int = 10) throws -> Double {
    var right = 0
    var asked = 0
    for (number, fold) in sequences.folds(seed: seed).prefix(folds).enumerated() {
      let training = sequences.bases.indices.filter { !fold.contains($0) }
      let model = try learner.train(steps: steps, seed: 100 * seed + number) { step in
        var numbers = SeededGenerator(seed: 10_000 * seed + 1000 * number + step)
        return try sequences[training.shuffled(using: &numbers).prefix(32).sorted()].inputs()
      }.model
      let logits = try model(["bases": NDArray(fold.map { sequences.bases[$0] })])["logit"]!.doubles()
      right += zip(logits, fold).count { ($0 > 0) == sequences.isPromoter[$1] }
      asked += fold.count
    }
    return Double(right) / Double(asked)
  }
  // Each has the best of three learning rates, chosen with folds of their own.
  let learners = try kinds.map { kind in
    let tried = try [1e-3, 3e-3, 1e-2].map { rate in
      let learner = try learner(rate: rate, steps: steps, weightDecay: 0.1, kind)
      return (learner, accuracy: try accuracy(learner, seed: 100, folds: 3))
    }
    return tried.max { $0.accuracy < $1.accuracy }!.0
  }
  for seed in laboratory.seeds.prefix(laboratory.isShort ? 1 : 5) {
    let found = try learners.map { try accuracy($0, seed: seed) }
    laboratory.say(
      "seed \(seed): attention \(shown(found[0])), regression on bases \(shown(found[1])), on triples \(shown(found[2]))")
    laboratory.measure("real", found[0])
    laboratory.measure("one-hot", found[0] - found[1])
    laboratory.measure("k-mers", found[0] - found[2])
  }
}

private func draw(_ laboratory: Laboratory, _ distances: [[Int]]) throws {
  try laboratory.draw(
    Plot(
      title: "Where attention is greatest, from one end to the other",
      x: Plot.Axis(label: "distance (bases); the boxes were planted 23 apart"),
      y: Plot.Axis(label: "share of promoters"),
      series: distances.enumerated().map { seed, distances in
        Plot.Series(
          title: "seed \(seed + 1)",
          points: (0...54).map { distance in
            (Double(distance), Double(distances.count { $0 == distance }) / Double(distances.count))
          })
      }, key: "top right"))
}
