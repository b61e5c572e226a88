import Foundation
import HeedDSL
import HeedIR
import Testing

/// Functions of elements, extrema and the places of extrema.
@Suite struct ElementTests {
  private let nan = Double.nan

  @Test func extremaByTheNamesOfSwift() throws {
    let results = try run(["x": reals([-1, 0.5, 2]), "y": reals([0, 1, -3])]) { g in
      let (x, y) = (g.input("x", .f32, [3]), g.input("y", .f32, [3]))
      return [max(x, y), max(x, 0), max(0, x), min(x, y), min(x, 1), min(0.25, x), max(x, -.infinity)]
    }
    let expected: [[Double]] = [
      [0, 1, 2], [0, 0.5, 2], [0, 0.5, 2], [-1, 0.5, -3], [-1, 0.5, 1], [-1, 0.25, 0.25], [-1, 0.5, 2],
    ]
    #expect(results.map(\.reals) == expected)
    // Those of Swift are still there.
    #expect(max(1, 2) == 2 && min("a", "b") == "a" && abs(-3) == 3)
  }

  @Test func clampKeepsNaN() throws {
    let results = try run(["x": reals([-5, 0.5, 5, .nan]), "y": reals([0, 0, 6, 0])]) { g in
      let (x, y) = (g.input("x", .f32, [4]), g.input("y", .f32, [4]))
      return [clamp(x, -1, 1.0), clamp(x, y, y + 1)]
    }
    #expect(isNear(results[0], reals([-1, 0.5, 1, nan])))
    #expect(isNear(results[1], reals([0, 0.5, 6, nan])))
  }

  @Test func activations() throws {
    let xs = [-100, -20, -1e-4, 0, 1e-9, 0.5, 3, 200, .infinity, -.infinity]
    let results = try run(["x": reals(xs, nil, .f64)]) { g in
      let x = g.input("x", .f64, [10])
      return [softplus(x), leakyRelu(x), leakyRelu(x, slope: 0.5), log1p(exp(x))]
    }
    func logOfSum(_ x: Double) -> Double { x < 1e-5 ? x - x * x / 2 : Foundation.log(1 + x) }
    let expected = reals(xs.map { $0 > 30 ? $0 : logOfSum(Foundation.exp($0)) }, nil, .f64)
    #expect(isNear(results[0], expected, 1e-12))
    #expect(abs(results[0].reals[1] / Foundation.exp(-20) - 1) < 1e-8)
    #expect(isNear(results[1], reals(xs.map { $0 > 0 ? $0 : 0.01 * $0 }, nil, .f64)))
    #expect(isNear(results[2], reals(xs.map { $0 > 0 ? $0 : 0.5 * $0 }, nil, .f64)))
    #expect(isNear(results[3], expected, 1e-12))
  }

  @Test func logSoftmaxAlongEachDimension() throws {
    let results = try run(["x": reals([1, 2, 3, -.infinity, -.infinity, -.infinity], [2, 3])]) { g in
      let x = g.input("x", .f32, ["B", 3])
      return [exp(logSoftmax(x)), softmax(x), exp(logSoftmax(x, dimension: 0)), softmax(x, dimension: 0)]
    }
    #expect(isNear(results[0], results[1], 1e-6) && isNear(results[2], results[3], 1e-6))
  }

  @Test func placesOfExtrema() throws {
    let results = try run(["x": reals([3, .nan, 3, -1, 7, 7], [2, 3]), "n": integers([5, -128, 127, -128], [4], .i8)]) { g in
      let (x, n) = (g.input("x", .f32, ["B", 3]), g.input("n", .i8, [4]))
      return [
        x.argMax(), x.argMin(), x.argMax(0), x.argMax(1, keepingDimension: true), n.argMax(), n.argMin(), (x > 2).argMax(0),
      ]
    }
    #expect(results[0] == integers([0, 1], [2]))
    #expect(results[1] == integers([0, 0], [2]))
    #expect(results[2] == integers([0, 1, 1], [3]))
    #expect(results[3] == integers([0, 1], [2, 1]))
    #expect(results[4] == integers([2], []) && results[5] == integers([1], []))
    #expect(results[6] == integers([0, 1, 0], [3]))
  }

  @Test func spread() throws {
    let results = try run(["x": reals([1, 2, 3, 6, 0, 0, 0, 4], [2, 4], .f64)]) { g in
      let x = g.input("x", .f64, ["B", "S"])
      return [
        x.variance(1), x.variance(1, correction: 1), x.standardDeviation(1), x.variance(), x.variance(0, keepingDimensions: true),
      ]
    }
    #expect(isNear(results[0], reals([3.5, 3], nil, .f64)))
    #expect(isNear(results[1], reals([14.0 / 3, 4], nil, .f64)))
    #expect(isNear(results[2], reals([Double(3.5).squareRoot(), Double(3).squareRoot()], nil, .f64)))
    #expect(isNear(results[3], reals([4.25], [], .f64)))
    #expect(isNear(results[4], reals([0.25, 1, 2.25, 1], [1, 4], .f64)))
  }

  @Test func assignment() throws {
    let results = try run(["x": reals([1, 2, 5]), "n": integers([5, 6, 7])]) { g in
      var (x, n) = (g.input("x", .f32, [3]), g.input("n", .i32, [3]))
      let (first, second) = (x, n)
      x += first
      x *= 3
      x -= 1
      x /= first
      n %= 4
      n += second
      var live = first > 1
      live &= first < 5
      return [x, n, live]
    }
    #expect(isNear(results[0], reals([5, 5.5, 29.0 / 5])))
    #expect(results[1] == integers([6, 8, 10]))
    #expect(results[2] == integers([0, 1, 0], nil, .bool))
  }
}
