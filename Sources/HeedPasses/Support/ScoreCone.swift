import HeedIR

/// The scores of a softmax: the elementwise ops, reshapes and transposes between products and the softmax that nothing else uses.
struct ScoreCone {
  typealias Factor = DimensionFactors.Factor

  /// The softmax, or the slice behind it that drops a sink's column.
  let weights: NodeID
  /// What the softmax is of, without the sink.
  let scores: ValueID
  /// The column beside the scores.
  private(set) var sink: ValueID?
  /// The weights and what else takes whole rows of the scores: logarithms of sums and maxima.
  private(set) var roots: [NodeID]
  /// The softmax and the concatenation where there is a sink.
  private(set) var besideSink: [NodeID] = []
  /// The nodes that lead from a product to the scores, each before what it is computed from.
  private(set) var nodes: [NodeID] = []
  private(set) var products: [NodeID] = []
  private(set) var factors: DimensionFactors
  /// The groups of factors of the dimensions of what the nodes compute.
  private var groups: [ValueID: [[Factor]]] = [:]
  /// The dimension of the scores along which the softmax is taken.
  let dim: Int

  /// The cone below `softmax`; nil where no product is in it, or its shapes have no common factors.
  init?(_ softmax: NodeID, in graph: Graph, users: [[NodeID]], uses: [Int]) {
    let operand = graph.inputs(softmax)[0]
    dim = graph.attributes(softmax).required(.dim)
    factors = DimensionFactors(facts: graph.facts)
    let takers = users[Int(operand.index)]
    let slices = users[Int(graph.result(softmax).index)]
    if slices.count == 1, uses[Int(graph.result(softmax).index)] == 1, let parts = graph.withoutSink(slices[0]) {
      (weights, scores, sink) = (slices[0], parts.scores, parts.sink)
      let concatenation = graph.definingNode(operand)!
      besideSink = [softmax, concatenation]
      roots = slices + takers.filter { $0 != softmax } + users[Int(scores.index)].filter { $0 != concatenation }
      guard takers.count == uses[Int(operand.index)], takers.allSatisfy({ $0 == softmax || graph.op($0) != .softmax }) else {
        return nil
      }
    } else {
      (weights, scores, roots) = (softmax, operand, takers)
      guard takers.first(where: { graph.op($0) == .softmax }) == softmax else { return nil }
    }
    guard users[Int(scores.index)].count == uses[Int(scores.index)],
      roots.allSatisfy({ $0 == weights || graph.takesRows($0, along: dim) })
    else { return nil }
    collect(in: graph, uses: uses)
    guard !products.isEmpty else { return nil }
    groups[scores] = graph.type(scores).shape.extents.map { factors.group($0) }
    for node in nodes where !assign(node, in: graph) { return nil }
  }

  /// The groups of the dimensions of `value`, which is computed by a node of the cone.
  func dimensions(_ value: ValueID) -> [[Factor]]? { groups[value].map { $0.map(factors.split) } }

  /// The groups of a reshape of something that has these.
  mutating func reshaped(_ groups: [[Factor]], to: [Extent]) -> [[Factor]]? { factors.reshaped(groups, to: to) }

  /// A group for a dimension that the scores do not have.
  mutating func newDimension(_ extent: Extent) -> [Factor] { [factors.factor(extent)] }

  private mutating func collect(in graph: Graph, uses: [Int]) {
    var (found, pending): ([NodeID], [ValueID]) = ([], [])
    var seen: [ValueID: Int] = [:]
    func enter(_ value: ValueID) {
      guard let node = graph.definingNode(value), graph.isOfScores(node) else { return }
      found.append(node)
      if graph.op(node) != .contract { pending += graph.operands(node) }
    }
    enter(scores)
    while let value = pending.popLast() {
      seen[value, default: 0] += 1
      if seen[value] == uses[Int(value.index)] { enter(value) }
    }
    var leading: Set<ValueID> = []
    for node in found.reversed() where graph.op(node) == .contract || graph.operands(node).contains(where: leading.contains) {
      leading.insert(graph.result(node))
    }
    nodes = found.filter { leading.contains(graph.result($0)) }
    products = nodes.filter { graph.op($0) == .contract }
  }

  /// Gives the operands of a node their groups; false where there are none, or others than another node gives.
  private mutating func assign(_ node: NodeID, in graph: Graph) -> Bool {
    guard graph.op(node) != .contract else { return true }
    let result = groups[graph.result(node)]!
    for operand in graph.inputs(node) where graph.type(operand).rank > 0 {
      var own: [[Factor]]? = result
      if graph.op(node) == .reshape { own = factors.reshaped(result, to: graph.type(operand).shape.extents) }
      if graph.op(node) == .transpose {
        let permutation = graph.attributes(node).required(.permutation)
        own = permutation.indices.map { dimension in result[permutation.firstIndex(of: dimension)!] }
      }
      guard let own else { return false }
      if let known = groups[operand], known.map(factors.split) != own.map(factors.split) { return false }
      groups[operand] = own
    }
    return true
  }
}

extension Graph {
  /// Whether the node is one that scores are made by.
  fileprivate func isOfScores(_ node: NodeID) -> Bool {
    let op = op(node)
    guard results(node).count == 1, type(result(node)).rank > 0 else { return false }
    return op.has(.elementwise) || op == .reshape || op == .transpose || op == .contract
  }

  /// Whether the node takes whole rows of its operand along `dim`, as a softmax does.
  fileprivate func takesRows(_ node: NodeID, along dim: Int) -> Bool {
    let attributes = attributes(node)
    if [.softmax, .logSumExp, .relativeLogSumExp].contains(op(node)) { return attributes.required(.dim) == dim }
    return op(node) == .reduce && attributes.required(.kind) == .maximum && attributes.required(.dims) == [dim]
  }
}
