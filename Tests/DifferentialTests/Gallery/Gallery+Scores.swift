import Foundation
import Heed
import HeedTestSupport

extension Gallery {
  static func scores(unit: Int) -> [GalleryEntry] { plainScores(unit) + learnedScores(unit) + graphScores(unit) }

  private static func score(
    _ name: String, _ tables: [GalleryEntry.Table] = [], queries: Extent = "M", keys: Extent = "N", sizes: [[Name: Int]],
    tolerance: Double? = nil, _ score: @escaping @Sendable ([String: Tensor]) -> Score,
    _ change: @escaping @Sendable (Sample) -> (Double, GalleryEntry.Pair) -> Double
  ) -> GalleryEntry {
    GalleryEntry(
      name: name, kind: .scores, isForAnyHeads: tables.isEmpty, queries: queries, keys: keys, sizes: sizes, tables: tables,
      score: score, change: change,
      tolerance: tolerance)
  }

  private static func plainScores(_ unit: Int) -> [GalleryEntry] {
    let sizes = pairsOfLengths(unit)
    let slope: @Sendable (Int) -> Double = { pow(2, -2 * Double($0 + 1)) }
    var causal = score("ALiBi and causal", queries: "S", keys: "S", sizes: lengths(unit)) { _ in
      .alibi()
    } _: { _ in
      { $0 - slope($1.head) * Double($1.query - $1.key) }
    }
    // A dead pair's score is not looked at.
    causal.mask = { _ in .causal() }
    causal.live = { _ in { $0.key <= $0.query } }
    return [
      score("ALiBi", sizes: sizes) { _ in
        .alibi()
      } _: { _ in
        { $0 - slope($1.head) * Double(abs($1.query - $1.key)) }
      },
      causal,
      score("soft cap", sizes: sizes) { _ in
        .softCap(1.5)
      } _: { _ in
        { score, _ in 1.5 * tanh(score / 1.5) }
      },
      // Off by the approximation, whose bound is tested by itself.
      score("approximate soft cap", sizes: sizes) { _ in
        .approximateSoftCap(1.5)
      } _: { _ in
        { score, _ in
          let x = score / 1.5
          // The continued fraction x / (1 + x^2 / (3 + x^2 / (5 + x^2 / (7 + x^2 / 9)))).
          let fraction = [9.0, 7, 5, 3, 1].dropFirst().reduce(9.0) { $1 + x * x / $0 }
          return 1.5 * min(1, max(-1, x / fraction))
        }
      },
      score("soft cap, then ALiBi", sizes: sizes) { _ in
        Score.softCap(2).then(.alibi())
      } _: { _ in
        { 2 * tanh($0 / 2) - slope($1.head) * Double(abs($1.query - $1.key)) }
      },
      // Cosines of hundreds of radians.
      score("sandwich", sizes: sizes, tolerance: 1e-4) { _ in
        .sandwich(size: 16)
      } _: { _ in
        { score, pair in
          let sum = (0..<8).reduce(0) { $0 + cos(Double(pair.query - pair.key) / pow(10000, Double($1) / 8)) }
          return score + sum * 4 / (8 * Double(pair.head + 1))
        }
      },
      score(
        "rotary part of latent attention",
        [
          .init(name: "qr", element: nil, shape: ["B", Extent(GalleryEntry.heads), "M", 6]),
          .init(name: "kr", element: nil, shape: ["B", 1, "N", 6]),
        ], sizes: sizes
      ) {
        .latentRotary(query: $0["qr"]!, key: $0["kr"]!, scale: 0.4)
      } _: { sample in
        let (qr, kr) = (sample.reals("qr"), sample.reals("kr"))
        return { score, pair in
          let query = ((pair.batch * GalleryEntry.heads + pair.head) * sample.queries + pair.query) * 6
          let key = (pair.batch * sample.keys + pair.key) * 6
          return score + 0.4 * (0..<6).reduce(0) { $0 + qr[query + $1] * kr[key + $1] }
        }
      },
    ]
  }

  private static func learnedScores(_ unit: Int) -> [GalleryEntry] {
    let (sizes, heads) = (pairsOfLengths(unit), Extent(GalleryEntry.heads))
    return [
      score("bias per head", [.init(name: "bias", element: nil, shape: [heads])], sizes: sizes) {
        .perHeadBias($0["bias"]!)
      } _: { sample in
        let bias = sample.reals("bias")
        return { $0 + bias[$1.head] }
      },
      score("bias per head and pair", [.init(name: "bias", element: nil, shape: [heads, "M", "N"])], sizes: sizes) {
        .perHeadBias($0["bias"]!)
      } _: { sample in
        let bias = sample.reals("bias")
        return { $0 + bias[($1.head * sample.queries + $1.query) * sample.keys + $1.key] }
      },
      score("dense bias", [.init(name: "bias", element: nil, shape: ["B", 1, "M", "N"])], sizes: sizes) {
        .bias($0["bias"]!)
      } _: { sample in
        let bias = sample.reals("bias")
        return { $0 + bias[($1.batch * sample.queries + $1.query) * sample.keys + $1.key] }
      },
      score("T5 relative positions", [.init(name: "table", element: nil, shape: [32, heads])], sizes: sizes) {
        .relativePositions(RelativePositionBias(table: Embedding(weight: $0["table"]!)))
      } _: { sample in
        let table = sample.reals("table")
        return { score, pair in
          let distance = abs(pair.key - pair.query)
          var bucket = distance
          if distance >= 8 { bucket = min(15, 8 + Int(log(Double(distance) / 8) / log(16) * 8)) }
          return score + table[(bucket + (pair.key > pair.query ? 16 : 0)) * GalleryEntry.heads + pair.head]
        }
      },
      score("table of relative positions", [.init(name: "table", element: nil, shape: [heads, 41])], sizes: sizes) {
        .relativeTable($0["table"]!)
      } _: { sample in
        let table = sample.reals("table")
        return { $0 + table[$1.head * 41 + 20 + min(20, max(-20, $1.key - $1.query))] }
      },
      score(
        "table of relative places on a grid", [.init(name: "table", element: nil, shape: [heads, 13 * 17])], queries: 63, keys: 63,
        sizes: [[:]]
      ) {
        .relativeGridTable($0["table"]!, grid: (7, 9))
      } _: { sample in
        let table = sample.reals("table")
        return { score, pair in
          let (row, column) = (pair.query / 9 - pair.key / 9, pair.query % 9 - pair.key % 9)
          return score + table[pair.head * 13 * 17 + (row + 6) * 17 + column + 8]
        }
      },
    ]
  }

  private static func graphScores(_ unit: Int) -> [GalleryEntry] {
    let (sizes, heads) = (lengths(unit), Extent(GalleryEntry.heads))
    func entries(_ name: String, _ shape: Shape, below count: Int) -> GalleryEntry.Table {
      GalleryEntry.Table(name: name, element: .i32, shape: shape) { sample, numbers in
        let places = shape.rank == 4 ? 3 : 1
        return (0..<(sample["B"] * sample["S"] * sample["S"] * places)).map { _ in numbers.integer(0..<count) }
      }
    }
    return [
      score(
        "distances in a graph",
        [.init(name: "table", element: nil, shape: [heads, 7]), entries("distances", ["B", "S", "S"], below: 7)],
        queries: "S", keys: "S", sizes: sizes
      ) {
        .graphDistances($0["table"]!, distances: $0["distances"]!)
      } _: { sample in
        let (table, distances) = (sample.reals("table"), sample.integers("distances"))
        return { $0 + table[$1.head * 7 + distances[($1.batch * sample.queries + $1.query) * sample.keys + $1.key]] }
      },
      score(
        "edges of a graph",
        [
          .init(name: "table", element: nil, shape: [heads, 3, 5]), entries("edges", ["B", "S", "S", 3], below: 5),
          entries("lengths", ["B", "S", "S"], below: 4),
        ], queries: "S", keys: "S", sizes: sizes
      ) {
        .graphEdges($0["table"]!, edges: $0["edges"]!, lengths: $0["lengths"]!)
      } _: { sample in
        let (table, edges, lengths) = (sample.reals("table"), sample.integers("edges"), sample.integers("lengths"))
        return { score, pair in
          let place = (pair.batch * sample.queries + pair.query) * sample.keys + pair.key
          let biases = (0..<lengths[place]).map { table[(pair.head * 3 + $0) * 5 + edges[place * 3 + $0]] }
          return biases.isEmpty ? score : score + biases.reduce(0, +) / Double(biases.count)
        }
      },
    ]
  }
}
