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
      let permutation = attributes.integers("permutation")
      if permutation == Array(0..<permutation.count) { return input }
      guard let inner = graph.definingNode(input, where: .transpose) else { return nil }
      let first = graph.attributes(inner).integers("permutation")
      return try state.graph.appendResult(
        .transpose, [graph.inputs(inner)[0]], attributes: [.integers("permutation", permutation.map { first[$0] })])
    case .broadcast:
      if from == type { return input }
      guard let inner = graph.definingNode(input, where: .broadcast) else { return nil }
      let (first, second) = (graph.attributes(inner).integers("dims"), attributes.integers("dims"))
      return try state.graph.appendResult(
        .broadcast, [graph.inputs(inner)[0]], attributes: [.integers("dims", first.map { second[$0] })], stated: type)
    case .slice:
      let isWhole =
        attributes.extents("start").allSatisfy { $0 == 0 } && attributes.extents("stop") == from.shape.extents && from == type
      return isWhole ? input : nil
    case .concatenate: return inputs.count == 1 ? input : nil
    case .reduce: return attributes.integers("dims").isEmpty ? input : nil
    default: return nil
    }
  }

  /// A contract reads a transposed operand by other subscripts.
  static func simplifyContract(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .contract else { return nil }
    var (inputs, subscripts) = (graph.inputs(node), graph.attributes(node).subscripts)
    var changed = false
    for (side, path) in [\ContractSubscripts.left, \ContractSubscripts.right].enumerated() {
      guard let view = graph.definingNode(inputs[side], where: .transpose) else { continue }
      let permutation = graph.attributes(view).integers("permutation")
      let letters = subscripts[keyPath: path]
      inputs[side] = graph.inputs(view)[0]
      subscripts[keyPath: path] = permutation.indices.map { letters[permutation.firstIndex(of: $0)!] }
      changed = true
    }
    return changed ? try state.graph.appendResult(.contract, inputs, attributes: [.subscripts(subscripts)]) : nil
  }
}
