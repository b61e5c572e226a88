import Foundation

// What references are made of: loops over arrays of doubles.

func dot(_ x: [Double], _ y: [Double]) -> Double {
  var sum = 0.0
  for i in x.indices { sum += x[i] * y[i] }
  return sum
}

func added(_ x: Rows, _ y: Rows) -> Rows { zip(x, y).map { zip($0, $1).map { $0 + $1 } } }

func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }
func gelu(_ x: Double) -> Double { x / 2 * (1 + erf(x / 2.0.squareRoot())) }
func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

/// The softmax of a row; of a row of -inf alone, zeros.
func softmax(_ x: [Double]) -> [Double] {
  guard let greatest = x.max(), greatest > -.infinity else { return x.map { _ in 0 } }
  let weights = x.map { exp($0 - greatest) }
  let sum = weights.reduce(0, +)
  return weights.map { $0 / sum }
}

/// The products of queries and keys, over the square root of their width.
func products(_ q: Rows, _ k: Rows) -> Rows { q.map { row in k.map { dot(row, $0) / Double(row.count).squareRoot() } } }

/// The sums of values under weights.
func weighted(_ weights: Rows, _ v: Rows, width: Int) -> Rows {
  weights.map { row in
    var sum = [Double](repeating: 0, count: width)
    for (weight, value) in zip(row, v) { for d in 0..<width { sum[d] += weight * value[d] } }
    return sum
  }
}

/// Attention of one head.
/// - Parameter score: the score of query and key, from the scaled product.
func attend(_ q: Rows, _ k: Rows, _ v: Rows, width: Int? = nil, _ score: (Int, Int, Double) -> Double = { $2 }) -> Rows {
  let scores = products(q, k).enumerated().map { i, row in row.enumerated().map { j, product in score(i, j, product) } }
  return weighted(scores.map(softmax), v, width: width ?? v.first?.count ?? q.first?.count ?? 0)
}

/// The columns of a matrix in equal parts: heads.
func parts(_ x: Rows, _ count: Int) -> [Rows] {
  (0..<count).map { part in
    x.map { row in
      let width = row.count / count
      return Array(row[part * width..<(part + 1) * width])
    }
  }
}

/// Matrices beside each other: the heads of each row one after another.
func joined(_ heads: [Rows]) -> Rows {
  guard let first = heads.first else { return [] }
  return first.indices.map { i in heads.flatMap { $0[i] } }
}

/// Rows turned by the angles of their positions, an element of the first half with one of the second.
func rotated(_ x: Rows, from position: Int) -> Rows {
  x.enumerated().map { i, row in
    let half = row.count / 2
    var result = row
    for p in 0..<half {
      let angle = Double(position + i) / pow(10000, Double(p) / Double(half))
      result[p] = row[p] * cos(angle) - row[p + half] * sin(angle)
      result[p + half] = row[p] * sin(angle) + row[p + half] * cos(angle)
    }
    return result
  }
}

func flat(_ x: Rows) -> [Double] { x.flatMap { $0 } }

extension Numbers {
  /// The states of a recurrent layer after each step, by sequence.
  /// - Parameter step: the state of a sequence after a step, from the maps of its input and of its state before, and that state.
  func recurrence(
    _ name: String, _ x: [Rows], size: Int, _ step: (_ x: [Double], _ u: [Double], _ h: [Double]) -> [Double]
  ) -> [Rows] {
    var h = Rows(repeating: [Double](repeating: 0, count: size), count: x.first?.count ?? 0)
    return x.map { inputs in
      let (x, u) = (linear("\(name).input", inputs), linear("\(name).hidden", h))
      h = h.indices.map { step(x[$0], u[$0], h[$0]) }
      return h
    }
  }
}
