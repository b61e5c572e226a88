import Foundation
import Heed

extension Example {
  static let sensorFusion = Example(
    name: "sensor-fusion",
    idea: "Attention whose keys are logarithms of precisions is the best linear unbiased estimator of noisy sensors.",
    claims: [
      Claim("weights", "each weight is its sensor's share of the precision: largest difference", .atMost(1e-6)),
      Claim("failed", "a sensor of precision 0 has a weight of exactly 0", .between(0, 0)),
      Claim("others", "the others share its part by their precisions: largest difference", .atMost(1e-6)),
      // Four deviations of the variance of 20,000 samples, sqrt(2 / 20000) each.
      Claim("variance", "the fused estimate has the variance 1 / (sum of precisions): ratio", .between(0.96, 1.04)),
      Claim("learned", "keys trained on readings alone find the same weights: largest difference", .atMost(1e-2)),
    ],
    graph: fusion, run: measure)
}

/// The deviations of the noise of eight sensors, from a good one to a bad one.
private let deviations: [Double] = [0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3]

/// Readings of T moments, each fused by one query: it meets the key of each sensor, the logarithm of its precision.
private func fusion() -> Graph {
  Graph("fusion") { g in
    let (query, keys) = (g.input("query", .f32, ["T", 1, 1]), g.input("log_precision", .f32, ["T", "N", 1]))
    let weights = softmax(matmul(query, keys.transposed()))
    return matmul(weights, g.input("readings", .f32, ["T", "N", 1])).named("estimate")
  }
}

/// The step of a query that learns the keys: the squared error of the estimate of a truth that is told afterwards.
private func learner() throws -> Learner {
  try Learner(
    AdamW(weightDecay: 0), learningRate: .cosine(from: 0.1, to: 1e-3, over: 2000),
    loss: { g in
      let keys = g.initialize(g.parameter("keys", .f32, ["8"]), .zeros)
      let (readings, truth) = (g.input("readings", .f32, ["T", 8]), g.input("truth", .f32, ["T"]))
      let error = matmul(readings, softmax(keys)) - truth
      return (error * error).mean()
    },
    outputs: { g in [softmax(g.parameter("keys", .f32, ["8"]))] })
}

private func measure(_ laboratory: Laboratory) throws {
  let program = try fusion().compile()
  /// Each row of readings, fused by sensors of these precisions.
  func fused(_ readings: NDArray, _ precisions: [Double]) throws -> [Double] {
    let (moments, sensors) = (readings.shape[0], precisions.count)
    let keys = Array(repeating: precisions.map { Float(log($0)) }, count: moments)
    return try program([
      "query": .ones([moments, 1, 1]), "log_precision": NDArray(keys).reshaped([moments, sensors, 1]),
      "readings": readings.reshaped([moments, sensors, 1]),
    ]).doubles()
  }
  /// The weight of a sensor is the estimate where it alone reads 1.
  func weights(_ precisions: [Double]) throws -> [Double] {
    let sensors = precisions.indices
    return try fused(NDArray(sensors.map { one in sensors.map { $0 == one ? 1 : 0 as Float } }), precisions)
  }
  let precisions = deviations.map { 1 / ($0 * $0) }
  let total = precisions.reduce(0, +)
  for seed in laboratory.seeds {
    // The truth is 20 degrees; each row of readings is one moment.
    let (readings, _) = try simulated(20_000, seed: seed) { _ in 20 }
    laboratory.measure("variance", variance(try fused(readings, precisions)) * total)
    laboratory.measure("weights", zip(try weights(precisions), precisions).map { abs($0 - $1 / total) }.max()!)

    // The third sensor fails: log 0 is -infinity.
    var left = precisions
    left[2] = 0
    let failed = try weights(left)
    laboratory.measure("failed", failed[2])
    laboratory.measure("others", zip(failed, left).map { abs($0 - $1 / (total - precisions[2])) }.max()!)
  }
  try learn(laboratory, precisions.map { $0 / total })
}

private func learn(_ laboratory: Laboratory, _ optimum: [Double]) throws {
  let learner = try learner()
  var learned: [[Double]] = []
  for seed in laboratory.seeds {
    let (model, _) = try learner.train(steps: 2000, seed: seed) { step in
      let (readings, truth) = try simulated(256, seed: 10_000 * seed + step) { 20 + $0.normal() }
      return ["readings": readings, "truth": truth]
    }
    learned.append(try model([:]).doubles())
    laboratory.measure("learned", zip(learned.last!, optimum).map { abs($0 - $1) }.max()!)
  }
  let points = { (weights: [Double]) in zip(deviations, weights).map { (x: $0, y: $1) } }
  try laboratory.draw(
    Plot(
      title: "Eight sensors: the weight of each in the fused estimate",
      x: Plot.Axis(label: "deviation of the sensor's noise (degrees)", isLogarithmic: true),
      y: Plot.Axis(label: "weight", isLogarithmic: true),
      series: [Plot.Series(title: "share of the precision (theory)", points: points(optimum), style: .lines)]
        + learned.enumerated().map { Plot.Series(title: "learned, seed \($0 + 1)", points: points($1), style: .points) },
      key: "top right"))
}

/// Moments of all sensors, `[count, 8]`, and the truth of each moment.
private func simulated(
  _ count: Int, seed: Int, truth: (inout SeededGenerator) -> Double
) throws -> (readings: NDArray, truth: NDArray) {
  var numbers = SeededGenerator(seed: seed)
  var (readings, truths): ([[Float]], [Float]) = ([], [])
  for _ in 0..<count {
    let value = truth(&numbers)
    truths.append(Float(value))
    readings.append(deviations.map { Float(value + $0 * numbers.normal()) })
  }
  return (try NDArray(readings), try NDArray(truths))
}
