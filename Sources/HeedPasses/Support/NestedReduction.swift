import HeedIR

/// Reductions of reductions as one along all their dimensions: sums of sums, logarithms of sums of exponentials of such. Dimensions that
/// were reduced may be kept as such of extent 1.
struct NestedReduction {
  /// What is reduced.
  private(set) var operand: ValueID
  /// The dimensions of the operand that are reduced, in order.
  private(set) var dims: [Int]
  /// For each other dimension of the operand, in order, the dimension of the outermost result; nil for one of extent 1 that it does not
  /// have.
  private(set) var dimensions: [Int?]

  /// The reduction that `node` is the last step of.
  /// - Parameter reduced: the dimensions that a node reduces; nil where it is not such a reduction.
  init(_ node: NodeID, in graph: Graph, reduced: (NodeID) -> [Int]?) {
    (operand, dims) = (graph.inputs(node)[0], (reduced(node) ?? []).sorted())
    dimensions = Array(0..<(graph.type(operand).rank - dims.count))
    while true {
      let arrangement = Arrangement(operand, in: graph)
      guard let inner = graph.definingNode(arrangement.source), let first = reduced(inner),
        !arrangement.views.contains(where: graph.repeatsElements)
      else { return }
      let kept = (0..<graph.type(operand).rank).filter { !dims.contains($0) }
      operand = graph.inputs(inner)[0]
      let others = (0..<graph.type(operand).rank).filter { !first.contains($0) }
      let places = zip(others, arrangement.dimensions)
      let second = places.compactMap { other, place in place.map { dims.contains($0) ? other : nil } ?? nil }
      dimensions = places.compactMap { other, place -> Int?? in
        second.contains(other) ? nil : .some(place.flatMap { kept.firstIndex(of: $0) }.flatMap { dimensions[$0] })
      }
      dims = (first + second).sorted()
    }
  }
}
