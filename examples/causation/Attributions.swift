import Heed

/// Five groups of two pairs of sentences. No word stands twice in one.
private let groups = [
  [
    ("A man is playing his guitar on stage.", "Someone performs music with a string instrument."),
    ("The stock market fell sharply on Tuesday.", "Shares dropped after banks raised interest rates."),
  ],
  [
    ("A young dog ran across our garden.", "The puppy was running over green grass."),
    ("Heavy rain flooded several streets last night.", "After the storm, many roads were under water."),
  ],
  [
    ("She baked fresh bread for her neighbours.", "A woman made loaves and gave them away."),
    ("The train to London was two hours late.", "Passengers waited long because their railway service had delays."),
  ],
  [
    ("Scientists discovered a new planet near the sun.", "Astronomers found another world close to our star."),
    ("He forgot his umbrella at the office.", "Someone left an item behind in a workplace."),
  ],
  [
    ("The children built a castle out of sand.", "Kids were playing with wet sand on the beach."),
    ("My grandmother tells wonderful stories about war.", "An old lady remembers how soldiers fought long ago."),
  ],
]

/// What the words of a sentence have to do with its similarity to another one, by several measures: the attention that a word receives, the
/// gradient times the word's embedding, and what the similarity loses where the word is removed.
private struct Attribution {
  let words: [String]
  let attention: [Double]
  let gradient: [Double]
  /// The gradient times the difference to the embedding of [MASK].
  let difference: [Double]
  let effect: [Double]
  /// What the similarity loses where [MASK] stands in the word's place.
  let replacement: [Double]
}

/// The pretrained encoder by all of them.
private struct Attributor {
  private let embedder: SentenceEmbedder
  private let attention: PretrainedEncoder
  private let gradients: CompiledGraph
  private let weights: [String: NDArray]
  private let table: String

  init() throws {
    let directory = try PretrainedEncoder.directory()
    embedder = try SentenceEmbedder(model: directory.path)
    attention = try PretrainedEncoder()
    let file = try directory.weights()
    let encoder = try Encoder(directory.configuration, weights: file)
    weights = try Encoder.parameters(of: encoder.embeddingGraph(), from: file)
    table = "\(encoder.parameterPrefix)embeddings.word_embeddings.weight"
    gradients = try encoder.gradientGraph().compile()
  }

  func attribute(_ sentence: String, to other: String) throws -> Attribution {
    let (ids, maps) = (embedder.tokenizer.encode(sentence), try attention.attention(sentence))
    let places = 1..<ids.count - 1
    let target = try embedder.embed([other])[0]
    func similarity(_ vector: [Float]) -> Double { zip(vector, target).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
    let removed = try embedder.embed(ids: places.map { place in ids.indices.filter { $0 != place }.map { ids[$0] } })
    let hidden = embedder.tokenizer.encode("[MASK]")[1]
    let replaced = try embedder.embed(ids: places.map { place in ids.indices.map { $0 == place ? hidden : ids[$0] } })
    let whole = similarity(try embedder.embed(ids: [ids])[0])

    var inputs = try SentenceEmbedder.inputs([ids]).merging(weights) { $1 }
    inputs["cotangent"] = try NDArray(target, [1, target.count])
    let slopes = try gradients(inputs)["gradient.\(table)"]!
    func row(_ array: NDArray, _ id: Int32) throws -> [Float] { try array[Int(id)].floats() }
    func sum(_ id: Int32, from start: [Float]?) throws -> Double {
      let input = try row(weights[table]!, id)
      let difference = start.map { zip(input, $0).map(-) } ?? input
      return zip(try row(slopes, id), difference).reduce(0) { $0 + Double($1.0 * $1.1) }
    }
    let mask = try row(weights[table]!, hidden)
    return Attribution(
      words: places.map { maps.tokens[$0] },
      attention: places.map { place in mean(maps.heads.map { map in mean(map.map { $0[place] }) }) },
      gradient: try places.map { try sum(ids[$0], from: nil) }, difference: try places.map { try sum(ids[$0], from: mask) },
      effect: removed.map { whole - similarity($0) }, replacement: replaced.map { whole - similarity($0) })
  }

  /// The slope of the similarity as one word's embedding grows, by differences in place of gradients.
  func slope(_ sentence: String, to other: String, word place: Int) throws -> Double {
    let ids = embedder.tokenizer.encode(sentence)
    let (target, numbers) = (try embedder.embed([other])[0], try weights[table]!.floats())
    let (width, step) = (target.count, Float(0.02))
    let similarities = try [1 - step, 1 + step].map { factor in
      var changed = numbers
      for column in 0..<width { changed[Int(ids[place + 1]) * width + column] *= factor }
      let other = try embedder.with(weights: weights.merging([table: NDArray(changed, [numbers.count / width, width])]) { $1 })
      return zip(try other.embed(ids: [ids])[0], target).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    return (similarities[1] - similarities[0]) / Double(2 * step)
  }
}

/// The measures beside each other, and how far they rank words as the effect of their removal does.
func compareAttributions(_ laboratory: Laboratory) throws {
  let attributor = try Attributor()
  var points: [(x: Double, y: Double)] = []
  for (number, _) in laboratory.seeds.enumerated() {
    let found = try groups[number].flatMap { [try attributor.attribute($0.0, to: $0.1), try attributor.attribute($0.1, to: $0.0)] }
    let weights = mean(found.map { rankCorrelation($0.attention, $0.effect) })
    laboratory.measure("weights", weights)
    let gradients = mean(found.map { rankCorrelation($0.gradient, $0.effect) })
    laboratory.measure("gradients", gradients - weights)
    laboratory.measure("baseline", mean(found.map { rankCorrelation($0.difference, $0.effect) }) - gradients)
    laboratory.measure("replaced", mean(found.map { rankCorrelation($0.replacement, $0.effect) }))
    laboratory.measure("path", mean(found.map { rankCorrelation($0.difference, $0.replacement) }))
    points += found.flatMap { zip($0.attention, $0.effect).map { ($0, $1) } }
    let place = found[0].gradient.indices.max { abs(found[0].gradient[$0]) < abs(found[0].gradient[$1]) }!
    let pair = groups[number][0]
    laboratory.measure("slope", found[0].gradient[place] / (try attributor.slope(pair.0, to: pair.1, word: place)))
    guard number == 0 else { continue }
    func scaled(_ values: [Double]) -> [Double] { values.map { $0 / values.map(abs).max()! } }
    let one = found[0]
    try laboratory.draw(
      HeatMap(
        title: "A word, by four measures",
        values: [scaled(one.attention), scaled(one.gradient), scaled(one.difference), scaled(one.effect)],
        rows: ["attention", "gradient x input", "gradient x difference", "effect of removal"], columns: one.words,
        scale: "of the largest", range: -1...1))
  }
  try laboratory.draw(
    Plot(
      title: "Words of \(4 * laboratory.seeds.count) sentences: attention and effect",
      x: Plot.Axis(label: "mean weight that the word receives"),
      y: Plot.Axis(label: "similarity lost when it is removed"),
      series: [Plot.Series(title: "", points: points, style: .points)]),
    "words")
}
