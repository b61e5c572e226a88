import Heed

/// Both kinds of layer with weights set by hand: a pair attends to the third point of its shortest detour. The layer around the starting node
/// reads the first leg there, d(i, k), and that around the ending node the second, d(k, j). Their sum is the new distance. Since k may be i
/// or j, that is no longer than the old one.
private func relaxation() -> Graph {
  Graph("relaxation") { g in
    let d = g.input("distances", .f32, ["N", "N"])
    func leg(_ d: Tensor) -> Tensor {
      let (query, key) = (g.full(["N", "N", 1], -400.0), d.expandingDimension(2))
      let weights = softmax(matmul(query, key.transposed()) - 400 * d.expandingDimension(0))
      return matmul(weights, key).squeezingDimension(2)
    }
    return (leg(d) + leg(d.transposed()).transposed()).named("relaxed")
  }
}

/// Distances between 24 points that were measured up to three times too long.
func relaxDistances(_ laboratory: Laboratory) throws {
  let (program, count, layers) = (try relaxation().compile(), 24, 5)
  for seed in laboratory.seeds {
    var random = SeededGenerator(seed: seed)
    var measured = Distances(ofPoints: count, using: &random)
    for (i, j) in measured.pairs { measured[i, j] *= Double.random(in: 1..<3, using: &random) }
    var relaxed = measured
    for _ in 0..<layers {
      let out = try program(["distances": NDArray(relaxed.numbers.map(Float.init), [count, count])])
      relaxed = Distances(count: count, try out.doubles())
    }
    let shortest = measured.shortestPaths
    laboratory.measure("before", measured.violations)
    laboratory.measure("after", relaxed.largestExcess)
    laboratory.measure("shortest", measured.pairs.map { abs(relaxed[$0, $1] / shortest[$0, $1] - 1) }.max()!)
    guard seed == 1 else { continue }
    func points(_ d: Distances) -> [(x: Double, y: Double)] { d.pairs.map { (d.detour($0, $1), d[$0, $1]) } }
    try laboratory.draw(
      Plot(
        title: "Above the line, a distance is longer than a detour",
        x: Plot.Axis(label: "shortest detour over a third point", range: 0...2),
        y: Plot.Axis(label: "distance", range: 0...3),
        series: [
          Plot.Series(title: "measured", points: points(measured), style: .points),
          Plot.Series(title: "after five layers", points: points(relaxed), style: .points),
          Plot.Series(title: "distance = detour", points: [(0, 0), (2, 2)], style: .dashed),
        ]))
  }
}
