import Foundation
import Heed

extension Example {
  static let delayedCopy = Example(
    name: "delayed-copy",
    idea: "Between any two positions attention's path has length one; a recurrent net's is as long as their distance.",
    claims: [
      Claim("attention", "attention copies a symbol over delays of 8 ... 512: accuracy at the worst delay", .atLeast(0.99)),
      Claim("elman, nearest", "an Elman net does so over a delay of 2", .atLeast(0.9)),
      Claim("gru, nearest", "a GRU does so over a delay of 2", .atLeast(0.9)),
      Claim(
        "elman, near", "an Elman net does so over a delay of 8", .atLeast(0.9),
        exception: "some seeds end at a delay of 4: its limit is lower than was stated"),
      Claim("gru, near", "a GRU does so over a delay of 8", .atLeast(0.9)),
      Claim("elman, limit", "the longest delay up to which an Elman net is right 9 times of 10", .atMost(32)),
      Claim("gru, limit", "the same of a GRU", .atMost(32)),
      Claim("elman, far", "accuracy of the Elman net over delays of 64 and 128 (chance: 0.125)", .atMost(0.25)),
      Claim("gru, far", "the same of the GRU", .atMost(0.25)),
      Claim("size", "parameters of either, of those of attention", .between(0.98, 1.02)),
      Claim("attention, path", "gradient by the token at distance 512, of that at distance 1", .atLeast(0.5)),
      Claim("elman, path", "the same of the Elman net", .atMost(1e-6)),
      Claim("gru, path", "the same of the GRU", .atMost(1e-6)),
    ],
    graph: { Graph("delayed_copy") { g in CopyNet.attention.logits(g, g.input("tokens", .i32, ["B", "S"])) } }, run: measure)
}

/// Trains a net on one delay. Returns the loss of the last steps, and how often it is right on sequences that it has not seen.
private func train(
  _ learner: Learner, delay: Int, steps: Int, seed: Int
) throws -> (loss: Double, accuracy: Double, parameters: Int) {
  let (model, losses) = try learner.train(steps: steps, seed: seed) { step in
    let (tokens, symbols) = try copySequences(16, delay: delay, seed: 100_000 * seed + step)
    return ["tokens": tokens, "symbols": try NDArray(symbols, [16])]
  }
  let (tokens, symbols) = try copySequences(256, delay: delay, seed: -seed)
  let answers = try model(["tokens": tokens]).ints()
  let parameters = model.state.arrays.filter { !$0.key.hasPrefix("optimizer.") }.map(\.value.count).reduce(0, +)
  return (mean(losses.suffix(20)), mean(zip(answers, symbols).map { $0 == Int($1) ? 1 : 0 }), parameters)
}

private func measure(_ laboratory: Laboratory) throws {
  let steps = 600
  var (curves, parameters): ([Plot.Series], [CopyNet: Int]) = ([], [:])
  for net in CopyNet.allCases {
    let learners = try (laboratory.isShort ? [3e-3, 1e-2] : [1e-3, 3e-3, 1e-2]).map { try net.learner(rate: $0) }
    let delays = net.delays(isShort: laboratory.isShort)
    // For each delay, for each seed.
    let found = try delays.map { delay in
      // Each net has, for each delay, the best of the learning rates with a seed of its own.
      let losses = try learners.map { try train($0, delay: delay, steps: steps, seed: 100).loss }
      let best = learners[losses.indices.min { losses[$0] < losses[$1] }!]
      return try laboratory.seeds.map { seed in
        let result = try train(best, delay: delay, steps: steps, seed: seed)
        parameters[net] = result.parameters
        return result.accuracy
      }
    }
    laboratory.say("\(net): " + zip(delays, found).map { "\($0): \($1.map(shown).joined(separator: " "))" }.joined(separator: "; "))
    curves += [Plot.Series(title: net.title, points: zip(delays, found).map { (Double($0), mean($1)) })]
    if net == .attention {
      laboratory.measure("attention", laboratory.seeds.indices.map { seed in found.map { $0[seed] }.min()! })
      continue
    }
    laboratory.measure("\(net), nearest", found[0])
    laboratory.measure("\(net), near", found[delays.firstIndex(of: 8)!])
    laboratory.measure("\(net), far", zip(delays, found).filter { $0.0 >= 64 }.flatMap(\.1))
    for seed in laboratory.seeds.indices {
      let solved = zip(delays, found).prefix { $1[seed] >= 0.9 }
      laboratory.measure("\(net), limit", Double(solved.last?.0 ?? 0))
    }
    laboratory.measure("size", Double(parameters[net]!) / Double(parameters[.attention]!))
  }
  try laboratory.draw(
    Plot(
      title: "Attention copies a symbol over any delay, recurrent nets of its size over few",
      x: Plot.Axis(label: "delay in tokens", isLogarithmic: true, range: 1.8...600),
      y: Plot.Axis(label: "accuracy, mean of the seeds (chance: 0.125)", range: 0...1.05), series: curves, key: "right center"))
  try measurePaths(laboratory)
}

private func measurePaths(_ laboratory: Laboratory) throws {
  var curves: [Plot.Series] = []
  for net in CopyNet.allCases {
    let slopes = try laboratory.seeds.map { Array(try net.path(seed: $0).reversed()) }
    laboratory.measure("\(net), path", slopes.map { $0[512] / $0[1] })
    // What is 0 in single precision has no place on a logarithmic axis.
    let points = (1...512).map { distance in (x: Double(distance), y: mean(slopes.map { $0[distance] })) }.filter { $0.y > 1e-20 }
    curves.append(Plot.Series(title: net.title, points: points, style: .lines))
  }
  try laboratory.draw(
    Plot(
      title: "How much the answer's gradient reaches a token, before training",
      x: Plot.Axis(label: "distance of the token in positions", isLogarithmic: true),
      y: Plot.Axis(label: "norm of the gradient, mean of the seeds", isLogarithmic: true), series: curves, key: "bottom left"),
    "path")
}
