import HeedIR

/// A reshape that only splits one dimension of its operand into several: `[B*H, M, N]` to `[B, H, M, N]`.
private struct DimensionSplit {
  let dimension: Int
  let extents: [Extent]

  init?(from: [Extent], to: [Extent], facts: [Fact]) {
    guard let runs = ReshapeRuns(from: from, to: to, facts: facts)?.runs else { return nil }
    let splits = runs.filter { $0.to.count > 1 || $0.from.count != 1 }
    guard splits.count == 1, let split = splits.first, split.from.count == 1, split.to.count > 1 else { return nil }
    dimension = split.from.lowerBound
    extents = Array(to[split.to])
  }
}

extension GraphPass {
  /// The scores of `contract %q, %k {"xid,xjd->xij"}` reshaped to have the batch x in its parts: the operands are reshaped instead.
  static func splitMergedProduct(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .reshape, let product = graph.definingNode(graph.inputs(node)[0], where: .contract) else {
      return nil
    }
    let type = graph.type(graph.result(node))
    let scores = graph.result(product)
    guard !state.hasOtherUses(scores),
      let split = DimensionSplit(from: graph.type(scores).shape.extents, to: type.shape.extents, facts: graph.facts)
    else { return nil }
    let subscripts = graph.attributes(product).required(.subscripts)
    let letter = subscripts.result[split.dimension]
    guard subscripts.batch.contains(letter) else { return nil }
    let value = try state.graph.appendSplit(product, graph.inputs(product), subscripts, letter, split.extents)
    return try state.graph.fit(value, as: graph.result(node))
  }

  /// `contract(reshape(p), v)` where the reshape merges batch dimensions of probabilities: the values are reshaped instead, and the
  /// result is merged.
  static func splitMergedSum(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .contract else { return nil }
    let (inputs, subscripts) = (graph.inputs(node), graph.attributes(node).required(.subscripts))
    for (side, letters) in [subscripts.left, subscripts.right].enumerated() {
      guard let source = graph.match(inputs[side], .reshape)?[0], graph.definingOp(source) == .softmax,
        let split = DimensionSplit(
          from: graph.type(inputs[side]).shape.extents, to: graph.type(source).shape.extents, facts: graph.facts),
        subscripts.batch.contains(letters[split.dimension])
      else { continue }
      var operands = inputs
      operands[side] = source
      let value = try state.graph.appendSplit(node, operands, subscripts, letters[split.dimension], split.extents, keeping: side)
      return try state.graph.appendResult(.reshape, [value], stated: graph.type(graph.result(node)))
    }
    return nil
  }
}

extension Graph {
  /// Appends the contract `node` with a batch letter in several parts of these extents; the operand `keeping` has the parts already.
  fileprivate mutating func appendSplit(
    _ node: NodeID, _ operands: [ValueID], _ subscripts: ContractSubscripts, _ letter: Character, _ extents: [Extent],
    keeping: Int? = nil
  ) throws -> ValueID {
    let used = Set(subscripts.left + subscripts.right)
    let fresh = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".filter { !used.contains($0) }.prefix(extents.count)
    func parts(_ letters: [Character]) -> [Character] { letters.flatMap { $0 == letter ? Array(fresh) : [$0] } }
    let sides = [subscripts.left, subscripts.right]
    let split = try operands.indices.map { side in
      if side == keeping { return operands[side] }
      let type = type(operands[side])
      let shape = zip(sides[side], type.shape.extents).flatMap { $0 == letter ? extents : [$1] }
      return try appendResult(.reshape, [operands[side]], stated: TensorType(type.element, Shape(shape)))
    }
    let new = ContractSubscripts(left: parts(subscripts.left), right: parts(subscripts.right), result: parts(subscripts.result))
    return try appendResult(.contract, split, attributes: [Attribute(.subscripts, new)])
  }
}
