import HeedIR

/// Weighted sums whose scores are made from one product, or whose weights are the same.
///
/// An attention computes its scores and does not store them. So each of these sums can be an attention of its own, with a product of its
/// own, provided that all of them are.
struct SharedScores {
  /// The weighted sums, in order.
  private(set) var sums: [NodeID]
  /// For each node from the products to the sums, the sums that it leads to.
  private var sumsOfNode: [NodeID: [NodeID]]

  /// The groups among the weighted sums `sums`; a sum that shares nothing is in none.
  /// - Parameter isSum: whether a product is a weighted sum itself.
  static func groups(of sums: [NodeID], in graph: Graph, _ tables: GraphTables, isSum: (NodeID) -> Bool) -> [SharedScores] {
    var groups: [SharedScores] = []
    for sum in sums {
      let nodes = Set(graph.nodesOfScores(below: sum, tables, isSum))
      guard !nodes.isEmpty else { continue }
      var own = SharedScores(sums: [sum], sumsOfNode: Dictionary(uniqueKeysWithValues: nodes.map { ($0, [sum]) }))
      for group in groups where !nodes.isDisjoint(with: group.sumsOfNode.keys) {
        own.sums = group.sums + own.sums
        own.sumsOfNode.merge(group.sumsOfNode) { $1 + $0 }
      }
      groups.removeAll { !nodes.isDisjoint(with: $0.sumsOfNode.keys) }
      groups.append(own)
    }
    return groups.filter { $0.sums.count > 1 }
  }

  fileprivate func sums(of node: NodeID) -> [NodeID] { sums.contains(node) ? [node] : sumsOfNode[node] ?? [] }
}

/// A graph in which the sums of some groups share no scores any more.
struct UnsharedScores {
  private(set) var graph: Graph
  /// The new weighted sums of each group.
  private(set) var sums: [[NodeID]] = []
  /// The nodes that were copied for each sum, by the copy.
  private var originals: [NodeID: NodeID] = [:]

  /// A copy of `graph` with what leads to several sums of a group computed for each; other uses take what the first sum takes.
  init(_ graph: Graph, _ groups: [SharedScores]) {
    var rewriter = GraphRewriter(graph)
    var copies: [NodeID: [ValueID: ValueID]] = [:]
    for node in graph.body {
      let takers = groups.lazy.map { $0.sums(of: node) }.first { !$0.isEmpty } ?? []
      if takers.isEmpty { rewriter.copy(node) }
      for sum in takers.reversed() {
        let copy = rewriter.copy(node) { copies[sum]?[$0] }
        originals[copy] = node
        copies[sum, default: [:]][graph.result(node)] = rewriter.result.result(copy)
      }
    }
    sums = groups.map { $0.sums.map { rewriter.result.definingNode(rewriter(graph.result($0)))! } }
    self.graph = rewriter.finish()
    self.graph.eliminateDeadNodes()
  }

  /// Whether all sums of a group are attentions, none of which reads the scores of another.
  func isFused(_ group: Int, _ plans: [NodeID: AttentionPlan]) -> Bool {
    let found = sums[group].compactMap { plans[$0] }
    let products = Set(found.map { originals[$0.product] })
    return found.count == sums[group].count
      && found.allSatisfy { $0.captured.allSatisfy { !products.contains(graph.definingNode($0).flatMap { originals[$0] }) } }
  }
}

extension Graph {
  /// The nodes that lead from products to the weights of the weighted sum `node`, in order.
  fileprivate func nodesOfScores(below node: NodeID, _ tables: GraphTables, _ isSum: (NodeID) -> Bool) -> [NodeID] {
    let inputs = inputs(node)
    guard
      let weights = inputs.first(where: tables.comesFromSoftmax) ?? inputs.first(where: tables.comesFromProductOfData)
    else { return [] }
    let between = values(below: weights) { self.isElementwiseOrView($0) || [.softmax, .concatenate].contains(self.op($0)) }
    var leading: Set<ValueID> = []
    return between.compactMap(definingNode).sorted().filter { node in
      guard op(node) == .contract ? !isSum(node) : operands(node).contains(where: leading.contains), results(node).count == 1
      else { return false }
      leading.insert(result(node))
      return true
    }
  }
}
