import Foundation
import Heed

extension Example {
  static let padding = Example(
    name: "padding", idea: "Padded tokens poison a batch twice, as keys and in the mean; a ragged batch has none.",
    claims: [
      Claim("none", "error of a sentence's embedding without any mask", .atLeast(0.05)),
      Claim("pooling", "with masked pooling alone", .atLeast(0.05)),
      Claim("keys", "with masked keys alone", .atLeast(0.05)),
      Claim("both", "with both masks", .atMost(1e-5)),
      Claim("neighbours", "without any mask: sentences whose nearest neighbour is another one than it should be", .atLeast(0.25)),
      Claim("ragged", "in a ragged batch: elements whose bits differ from those of the sentence alone", .between(0, 0)),
      Claim("exact", "error of the ragged batch", .atMost(1e-5)),
      Claim("time", "time of the ragged batch, of that of the padded batch with both masks", .atMost(0.5)),
    ],
    graph: heart, run: measure)
}

private let size = SentenceEncoder.size

/// The two masks alone: attention and the mean of B sentences that are padded to S tokens.
private func heart() -> Graph {
  Graph("padded") { g in
    let (q, k, v) = (
      g.input("q", .f32, ["B", 4, "S", 16]), g.input("k", .f32, ["B", 4, "S", 16]),
      g.input("v", .f32, ["B", 4, "S", 16])
    )
    let lengths = g.input("lengths", .i32, ["B"])
    let weights = softmax((matmul(q, k.transposed()) / 4).where(.keys(below: lengths), else: -.infinity))
    return SentenceEncoder.masked(matmul(weights, v).mergingHeads(), lengths).named("embedding")
  }
}

// MARK: Measuring

private func rows(_ embeddings: NDArray) throws -> [[Double]] {
  let numbers = try embeddings.doubles()
  return stride(from: 0, to: numbers.count, by: size).map { Array(numbers[$0..<$0 + size]) }
}

/// The mean over sentences of the distance from the true embedding, of its norm.
private func error(_ found: [[Double]], _ truth: [[Double]]) -> Double {
  mean(zip(found, truth).map { distance($0, $1) / distance($1, [Double](repeating: 0, count: size)) })
}

private func distance(_ x: [Double], _ y: [Double]) -> Double {
  zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
}

/// For each embedding, the nearest other one.
private func neighbours(_ embeddings: [[Double]]) -> [Int] {
  embeddings.indices.map { one in
    embeddings.indices.filter { $0 != one }.min {
      distance(embeddings[one], embeddings[$0]) < distance(embeddings[one], embeddings[$1])
    }!
  }
}

private func measure(_ laboratory: Laboratory) throws {
  let cases: [(name: String, title: String, masks: SentenceEncoder.Masks)] = [
    ("none", "no mask", []), ("pooling", "masked pooling alone", .pooling), ("keys", "masked keys alone", .keys),
    ("both", "both masks", [.keys, .pooling]),
  ]
  let model = try SentenceEncoder.ragged()
  let (raggedProgram, paddedPrograms) = (
    try model.graph.compile(), try cases.map { try SentenceEncoder.padded($0.masks).graph.compile() }
  )
  for seed in laboratory.seeds {
    let weights = try model.initializers.arrays(for: model.graph, seed: UInt64(seed))
    let (packed, batches) = (
      try raggedProgram.load(parameters: weights), try paddedPrograms.map { try $0.load(parameters: weights) }
    )
    /// Each sentence alone, in double precision.
    func truth(_ batch: SentenceBatch) throws -> [[Double]] {
      try batch.single.flatMap { try rows(try model.graph.interpret($0.ragged(), parameters: weights)) }
    }
    let batch = SentenceBatch(laboratory.short(16, full: 32), seed: seed)
    let (exact, inputs) = (try truth(batch), try batch.padded())
    for (kind, program) in zip(cases, batches) {
      let found = try rows(try program(inputs))
      laboratory.measure(kind.name, error(found, exact))
      if kind.masks.isEmpty {
        laboratory.measure("neighbours", mean(zip(neighbours(found), neighbours(exact)).map { $0 == $1 ? 0 : 1 }))
      }
    }
    let together: NDArray = try packed(batch.ragged())
    let alone = try batch.single.flatMap { try packed($0.ragged()).floats() }
    laboratory.measure("ragged", Double(zip(try together.floats(), alone).count { $0.bitPattern != $1.bitPattern }))
    laboratory.measure("exact", error(try rows(together), exact))

    if seed == 1 {
      let twelve = SentenceBatch(8, seed: 7) { _ in 12 }
      try drawErrors(laboratory, cases.map(\.title), batches, packed, (twelve, try truth(twelve)))
      try compareTimes(laboratory, batches.last!, packed)
    }
  }
}

/// The time of both ways for a batch of 64 sentences. The short form takes the operations of linear maps in place of it, as Heed counts them.
private func compareTimes(_ laboratory: Laboratory, _ padded: CompiledGraph, _ ragged: CompiledGraph) throws {
  let batch = SentenceBatch(64, seed: 1)
  let calls = [(padded, try batch.padded()), (ragged, try batch.ragged())]
  let operations = try calls.map { program, inputs in
    try program.timed(inputs).timings.filter { $0.op == .linear }.reduce(0) { $0 + Double($1.flops) }
  }
  let (tokens, longest) = (batch.sentences.map(\.count).reduce(0, +), batch.longest)
  laboratory.say(
    "64 sentences: \(tokens) tokens, padded \(64 * longest); operations of linear maps \(shown(operations[1] / operations[0]))")
  guard !laboratory.isShort else { return laboratory.measure("time", operations[1] / operations[0]) }
  let times = try bestTimes(rounds: 12, calls.map { program, inputs in { _ = try program(inputs) } })
  laboratory.say("padded \(shown(1e3 * times[0])) ms, ragged \(shown(1e3 * times[1])) ms")
  laboratory.measure("time", times[1] / times[0])
}

/// Sentences of 12 tokens, padded further and further.
private func drawErrors(
  _ laboratory: Laboratory, _ titles: [String], _ padded: [CompiledGraph], _ ragged: CompiledGraph,
  _ sentences: (batch: SentenceBatch, truth: [[Double]])
) throws {
  let lengths = [12, 13, 14, 16, 20, 24, 32, 48, 64, 96, 128, 192]
  var series = try zip(titles, padded).map { title, program in
    Plot.Series(
      title: title,
      points: try lengths.map { (Double($0), error(try rows(try program(sentences.batch.padded(to: $0))), sentences.truth)) }
    )
  }
  let exact = error(try rows(try ragged(sentences.batch.ragged())), sentences.truth)
  series.append(Plot.Series(title: "ragged batch", points: lengths.map { (Double($0), exact) }, style: .dashed))
  try laboratory.draw(
    Plot(
      title: "One padded token poisons a sentence of 12, unless both masks keep it out",
      x: Plot.Axis(label: "padded to (tokens)", range: 0...200),
      y: Plot.Axis(label: "error of the embedding, of its norm", isLogarithmic: true, range: 1e-8...10), series: series,
      key: "at graph 0.98, graph 0.62 right"))
}
