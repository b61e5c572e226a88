/// What a sweep reads in place of values that are not kept: it computes again what the blocks `checkpoint` contain.
///
/// A block is computed again whole, where the sweep first needs a node of it. So in reverse mode one block is in memory at a time. A block
/// within another is computed twice: where the outer one is, and by itself when the sweep reaches it.
struct Recomputation {
  /// The nodes that the sweep goes through.
  private let nodes: [NodeID]
  /// The blocks that the request stands in: what they contain is there.
  private let around: [BlockID]
  /// The innermost block around the request.
  private var home: BlockID? { around.last }
  /// By block, the values that are computed again for those of the sweep.
  private var values: [BlockID: [ValueID: ValueID]] = [:]

  /// - Parameters:
  ///   - nodes: what the sweep goes through, in order.
  ///   - around: the blocks around the request, outermost first.
  init(_ nodes: [NodeID], around: [BlockID]) { (self.nodes, self.around) = (nodes, around) }

  /// The node that a rule is to read: `node` itself, or that which computes the same again.
  mutating func node(_ node: NodeID, _ rewriter: inout GraphRewriter) -> NodeID {
    let path = checkpoints(around: node, rewriter.result)
    for depth in path.indices where values[path[depth]] == nil { computeAgain(path, depth, &rewriter) }
    let first = value(rewriter.result.results(node)[0], path[...])
    return rewriter.result.definingNode(first)!
  }

  /// The blocks around a node whose values are not kept for the request, outermost first.
  private func checkpoints(around node: NodeID, _ graph: Graph) -> [BlockID] {
    graph.path(node).filter { graph[$0].kind == .checkpoint && !around.contains($0) }
  }

  /// What stands for a value of the sweep within blocks.
  private func value(_ value: ValueID, _ path: ArraySlice<BlockID>) -> ValueID {
    path.reversed().lazy.compactMap { values[$0]?[value] }.first ?? value
  }

  /// Appends the nodes of the block at a depth of the path once more.
  private mutating func computeAgain(_ path: [BlockID], _ depth: Int, _ rewriter: inout GraphRewriter) {
    let (block, outer) = (path[depth], path[..<depth])
    var blocks: [BlockID: BlockID] = [block: rewriter.result.addBlock(.recompute, in: home)]
    values[block] = [:]
    for node in nodes {
      let around = checkpoints(around: node, rewriter.result)
      guard around.starts(with: path[...depth]) else { continue }
      // Blocks within are not kept by the new ones either.
      for (parent, inner) in zip(around[depth...], around[(depth + 1)...]) where blocks[inner] == nil {
        blocks[inner] = rewriter.result.addBlock(.checkpoint, in: blocks[parent])
      }
      let copy = rewriter.repeat(node, in: blocks[around.last!]) { operand in
        values[block]![operand] ?? value(operand, outer)
      }
      for (old, new) in zip(rewriter.result.results(node), rewriter.result.results(copy)) { values[block]![old] = new }
    }
  }
}

extension GraphRewriter {
  /// Appends a node of the graph being built once more, in a block.
  fileprivate mutating func `repeat`(_ node: NodeID, in block: BlockID?, operand: (ValueID) -> ValueID) -> NodeID {
    let results = result.results(node)
    let copy = result.appendUnchecked(
      result.op(node), result.operands(node).map(operand), attributes: result.attributes(node).all,
      regions: Array(result.regions(node)), body: result.bodyGraph(node), types: results.map(result.type),
      names: results.map(result.name))
    result.setBlock(copy, block)
    for (old, new) in zip(results, result.results(copy)) {
      if let place = result.place(old) { result.setPlace(new, place) }
    }
    return copy
  }
}
