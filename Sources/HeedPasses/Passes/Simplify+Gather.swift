import HeedIR

extension GraphPass {
  /// A table picked by its own places in order is the table: `gather %t, %i {dim = 0}`, where `%i` counts along a dimension of the
  /// table's extent, is `broadcast %t`.
  static func simplifyGather(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .gather else { return nil }
    let (table, indices, type) = (graph.inputs(node)[0], graph.inputs(node)[1], graph.type(graph.result(node)))
    let (from, places) = (graph.type(table), graph.type(indices))
    let dimension = graph.attributes(node).required(.dim)
    guard let counted = graph.countedDimension(indices),
      places.shape[counted].isEqual(to: from.shape[dimension], given: graph.facts)
    else { return nil }
    let dims = (0..<from.rank).map { $0 < dimension ? $0 : $0 == dimension ? dimension + counted : $0 + places.rank - 1 }
    return try state.graph.appendResult(.broadcast, [table], attributes: [Attribute(.dims, dims)], stated: type)
  }
}

extension Graph {
  /// The dimension along which `value` holds 0, 1, 2, ..., where it is an iota, or one with dimensions of extent 1 put in or out.
  fileprivate func countedDimension(_ value: ValueID) -> Int? {
    guard let node = definingNode(value), [.i32, .i64].contains(type(value).element) else { return nil }
    if op(node) == .iota { return attributes(node).required(.dim) }
    guard op(node) == .reshape, let counted = countedDimension(inputs(node)[0]) else { return nil }
    return dimensionsOfView(node)?[counted]
  }
}
