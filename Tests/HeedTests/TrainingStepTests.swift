import Heed
import Testing

/// The training step of README.md: one program that returns the loss and the next weights.
@Suite struct TrainingStepTests {
  private let step = Graph("step") { g in
    let (x, target) = (g.input("x", .f32, ["B", "S", 64]), g.input("target", .f32, ["B", "S", 64]))
    let weights = ["wq", "wk", "wv"].map { g.input($0, .f32, [64, 64]) }
    let (q, k, v) = (matmul(x, weights[0]), matmul(x, weights[1]), matmul(x, weights[2]))
    let scores = matmul(q, k.transposed()) / 8
    let out = matmul(softmax(scores.where(scores.index(2) <= scores.index(1), else: -.infinity)), v)
    let loss = ((out - target) * (out - target)).mean().named("loss")
    let slopes = gradients(of: loss, with: weights)
    return [loss] + zip(weights, slopes).map { ($0 - 0.1 * $1).named("next.\($0.name!)") }
  }

  private func batch() -> [String: NDArray] {
    var arrays: [String: NDArray] = [:]
    for (seed, name) in ["x", "target"].enumerated() { arrays[name] = NDArray.random([2, 21, 64], seed: seed) }
    for (seed, name) in ["wq", "wk", "wv"].enumerated() {
      arrays[name] = NDArray.uniform([64, 64], in: -0.1..<0.1, seed: seed + 7)
    }
    return arrays
  }

  @Test func lossFalls() throws {
    let program = try step.compile()
    var arrays = batch()
    var losses: [Float] = []
    for _ in 0..<20 {
      let outputs = try program(arrays)
      losses.append(try outputs["loss"]!.floats()[0])
      for name in ["wq", "wk", "wv"] { arrays[name] = outputs["next.\(name)"] }
    }
    #expect(zip(losses, losses.dropFirst()).allSatisfy { $1 < $0 }, "\(losses)")
    #expect(losses.last! < 0.99 * losses.first!, "\(losses)")
  }

  @Test func stepIsTheInterpreters() throws {
    let arrays = batch()
    let (got, expected) = (try step.compile()(arrays), try step.interpret(arrays))
    for name in got.names {
      let (left, right) = (try got[name]!.floats(), try expected[name]!.floats())
      #expect(zip(left, right).allSatisfy { abs($0 - $1) < 1e-4 * max(1, abs($1)) }, "\(name)")
    }
  }
}
