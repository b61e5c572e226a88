import Heed

extension Example {
  static let coreference = Example(
    name: "coreference", idea: "What does \"it\" refer to? Some heads of a pretrained encoder link a pronoun to its noun.",
    claims: [
      Claim("found", "heads chosen on half of 28 sentences, on the other half: share of right nouns", .atLeast(0.75), of: .mean),
      Claim("chance", "the same, above choosing a noun by chance", .atLeast(0.2), of: .mean),
      Claim("nearest", "the same, above choosing the nearest noun", .atLeast(0.2), of: .mean),
      Claim(
        "all", "the mean of all heads: share of right nouns above chance", .between(-0.2, 0.2),
        exception: "many heads lean to the right noun, and so does their mean"),
      Claim(
        "meaning", "heads chosen on all 28, where only meaning tells the noun, 16 sentences: share right", .atLeast(0.65),
        exception: "the heads follow gender and number, not meaning"),
      Claim("untrained", "random weights, heads chosen as above: share of right nouns", .atMost(0.65), of: .mean),
    ],
    graph: { try PretrainedEncoder.graph(layers: 1) }, run: measure, needsEncoder: true)
}

/// A sentence as the heads see it: for each head the weights of the pronoun's query at the nouns.
private struct Reading {
  let sentence: PronounSentence
  let maps: AttentionMaps
  let weights: [[Double]]
  let right: Int

  init(_ sentence: PronounSentence, _ encoder: PretrainedEncoder) throws {
    self.sentence = sentence
    let maps = try encoder.attention(sentence.text)
    self.maps = maps
    /// - Throws: where a word is not one token of the sentence.
    func place(_ word: String) throws -> Int {
      guard let place = maps.tokens.firstIndex(of: word) else { throw HeedError("'\(sentence.text)' has no token '\(word)'") }
      return place
    }
    let (pronoun, nouns) = (try place(sentence.pronoun), try sentence.nouns.map(place))
    weights = maps.heads.map { map in nouns.map { map[pronoun][$0] } }
    right = sentence.nouns.firstIndex(of: sentence.antecedent)!
  }

  /// Whether the noun that some heads together give the most weight to is the right one.
  func isRight(_ heads: [Int]) -> Bool {
    let sums = sentence.nouns.indices.map { noun in heads.reduce(0) { $0 + weights[$1][noun] } }
    return sums.indices.max { sums[$0] < sums[$1] } == right
  }
}

private func share(_ readings: [Reading], _ isRight: (Reading) -> Bool) -> Double {
  Double(readings.count(where: isRight)) / Double(readings.count)
}

/// The three heads that each choose the most right nouns; of equals, those that give them the larger share of the nouns' weight.
private func chosen(_ readings: [Reading]) -> [Int] {
  let scores = readings[0].weights.indices.map { head in
    let parts = readings.map { $0.weights[head][$0.right] / $0.weights[head].reduce(0, +) }
    return share(readings) { $0.isRight([head]) } + mean(parts) / 1000
  }
  return Array(scores.indices.sorted { scores[$0] > scores[$1] }.prefix(3))
}

private func measure(_ laboratory: Laboratory) throws {
  let encoder = try PretrainedEncoder()
  let readings = try PronounSentence.all.map { try Reading($0, encoder) }
  let chance = mean(readings.map { 1 / Double($0.sentence.nouns.count) })
  laboratory.measure("all", share(readings) { $0.isRight(Array($0.weights.indices)) } - chance)
  for seed in laboratory.seeds {
    let untrained = try PretrainedEncoder(randomWeights: seed)
    let random = try PronounSentence.all.map { try Reading($0, untrained) }
    var numbers = SeededGenerator(seed: seed)
    let order = readings.indices.shuffled(using: &numbers)
    /// Each half is tested with the heads found on the other.
    func tested(_ readings: [Reading]) -> (right: Double, heads: [[Int]]) {
      let halves = [order.prefix(order.count / 2), order.suffix(order.count / 2)].map { $0.map { readings[$0] } }
      let heads = halves.map(chosen)
      return ((share(halves[1]) { $0.isRight(heads[0]) } + share(halves[0]) { $0.isRight(heads[1]) }) / 2, heads)
    }
    let (right, heads) = tested(readings)
    laboratory.measure("found", right)
    laboratory.measure("chance", right - chance)
    laboratory.measure("nearest", right - share(readings) { $0.right == $0.sentence.nouns.count - 1 })
    laboratory.measure("untrained", tested(random).right)
    let names = heads.map { $0.map { "\($0 / encoder.configuration.headCount + 1).\($0 % encoder.configuration.headCount + 1)" } }
    laboratory.say("split \(seed): layer.head \(names[0].joined(separator: ", ")) and \(names[1].joined(separator: ", "))")
  }
  let best = chosen(readings)
  let winograd = try PronounSentence.meanings.map { try Reading($0, encoder) }
  laboratory.measure("meaning", share(winograd) { $0.isRight(best) })
  let size = encoder.configuration.headCount
  for (part, sentence) in zip(["robot", "dog"], PronounSentence.drawn) {
    let reading = try Reading(sentence, encoder)
    laboratory.say("\"\(sentence.text)\" \(zip(sentence.nouns, reading.weights[best[0]]).map { "\($0): \(shown($1))" })")
    try laboratory.draw(
      reading.maps.picture(of: best[0], title: "What \"it\" looks at: head \(best[0] % size + 1) of layer \(best[0] / size + 1)"),
      part)
  }
}
