extension Score {
  /// A learned bias for each head and distance of two nodes of a graph.
  ///
  /// Source: Ying et al., "Do transformers really perform badly for graph representation?", 2021, spatial encoding.
  ///
  /// - Parameters:
  ///   - table: floats `[heads, distances]`.
  ///   - distances: for each pair of nodes its place in the table, integers `[batch, nodes, nodes]`.
  public static func graphDistances(_ table: Tensor, distances: Tensor) -> Score {
    Score { score, pair in score + perGraphPair(table, distances, pair) }
  }

  /// The mean over the edges on the shortest path between two nodes of a learned bias for each head, place on the path and kind of edge.
  ///
  /// Source: Ying et al., "Do transformers really perform badly for graph representation?", 2021, edge encoding.
  ///
  /// - Parameters:
  ///   - table: floats `[heads, places, kinds]`, of a few places: longer paths are cut off there.
  ///   - edges: the kind of each edge of the path, integers `[batch, nodes, nodes, places]`.
  ///   - lengths: how many edges each path has, at most the number of places, integers `[batch, nodes, nodes]`; 0 where there is none.
  public static func graphEdges(_ table: Tensor, edges: Tensor, lengths: Tensor) -> Score {
    Score { score, pair in
      guard table.rank == 3, lengths.rank == 3, let places = table.extent(1).constant, (1...1024).contains(places) else {
        return pair.builder.fail(
          "graphEdges: got the table \(table.summary) and lengths \(lengths.summary), expected [heads, places, kinds] and "
            + "[batch, nodes, nodes], with a number of places up to 1024", nil, guess: score.type)
      }
      let length = lengths.reshape([lengths.extent(0), 1, lengths.extent(1), lengths.extent(2)])
      let biases = (0..<places).map { place in
        select(length > place, perGraphPair(table[0..., place], edges[.rest, place], pair), 0.0)
      }
      let sum = biases.dropFirst().reduce(biases[0]) { $0 + $1 }
      return score + sum / maximum(length, 1).cast(to: table.element)
    }
  }

  /// The element of `[heads, entries]` at `[batch, nodes, nodes]`: `[batch, heads, nodes, nodes]`.
  private static func perGraphPair(_ table: Tensor, _ entries: Tensor, _ pair: Pairs) -> Tensor {
    guard table.rank == 2, entries.rank == 3, pair.shape.rank == 4 else {
      return pair.builder.fail(
        "got the table \(table.summary) at \(entries.summary) for scores \(pair.shape), expected [heads, entries] at "
          + "[batch, nodes, nodes] for scores of rank 4", nil, guess: table.type)
    }
    return table.gather(entries, dimension: 1).transposed(1, 0, 2, 3)
  }
}
