import HeedIR
internal import OrderedCollections

/// What a graph wants of an attention's scores besides the weighted sum: results of the fused op.
struct AttentionOutputs {
  /// Logarithms of the sums that the weights are divided by.
  private(set) var logSumExps: OrderedSet<NodeID> = []
  /// Those logarithms less the rows' greatest scores.
  private(set) var relativeLogSumExps: OrderedSet<NodeID> = []
  /// Greatest scores of rows.
  private(set) var maxima: OrderedSet<NodeID> = []
  /// Sums of the weights of rows.
  private(set) var weightSums: OrderedSet<NodeID> = []
  /// The statistics of the weights that a second pass over the keys computes.
  private(set) var statistics: [AttentionStatistic] = []

  /// The nodes with one number for each row.
  var rows: [NodeID] { logSumExps.elements + relativeLogSumExps + maxima + weightSums }
  var isEmpty: Bool { nodes.isEmpty }
  var nodes: [NodeID] { rows + statistics.map(\.node) }
  var wantsLogSumExp: Bool { !logSumExps.isEmpty || !statistics.isEmpty }

  /// What is used of the values between `product` and the weighted sum.
  /// - Throws: `Declined` where something is used that the fused op does not compute.
  init(_ sum: WeightedSum, product: NodeID) throws {
    let graph = sum.graph
    let users = sum.tables.users
    let inside = graph.dependents(of: graph.result(product), through: sum.node)
    // What leads from the product to the weights; values that depend on the product do so by a way of their own.
    var needed: Set<NodeID> = [sum.node]
    for node in graph.nodes(product...sum.node).reversed() where needed.contains(node) {
      for operand in graph.operands(node) where node != sum.node || operand != sum.values {
        if let producer = graph.definingNode(operand), inside.contains(producer) || producer == product { needed.insert(producer) }
      }
    }
    var finder = StatisticFinder(sum, users: users)
    let behind = sum.weights.softmax.map { graph.dependents(of: graph.result($0), through: sum.node).union([$0]) } ?? []
    let between = graph.nodes(product...sum.node).filter { needed.contains($0) && $0 != sum.node }
    for (node, value) in between.flatMap({ node in graph.results(node).map { (node, $0) } }) {
      let isWeights = behind.contains(node) || value == sum.weights.value
      let role = isWeights ? sum.weights.softmax == nil ? "the weights" : "the probabilities" : "the scores"
      if graph.results.contains(value) {
        throw Declined(
          value: value, reason: "\(role) \(graph.label(value)) are returned by the graph",
          instead: isWeights && sum.weights.softmax != nil
            ? "their sums, means and greatest elements over heads, queries or keys fuse, they do not"
            : "the logarithm of their sum and their maximum fuse, they do not")
      }
      for other in users[Int(value.index)] where !needed.contains(other) && !take(other, of: value, sum, users) {
        let result = graph.label(graph.results(other)[0])
        // The column of a sink is not the weight of a pair.
        let isBesideSink = sum.weights.sink != nil && node == sum.weights.softmax
        if sum.weights.softmax != nil, isWeights, !isBesideSink {
          do {
            try finder.follow(other)
            continue
          } catch let declined as Declined {
            throw Declined(
              value: value, reason: "\(role) \(graph.label(value)) are used by \(result) as well: \(declined.reason)",
              instead: declined.instead)
          }
        }
        throw Declined(
          value: value, reason: "\(role) \(graph.label(value)) are used by \(result) as well",
          instead: isWeights ? nil : "the logarithm of their sum and their maximum fuse")
      }
    }
    statistics = finder.found
    if let sink = sum.weights.sink, let node = graph.definingNode(sink), inside.contains(node) {
      throw Declined(value: sink, reason: "the sink \(graph.label(sink)) is computed from the scores")
    }
    let dependents = nodes.reduce(into: Set<NodeID>()) { found, node in
      for result in graph.results(node) { found.formUnion(graph.dependents(of: result, through: sum.node)) }
    }
    if dependents.contains(sum.node) {
      throw Declined(
        value: graph.result(sum.node),
        reason: "\(graph.label(graph.results(nodes[0])[0])) of its scores is needed before the sum itself")
    }
  }

  /// Whether `node`, which uses `value`, is something that the fused op computes.
  private mutating func take(_ node: NodeID, of value: ValueID, _ sum: WeightedSum, _ users: [[NodeID]]) -> Bool {
    if let sums = sum.rowSums(node, of: value, users) {
      weightSums.formUnion(sums)
      return true
    }
    guard let softmax = sum.weights.softmax else { return false }
    let (graph, attributes) = (sum.graph, sum.graph.attributes(node))
    let dim = graph.attributes(softmax).required(.dim)
    let isOfSum = graph.op(node) == .logSumExp || graph.op(node) == .relativeLogSumExp
    if isOfSum, value == graph.inputs(softmax)[0], attributes.required(.dim) == dim {
      if graph.op(node) == .logSumExp { logSumExps.append(node) } else { relativeLogSumExps.append(node) }
      return true
    }
    if graph.op(node) == .reduce, value == sum.weights.scores, attributes.required(.kind) == .maximum,
      attributes.required(.dims) == [dim]
    {
      maxima.append(node)
      return true
    }
    return false
  }

  /// The nodes of `order`, with those that need these outputs moved from before the weighted sum `node` to behind it.
  func deferring(_ order: [NodeID], behind node: NodeID, in graph: Graph) -> [NodeID] {
    guard !isEmpty, let position = order.firstIndex(of: node) else { return order }
    let outputs = Set(nodes)
    var values: Set<ValueID> = []
    var (kept, moved): ([NodeID], [NodeID]) = ([], [])
    for other in order[..<position] {
      if outputs.contains(other) || graph.operands(other).contains(where: values.contains) {
        moved.append(other)
        values.formUnion(graph.results(other))
      } else {
        kept.append(other)
      }
    }
    return kept + [node] + moved + order[(position + 1)...]
  }
}

extension WeightedSum {
  /// The sums over the keys of what weighs the values that `node`, which uses `value`, is or leads to by a conversion between floats; nil
  /// where it leads elsewhere.
  fileprivate func rowSums(_ node: NodeID, of value: ValueID, _ users: [[NodeID]]) -> [NodeID]? {
    guard graph.widenedOrNarrowed(value) == weighing || value == weighing else { return nil }
    if graph.op(node) == .reduce {
      let attributes = graph.attributes(node)
      let isSum =
        attributes.required(.kind) == .add
        && attributes.required(.dims) == weighingAxes.indices.filter { weighingAxes[$0] == .column }
      return isSum ? [node] : nil
    }
    guard graph.op(node) == .convert, value == weighing, graph.type(graph.result(node)).element.isFloat,
      !graph.results.contains(graph.result(node))
    else { return nil }
    let sums = users[Int(graph.result(node).index)].map { rowSums($0, of: graph.result(node), users) }
    return sums.allSatisfy { $0 != nil } ? sums.flatMap { $0! } : nil
  }
}
