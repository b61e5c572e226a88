import Foundation
import Heed

/// Five sets of sentences: what is claimed must hold in each.
private let texts = [
  ["The old bridge over the river was closed after the flood.", "She wrote the letter by hand and sealed it with wax."],
  ["Most birds fly south before the first snow falls.", "A small boat drifted slowly towards the empty harbour."],
  ["The teacher asked the class to read the poem aloud.", "Fresh bread cools on the table near the open window."],
  ["Engineers tested the new engine for three whole days.", "He lost his keys somewhere between the station and home."],
  ["The museum shows paintings that nobody had seen before.", "When the music stopped, everyone in the hall stood still."],
]

/// The heads of the pretrained encoder beside each other, and beside those of an encoder that was never trained.
func compareHeads(_ laboratory: Laboratory) throws {
  let encoder = try PretrainedEncoder()
  let size = encoder.configuration.headCount
  var sums: [[Double]] = []
  for (number, seed) in laboratory.seeds.enumerated() {
    let maps = try texts[number].map(encoder.attention)
    let found = divergences(maps)
    let untrained = try PretrainedEncoder(randomWeights: seed)
    let random = divergences(try texts[number].map(untrained.attention))
    func pairs(_ matrix: [[Double]], _ isMeant: (Int, Int) -> Bool = { _, _ in true }) -> [Double] {
      matrix.indices.flatMap { a in matrix.indices.filter { $0 > a && isMeant(a, $0) }.map { matrix[a][$0] } }
    }
    laboratory.measure("differ", mean(pairs(found)))
    laboratory.measure("distinct", pairs(found).min()!)
    laboratory.measure("untrained", mean(pairs(random)) / mean(pairs(found)))
    laboratory.measure(
      "layers", mean(pairs(found) { $0 / size == $1 / size }) / mean(pairs(found) { $0 / size != $1 / size }))
    for (name, offset) in [("previous", -1), ("the same", 0), ("next", 1)] {
      let weights = found.indices.map { weight(maps, head: $0, offset) }
      let best = weights.indices.max { weights[$0] < weights[$1] }!
      if name == "previous" { laboratory.measure("previous", weights[best]) }
      guard number == 0 else { continue }
      let title = "Head \(best % size + 1) of layer \(best / size + 1)"
      laboratory.say("\(title) attends to \(name) token: weight \(shown(weights[best]))")
      if name == "previous" {
        try laboratory.draw(maps[0].picture(of: best, title: "\(title) looks at the previous token"), "previous")
      }
    }
    sums = sums.isEmpty ? found : zip(sums, found).map { zip($0, $1).map(+) }
  }
  let places = places(sums.map { $0.map { $0 / Double(laboratory.seeds.count) } })
  try laboratory.draw(
    Plot(
      title: "The \(sums.count) heads of the pretrained encoder: near heads attend alike",
      x: Plot.Axis(label: "scaled divergence, first axis"),
      y: Plot.Axis(label: "second axis"),
      series: (0..<sums.count / size).map { layer in
        Plot.Series(title: "layer \(layer + 1)", points: Array(places[layer * size..<(layer + 1) * size]), style: .points)
      }, key: "outside right"))
}

/// The weight that a head gives to the token this far from the query, on average over the words of texts.
private func weight(_ maps: [AttentionMaps], head: Int, _ offset: Int) -> Double {
  mean(maps.flatMap { map in (2..<map.tokens.count - 2).map { map.heads[head][$0][$0 + offset] } })
}

/// For each two heads the Jensen-Shannon divergence of their weights in bits, on average over queries.
private func divergences(_ maps: [AttentionMaps]) -> [[Double]] {
  let rows = maps[0].heads.indices.map { head in maps.flatMap { $0.heads[head] } }
  var matrix = rows.map { _ in [Double](repeating: 0, count: rows.count) }
  for a in rows.indices {
    for b in 0..<a {
      let divergence = mean(
        zip(rows[a], rows[b]).map { p, q in
          zip(p, q).reduce(0) { sum, pair in
            let middle = (pair.0 + pair.1) / 2
            return sum + [pair.0, pair.1].reduce(0) { $0 + ($1 > 0 ? $1 * log2($1 / middle) / 2 : 0) }
          }
        })
      (matrix[a][b], matrix[b][a]) = (divergence, divergence)
    }
  }
  return matrix
}

/// Points of the plane whose distances are nearest to the roots of divergences, a metric (classical scaling, Torgerson 1952).
private func places(_ squares: [[Double]]) -> [(x: Double, y: Double)] {
  let (means, all) = (squares.map(mean), mean(squares.map(mean)))
  var products = squares.indices.map { a in squares.indices.map { (means[a] + means[$0] - squares[a][$0] - all) / 2 } }
  let axes = (0..<2).map { _ in
    var vector = squares.indices.map { Double($0 % 7) - 3 }
    var value = 0.0
    for _ in 0..<500 {
      let next = products.map { zip($0, vector).reduce(0) { $0 + $1.0 * $1.1 } }
      value = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
      vector = next.map { $0 / value }
    }
    products = products.indices.map { a in products.indices.map { products[a][$0] - value * vector[a] * vector[$0] } }
    return vector.map { $0 * value.squareRoot() }
  }
  return zip(axes[0], axes[1]).map { ($0, $1) }
}
