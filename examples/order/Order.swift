import Foundation
import Heed

extension Example {
  static let order = Example(
    name: "order",
    idea: "Attention knows no order; of five ways to tell it, two go far beyond the training length.",
    claims: [
      Claim("queries", "only queries permuted: outputs that are not the same bits in the new order", .between(0, 0)),
      Claim("tokens", "without positions, all tokens permuted: largest difference to the permuted outputs", .atMost(1e-6)),
      Claim("sees", "with each of five encodings, the same", .atLeast(1e-2)),
      Claim("blind", "trained at length 64 without positions: share of right answers up to there", .atMost(0.6)),
      Claim("learns", "trained at length 64 with each encoding: the same", .atLeast(0.9)),
      Claim("biases", "ALiBi, relative biases: right at positions 192 ... 255, of that up to 64", .atLeast(0.95)),
      Claim("learned", "learned positions: the same", .atMost(0.7)),
      Claim("sinusoidal", "sinusoidal positions: the same", .atMost(0.9)),
      Claim("rotary", "rotary positions: the same", .atMost(0.9)),
    ],
    graph: PositionEncoding.alibiGraph, run: measure)
}

private let (width, names, values) = (PositionEncoding.width, 8, 8)
private let (trainedLength, testedLength) = (PositionEncoding.trainedLength, PositionEncoding.testedLength)

/// A token writes a value to a variable. At each token one variable is asked for: the logits of the value that was written to it last.
private func logits(_ encoding: PositionEncoding, _ g: GraphBuilder) -> Tensor {
  let (written, asked) = (g.input("written", .i32, ["B", "T"]), g.input("asked", .i32, ["B", "T"]))
  let variables = Embedding("variables", in: g, count: names, size: width)
  let tokens = variables(written) + Embedding("values", in: g, count: values, size: width)(g.input("values", .i32, ["B", "T"]))
  let read = encoding.attend(variables(asked), to: tokens, .causal(), g)
  return Linear("answer", in: g, inputs: width, outputs: values)(read).named("logits")
}

private func makeLearner(_ encoding: PositionEncoding, _ rate: LearningRate) throws -> Learner {
  try Learner(
    AdamW(weightDecay: 0), learningRate: rate, clippingNorm: 1,
    loss: { g in crossEntropy(logits(encoding, g), g.input("answers", .i32, ["B", "T"])) }, outputs: { [logits(encoding, $0)] })
}

private func measure(_ laboratory: Laboratory) throws {
  try permute(laboratory)
  let steps = laboratory.short(250, full: 300)
  var curves: [Plot.Series] = []
  for encoding in PositionEncoding.allCases {
    func train(_ learner: Learner, seed: Int) throws -> (model: TrainedModel, losses: [Double]) {
      try learner.train(steps: steps, seed: seed) { try writings(32, trainedLength, seed: 10_000 * seed + $0) }
    }
    func learner(_ rate: Double) throws -> Learner { try makeLearner(encoding, .cosine(from: rate, to: rate / 10, over: steps)) }
    // Each encoding gets the better of two rates, chosen by the loss of a seed of its own.
    let rates = laboratory.isShort ? [3e-2] : [1e-2, 3e-2]
    let losses = rates.count == 1 ? [0] : try rates.map { mean(try train(learner($0), seed: 100).losses.suffix(20)) }
    let chosen = try learner(rates[losses.firstIndex(of: losses.min()!)!])
    var sums = [Double](repeating: 0, count: testedLength / 16)
    for seed in laboratory.seeds {
      let right = try shares(train(chosen, seed: seed).model, seed: 10_000 * seed - 1)
      let (near, far) = (mean(right.prefix(4)), mean(right.suffix(4)))
      laboratory.say("\(encoding.rawValue), seed \(seed): \(shown(near)) up to 64, \(shown(far)) from 192 on")
      laboratory.measure(encoding == .none ? "blind" : "learns", near)
      switch encoding {
      case .none: break
      case .alibi, .relative: laboratory.measure("biases", far / near)
      default: laboratory.measure(encoding.rawValue, far / near)
      }
      sums = zip(sums, right).map { $0 + $1 / Double(laboratory.seeds.count) }
    }
    curves.append(Plot.Series(title: encoding.rawValue, points: sums.enumerated().map { (Double(16 * $0 + 8), $1) }))
  }
  try laboratory.draw(
    Plot(
      title: "Trained at 64 positions, tested at 256: who goes on?",
      x: Plot.Axis(label: "position", range: 0...256), y: Plot.Axis(label: "share of right answers", range: 0...1.05),
      series: curves + [Plot.Series(title: "trained to here", points: [(64, 0), (64, 1.05)], style: .dashed)],
      key: "outside right center"))
}

/// The share of right answers of each 16 positions.
private func shares(_ model: TrainedModel, seed: Int) throws -> [Double] {
  let count = 64
  var inputs = try writings(count, testedLength, seed: seed)
  let answers = try inputs.removeValue(forKey: "answers")!.ints()
  let logits = try model(inputs).floats()
  var (right, asked) = ([Double](repeating: 0, count: testedLength / 16), [Double](repeating: 0, count: testedLength / 16))
  for (place, answer) in answers.enumerated() where answer >= 0 {
    let row = logits[place * values..<(place + 1) * values]
    asked[place % testedLength / 16] += 1
    if row.firstIndex(of: row.max()!)! - row.startIndex == answer { right[place % testedLength / 16] += 1 }
  }
  return zip(right, asked).map { $0 / $1 }
}

/// Random writings; the variable asked for at a token is that of the next one. What was never written is not asked: -100.
private func writings(_ count: Int, _ length: Int, seed: Int) throws -> [String: NDArray] {
  var numbers = SeededGenerator(seed: seed)
  var (written, contents, asked, answers): ([Int32], [Int32], [Int32], [Int32]) = ([], [], [], [])
  for _ in 0..<count {
    var memory = [Int32](repeating: -100, count: names)
    let variables = (0...length).map { _ in Int32.random(in: 0..<Int32(names), using: &numbers) }
    for place in 0..<length {
      let value = Int32.random(in: 0..<Int32(values), using: &numbers)
      memory[Int(variables[place])] = value
      written.append(variables[place])
      contents.append(value)
      asked.append(variables[place + 1])
      answers.append(memory[Int(variables[place + 1])])
    }
  }
  let arrays = try [written, contents, asked, answers].map { try NDArray($0, [count, length]) }
  return ["written": arrays[0], "values": arrays[1], "asked": arrays[2], "answers": arrays[3]]
}

// MARK: Permutations

/// Rows of random numbers through one layer of random weights, then the same rows in another order.
private func permute(_ laboratory: Laboratory) throws {
  let rows = 100
  for encoding in PositionEncoding.allCases {
    let (graph, initializers) = try Graph.withInitializers("layer") { g in
      let (x, context) = (g.input("x", .f32, ["S", width]), g.input("context", .f32, ["S", width]))
      let y = encoding.attend(x, to: context, .all, g)
      return y
    }
    let program = try graph.compile()
    for seed in laboratory.seeds {
      let layer = try program.load(parameters: initializers.arrays(for: graph, seed: UInt64(seed)))
      var numbers = SeededGenerator(seed: seed)
      let order = Array(0..<rows).shuffled(using: &numbers)
      func permuted(_ values: [Float]) -> [Float] { order.flatMap { values[$0 * width..<($0 + 1) * width] } }
      let x = try NDArray((0..<rows * width).map { _ in Float(numbers.normal()) }, [rows, width])
      let moved = try NDArray(permuted(x.floats()), [rows, width])
      let expected = permuted(try layer(["x": x, "context": x]).floats())
      let tokens = try layer(["x": moved, "context": moved]).floats()
      laboratory.measure(encoding == .none ? "tokens" : "sees", zip(tokens, expected).map { Double(abs($0 - $1)) }.max()!)
      guard encoding == .none else { continue }
      let queries = try layer(["x": moved, "context": x]).floats()
      laboratory.measure("queries", Double(zip(queries, expected).count { $0.bitPattern != $1.bitPattern }))
    }
  }
}
