import HeedIR

extension GraphPass {
  /// `contract(p1 - lambda * p2, v)` becomes `contract(p1, v) - contract(lambda * p2, v)`: each softmax then weighs the values by
  /// itself and is fused. Of sums within sums each term does: `(p1 - p2) * 2 + p1` has three. A term that is one number weighs the sum of
  /// the values.
  ///
  /// Not where all terms are made from one softmax, where no term looks like one that fuses, or where the sum is used elsewhere.
  /// Then there would be one more product, and nothing gained.
  static func splitSummedWeights(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .contract else { return nil }
    let subscripts = graph.attributes(node).required(.subscripts)
    for (side, letters) in [subscripts.left, subscripts.right].enumerated() {
      let operand = graph.inputs(node)[side]
      guard subscripts.over.count == 1, let column = letters.firstIndex(of: subscripts.over[0]),
        !graph.softmaxes(below: operand).isEmpty, let terms = WeightTerms(operand, column, &state)
      else { continue }
      var stored: [ValueID] = []
      let sum = try terms.sum(&state.graph) { weights, graph in
        if graph.softmaxes(below: weights).isEmpty {
          if let number = graph.oneNumber(weights) { return try graph.sum(node, weighing: 1 - side, by: number) }
          stored.append(weights)
        }
        var operands = graph.inputs(node)
        operands[side] = weights
        return try graph.appendLike(node, operands, type: graph.type(graph.result(node)))
      }
      for weights in stored {
        let type = state.graph.type(weights)
        state.context.remark(
          .note, graph.result(node), in: graph,
          "\(state.graph.label(weights)), which is added to probabilities, is stored as large as the scores and multiplied by the values; "
            + "what is the identity, or one number per row, needs no product: add the values, or their sum, to the result",
          storing: type.shape.count * Extent(type.element.byteCount))
      }
      let operation = graph.definingOp(terms.junction) == .add ? "sum" : "difference"
      state.context.remark(
        .applied, graph.result(node), in: graph,
        "the weighted sum of \(graph.label(terms.junction)) became the \(operation) of \(terms.count == 2 ? "two" : "\(terms.count)"): "
          + "probabilities are added or subtracted in it")
      return sum
    }
    return nil
  }
}

/// Weights that are sums and differences of other weights, and what these are.
private struct WeightTerms {
  /// A term, or a sum or difference of terms that a chain of ops changes.
  private indirect enum Tree {
    case term(ValueID)
    case junction(WeightChain, Op, [Tree])
  }

  /// The most terms that weights are taken apart into.
  private static let most = 16

  private let root: Tree
  let count: Int
  /// The sum or difference nearest to the weights.
  let junction: ValueID

  /// The terms of `weights`; nil where they stay together.
  /// - Parameter column: the dimension that is summed over.
  init?(_ weights: ValueID, _ column: Int, _ state: inout RewriteState) {
    let graph = state.graph
    var uses = [weights: 1]
    for value in graph.values(below: weights, through: graph.isElementwiseOrView) {
      guard let node = graph.definingNode(value), graph.isElementwiseOrView(node) else { continue }
      for operand in graph.operands(node) { uses[operand, default: 0] += 1 }
    }
    let chain = Self.chain(weights, uses, state)
    junction = chain.bottom
    guard let parts = Self.parts(junction, graph),
      parts.contains(where: { state.looksFusable($0, chain.dimensions, column, uses) })
    else { return nil }
    guard !chain.bottomIsShared else {
      if let count = state.uses[junction], count > uses[junction, default: 1] {
        state.context.remark(
          .declined, junction, in: graph,
          "its weighted sum is not split into those of its terms: it is used elsewhere as well, so that it is stored anyway")
      }
      return nil
    }
    var count = 0
    root = Self.tree(weights, uses, state, &count)
    self.count = count
    guard count <= Self.most else { return nil }
  }

  static func chain(_ value: ValueID, _ uses: [ValueID: Int], _ state: RewriteState) -> WeightChain {
    WeightChain(value, state, uses: uses) { AttentionWeights.comeFromSoftmax($0, in: state.graph) }
  }

  /// The terms where `value` is a sum or a difference that has more than one softmax, or one in one term alone.
  private static func parts(_ value: ValueID, _ graph: Graph) -> [ValueID]? {
    guard let node = graph.definingNode(value), graph.op(node) == .add || graph.op(node) == .subtract else { return nil }
    let parts = graph.inputs(node)
    let below = parts.map { graph.softmaxes(below: $0) }
    return below[0].isDisjoint(with: below[1]) || below[0].union(below[1]).count > 1 ? parts : nil
  }

  private static func tree(_ value: ValueID, _ uses: [ValueID: Int], _ state: RewriteState, _ count: inout Int) -> Tree {
    let chain = Self.chain(value, uses, state)
    guard count <= most, !chain.bottomIsShared, state.graph.type(value).rank > 0,
      !state.graph.softmaxes(below: chain.bottom).isEmpty, let parts = Self.parts(chain.bottom, state.graph)
    else {
      count += 1
      return .term(value)
    }
    return .junction(chain, state.graph.definingOp(chain.bottom)!, parts.map { tree($0, uses, state, &count) })
  }

  /// Appends the sum of what `weigh` makes of the terms.
  func sum(_ graph: inout Graph, _ weigh: (ValueID, inout Graph) throws -> ValueID) throws -> ValueID {
    func append(_ tree: Tree, above: [WeightChain]) throws -> ValueID {
      switch tree {
      case .term(var weights):
        if graph.type(weights).rank == 0, let chain = above.first {
          weights = try graph.appendResult(
            .broadcast, [weights], attributes: [Attribute(.dims, [])], stated: graph.type(chain.bottom))
        }
        for chain in above { weights = try chain.rebuild(weights, above: chain.steps.count, in: &graph) }
        return try weigh(weights, &graph)
      case .junction(let chain, let op, let parts):
        let sums = try parts.map { try append($0, above: [chain] + above) }
        return try graph.appendResult(op, sums)
      }
    }
    return try append(root, above: [])
  }
}

extension Graph {
  /// The scalar that every element of `value` is; nil where it is not one.
  fileprivate func oneNumber(_ value: ValueID) -> ValueID? {
    let source = Arrangement(value, in: self).source
    return type(source).rank == 0 ? source : nil
  }

  /// Appends the sum over keys of the contract `node`'s operand at `side`, in which each value weighs as much as `number`.
  fileprivate mutating func sum(_ node: NodeID, weighing side: Int, by number: ValueID) throws -> ValueID {
    let (subscripts, values, type) = (attributes(node).required(.subscripts), inputs(node)[side], self.type(result(node)))
    let letters = side == 0 ? subscripts.left : subscripts.right
    let wide = type.element.computed
    let dims = letters.indices.filter { subscripts.over.contains(letters[$0]) }
    let total = try appendResult(
      .reduce, [converted(values, to: wide)], attributes: [Attribute(.dims, dims), Attribute(.kind, .add)])
    let product = try appendResult(.multiply, [total, converted(number, to: wide)])
    let extents = Dictionary(uniqueKeysWithValues: zip(subscripts.result, type.shape.extents))
    let rows = try arrange(
      converted(product, to: type.element), letters.filter { !subscripts.over.contains($0) }, as: subscripts.result,
      extent: { extents[$0]! })
    return try fit(rows, as: result(node))
  }
}

extension RewriteState {
  /// Whether a term of weights comes from a softmax of elementwise scores over the keys, and nothing else uses what is between.
  /// - Parameters:
  ///   - dimensions: for each dimension of the term, that of what the sum takes.
  ///   - column: the dimension of that which is summed over.
  ///   - uses: how often the weights use each value.
  fileprivate func looksFusable(
    _ term: ValueID, _ dimensions: [Int?], _ column: Int, _ uses: [ValueID: Int], depth: Int = 0
  ) -> Bool {
    guard depth < 16, graph.type(term).rank == dimensions.count else { return false }
    let chain = WeightTerms.chain(term, uses, self)
    guard !chain.bottomIsShared, let node = graph.definingNode(chain.bottom) else { return false }
    let inner = chain.dimensions.map { $0.flatMap { dimensions[$0] } }
    if graph.op(node) == .add || graph.op(node) == .subtract {
      return graph.inputs(node).contains { looksFusable($0, inner, column, uses, depth: depth + 1) }
    }
    let softmax = graph.op(node) == .softmax ? node : graph.withoutSink(node)?.softmax
    guard let softmax, inner.firstIndex(of: column) == graph.attributes(softmax).required(.dim) else { return false }
    let scores = graph.inputs(softmax)[0]
    return !graph.products(below: graph.op(node) == .softmax ? scores : graph.withoutSink(node)!.scores).isEmpty
      && graph.rowOp(above: scores) == nil
  }
}
