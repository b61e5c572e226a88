import Foundation
import Heed

/// Heat on a ring of length 1: du/dt = u'' - k^2 u + f, on a grid.
enum Ring {
  static let points = 32
  /// The step of time over the square of the step of space.
  static let ratio = 0.2
  /// How fast heat is lost in the second problem, k.
  static let loss = 8.0

  // MARK: Laws, as what a point gets from another by its distance: kernel[(i - j) mod points]

  /// The discrete Laplacian, times the square of the step of space.
  static let laplacian = (0..<points).map { $0 == 0 ? -2 : $0 == 1 || $0 == points - 1 ? 1 : 0.0 }
  /// One explicit step of time without losses or sources.
  static let step = laplacian.enumerated().map { ($0 == 0 ? 1 : 0) + ratio * $1 }
  /// The steady state of a source at one point, k^2 u where k^2 u - u'' = f: simulated until nothing changes.
  static let steady: [Double] = {
    let losses = loss * loss / Double(points * points)
    var field = [Double](repeating: 0, count: points)
    for _ in 0..<20_000 {
      let flow = convolved(field, laplacian)
      for point in 0..<points { field[point] += ratio * (flow[point] - losses * field[point] + (point == 0 ? losses : 0)) }
    }
    return field
  }()
  /// The same by the formula: k^2 times the Green's function cosh(k (1/2 - x)) / (2 k sinh(k / 2)) at the distance x, times the step.
  static let green = (0..<points).map { distance in
    loss * cosh(loss * (0.5 - Double(distance) / Double(points))) / (2 * sinh(loss / 2)) / Double(points)
  }

  static func convolved(_ field: [Double], _ kernel: [Double]) -> [Double] {
    (0..<points).map { i in (0..<points).map { kernel[(i - $0 + points) % points] * field[$0] }.reduce(0, +) }
  }

  static func shifted(_ field: [Double], by shift: Int) -> [Double] { (0..<points).map { field[($0 - shift + points) % points] } }

  /// Random fields: a normal number at each of some points, 0 elsewhere.
  static func fields(_ count: Int, on part: Range<Int>, seed: Int) -> [[Double]] {
    var numbers = SeededGenerator(seed: seed)
    return (0..<count).map { _ in (0..<points).map { part.contains($0) ? numbers.normal() : 0 } }
  }

  static func array(_ fields: [[Double]]) throws -> NDArray {
    try NDArray(fields.joined().map(Float.init), [fields.count, points, 1])
  }
}
