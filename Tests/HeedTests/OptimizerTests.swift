import Foundation
import Heed
import Testing

/// Steps of the optimisers beside plain loops in double precision.
@Suite struct OptimizerTests {
  /// A problem whose gradient is known: the mean of (tanh(x w + b) - t)^2 over random rows.
  private enum Problem {
    static let (inputs, outputs, rows) = (5, 3, 7)

    static func graph(_ element: ElementType, _ step: (GraphBuilder, Tensor) -> Void) throws -> Graph {
      try Graph(building: "step") { g in
        let w = g.parameter("w", element, [Extent(inputs), Extent(outputs)])
        let b = g.parameter("b", element, [Extent(outputs)])
        let error =
          tanh(matmul(g.input("x", element, ["B", Extent(inputs)]), w) + b) - g.input("t", element, ["B", Extent(outputs)])
        let loss = (error * error).mean()
        step(g, loss)
        return loss
      }
    }

    static func batch(_ step: Int, _ element: ElementType) -> [String: NDArray] {
      [
        "x": NDArray.random([rows, inputs], seed: 2 * step + 1, element: .f64).converted(to: element),
        "t": NDArray.random([rows, outputs], seed: 2 * step + 2, element: .f64).converted(to: element),
      ]
    }

    /// The gradients with respect to w and b.
    static func gradients(_ w: [Double], _ b: [Double], _ batch: [String: NDArray]) throws -> (w: [Double], b: [Double]) {
      let (x, t) = (try batch["x"]!.doubles(), try batch["t"]!.doubles())
      var (ofW, ofB) = ([Double](repeating: 0, count: w.count), [Double](repeating: 0, count: b.count))
      for row in 0..<rows {
        for o in 0..<outputs {
          var sum = b[o]
          for i in 0..<inputs { sum += x[row * inputs + i] * w[i * outputs + o] }
          let y = Foundation.tanh(sum)
          let slope = 2 * (y - t[row * outputs + o]) * (1 - y * y) / Double(rows * outputs)
          ofB[o] += slope
          for i in 0..<inputs { ofW[i * outputs + o] += slope * x[row * inputs + i] }
        }
      }
      return (ofW, ofB)
    }
  }

  /// A plain optimiser: changes a parameter of so many columns, given its gradient, the step from 1 and the rate.
  private typealias Plain = (_ parameter: inout [Double], _ gradient: [Double], _ columns: Int?, _ step: Int, _ rate: Double) ->
    Void

  /// Runs both for 50 steps; parameters of two dimensions decay.
  private func compare(
    _ optimizer: some Optimizer, _ schedule: LearningRate, rate: (Int) -> Double, clipping: Double? = nil, accumulating: Int = 1,
    plain: () -> (w: Plain, b: Plain), sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    for (element, bound) in [(ElementType.f64, 1e-10), (.f32, 2e-5)] {
      let graph = try Problem.graph(element) { g, loss in
        g.minimize(loss, by: optimizer, learningRate: schedule, clippingNorm: clipping, accumulating: accumulating)
      }
      let start = [
        "w": NDArray.random([Problem.inputs, Problem.outputs], seed: 90, element: .f64),
        "b": .random([Problem.outputs], seed: 91, element: .f64),
      ]
      var state = try graph.initialState(start.mapValues { $0.converted(to: element) })
      var (w, b) = (try state["w"]!.doubles(), try state["b"]!.doubles())
      let (ofW, ofB) = plain()
      let program = try graph.compile(CompileOptions(cache: ObjectCache(directory: nil)))
      for step in 0..<50 {
        var (sumW, sumB) = ([Double](repeating: 0, count: w.count), [Double](repeating: 0, count: b.count))
        for call in 0..<accumulating {
          let batch = Problem.batch(step * accumulating + call, element)
          let gradient = try Problem.gradients(w, b, batch)
          sumW = zip(sumW, gradient.w).map { $0 + $1 / Double(accumulating) }
          sumB = zip(sumB, gradient.b).map { $0 + $1 / Double(accumulating) }
          let _: NDArray = try program(batch, updating: &state)
        }
        if let clipping {
          let norm = (sumW + sumB).reduce(0) { $0 + $1 * $1 }.squareRoot()
          let factor = min(1, clipping / (norm + 1e-6))
          (sumW, sumB) = (sumW.map { $0 * factor }, sumB.map { $0 * factor })
        }
        ofW(&w, sumW, Problem.outputs, step + 1, rate(step))
        ofB(&b, sumB, nil, step + 1, rate(step))
        for (name, expected) in [("w", w), ("b", b)] {
          let difference = zip(try state[name]!.doubles(), expected).map { Swift.abs($0 - $1) }.max()!
          let scale = expected.map { Swift.abs($0) }.max()!
          guard difference <= bound * scale else {
            Issue.record("\(element) step \(step) %\(name): off by \(difference)", sourceLocation: sourceLocation)
            return
          }
        }
      }
      #expect(try state["optimizer.steps"]!.ints() == [50], sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [(0.0, false), (0.9, false), (0.9, true)]) func sgd(_ momentum: Double, _ isNesterov: Bool) throws {
    func plain(_ decay: Double) -> Plain {
      var velocity: [Double] = []
      return { parameter, gradient, columns, step, rate in
        if step == 1 { velocity = parameter.map { _ in 0 } }
        for k in parameter.indices {
          let g = gradient[k] + decay * parameter[k]
          velocity[k] = momentum * velocity[k] + g
          parameter[k] -= rate * (momentum == 0 ? g : isNesterov ? g + momentum * velocity[k] : velocity[k])
        }
      }
    }
    try compare(SGD(momentum: momentum, isNesterov: isNesterov, weightDecay: 0.1), 0.1, rate: { _ in 0.1 }) {
      (plain(0.1), plain(0))
    }
  }

  private func adam(_ decay: Double) -> Plain {
    var (m, v): ([Double], [Double]) = ([], [])
    return { parameter, gradient, columns, step, rate in
      if step == 1 { (m, v) = (parameter.map { _ in 0 }, parameter.map { _ in 0 }) }
      for k in parameter.indices {
        m[k] = 0.9 * m[k] + 0.1 * gradient[k]
        v[k] = 0.999 * v[k] + 0.001 * gradient[k] * gradient[k]
        let (first, second) = (m[k] / (1 - Foundation.pow(0.9, Double(step))), v[k] / (1 - Foundation.pow(0.999, Double(step))))
        parameter[k] -= rate * decay * parameter[k]
        parameter[k] -= rate * first / (second.squareRoot() + 1e-8)
      }
    }
  }

  @Test func adamW() throws {
    try compare(AdamW(weightDecay: 0.1), 0.01, rate: { _ in 0.01 }) { (adam(0.1), adam(0)) }
  }

  @Test func schedulesClippingAndAccumulation() throws {
    let cosine = LearningRate.cosine(from: 0.02, to: 0.001, over: 30).warmedUp(over: 10)
    func rate(_ step: Int) -> Double {
      if step < 10 { return 0.02 * Double(step + 1) / 10 }
      return 0.001 + (1 + Foundation.cos(min(1, Double(step - 10) / 30) * .pi)) / 2 * 0.019
    }
    try compare(AdamW(weightDecay: 0.1), cosine, rate: rate, clipping: 0.3, accumulating: 3) { (adam(0.1), adam(0)) }
    let linear = LearningRate.linear(from: 0.02, to: 0.002, over: 20)
    try compare(AdamW(weightDecay: 0), linear, rate: { 0.02 - 0.018 * min(1, Double($0) / 20) }) { (adam(0), adam(0)) }
  }

  @Test func lion() throws {
    func plain(_ decay: Double) -> Plain {
      var m: [Double] = []
      return { parameter, gradient, columns, step, rate in
        if step == 1 { m = parameter.map { _ in 0 } }
        for k in parameter.indices {
          let direction = 0.9 * m[k] + 0.1 * gradient[k]
          parameter[k] -= rate * decay * parameter[k]
          parameter[k] -= rate * (direction > 0 ? 1 : direction < 0 ? -1 : 0)
          m[k] = 0.99 * m[k] + 0.01 * gradient[k]
        }
      }
    }
    try compare(Lion(weightDecay: 0.5), 0.003, rate: { _ in 0.003 }) { (plain(0.5), plain(0)) }
  }

  @Test func adafactor() throws {
    func meanSquare(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 } / Double(x.count) }
    func plain(_ decay: Double) -> Plain {
      var (row, column, full): ([Double], [Double], [Double]) = ([], [], [])
      return { parameter, gradient, columns, step, rate in
        let new = Foundation.pow(Double(step), -0.8)
        let alpha = min(rate, 1 / Double(step).squareRoot()) * max(1e-3, meanSquare(parameter).squareRoot())
        var moment = gradient.map { $0 * $0 }
        if let columns {
          let rows = parameter.count / columns
          let ofRows = (0..<rows).map { r in (0..<columns).reduce(0) { $0 + moment[r * columns + $1] } / Double(columns) }
          let ofColumns = (0..<columns).map { c in (0..<rows).reduce(0) { $0 + moment[$1 * columns + c] } / Double(rows) }
          if step == 1 { (row, column) = (ofRows.map { _ in 0 }, ofColumns.map { _ in 0 }) }
          row = zip(row, ofRows).map { $0 + new * ($1 - $0) }
          column = zip(column, ofColumns).map { $0 + new * ($1 - $0) }
          let mean = max(row.reduce(0, +) / Double(rows), 0x1p-23)
          moment = (0..<parameter.count).map { row[$0 / columns] * column[$0 % columns] / mean }
        } else {
          if step == 1 { full = moment.map { _ in 0 } }
          full = zip(full, moment).map { $0 + new * ($1 - $0) }
          moment = full
        }
        let update = zip(gradient, moment).map { $0 / max($1, 0x1p-46).squareRoot() }
        let factor = alpha / max(1, meanSquare(update).squareRoot())
        for k in parameter.indices { parameter[k] = parameter[k] * (1 - rate * decay) - factor * update[k] }
      }
    }
    try compare(Adafactor(weightDecay: 0.1), 0.05, rate: { _ in 0.05 }) { (plain(0.1), plain(0)) }
  }

  /// Averages follow the parameters; what decays can be said; the norm of gradients is that before clipping.
  @Test func averagesAndNames() throws {
    let graph = try Graph(building: "step") { g in
      let w = g.parameter("w", .f32, [4])
      let step = g.minimize(
        (w * w).sum(), by: SGD(weightDecay: 1), learningRate: 0.1, decaying: { $0 == "w" }, clippingNorm: 1e-6, averaging: 0.5)
      return [step.gradientNorm.named("norm"), step.learningRate.named("rate")]
    }
    #expect(graph.states.map(\.name) == ["w", "optimizer.steps", "average.w"])
    var state = try graph.initialState(["w": [3, 0, 4, 0]])
    let program = try graph.compile(CompileOptions(cache: ObjectCache(directory: nil)))
    let first = try program([:], updating: &state)
    #expect(try first["norm"]!.float() == 10 && first["rate"]!.float() == 0.1)
    // The clipped gradient is next to nothing: the decay is what moves.
    #expect(try Swift.abs(state["w"]!.floats()[0] - 2.7) < 1e-5)
    #expect(try state["average.w"]!.floats() == state["w"]!.floats())
    let before = try state["w"]!.floats()
    _ = try program([:], updating: &state)
    let (after, average) = (try state["w"]!.floats(), try state["average.w"]!.floats())
    for k in 0..<4 { #expect(Swift.abs(average[k] - (before[k] + after[k]) / 2) < 1e-6) }
  }

  /// A step whose gradients are not finite changes nothing but the scale.
  @Test func lossScales() throws {
    let graph = try Graph(building: "step") { g in
      let w = g.parameter("w", .f32, [2])
      let x = g.input("x", .f16, [2])
      let loss = (w.cast(to: .f16) * x).sum()
      g.minimize(loss, by: AdamW(weightDecay: 0), learningRate: 0.1, lossScale: 1024)
      return loss
    }
    var state = try graph.initialState(["w": [1, 2]])
    let program = try graph.compile(CompileOptions(cache: ObjectCache(directory: nil)))
    func scale() throws -> Float { try state["optimizer.loss_scale"]!.float() }
    let _: NDArray = try program(["x": NDArray([1000, 1] as [Float], [2]).converted(to: .f16)], updating: &state)
    #expect(try scale() == 512 && state["w"]!.floats() == [1, 2] && state["optimizer.steps"]!.ints() == [0])
    #expect(try state["optimizer.first_moment.w"]!.floats() == [0, 0])
    let _: NDArray = try program(["x": NDArray([1, 1] as [Float], [2]).converted(to: .f16)], updating: &state)
    #expect(try scale() == 512 && state["optimizer.steps"]!.ints() == [1])
    #expect(try zip(state["w"]!.floats(), [0.9, 1.9] as [Float]).allSatisfy { Swift.abs($0 - $1) < 1e-5 })
    state["optimizer.finite_steps"] = try NDArray([1999] as [Int32], [])
    let _: NDArray = try program(["x": NDArray([1, 1] as [Float], [2]).converted(to: .f16)], updating: &state)
    #expect(try scale() == 1024 && state["optimizer.finite_steps"]!.ints() == [0])
  }

  /// Gradients that are not finite leave nothing behind in the sums of later steps.
  @Test func accumulationForgets() throws {
    let graph = try Graph(building: "step") { g in
      let w = g.parameter("w", .f32, [2])
      let loss = (w * g.input("x", .f32, [2])).sum()
      g.minimize(loss, by: SGD(), learningRate: 0.5, accumulating: 2, lossScale: 2)
      return loss
    }
    var state = try graph.initialState(["w": [1, 2]])
    let program = try graph.compile(CompileOptions(cache: ObjectCache(directory: nil)))
    for x in [Float.infinity, 1, 1, 3] {
      let _: NDArray = try program(["x": NDArray([x, x] as [Float], [2])], updating: &state)
    }
    #expect(try state["w"]!.floats() == [0, 1] && state["optimizer.steps"]!.ints() == [1])
    #expect(try state["optimizer.accumulated.w"]!.floats() == [0, 0])
  }

  @Test func mistakes() {
    func message(_ build: (GraphBuilder) -> Void) -> String? {
      do {
        _ = try Graph(building: "g") { g in
          build(g)
          return g.constant(1)
        }
      } catch { return (error as? HeedError)?.message }
      return nil
    }
    #expect(
      message { g in g.minimize(g.parameter("w", .f32, [2]), by: SGD(), learningRate: 0.1) }?.contains("expected one number")
        == true)
    #expect(message { g in g.minimize(g.constant(1), by: SGD(), learningRate: 0.1) }?.contains("got no parameters") == true)
    #expect(
      message { g in
        let w = g.parameter("w", .f32, [2])
        w.update(to: w + 1)
        w.update(to: w + 2)
      }?.contains("second update of w") == true)
    #expect(
      message { g in
        let x = g.input("x", .f32, [2])
        x.update(to: x + 1)
      }?.contains("expected a state or a parameter") == true)
  }
}
