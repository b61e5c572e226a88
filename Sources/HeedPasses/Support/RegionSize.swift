import HeedIR

/// How large the scalar code of one kernel may become. The time to compile a block of code grows faster than its length, and what a longer
/// one saves of passes over memory is little beside the arithmetic.
enum RegionSize {
  /// The most instructions of a region, its ops expanded: some dozens of functions, or hundreds of sums and products.
  static let limit = 1024

  /// The instructions that an elementwise node becomes.
  static func instructions(_ node: NodeID, in graph: Graph) -> Int {
    let expansion = try? graph.op(node).scalar?.expansion?(graph.type(graph.operands(node).first!).element)
    return expansion?.instructions.count ?? 1
  }

  /// Parts of nodes that are in the graph's order, each within the limit. A part ends where the fewest values are handed on, in the second
  /// half of what fits.
  static func parts(of nodes: [NodeID], in graph: Graph) -> [[NodeID]] {
    let sizes = nodes.map { instructions($0, in: graph) }
    guard sizes.reduce(0, +) > limit else { return [nodes] }
    let handedOn = valuesHandedOn(nodes, in: graph)
    var parts: [[NodeID]] = []
    var start = 0
    while start < nodes.count {
      var (end, size) = (start, 0)
      var best: Int?
      while end < nodes.count, end == start || size + sizes[end] <= limit {
        size += sizes[end]
        end += 1
        if 2 * size >= limit, best.map({ handedOn[end] <= handedOn[$0] }) ?? true { best = end }
      }
      if end < nodes.count { end = best ?? end }
      parts.append(Array(nodes[start..<end]))
      start = end
    }
    return parts
  }

  /// For each place between nodes, how many values are computed or read before it and used behind it.
  private static func valuesHandedOn(_ nodes: [NodeID], in graph: Graph) -> [Int] {
    var uses: [ValueID: ClosedRange<Int>] = [:]
    for (position, node) in nodes.enumerated() {
      for value in Set(graph.operands(node)) where graph.type(value).rank > 0 {
        uses[value] = min(uses[value]?.lowerBound ?? position, position)...position
      }
      uses[graph.result(node)] = position...position
    }
    var changes = [Int](repeating: 0, count: nodes.count + 1)
    for range in uses.values where range.count > 1 {
      changes[range.lowerBound + 1] += 1
      changes[range.upperBound + 1] -= 1
    }
    var count = 0
    return changes.map {
      count += $0
      return count
    }
  }
}
