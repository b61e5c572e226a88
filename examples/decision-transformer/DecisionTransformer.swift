import Foundation
import Heed

extension Example {
  static let decisionTransformer = Example(
    name: "decision-transformer",
    idea: "A model of episodes that is told their returns acts better than its data when it is asked for more.",
    claims: [
      Claim("dynamics", "the cart and pole against gymnasium 1.4.0: largest difference", .atMost(1e-12)),
      Claim("cloning", "asked for 200, the return of that of behaviour cloning", .atLeast(1.15)),
      Claim("data", "the same, of the mean of the data", .atLeast(1.3)),
      Claim("filtered", "the same, of cloning the best quarter of the episodes", .atLeast(0.95)),
      Claim("order", "rank correlation of the returns asked for, 110 ... 200, and those got", .atLeast(0.9)),
      Claim("error", "mean difference of the return got from the one asked for", .atMost(20)),
    ],
    graph: { Graph("policy") { policy($0) } }, run: measure)
}

/// The steps that the model sees; each is three tokens: the return still to come, the state, and the push.
private let (steps, width) = (5, 32)

/// The logits of pushing left and right in each step, `[B, steps, 2]`, from what came before it.
/// Chen and others, "Decision transformer", 2021.
private func policy(_ g: GraphBuilder) -> Tensor {
  func embedded(_ name: String, _ size: Int) -> Tensor {
    Linear(name, in: g, inputs: size, outputs: width)(g.input(name, .f32, ["B", Extent(steps), Extent(size)]))
  }
  let tokens = stack([embedded("return", 1), embedded("state", 5), embedded("push", 1)], dimension: 2)
  var x = tokens.reshape(["B", Extent(3 * steps), Extent(width)])
  x += Embedding("places", in: g, count: 3 * steps, size: width)(g.iota([Extent(3 * steps)]))
  let attention = MultiHeadAttention("attention", in: g, size: width, headCount: 4)
  x += attention(LayerNorm("norm1", in: g, size: width)(x), mask: .causal())
  x += FeedForward("mlp", in: g, size: width, hiddenSize: 4 * width)(LayerNorm("norm2", in: g, size: width)(x))
  let states = x.reshape(["B", Extent(steps), 3, Extent(width)])[.all, .all, 1]
  return Linear("next", in: g, inputs: width, outputs: 2)(LayerNorm("norm", in: g, size: width)(states)).named("logits")
}

/// Windows of episodes as tensors. A clone sees no returns: all are 0. Windows begin at the left; what lies behind their last step is
/// never attended to, since attention is causal.
private struct Windows {
  let isClone: Bool
  private var (returns, states, pushes, targets): ([Float], [Float], [Float], [Int32]) = ([], [], [], [])
  private var count = 0

  init(isClone: Bool) { self.isClone = isClone }

  /// - Parameter value: the return that was got, or is asked for.
  mutating func add(_ seen: ArraySlice<[Float]>, _ pushes: ArraySlice<Bool>, value: Int, from start: Int) {
    let (seen, did) = (Array(seen), Array(pushes))
    count += 1
    for step in 0..<steps {
      returns.append(isClone || step >= seen.count ? 0 : Float(value - start - step) / 50)
      states += step < seen.count ? seen[step] : [0, 0, 0, 0, 0]
      self.pushes.append(step < did.count ? did[step] ? 1 : -1 : 0)
      targets.append(step < did.count ? did[step] ? 1 : 0 : -100)
    }
  }

  func tensors(training: Bool) throws -> [String: NDArray] {
    var tensors = [
      "return": try NDArray(returns, [count, steps, 1]), "state": try NDArray(states, [count, steps, 5]),
      "push": try NDArray(pushes, [count, steps, 1]),
    ]
    if training { tensors["targets"] = try NDArray(targets, [count, steps]) }
    return tensors
  }
}

private func train(_ learner: Learner, _ data: [Episode], isClone: Bool, count: Int, seed: Int) throws -> TrainedModel {
  // Each push of the data is as likely as another to be the last of a window.
  let moments = data.indices.flatMap { episode in data[episode].pushes.indices.map { (episode, $0) } }
  return try learner.train(steps: count, seed: seed) { number in
    var numbers = SeededGenerator(seed: 10_000 * seed + number)
    var windows = Windows(isClone: isClone)
    for _ in 0..<64 {
      let (episode, last) = moments.randomElement(using: &numbers)!
      let (start, past) = (max(0, last - steps + 1), data[episode])
      windows.add(past.seen[start...last], past.pushes[start...last], value: past.value, from: start)
    }
    return try windows.tensors(training: true)
  }.model
}

/// The mean return of 32 episodes whose pushes are drawn from the model's probabilities.
private func value(_ model: TrainedModel, asked: Int, isClone: Bool, seed: Int) throws -> Double {
  var numbers = SeededGenerator(seed: -seed)
  var carts = (0..<32).map { _ in CartPole(&numbers) }
  var episodes = carts.map { _ in Episode() }
  for time in 0..<CartPole.longest {
    let start = max(0, time - steps + 1)
    var windows = Windows(isClone: isClone)
    for number in carts.indices {
      if !carts[number].isOver || time == 0 { episodes[number].seen.append(carts[number].seen(at: time)) }
      let episode = episodes[number]
      windows.add(episode.seen.dropFirst(start), episode.pushes.dropFirst(start), value: asked, from: start)
    }
    let logits = try model(windows.tensors(training: false)).doubles()
    for number in carts.indices where !carts[number].isOver {
      let place = 2 * (number * steps + time - start)
      let right = Double.random(in: 0..<1, using: &numbers) < 1 / (1 + exp(logits[place] - logits[place + 1]))
      episodes[number].pushes.append(right)
      carts[number].push(right: right)
    }
  }
  return mean(episodes.map { Double($0.value) })
}

private func measure(_ laboratory: Laboratory) throws {
  laboratory.measure("dynamics", CartPole.differenceFromGymnasium())
  let count = laboratory.short(500, full: 1000)
  let learner = try Learner(
    learningRate: .cosine(from: 3e-3, to: 3e-4, over: count), clippingNorm: 1,
    loss: { g in crossEntropy(policy(g), g.input("targets", .i32, ["B", Extent(steps)])) }, outputs: { g in [policy(g)] })
  let asked = [110, 130, 150, 170, 200]
  var curves: [Plot.Series] = []
  var (clones, filtered): ([Double], [Double]) = ([], [])
  for seed in laboratory.seeds {
    let data = Episode.mixed(300, seed: seed)
    let best = Array(data.sorted { $0.value > $1.value }.prefix(data.count / 4))
    let got = try train(learner, data, isClone: false, count: count, seed: seed)
    let values = try asked.map { try value(got, asked: $0, isClone: false, seed: seed) }
    clones.append(try value(train(learner, data, isClone: true, count: count, seed: seed), asked: 0, isClone: true, seed: seed))
    filtered.append(try value(train(learner, best, isClone: true, count: count, seed: seed), asked: 0, isClone: true, seed: seed))
    let average = mean(data.map { Double($0.value) })
    laboratory.measure("cloning", values.last! / clones.last!)
    laboratory.measure("data", values.last! / average)
    laboratory.measure("filtered", values.last! / filtered.last!)
    laboratory.measure("order", rankCorrelation(asked.map(Double.init), values))
    laboratory.measure("error", mean(zip(asked, values).map { abs(Double($0) - $1) }))
    laboratory.say(
      "seed \(seed): data \(shown(average)), clone \(shown(clones.last!)), of the best quarter \(shown(filtered.last!)), asked for "
        + zip(asked, values).map { "\($0): \(shown($1))" }.joined(separator: ", "))
    curves.append(Plot.Series(title: "seed \(seed)", points: zip(asked, values).map { (Double($0), $1) }, style: .points))
  }
  let ends = [110.0, 200]
  curves += [
    Plot.Series(title: "as asked", points: ends.map { ($0, $0) }, style: .dashed),
    Plot.Series(title: "behaviour cloning", points: ends.map { ($0, mean(clones)) }, style: .lines),
  ]
  try laboratory.draw(
    Plot(
      title: "A cart and its pole: the return asked for, and the return got",
      x: Plot.Axis(label: "return asked for", range: 105...205),
      y: Plot.Axis(label: "return got, mean of 32 episodes", range: 90...210), series: curves, key: "top left"))
}
