import Foundation
import Heed

/// The words of commands, then the actions; "." ends the actions, and what follows it.
private let words = [
  ".", ">", "walk", "look", "run", "jump", "twice", "thrice", "and", "after", "WALK", "LOOK", "RUN", "JUMP",
]
private let numbers = Dictionary(uniqueKeysWithValues: words.enumerated().map { ($1, Int32($0)) })
/// Tokens of the longest command and its actions, without the end.
private let length = 12

/// A command and the actions that it asks for. A small SCAN (Lake and Baroni, "Generalization without systematicity", 2018).
private struct Command {
  var text: [String]
  var actions: [String]

  /// "jump", "jump twice", ...: 12 of them.
  private static let short: [Command] = ["walk", "look", "run", "jump"].flatMap { verb in
    [([], 1), (["twice"], 2), (["thrice"], 3)].map { times, count in
      Command(text: [verb] + times, actions: Array(repeating: verb.uppercased(), count: count))
    }
  }

  /// The short ones, and any two of them with "and" or "after": 300.
  static let all =
    short
    + short.flatMap { one in
      short.flatMap { other in
        [
          Command(text: one.text + ["and"] + other.text, actions: one.actions + other.actions),
          Command(text: one.text + ["after"] + other.text, actions: other.actions + one.actions),
        ]
      }
    }

  var hasJump: Bool { text.contains("jump") }
  var isJump: Bool { text == ["jump"] }

  /// The tokens of `jump twice > JUMP JUMP .` but the last, and what follows each: actions and the end are asked for, nothing else.
  var tokens: (inputs: [Int32], targets: [Int32]) {
    let tokens = text + [">"] + actions
    let ids = (tokens + Array(repeating: ".", count: length + 1 - tokens.count)).map { numbers[$0]! }
    return (Array(ids.dropLast()), (0..<length).map { text.count..<tokens.count ~= $0 ? ids[$0 + 1] : -100 })
  }
}

/// A causal transformer of two layers over commands and actions.
private func logits(_ g: GraphBuilder) -> Tensor {
  let width = 32
  func embedding(_ name: String, _ count: Int) -> Embedding {
    Embedding(weight: g.initialize(g.parameter(name, .f32, [Extent(count), Extent(width)]), .normal(deviation: 0.02)))
  }
  var x = embedding("words", words.count)(g.input("tokens", .i32, ["B", Extent(length)]))
  x += embedding("places", length)(g.iota([Extent(length)]))
  for layer in 0..<2 {
    g.scope("layers.\(layer)") {
      x += MultiHeadAttention("attention", in: g, size: width, headCount: 4)(
        LayerNorm("norm1", in: g, size: width)(x), mask: .causal())
      x += FeedForward("mlp", in: g, size: width, hiddenSize: 64)(LayerNorm("norm2", in: g, size: width)(x))
    }
  }
  return Linear("next", in: g, inputs: width, outputs: words.count)(LayerNorm("norm", in: g, size: width)(x))
}

private func tensors(_ commands: [Command]) throws -> [String: NDArray] {
  let tokens = commands.map(\.tokens)
  return [
    "tokens": try NDArray(tokens.flatMap(\.inputs), [commands.count, length]),
    "targets": try NDArray(tokens.flatMap(\.targets), [commands.count, length]),
  ]
}

/// How often all actions of a command are right.
private func accuracy(_ model: TrainedModel, _ commands: [Command]) throws -> Double {
  let all = try tensors(commands)
  let (found, targets) = (try model(["tokens": all["tokens"]!]).ints(), try all["targets"]!.ints())
  return mean(
    commands.indices.map { row in
      (length * row..<length * (row + 1)).allSatisfy { targets[$0] == -100 || targets[$0] == found[$0] } ? 1 : 0
    })
}

/// A way to part the commands into those of training and those asked for.
private struct Split: Sendable {
  /// The claim that it belongs to; nil for what is only drawn.
  var claim: String?
  /// What training shows, in words.
  var shown: String
  var part: @Sendable (_ shuffled: [Command]) -> (training: [Command], asked: [Command])

  static let random = Split(claim: "random", shown: "240 commands, whichever") { (Array($0.prefix(240)), Array($0.dropFirst(240))) }
  static let longer = Split(claim: "longer", shown: "all commands of up to 4 actions") { commands in
    (commands.filter { $0.actions.count <= 4 }, commands.filter { $0.actions.count > 4 })
  }

  /// Training has jump alone, a tenth of what is shown as in SCAN, and in so many other commands.
  static func jump(_ others: Int, claim: String? = nil) -> Split {
    Split(claim: claim, shown: "all commands without jump, 'jump' 20 times, and \(others) other commands with jump") { commands in
      let jumps = commands.filter { $0.hasJump && !$0.isJump }
      let alone = Array(repeating: commands.first { $0.isJump }!, count: 20)
      return (commands.filter { !$0.hasJump } + alone + jumps.prefix(others), Array(jumps.dropFirst(others)))
    }
  }
}

func measureCommandActions(_ laboratory: Laboratory) throws {
  let steps = laboratory.short(700, full: 1000)
  let learner = try Learner(
    learningRate: .cosine(from: 3e-3, to: 3e-4, over: steps), clippingNorm: 1,
    loss: { g in crossEntropy(logits(g), g.input("targets", .i32, ["B", Extent(length)])) },
    outputs: { g in [logits(g).argMax(-1)] })
  /// For each seed, how often all actions of commands are right that training does not show.
  func accuracies(_ split: Split) throws -> [Double] {
    let found = try laboratory.seeds.map { seed in
      var generator = SeededGenerator(seed: seed)
      let (training, asked) = split.part(Command.all.shuffled(using: &generator))
      let (model, _) = try learner.train(steps: steps, seed: seed) { step in
        var generator = SeededGenerator(seed: 10_000 * seed + step)
        return try tensors((0..<32).map { _ in training.randomElement(using: &generator)! })
      }
      return (right: try accuracy(model, asked), of: asked.count, trained: try accuracy(model, training))
    }
    laboratory.say(
      "training set of commands: \(split.shown). Right: \(found.map { shown($0.trained) }.joined(separator: ", ")) of them, "
        + "\(found.map { shown($0.right) }.joined(separator: ", ")) of the \(found[0].of) others")
    if let claim = split.claim { laboratory.measure(claim, found.map(\.right)) }
    return found.map(\.right)
  }
  _ = try accuracies(.random)
  _ = try accuracies(.longer)
  let drawn = (laboratory.isShort ? [0, 32] : [0, 4, 16, 32, 64]).map {
    ($0, Split.jump($0, claim: [0: "alone", 32: "composed"][$0]))
  }
  let found = try drawn.map { others, split in (others: Double(others), accuracies: try accuracies(split)) }
  try laboratory.draw(
    Plot(
      title: "A new verb is understood once training shows it in other commands",
      x: Plot.Axis(label: "commands with jump in training, of 128, besides jump alone", range: -1...66),
      y: Plot.Axis(label: "all actions right", range: 0...1.05),
      series: [
        Plot.Series(title: "mean of the seeds", points: found.map { ($0.others, mean($0.accuracies)) }, style: .lines),
        Plot.Series(title: "each seed", points: found.flatMap { others, all in all.map { (others, $0) } }, style: .points),
      ], key: "bottom right"))
}
