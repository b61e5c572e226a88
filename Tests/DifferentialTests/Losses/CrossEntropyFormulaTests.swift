import Foundation
import Heed
import HeedTestSupport
import Testing

/// Cross-entropy and its gradients beside plain loops over numbers.
@Suite struct CrossEntropyFormulaTests {
  /// What loops make of a problem: the loss, and its gradients.
  private struct Formula {
    var loss = 0.0
    var h: [Double]
    var table: [Double]
    var bias: [Double]
  }

  private struct Problem {
    let rows = 13
    let classes = 40
    let width = 6
    var labels: [Int32]
    var h: [Double]
    var table: [Double]
    var bias: [Double]

    init() {
      func numbers(_ count: Int, _ phase: Double) -> [Double] { (0..<count).map { sin(Double($0) * 1.7 + phase) } }
      labels = (0..<13).map { Int32($0 * 7 % 40) }
      labels[4] = -100
      labels[9] = -100
      (h, table, bias) = (numbers(13 * 6, 0), numbers(40 * 6, 1), numbers(40, 2))
    }

    /// PyTorch's definition, written out: the mean over positions that count.
    func formula(smoothing: Double) -> Formula {
      var result = Formula(h: h.map { _ in 0 }, table: table.map { _ in 0 }, bias: bias.map { _ in 0 })
      let count = Double(labels.count { $0 != -100 })
      for t in 0..<rows where labels[t] != -100 {
        var logits = [Double](repeating: 0, count: classes)
        for v in 0..<classes {
          logits[v] = bias[v]
          for d in 0..<width { logits[v] += h[t * width + d] * table[v * width + d] }
        }
        let sum = logits.reduce(0) { $0 + exp($1) }
        for v in 0..<classes {
          let target = (v == Int(labels[t]) ? 1 - smoothing : 0) + smoothing / Double(classes)
          result.loss -= target * (logits[v] - log(sum)) / count
          let slope = (exp(logits[v]) / sum - target) / count
          result.bias[v] += slope
          for d in 0..<width {
            result.h[t * width + d] += slope * table[v * width + d]
            result.table[v * width + d] += slope * h[t * width + d]
          }
        }
      }
      return result
    }
  }

  private func graph(_ element: ElementType, smoothing: Double) throws -> Graph {
    try Graph(building: "loss") { g in
      let h = g.input("h", element, ["T", 6])
      let (table, bias) = (g.input("table", element, [40, 6]), g.input("bias", element, [40]))
      let loss = crossEntropy(
        matmul(h, table.transposed()) + bias, g.input("labels", .i32, ["T"]), labelSmoothing: smoothing)
      return [loss.named("loss")] + gradients(of: loss, with: [h, table, bias])
    }
  }

  /// Of bf16 within some roundings of the gradients' own, whose operands are rounded before.
  @Test(arguments: [(ElementType.f64, 1e-12), (.f32, 2e-6), (.bf16, 2e-2)], [0, 0.1]) func lossAndGradients(
    _ type: (element: ElementType, tolerance: Double), _ smoothing: Double
  ) throws {
    var problem = Problem()
    for path in [\Problem.h, \.table, \.bias] { problem[keyPath: path] = problem[keyPath: path].map(type.element.round) }
    let expected = problem.formula(smoothing: smoothing)
    let outputs = try graph(type.element, smoothing: smoothing).compile(options())([
      "h": NDArray(problem.h, [13, 6]).converted(to: type.element),
      "table": NDArray(problem.table, [40, 6]).converted(to: type.element),
      "bias": NDArray(problem.bias, [40]).converted(to: type.element), "labels": NDArray(problem.labels, [13]),
    ])
    for (name, numbers) in [
      ("loss", [expected.loss]), ("gradient.h", expected.h), ("gradient.table", expected.table), ("gradient.bias", expected.bias),
    ] {
      let got = ReferenceArray(outputs[name]!).reals
      let scale = numbers.map(abs).max()!
      #expect(got.count == numbers.count)
      for (x, y) in zip(got, numbers) { #expect(abs(x - y) <= type.tolerance * scale, "\(name): \(x), \(y)") }
    }
  }

  /// A label outside is NaN at its position alone; nothing is read there. Positions to be ignored do not count.
  @Test(arguments: [false, true]) func labelsOutside(_ isStored: Bool) throws {
    let graph = try Graph(building: "loss") { g in
      let logits =
        isStored ? g.input("x", .f32, ["T", 40]) : matmul(g.input("h", .f32, ["T", 2]), g.input("table", .f32, [2, 40]))
      return crossEntropy(logits, g.input("labels", .i64, ["T"]), reduction: .none).named("loss")
    }
    var arrays: [String: NDArray] = ["labels": try NDArray([0, 39, 40, -1, -100, .max, .min, 7] as [Int64], [8])]
    if isStored { arrays["x"] = .random([8, 40], seed: 1) }
    if !isStored { (arrays["h"], arrays["table"]) = (.random([8, 2], seed: 1), .random([2, 40], seed: 2)) }
    for outputs in [try graph.compile(options())(arrays), try graph.interpret(arrays)] {
      let losses = try outputs["loss"]!.floats()
      #expect(losses.map(\.isNaN) == [false, false, true, true, false, true, true, false])
      #expect(losses[4] == 0 && losses[0] > 0)
    }
  }

  @Test func allIgnored() throws {
    let graph = try Graph(building: "loss") { g in
      let (x, labels) = (g.input("x", .f32, ["T", 4]), g.input("labels", .i32, ["T"]))
      return [
        crossEntropy(x, labels, ignoring: 1).named("mean"), crossEntropy(x, labels, ignoring: 1, reduction: .sum).named("sum"),
      ]
    }
    let outputs = try graph.compile(options())(["x": .random([3, 4], seed: 1), "labels": NDArray([1, 1, 1] as [Int32], [3])])
    #expect(try outputs["mean"]!.floats()[0].isNaN)
    #expect(try outputs["sum"]!.floats()[0] == 0)
  }
}
