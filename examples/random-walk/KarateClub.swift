import Heed

/// The 34 members of a karate club, and in how many places each two of them met outside of it. A quarrel split the club in two.
///
/// Source: W. W. Zachary, "An information flow model for conflict and fission in small groups", Journal of Anthropological Research 33,
/// 1977, as networkx 3.6 reads it (BSD license): where the two halves of the printed matrix differ, the lower one counts.
enum KarateClub {
  /// How strong the tie of each two members is; 0 where they did not meet.
  static let weights: [[Double]] = """
    0 4 5 3 3 3 3 2 2 0 2 3 1 3 0 0 0 2 0 2 0 2 0 0 0 0 0 0 0 0 0 2 0 0
    4 0 6 3 0 0 0 4 0 0 0 0 0 5 0 0 0 1 0 2 0 2 0 0 0 0 0 0 0 0 2 0 0 0
    5 6 0 3 0 0 0 4 5 1 0 0 0 3 0 0 0 0 0 0 0 0 0 0 0 0 0 2 2 0 0 0 2 0
    3 3 3 0 0 0 0 3 0 0 0 0 3 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    3 0 0 0 0 0 2 0 0 0 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    3 0 0 0 0 0 5 0 0 0 3 0 0 0 0 0 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    3 0 0 0 2 5 0 0 0 0 0 0 0 0 0 0 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    2 4 4 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    2 0 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 0 3 4
    0 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2
    2 0 0 0 3 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    1 0 0 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    3 5 3 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 2
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 4
    0 0 0 0 0 3 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    2 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 2
    2 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 1
    2 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2 3
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 4 0 3 0 0 5 4
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2 0 3 0 0 0 2 0 0
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 2 0 0 0 0 0 0 7 0 0
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4 0 0 0 2
    0 0 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4 3 0 0 0 0 0 0 0 0 4
    0 0 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2 0 2
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 0 0 4 0 0 0 0 0 4 2
    0 2 0 0 0 0 0 0 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 3
    2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2 7 0 0 2 0 0 0 4 4
    0 0 2 0 0 0 0 0 3 0 0 0 0 0 3 3 0 0 1 0 3 0 2 5 0 0 0 0 0 4 3 4 0 5
    0 0 0 0 0 0 0 0 4 2 0 0 0 3 2 4 0 0 2 1 1 0 3 4 0 0 2 4 2 2 3 4 5 0
    """.split(separator: "\n").map { $0.split(separator: " ").map { Double($0)! } }

  /// Who went with Mr. Hi, the trainer (node 0); the others went with the officer (node 33).
  static let isOfMrHi = weights.indices.map { [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21].contains($0) }

  /// The least number of edges between each two members.
  static let distances: [[Int]] = weights.indices.map { start in
    var distances = weights.indices.map { $0 == start ? 0 : Int.max }
    var reached = [start]
    while !reached.isEmpty {
      let node = reached.removeFirst()
      for other in weights.indices where weights[node][other] > 0 && distances[other] == Int.max {
        distances[other] = distances[node] + 1
        reached.append(other)
      }
    }
    return distances
  }

  /// The club: colours by the numbers of two sides, `[N, 2]`, shapes by the side that each member took.
  static func diagram(sides: [Double], labelled: [Int]) -> Diagram {
    let nodes = weights.indices.map { node in
      let right = (sides[2 * node] > sides[2 * node + 1]) == isOfMrHi[node]
      let style = labelled.contains(node) ? "penwidth=4" : right ? "penwidth=1" : "penwidth=4 color=\"#CC79A7\""
      return "\(node) [shape=\(isOfMrHi[node] ? "circle" : "square") fillcolor=\"\(colour(sides[2 * node]))\" \(style)]"
    }
    let edges = weights.indices.flatMap { i in
      (0..<i).filter { weights[i][$0] > 0 }.map { "\(i) -- \($0) [penwidth=\(0.3 + 0.25 * weights[i][$0])]" }
    }
    let title = """
      Who goes with Mr. Hi (0, circles), who with the officer (33, squares)?\\n\
      Colours: the guess of attention that was told these two alone. Ringed: a wrong guess
      """
    return Diagram(
      layout: "neato",
      text: """
        graph club {
          graph [label="\(title)" labelloc=t fontname="DejaVu Sans" fontsize=16 overlap=false splines=true size="9,7"]
          node [style=filled fontname="DejaVu Sans" fontsize=13 width=0.45 fixedsize=true]
          edge [color="#888888"]
          \((nodes + edges).joined(separator: "\n  "))
        }
        """)
  }

  /// From orange for 0 over white to blue for 1.
  private static func colour(_ share: Double) -> String {
    let (end, amount) = share > 0.5 ? ((86.0, 180.0, 233.0), 2 * share - 1) : ((230.0, 159.0, 0.0), 1 - 2 * share)
    let parts = [end.0, end.1, end.2].map { Int(255 + ($0 - 255) * amount) }
    return "#" + parts.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
