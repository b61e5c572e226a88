import HeedIR

extension GraphPass {
  /// Views that change nothing, and views of views.
  static func simplifyView(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    let op = graph.op(node)
    guard op.has(.view) || op == .concatenate || op == .reduce else { return nil }
    let (inputs, result) = (graph.inputs(node), graph.result(node))
    let (input, type) = (inputs[0], graph.type(result))
    let from = graph.type(input)
    let attributes = graph.attributes(node)
    switch op {
    case .reshape:
      if from == type { return input }
      guard let inner = graph.match(input, .reshape)?[0] else { return nil }
      return graph.type(inner) == type ? inner : try state.graph.appendResult(.reshape, [inner], stated: type)
    case .transpose:
      let permutation = attributes.required(.permutation)
      if permutation == Array(0..<permutation.count) { return input }
      guard let inner = graph.definingNode(input, where: .transpose) else { return nil }
      let first = graph.attributes(inner).required(.permutation)
      return try state.graph.appendResult(
        .transpose, [graph.inputs(inner)[0]], attributes: [Attribute(.permutation, permutation.map { first[$0] })])
    case .broadcast:
      if from == type { return input }
      guard let inner = graph.definingNode(input, where: .broadcast) else { return nil }
      let (first, second) = (graph.attributes(inner).required(.dims), attributes.required(.dims))
      return try state.graph.appendResult(
        .broadcast, [graph.inputs(inner)[0]], attributes: [Attribute(.dims, first.map { second[$0] })], stated: type)
    case .slice:
      let isWhole =
        attributes.required(.start).allSatisfy { $0 == 0 } && attributes.required(.stop) == from.shape.extents && from == type
      return isWhole ? input : nil
    case .concatenate: return inputs.count == 1 ? input : nil
    case .reduce: return attributes.required(.dims).isEmpty ? input : nil
    default: return nil
    }
  }

  /// A contract reads a transposed operand by other subscripts.
  static func simplifyContract(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .contract else { return nil }
    var (inputs, subscripts) = (graph.inputs(node), graph.attributes(node).required(.subscripts))
    var sides = [subscripts.left, subscripts.right]
    var changed = false
    for side in sides.indices {
      guard let view = graph.definingNode(inputs[side], where: .transpose) else { continue }
      let permutation = graph.attributes(view).required(.permutation)
      let letters = sides[side]
      inputs[side] = graph.inputs(view)[0]
      sides[side] = permutation.indices.map { letters[permutation.firstIndex(of: $0)!] }
      changed = true
    }
    guard changed else { return try multiplied(&state, node) }
    subscripts = ContractSubscripts(left: sides[0], right: sides[1], result: subscripts.result)
    return try state.graph.appendResult(.contract, inputs, attributes: [Attribute(.subscripts, subscripts)])
  }

  /// A contract that sums over nothing and of which an operand has all dimensions is an elementwise product, which can be fused with what
  /// it is made from.
  private static func multiplied(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let (inputs, type) = (state.graph.inputs(node), state.graph.type(state.graph.result(node)))
    let subscripts = state.graph.attributes(node).required(.subscripts)
    guard subscripts.over.isEmpty, type.rank > 0, [subscripts.left, subscripts.right].contains(where: { $0.count == type.rank }),
      inputs.allSatisfy({ state.graph.type($0).element == type.element })
    else { return nil }
    let extents = Dictionary(uniqueKeysWithValues: zip(subscripts.result, type.shape.extents))
    let factors = try zip(inputs, [subscripts.left, subscripts.right]).map { value, letters in
      let arranged = try state.graph.arrange(value, letters, as: subscripts.result, extent: { extents[$0]! })
      return try state.graph.fit(arranged, as: state.graph.result(node))
    }
    return try state.graph.appendResult(.multiply, factors)
  }
}
