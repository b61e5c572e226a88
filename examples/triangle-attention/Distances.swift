import Foundation
import Heed

/// Distances between points of the unit square, symmetric, as rows of a matrix.
struct Distances {
  let count: Int
  var numbers: [Double]

  init(count: Int, _ numbers: [Double]) { (self.count, self.numbers) = (count, numbers) }

  init(ofPoints count: Int, using random: inout SeededGenerator) {
    let points = (0..<count).map { _ in (x: Double.random(in: 0..<1, using: &random), y: Double.random(in: 0..<1, using: &random)) }
    self.init(count: count, points.flatMap { p in points.map { hypot(p.x - $0.x, p.y - $0.y) } })
  }

  subscript(i: Int, j: Int) -> Double {
    get { numbers[i * count + j] }
    set { (numbers[i * count + j], numbers[j * count + i]) = (newValue, newValue) }
  }

  var pairs: [(i: Int, j: Int)] { (0..<count).flatMap { i in (0..<i).map { (i, $0) } } }

  /// The shortest way from i to j over a third point.
  func detour(_ i: Int, _ j: Int) -> Double { (0..<count).filter { $0 != i && $0 != j }.map { self[i, $0] + self[$0, j] }.min()! }

  /// The largest share of a distance by which it exceeds a detour.
  var largestExcess: Double { pairs.map { max(0, 1 - detour($0, $1) / self[$0, $1]) }.max()! }

  /// By how much distances exceed detours, summed over all triples, of the sum of distances.
  var meanExcess: Double {
    let excess = pairs.map { i, j in
      (0..<count).reduce(0) { $0 + ($1 == i || $1 == j ? 0 : max(0, self[i, j] - self[i, $1] - self[$1, j])) }
    }
    return excess.reduce(0, +) / pairs.reduce(0) { $0 + self[$1.i, $1.j] }
  }

  /// The share of triples in which one edge is longer than the other two together.
  var violations: Double {
    let triples = pairs.flatMap { i, j in (0..<j).map { (self[i, j], self[j, $0], self[i, $0]) } }
    return mean(triples.map { 2 * max($0, $1, $2) > $0 + $1 + $2 ? 1 : 0 })
  }

  /// The lengths of the shortest paths (Floyd 1962, Warshall 1962).
  var shortestPaths: Distances {
    var result = self
    for k in 0..<count {
      for i in 0..<count { for j in 0..<count { result[i, j] = min(result[i, j], result[i, k] + result[k, j]) } }
    }
    return result
  }
}
