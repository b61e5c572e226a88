import Heed

/// The rows of a matrix.
typealias Rows = [[Double]]

/// The arguments of a model, for its reference.
struct Numbers: Sendable {
  private let arrays: [String: (shape: [Int], elements: [Double])]
  private let symbols: [String: Int]

  init(_ arrays: [String: NDArray], _ symbols: [String: Int]) throws {
    self.arrays = try arrays.mapValues { ($0.shape, try $0.converted(to: .f64).doubles()) }
    self.symbols = symbols
  }

  private func array(_ name: String) -> (shape: [Int], elements: [Double]) {
    guard let array = arrays[name] else { fatalError("a reference asks for '\(name)', which its model does not have") }
    return array
  }

  /// The value of a symbol.
  func size(_ symbol: String) -> Int {
    guard let value = symbols[symbol] else { fatalError("a reference asks for '\(symbol)', which its model does not have") }
    return value
  }

  func list(_ name: String) -> [Double] { array(name).elements }
  func integers(_ name: String) -> [Int] { list(name).map { Int($0) } }

  /// An array as a matrix: its dimensions after the first count as one.
  func rows(_ name: String) -> Rows {
    let (shape, elements) = array(name)
    let width = shape.dropFirst().reduce(1, *)
    return (0..<shape[0]).map { Array(elements[$0 * width..<($0 + 1) * width]) }
  }

  /// An array of three dimensions; those after the third count as one.
  func matrices(_ name: String) -> [Rows] {
    let count = array(name).shape[1]
    return rows(name).map { row in
      let width = count == 0 ? 0 : row.count / count
      return (0..<count).map { Array(row[$0 * width..<($0 + 1) * width]) }
    }
  }

  /// An array of four dimensions.
  func heads(_ name: String) -> [[Rows]] {
    let (shape, elements) = array(name)
    var place = 0
    return (0..<shape[0]).map { _ in
      (0..<shape[1]).map { _ in
        (0..<shape[2]).map { _ in
          defer { place += shape[3] }
          return Array(elements[place..<place + shape[3]])
        }
      }
    }
  }
}

// MARK: Layers

extension Numbers {
  func linear(_ name: String, _ x: Rows) -> Rows {
    let (matrix, bias) = (rows("\(name).weight"), arrays["\(name).bias"]?.elements)
    return x.map { row in matrix.enumerated().map { output, weights in dot(row, weights) + (bias?[output] ?? 0) } }
  }

  func layerNorm(_ name: String, _ x: Rows) -> Rows {
    let (weight, bias) = (list("\(name).weight"), list("\(name).bias"))
    return x.map { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      return row.indices.map { (row[$0] - mean) / (variance + 1e-5).squareRoot() * weight[$0] + bias[$0] }
    }
  }

  func rmsNorm(_ name: String, _ x: Rows, epsilon: Double = 1e-5) -> Rows {
    let weight = list("\(name).weight")
    return x.map { row in
      let square = row.reduce(0.0) { $0 + $1 * $1 } / Double(row.count)
      return row.indices.map { row[$0] / (square + epsilon).squareRoot() * weight[$0] }
    }
  }

  func feedForward(_ name: String, _ x: Rows, isGated: Bool = false, _ activation: (Double) -> Double) -> Rows {
    var hidden = linear("\(name).up", x)
    if isGated {
      let gates = linear("\(name).gate", x)
      for i in hidden.indices { for j in hidden[i].indices { hidden[i][j] *= activation(gates[i][j]) } }
    } else {
      hidden = hidden.map { $0.map(activation) }
    }
    return linear("\(name).down", hidden)
  }

  /// - Parameter score: the score of head, query and key, from the scaled product.
  func multiHead(
    _ name: String, _ x: Rows, _ context: Rows, heads count: Int, _ score: (Int, Int, Int, Double) -> Double = { $3 }
  ) -> Rows {
    let q = parts(linear("\(name).query", x), count)
    let k = parts(linear("\(name).key", context), count)
    let v = parts(linear("\(name).value", context), count)
    return linear("\(name).output", joined((0..<count).map { h in attend(q[h], k[h], v[h]) { score(h, $0, $1, $2) } }))
  }
}
