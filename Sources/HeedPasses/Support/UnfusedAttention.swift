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
    for node in graph.body {
      let op = graph.op(node)
      if op == .contract {
        let weighted = graph.operands(node).indices.first { origins[graph.operands(node)[$0]]?.isCurved ?? false }
        if let weighted, let origin = origins[graph.operands(node)[weighted]],
          graph.sums(node, overKeysOf: origin.product, inOperand: weighted - graph.operands(node).startIndex)
        {
          found.append(UnfusedAttention(product: origin.product, sum: node, obstacle: origin.obstacle))
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
      if !isPlain, origin.obstacle == nil { origin.obstacle = node }
      if !Self.linearOps.contains(op), !op.has(.view) { origin.isCurved = true }
      for result in graph.results(node) { origins[result] = origin }
    }
    return found
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
    return "\(value) needs whole rows of scores, which no kernel has at once"
      + (graph.adviceOnRows(obstacle).map { "; \($0)" } ?? "")
  }
}

extension Graph {
  /// Whether a contract pairs rows of one operand with rows of the other.
  fileprivate func pairsRows(_ node: NodeID) -> Bool {
    let subscripts = attributes(node).required(.subscripts)
    return subscripts.result.contains { !subscripts.right.contains($0) }
      && subscripts.result.contains { !subscripts.left.contains($0) }
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
