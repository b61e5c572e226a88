import Foundation
import Heed

extension Example {
  static let heatEquation = Example(
    name: "heat-equation", idea: "Attention with relative positions learns the law of heat: its stencil, and its Green's function.",
    claims: [
      Claim("stencil", "what attention learned of a step, of the discrete Laplacian: relative error", .atMost(0.05)),
      Claim(
        "rollout", "100 steps by attention, of 100 steps of the simulation: relative error", .atMost(0.05),
        exception: "no weight of a softmax is 0, and what is left far away adds up"),
      Claim("cut", "the same without the weights beyond the next points", .atMost(0.05)),
      Claim("green", "the attention matrix of the steady state, of the analytic Green's function: relative error", .atMost(0.05)),
      Claim(
        "shift", "shifting the field shifts the result: largest difference over all shifts, of the largest value", .atMost(1e-5)),
      Claim("relative", "relative positions: the error where no heat was in training, of that where it was", .atMost(1.01)),
      Claim("absolute", "absolute positions: the same", .atLeast(10)),
    ],
    graph: { Graph("step") { [ringAttention($0, positions: .relative).result] } }, run: measure)
}

private let points = Ring.points

private func measure(_ laboratory: Laboratory) throws {
  let steps = laboratory.short(600, full: 1500)
  /// Fields with heat on the left half of the ring, and what becomes of them.
  func train(_ positions: RingPositions, _ law: [Double], rate: Double, seed: Int) throws -> (model: TrainedModel, losses: [Double])
  {
    try ringLearner(positions, rate: rate, steps: steps).train(steps: steps, seed: seed) { step in
      let fields = Ring.fields(32, on: 0..<points / 2, seed: 10_000 * seed + step)
      return ["field": try Ring.array(fields), "target": try Ring.array(fields.map { Ring.convolved($0, law) })]
    }
  }
  /// The best of three learning rates, chosen with a seed of its own.
  func bestRate(_ positions: RingPositions, _ law: [Double]) throws -> Double {
    let tried = try [1e-2, 3e-2, 1e-1].map {
      (rate: $0, loss: mean(try train(positions, law, rate: $0, seed: 100).losses.suffix(50)))
    }
    return tried.min { $0.loss < $1.loss }!.rate
  }
  let rates = (try bestRate(.relative, Ring.step), try bestRate(.absolute, Ring.step), try bestRate(.relative, Ring.steady))
  var (stencils, greens): ([[Double]], [[Double]]) = ([], [])
  for seed in laboratory.seeds {
    let anywhere = Ring.fields(32, on: 0..<points, seed: -seed)
    let model = try train(.relative, Ring.step, rate: rates.0, seed: seed).model
    // A step is u + r (Laplacian of u): what attention learned of the Laplacian is (A - 1) / r.
    let kernels = try attentionRows(model, anywhere)
    let learned = kernels.map { row in row.indices.map { (row[$0] - ($0 == 0 ? 1 : 0)) / Ring.ratio } }
    laboratory.measure("stencil", relativeError(learned, learned.map { _ in Ring.laplacian }))
    stencils.append(learned[0])

    // What the first query attends to beyond the next points, and the same law without it.
    let near = [0, 1, points - 1].map { kernels[0][$0] }.reduce(0, +)
    let cut = kernels[0].indices.map { [0, 1, points - 1].contains($0) ? kernels[0][$0] / near : 0 }
    laboratory.say("seed \(seed): weight beyond the next points \(shown(1 - near))")
    var (fields, local, truth) = (anywhere, anywhere, anywhere)
    for _ in 0..<100 {
      fields = try applied(model, fields)
      local = local.map { Ring.convolved($0, cut) }
      truth = truth.map { Ring.convolved($0, Ring.step) }
    }
    laboratory.measure("rollout", relativeError(fields, truth))
    laboratory.measure("cut", relativeError(local, truth))

    let results = try applied(model, anywhere)
    let differences = try (1..<points).flatMap { shift in
      zip(
        try applied(model, anywhere.map { Ring.shifted($0, by: shift) }).joined(),
        results.map { Ring.shifted($0, by: shift) }.joined()
      )
      .map { abs($0 - $1) }
    }
    laboratory.measure("shift", differences.max()! / results.joined().map { abs($0) }.max()!)

    let left = Ring.fields(256, on: 0..<points / 2, seed: -seed)
    let absolute = try train(.absolute, Ring.step, rate: rates.1, seed: seed).model
    for (claim, model) in [("relative", model), ("absolute", absolute)] {
      let errors = try [left, left.map { Ring.shifted($0, by: points / 2) }].map { fields in
        relativeError(try applied(model, fields), fields.map { Ring.convolved($0, Ring.step) })
      }
      laboratory.say("seed \(seed), \(claim) positions: errors \(shown(errors[0])) and \(shown(errors[1]))")
      laboratory.measure(claim, errors[1] / errors[0])
    }

    let found = try attentionRows(try train(.relative, Ring.steady, rate: rates.2, seed: seed).model, anywhere)
    laboratory.measure("green", relativeError(found, found.map { _ in Ring.green }))
    greens.append(found[0])
  }
  try draw(laboratory, stencils, greens)
}

/// The norm of the difference over that of the truth.
private func relativeError(_ found: [[Double]], _ truth: [[Double]]) -> Double {
  let square = zip(found.joined(), truth.joined()).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
  return (square / truth.joined().map { $0 * $0 }.reduce(0, +)).squareRoot()
}

private func draw(_ laboratory: Laboratory, _ stencils: [[Double]], _ greens: [[Double]]) throws {
  for (part, learned, truth, title, label) in [
    (
      "stencil", stencils, Ring.laplacian, "One step of heat: attention is the discrete Laplacian",
      "weight, less 1 at the point itself, over r"
    ),
    ("green", greens, Ring.green, "The steady state of a leaky ring: attention is the Green's function", "weight"),
  ] {
    let reach = part == "green" ? points / 2 : 6
    func curve(_ row: [Double]) -> [(x: Double, y: Double)] { (-reach...reach).map { (Double($0), row[($0 + points) % points]) } }
    try laboratory.draw(
      Plot(
        title: title, x: Plot.Axis(label: "distance (points of the grid)"), y: Plot.Axis(label: label),
        series: [Plot.Series(title: part == "green" ? "formula" : "discrete Laplacian", points: curve(truth), style: .lines)]
          + learned.enumerated().map { Plot.Series(title: "attention, seed \($0 + 1)", points: curve($1), style: .points) },
        key: part == "green" ? "top right" : "bottom right"), part)
  }
}
