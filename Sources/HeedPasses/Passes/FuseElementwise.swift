import HeedIR

extension GraphPass {
  /// `fuse-elementwise` makes one pass over memory of elementwise ops that work on the same elements.
  ///
  ///     %a = multiply %x, 2.0 : f32[S, 64]
  ///     %b = tanh %a : f32[S, 64]
  ///     %c = add %b, %y : f32[S, 64]
  /// becomes
  ///     %c = map %x, %y (%x: f32, %y: f32) {
  ///       %a = multiply %x, 2.0 : f32
  ///       %b = tanh %a : f32
  ///       %c = add %b, %y : f32
  ///       yield %c
  ///     } : f32[S, 64]
  ///
  /// Legal because each result element depends on the operands' elements at the same place. A group takes every elementwise
  /// neighbour of its shape, unless a path of other ops leads from the group to it: then the group would have to run before and
  /// after that path. Values that others use are further results, so nothing is computed twice. Single ops stay as they are. What is
  /// too much code for one kernel is made into several (`RegionSize`).
  public static let fuseElementwise = GraphPass(
    "fuse-elementwise", summary: "make one pass over memory of neighbouring elementwise ops"
  ) { graph, context in
    // The uses by dead nodes do not count.
    graph.eliminateDeadNodes()
    let groups = ElementwiseGroups(graph)
    guard !groups.members.isEmpty else { return }
    let users = graph.users()
    var rewriter = GraphRewriter(graph)
    var emitted: Set<NodeID> = []

    /// What `members`, the nodes of a group or a single one, need and what is not there yet.
    func missing(_ members: [NodeID]) -> [NodeID] {
      let group = groups.group[members[0]]
      return members.flatMap { graph.operands($0).compactMap(graph.definingNode) }.filter {
        !emitted.contains($0) && (group == nil || groups.group[$0] != group)
      }
    }

    for node in graph.body {
      // The node, or the group that it belongs to, after what it needs.
      var pending = [node]
      while let next = pending.last {
        let members = groups.group[next].map { groups.members[$0]! } ?? [next]
        let needed = emitted.contains(next) ? [] : missing(members)
        guard needed.isEmpty else {
          pending += needed.reversed()
          continue
        }
        pending.removeLast()
        guard emitted.insert(next).inserted else { continue }
        emitted.formUnion(members)
        guard let group = groups.group[next] else {
          rewriter.copy(next)
          continue
        }
        let leaving = members.map { graph.result($0) }.filter { value in
          graph.results.contains(value) || users[Int(value.index)].contains { groups.group[$0] != group }
        }
        let region = ElementwiseRegion(graph, nodes: members, results: leaving)
        let map = try rewriter.result.append(.map, region.operands.map { rewriter($0) }, regions: [region.function])
        rewriter.result.setBlock(map, graph.block(members[0]))
        for (old, new) in zip(leaving, rewriter.result.results(map)) { rewriter.replace(old, with: new) }
        let ops = members.map { graph.op($0).mnemonic }.joined(separator: ", ")
        context.remark(.applied, leaving[0], in: graph, "\(ops) done in one pass over memory")
      }
    }
    graph = rewriter.finish()
    graph.eliminateDeadNodes()
  }
}

/// A partition of a graph's elementwise nodes into groups that can each run as one.
private struct ElementwiseGroups {
  /// The number of the group that a node is in; nodes that stay alone are in none.
  private(set) var group: [NodeID: Int] = [:]
  /// The nodes of each group, in the graph's order.
  private(set) var members: [Int: [NodeID]] = [:]

  init(_ graph: Graph) {
    let hasRecomputations = graph.blocks.contains { $0.kind == .recompute }
    for node in graph.body where Self.isCandidate(graph, node) {
      let number = Int(node.index)
      group[node] = number
      members[number] = [node]
      for operand in graph.operands(node) {
        guard let producer = graph.definingNode(operand), let other = group[producer], other != group[node]!,
          graph.type(graph.result(producer)).shape == graph.type(graph.result(node)).shape
        else { continue }
        // What is computed again runs late, so it is not fused into what it repeats.
        guard !hasRecomputations || graph.canRunTogether(members[other]! + members[group[node]!]!) else { continue }
        if !leadsAround(graph, from: other, to: group[node]!) { merge(other, group[node]!) }
      }
    }
    for (number, nodes) in members {
      members[number] = nil
      for part in RegionSize.parts(of: nodes, in: graph) {
        for node in part { group[node] = Int(part[0].index) }
        members[Int(part[0].index)] = part
      }
    }
    for (number, nodes) in members where nodes.count == 1 || nodes.allSatisfy({ Self.isFloatConversion(graph, $0) }) {
      for node in nodes { group[node] = nil }
      members[number] = nil
    }
  }

  /// Conversions between float types cost no pass of their own: loads and stores convert.
  private static func isFloatConversion(_ graph: Graph, _ node: NodeID) -> Bool {
    graph.op(node) == .convert && graph.type(graph.result(node)).element.isFloat
      && graph.operands(node).allSatisfy { graph.type($0).element.isFloat }
  }

  /// Scalars are left: one op on one number is not worth a pass. So are ops on numbers alone, which have no element to run over.
  private static func isCandidate(_ graph: Graph, _ node: NodeID) -> Bool {
    graph.op(node).has(.elementwise) && graph.type(graph.result(node)).rank > 0
  }

  /// Adds the smaller of two groups to the larger.
  private mutating func merge(_ first: Int, _ second: Int) {
    let (small, large) = members[first]!.count < members[second]!.count ? (first, second) : (second, first)
    let added = members.removeValue(forKey: small)!
    for node in added { group[node] = large }
    let isInOrder = members[large]!.last! < added[0]
    members[large]! += added
    if !isInOrder { members[large]!.sort() }
  }

  /// Whether a path from group `from` to group `to` passes through nodes of neither.
  private func leadsAround(_ graph: Graph, from: Int, to: Int) -> Bool {
    // Backwards from what the later group reads; groups on the way count as one node each.
    var pending: [NodeID] = []
    var seen: Set<NodeID> = []
    func visit(_ node: NodeID, skipping: Set<Int>) {
      for operand in graph.operands(node) {
        guard let producer = graph.definingNode(operand) else { continue }
        if let group = group[producer], skipping.contains(group) { continue }
        if seen.insert(producer).inserted { pending.append(producer) }
      }
    }
    for node in members[to]! { visit(node, skipping: [from, to]) }
    while let node = pending.popLast() {
      if let group = group[node] {
        if group == from { return true }
        for member in members[group]! { visit(member, skipping: []) }
      }
      visit(node, skipping: [])
    }
    return false
  }
}
