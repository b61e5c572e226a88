public import HeedArrays
internal import HeedIR

extension CompiledGraph {
  /// The pairs of a query and a key that a call computes, in all heads of all attentions: those of the tiles that masks do not rule out.
  ///
  /// ```swift
  /// let pairs = try program.attendedPairs(sizes: ["S": 65536])
  /// ```
  /// Statistics of weights and derivatives are not counted. Where masks differ from head to head, it is as many times what the first 16 heads
  /// have.
  /// - Parameters:
  ///   - sizes: the values of the graph's symbols.
  ///   - tables: the inputs that masks read.
  /// - Throws: where a symbol has no value or is unknown, a mask reads an input that is not given, or there are more than a million tiles.
  public func attendedPairs(sizes: [String: Int] = [:], tables: [String: NDArray] = [:]) throws
    -> Double
  {
    let binding = try graph.binding(sizes)
    let given = Dictionary(uniqueKeysWithValues: tables.map { (Name($0.key), $0.value) })
    let attentions = graph.body.filter { graph.op($0) == .attention }
    return try attentions.reduce(0) {
      try $0
        + AttentionMaps(graph, $1, target: lowered.target, binding: binding, given: given)
        .attendedPairs
    }
  }
}
