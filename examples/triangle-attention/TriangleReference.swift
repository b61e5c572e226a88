import Foundation

/// Triangle attention and its derivative in plain loops and double precision, pair by pair as the formulas say.
///
///     y_ij = norm(z_ij),  a_ijk = softmax over k of (q_ij . k_ik / sqrt(d) + b_jk),  o_ij = W (sigmoid(g_ij) * sum over k of a_ijk v_ik) + c
///
/// Around the ending node, k and v are those of (k, j), and b that of (k, i).
final class TriangleReference {
  private let (size, heads) = (TriangleLayer.size, TriangleLayer.heads)
  private let count: Int
  private let isEnding: Bool
  private let name: String
  private let weights: [String: [Double]]
  /// The gradients of the parameters, by their names in the graph.
  private(set) var gradients: [String: [Double]] = [:]

  // What `forward` leaves for `backward`, row by row of pairs.
  private var (deviations, normal, rows): ([Double], [[Double]], [[Double]]) = ([], [], [])
  private var maps: [String: [[Double]]] = [:]
  /// For each pair and head, the weights over k.
  private var attention: [[[Double]]] = []
  private var sums: [[Double]] = []

  init(_ name: String, isEnding: Bool, _ weights: [String: [Double]], _ count: Int) {
    (self.name, self.isEnding, self.count) = (name, isEnding, count)
    self.weights = weights.filter { $0.key.hasPrefix("\(name).") }
  }

  private func weight(_ part: String) -> [Double]? { weights["\(name).\(part)"] }
  private func pair(_ i: Int, _ j: Int) -> Int { i * count + j }
  /// The pair that (i, j) attends to through k, and the one that closes the triangle.
  private func edge(_ i: Int, _ j: Int, _ k: Int) -> Int { isEnding ? pair(k, j) : pair(i, k) }
  private func thirdEdge(_ i: Int, _ j: Int, _ k: Int) -> Int { isEnding ? pair(k, i) : pair(j, k) }

  func forward(_ z: [Double]) -> [Double] {
    let pairs = count * count
    for p in 0..<pairs {
      let x = Array(z[p * size..<(p + 1) * size])
      let average = x.reduce(0, +) / Double(size)
      let deviation = (x.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(size) + 1e-5).squareRoot()
      deviations.append(deviation)
      normal.append(x.map { ($0 - average) / deviation })
      rows.append((0..<size).map { normal[p][$0] * weight("norm.weight")![$0] + weight("norm.bias")![$0] })
    }
    for part in ["query", "key", "value", "bias", "gate"] { maps[part] = rows.map { map(part, $0) } }
    let width = size / heads
    attention = Array(repeating: [], count: pairs)
    sums = Array(repeating: Array(repeating: 0, count: size), count: pairs)
    for i in 0..<count {
      for j in 0..<count {
        for h in 0..<heads {
          let scores = (0..<count).map { k in
            var product = 0.0
            for d in h * width..<(h + 1) * width { product += maps["query"]![pair(i, j)][d] * maps["key"]![edge(i, j, k)][d] }
            return product / Double(width).squareRoot() + maps["bias"]![thirdEdge(i, j, k)][h]
          }
          let exponentials = scores.map { exp($0 - scores.max()!) }
          let shares = exponentials.map { $0 / exponentials.reduce(0, +) }
          attention[pair(i, j)].append(shares)
          for k in 0..<count {
            for d in h * width..<(h + 1) * width { sums[pair(i, j)][d] += shares[k] * maps["value"]![edge(i, j, k)][d] }
          }
        }
      }
    }
    return (0..<pairs).flatMap { p in map("output", (0..<size).map { sums[p][$0] * logistic(maps["gate"]![p][$0]) }) }
  }

  /// The gradient by the pairs, from that by the result.
  func backward(_ slope: [Double]) -> [Double] {
    let (pairs, width) = (count * count, size / heads)
    var slopes: [String: [[Double]]] = [:]
    for part in ["query", "key", "value", "gate"] {
      slopes[part] = Array(repeating: Array(repeating: 0, count: size), count: pairs)
    }
    slopes["bias"] = Array(repeating: Array(repeating: 0, count: heads), count: pairs)
    for i in 0..<count {
      for j in 0..<count {
        let p = pair(i, j)
        let gates = maps["gate"]![p].map(logistic)
        let own = Array(slope[p * size..<(p + 1) * size])
        let gated = mapBack("output", (0..<size).map { sums[p][$0] * gates[$0] }, own)
        for d in 0..<size { slopes["gate"]![p][d] = gated[d] * sums[p][d] * gates[d] * (1 - gates[d]) }
        for h in 0..<heads {
          var ofShares = [Double](repeating: 0, count: count)
          for k in 0..<count {
            for d in h * width..<(h + 1) * width {
              let ofSum = gated[d] * gates[d]
              ofShares[k] += ofSum * maps["value"]![edge(i, j, k)][d]
              slopes["value"]![edge(i, j, k)][d] += attention[p][h][k] * ofSum
            }
          }
          let average = zip(attention[p][h], ofShares).reduce(0) { $0 + $1.0 * $1.1 }
          for k in 0..<count {
            let ofScore = attention[p][h][k] * (ofShares[k] - average)
            slopes["bias"]![thirdEdge(i, j, k)][h] += ofScore
            for d in h * width..<(h + 1) * width {
              let scaled = ofScore / Double(width).squareRoot()
              slopes["query"]![p][d] += scaled * maps["key"]![edge(i, j, k)][d]
              slopes["key"]![edge(i, j, k)][d] += scaled * maps["query"]![p][d]
            }
          }
        }
      }
    }
    return (0..<pairs).flatMap { p in
      var ofRow = [Double](repeating: 0, count: size)
      for (part, all) in slopes { for (d, number) in mapBack(part, rows[p], all[p]).enumerated() { ofRow[d] += number } }
      add(zip(ofRow, normal[p]).map { $0 * $1 }, to: "norm.weight")
      add(ofRow, to: "norm.bias")
      let ofNormal = zip(ofRow, weight("norm.weight")!).map { $0 * $1 }
      let average = ofNormal.reduce(0, +) / Double(size)
      let along = zip(ofNormal, normal[p]).reduce(0) { $0 + $1.0 * $1.1 } / Double(size)
      return (0..<size).map { (ofNormal[$0] - average - normal[p][$0] * along) / deviations[p] }
    }
  }

  /// A linear map of one row.
  private func map(_ part: String, _ row: [Double]) -> [Double] {
    let matrix = weight("\(part).weight")!
    var result = weight("\(part).bias") ?? Array(repeating: 0, count: matrix.count / size)
    for output in result.indices { for input in 0..<size { result[output] += matrix[output * size + input] * row[input] } }
    return result
  }

  /// The gradient by the row; those by the matrix and the bias are added to what is there.
  private func mapBack(_ part: String, _ row: [Double], _ slope: [Double]) -> [Double] {
    let matrix = weight("\(part).weight")!
    add(slope.flatMap { number in row.map { number * $0 } }, to: "\(part).weight")
    if weight("\(part).bias") != nil { add(slope, to: "\(part).bias") }
    var result = [Double](repeating: 0, count: size)
    for output in slope.indices { for input in 0..<size { result[input] += matrix[output * size + input] * slope[output] } }
    return result
  }

  private func add(_ numbers: [Double], to part: String) {
    let old = gradients["\(name).\(part)"] ?? Array(repeating: 0, count: numbers.count)
    gradients["\(name).\(part)"] = zip(old, numbers).map { $0 + $1 }
  }
}

private func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
