import HeedIR

extension Graph {
  /// The graph without what its loops compute and nobody uses: rows, histories, states that only feed themselves, and arguments that no
  /// step reads. Nil where there is nothing of that kind.
  func trimmingLoops() -> Graph? {
    let uses = useCounts()
    let trims = Dictionary(
      uniqueKeysWithValues: body.compactMap { node in
        LoopTrim(self, node, isUsed: results(node).map { uses[Int($0.index)] > 0 }).map { (node, $0) }
      })
    guard !trims.isEmpty else { return nil }
    var rewriter = GraphRewriter(self)
    for node in body {
      guard let trim = trims[node] else {
        rewriter.copy(node)
        continue
      }
      rewriter.replace(node, by: trim)
    }
    return rewriter.finish()
  }
}

/// What is left of a loop.
private struct LoopTrim {
  let body: Graph
  /// The numbers of the operands that stay.
  let operands: [Int]
  /// For each result of the new loop, the number of the old one.
  let results: [Int]
  let hasHistory: Bool

  /// Nil where the node is no loop, or all of it is used.
  init?(_ graph: Graph, _ node: NodeID, isUsed: [Bool]) {
    guard let body = graph.bodyGraph(node), isUsed.contains(true) else { return nil }
    let parts = LoopParts(body)
    let used = parts.results(isUsed)
    let live = Self.liveValues(parts, used)
    let operands = body.arguments.indices.filter { live.contains(parts.argument($0)) }
    let isStateLive = parts.states.map { live.contains(parts.argument($0)) }
    let hasHistory = used.history.contains(true)
    let isKept = LoopResults(states: isStateLive, rows: used.rows, history: hasHistory ? isStateLive : []).all
    let results = isKept.indices.filter { isKept[$0] }
    guard
      operands.count < body.arguments.count || used.rows.contains(false)
        || hasHistory != graph.attributes(node).isSet(.history)
    else { return nil }
    // A loop needs an operand and a result.
    guard !operands.isEmpty, !results.isEmpty else { return nil }
    (self.operands, self.results, self.hasHistory) = (operands, results, hasHistory)
    self.body = Self.trimmed(body, operands, used.rows.indices.filter { used.rows[$0] }, live)
  }

  /// The values of the body that the used results are made of, in any number of steps.
  private static func liveValues(_ parts: LoopParts, _ used: LoopResults<Bool>) -> Set<ValueID> {
    let body = parts.body
    let states = parts.states.map(parts.argument)
    func chosen(_ values: [ValueID], _ isChosen: [Bool]) -> [ValueID] { zip(values, isChosen).filter(\.1).map(\.0) }
    var pending = chosen(parts.returned, used.rows) + chosen(states, used.states) + chosen(states, used.history)
    var live: Set<ValueID> = []
    while let value = pending.popLast() {
      guard live.insert(value).inserted else { continue }
      if let node = body.definingNode(value) { pending += body.operands(node) }
      if let update = parts.updates[value] { pending.append(update) }
    }
    return live
  }

  private static func trimmed(_ body: Graph, _ arguments: [Int], _ rows: [Int], _ live: Set<ValueID>) -> Graph {
    var rewriter = GraphRewriter(body, keeping: Set(arguments))
    for node in body.body where body.results(node).contains(where: live.contains) { rewriter.copy(node) }
    var graph = rewriter.result
    let updates = body.updates.filter { live.contains($0.state) }
    graph.setResults(
      rows.map { rewriter(body.results[$0]) } + updates.map { rewriter($0.value) },
      names: rows.map { body.resultNames[$0] } + updates.map { body.name($0.state) })
    return graph
  }
}

extension GraphRewriter {
  /// Writes what is left of a loop in its place.
  fileprivate mutating func replace(_ node: NodeID, by trim: LoopTrim) {
    let (operands, results) = (Array(source.operands(node)), source.results(node))
    let attributes = source.attributes(node).all.filter { trim.hasHistory || $0.key != AttributeKey.history.name }
    // The types are those of results that there were.
    let new = try! result.append(
      .loop, trim.operands.map { self(operands[$0]) }, attributes: attributes, body: trim.body,
      names: trim.results.map { source.name(results[$0]) })
    for (old, value) in zip(trim.results, result.results(new)) { replace(results[old], with: value) }
  }
}
