import Foundation
import Heed

/// Features whose products are exp(q k / sqrt(d)) in the mean: exp(w x - x x / 2) for normal w (Choromanski and others 2021).
func approximateByRandomFeatures(_ laboratory: Laboratory) throws {
  let (length, size) = (256, 16)
  func rows(_ g: GraphBuilder, _ name: String) -> Tensor { g.input(name, .f32, [1, Extent(length), Extent(size)]) }
  let exact = try Graph("exact") { g in
    matmul(softmax(matmul(rows(g, "q"), rows(g, "k").transposed()) / Double(size).squareRoot()), rows(g, "v"))
  }.compile()
  let approximate = try Graph("features") { g in
    let projections = g.input("w", .f32, ["F", Extent(size)])
    func feature(_ x: Tensor) -> Tensor {
      let x = x / pow(Double(size), 0.25)
      return exp(matmul(x, projections.transposed()) - (x * x).sum(-1, keepingDimensions: true) / 2)
    }
    return linearAttention(feature(rows(g, "q")), feature(rows(g, "k")), rows(g, "v"))
  }.compile()
  var curves: [Plot.Series] = []
  for seed in laboratory.seeds {
    // Queries and keys of half the usual size: the variance of the estimate grows exponentially with the square of their sum.
    var random = SeededGenerator(seed: seed)
    func normal(_ count: Int, _ deviation: Double) throws -> NDArray {
      try NDArray((0..<count * size).map { _ in Float(deviation * random.normal()) }, [1, count, size])
    }
    let inputs = ["q": try normal(length, 0.5), "k": try normal(length, 0.5), "v": try normal(length, 1)]
    let truth = try exact(inputs).doubles()
    let points = try (4...12).map { 1 << $0 }.map { count in
      let found = try approximate(inputs.merging(["w": normal(count, 1).reshaped([count, size])]) { $1 }).doubles()
      let (error, norm) = (zip(found, truth).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }, truth.reduce(0) { $0 + $1 * $1 })
      return (x: Double(count), y: (error / norm).squareRoot())
    }
    laboratory.measure("features", exponent(points.map(\.x), points.map(\.y)))
    laboratory.measure("approximation", points.first { $0.x == 1024 }!.y)
    curves.append(Plot.Series(title: "seed \(seed)", points: points))
  }
  try laboratory.draw(
    Plot(
      title: "Softmax attention by random features: the error falls with their number",
      x: Plot.Axis(label: "features", isLogarithmic: true),
      y: Plot.Axis(label: "error of the result, of its norm", isLogarithmic: true), series: curves, key: "top right"), "features")
}
