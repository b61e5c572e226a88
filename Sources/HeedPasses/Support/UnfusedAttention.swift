import HeedIR

/// A product of queries and keys and a weighted sum with a function of rows between them, which looks like attention.
struct UnfusedAttention {
  /// The contract of queries and keys.
  let product: NodeID
  /// The contract of weights and values.
  let sum: NodeID
  /// The first op from the product on that is neither elementwise, nor a view, nor a softmax.
  let obstacle: NodeID?
}

extension UnfusedAttention {
  /// What a value is made from: a product, and the ops since.
  private struct Origin {
    let product: NodeID
    var obstacle: NodeID?
    /// Whether a dead pair or a function of the scores is between, so that a chain of products is none.
    var isCurved = false
  }

  /// Every weighted sum of a graph that looks like attention.
  static func all(in graph: Graph, _ tables: GraphTables) -> [UnfusedAttention] {
    var origins: [ValueID: Origin] = [:]
    var found: [UnfusedAttention] = []
    /// Sums weighted by linear functions of scores, and the first op that takes whole rows of each product's scores.
    var (chains, rowOps): ([UnfusedAttention], [NodeID: NodeID]) = ([], [:])
    for node in graph.body {
      let op = graph.op(node)
      if op == .contract {
        for (side, operand) in graph.inputs(node).enumerated() {
          guard let origin = origins[operand], graph.sums(node, overKeysOf: origin.product, inOperand: side) else { continue }
          let similar = UnfusedAttention(product: origin.product, sum: node, obstacle: origin.obstacle)
          if origin.isCurved { found.append(similar) } else { chains.append(similar) }
          break
        }
        if graph.pairsRows(node), !graph.operands(node).contains(where: tables.isKnownAtLoad) {
          origins[graph.result(node)] = Origin(product: node)
        }
        continue
      }
      let below = graph.operands(node).compactMap { origins[$0] }
      guard var origin = below.first else { continue }
      for other in below {
        origin.isCurved = origin.isCurved || other.isCurved
        origin.obstacle = origin.obstacle ?? other.obstacle
      }
      let isPlain = op.has(.elementwise) || op.has(.view) || op == .softmax
      guard isPlain || Self.rowOps.contains(op) else { continue }
      if !isPlain {
        if origin.obstacle == nil { origin.obstacle = node }
        if rowOps[origin.product] == nil { rowOps[origin.product] = node }
      }
      let isLinear = Self.linearOps.contains(op) || op.has(.view)
      let others = graph.operands(node).filter { origins[$0] == nil }
      if !isLinear || others.contains(where: { graph.differsByPair($0, of: origin.product) }) { origin.isCurved = true }
      for result in graph.results(node) { origins[result] = origin }
    }
    // Scores that are stored for a row op as well are no mere step of a chain of products.
    let stored = chains.compactMap { chain in
      rowOps[chain.product].map { UnfusedAttention(product: chain.product, sum: chain.sum, obstacle: $0) }
    }
    return found + stored
  }

  /// Ops that make weights from whole rows of scores.
  private static let rowOps: Set<Op> = [
    .reduce, .scan, .topK, .logSumExp, .relativeLogSumExp, .layerNorm, .rmsNorm, .gather, .pad, .concatenate,
  ]
  private static let linearOps: Set<Op> = [.add, .subtract, .multiply, .divide, .negate, .convert]
}

extension UnfusedAttention {
  /// Why nothing fused it, where no attempt says so.
  func reason(in graph: Graph) -> String {
    guard let obstacle else {
      return
        "the ops between the product \(graph.label(graph.result(product))) and this sum are no softmax, nor one function of each score"
    }
    let value = graph.description(of: graph.results(obstacle)[0])
    return
      "\(value) needs whole rows of scores, which no kernel has at once; weights that are each made from their own score fuse, and so do "
      + "ones divided by their own sum" + (graph.adviceOnRows(obstacle).map { "; \($0)" } ?? "")
  }
}

extension Graph {
  /// Whether a contract pairs rows of one operand with rows of the other.
  fileprivate func pairsRows(_ node: NodeID) -> Bool {
    let subscripts = attributes(node).required(.subscripts)
    return subscripts.result.contains { !subscripts.right.contains($0) }
      && subscripts.result.contains { !subscripts.left.contains($0) }
  }

  /// Whether `value`, of the shape of a product's scores, differs from row to row of both sides, so far as views and ops show.
  fileprivate func differsByPair(_ value: ValueID, of product: NodeID) -> Bool {
    guard type(value).shape == type(result(product)).shape else { return false }
    let subscripts = attributes(product).required(.subscripts)
    return [subscripts.left, subscripts.right].allSatisfy { other in
      let own = subscripts.result.indices.filter { !other.contains(subscripts.result[$0]) }
      return own.contains { varies(value, along: $0) }
    }
  }

  private func varies(_ value: ValueID, along dim: Int, depth: Int = 0) -> Bool {
    guard type(value).rank > 0, uniformConstant(value) == nil else { return false }
    let arrangement = Arrangement(value, in: self)
    guard let inner = arrangement.dimensions.firstIndex(of: dim) else { return false }
    guard let node = definingNode(arrangement.source) else { return true }
    if op(node) == .iota { return attributes(node).required(.dim) == inner }
    guard depth < 8, op(node).has(.elementwise) else { return true }
    return inputs(node).contains { varies($0, along: inner, depth: depth + 1) }
  }

  /// Whether the contract `node` sums over a dimension of its operand as long as a row of keys of `product`, and the operand has an
  /// element for each of the product's pairs.
  fileprivate func sums(_ node: NodeID, overKeysOf product: NodeID, inOperand side: Int) -> Bool {
    let subscripts = attributes(node).required(.subscripts)
    let letters = side == 0 ? subscripts.left : subscripts.right
    let shape = type(inputs(node)[side]).shape
    let pairs = type(result(product)).shape
    guard shape.count.isEqual(to: pairs.count, given: facts) || shape.count.isMultiple(of: pairs.count) else { return false }
    let scores = attributes(product).required(.subscripts)
    let free = zip(scores.result, pairs.extents).filter { letter, _ in !scores.batch.contains(letter) }.map(\.1)
    return zip(letters, shape.extents).contains { letter, extent in subscripts.over.contains(letter) && free.contains(extent) }
  }
}
