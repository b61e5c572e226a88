import HeedIR

/// What one block `recompute` computes again, for remarks.
struct RecomputedNodes {
  /// The value of the block's first node.
  let first: ValueID
  /// The ops with their numbers, the most frequent first.
  private var counts: [(op: Op, count: Int)] = []
  /// What the nodes read that other nodes compute.
  private var kept: [ValueID] = []

  /// The blocks of a graph that has no dead nodes, in order.
  static func all(in graph: Graph) -> [RecomputedNodes] {
    var blocks: [BlockID] = []
    var nodes: [BlockID: [NodeID]] = [:]
    for node in graph.body {
      guard let block = graph.path(node).last(where: { graph[$0].kind == .recompute }) else { continue }
      if nodes[block] == nil { blocks.append(block) }
      nodes[block, default: []].append(node)
    }
    return blocks.map { RecomputedNodes(nodes[$0]!, graph) }
  }

  private init(_ nodes: [NodeID], _ graph: Graph) {
    first = graph.results(nodes[0])[0]
    let own = Set(nodes)
    for node in nodes where graph.op(node) != .constant {
      if let position = counts.firstIndex(where: { $0.op == graph.op(node) }) {
        counts[position].count += 1
      } else {
        counts.append((graph.op(node), 1))
      }
      for operand in graph.operands(node) {
        guard let producer = graph.definingNode(operand), !own.contains(producer), graph.type(operand).rank > 0 else { continue }
        if !kept.contains(operand) { kept.append(operand) }
      }
    }
    counts = counts.enumerated().sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }.map(\.element)
  }

  /// `computed again, from %x: 2 contract, gelu`
  func description(in graph: Graph) -> String {
    let sources = kept.isEmpty ? "from arguments" : "from " + kept.map { "\(graph.label($0))" }.joined(separator: ", ")
    let ops = counts.map { $0.count == 1 ? $0.op.mnemonic : "\($0.count) \($0.op.mnemonic)" }
    return "computed again for derivatives, \(sources): \(ops.joined(separator: ", "))"
  }
}
