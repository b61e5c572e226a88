internal import HeedIR
internal import HeedLowering
internal import HeedRuntime

extension Graph {
  /// The graph with values that are computed again, lowered, so that a call takes at most what a limit says.
  /// - Parameters:
  ///   - lowered: the graph lowered without a limit.
  ///   - optimized: the graph that was lowered.
  /// - Returns: the graph, how it was lowered, and what there is to say about it.
  /// - Throws: where no choice of values meets the limit; the error says what the least is.
  func within(
    _ limit: MemoryLimit, _ lowered: Lowered, _ optimized: Graph, _ target: Target
  ) throws -> (graph: Graph, lowered: Lowered, remarks: [Remark]) {
    guard !limit.sizes.isEmpty || symbols.isEmpty else { return (optimized, lowered, []) }
    let binding = try binding(limit.sizes)
    let natural = try MemoryPlan(lowered.program, binding)
    guard natural.total > limit.byteCount else { return (optimized, lowered, []) }
    var search = RecomputationSearch(try MemoryModel(lowered, binding, target))
    var (goal, least) = (limit.byteCount - (natural.total - natural.workspace), natural)
    while true {
      search.reduce(to: goal)
      let graph = try search.graph()
      let next = try lower(try Verified(graph), for: target)
      let plan = try MemoryPlan(next.program, binding)
      if plan.total <= limit.byteCount { return (graph, next, remarks(graph, natural, plan)) }
      if plan.total < least.total { least = plan }
      guard !search.isExhausted else { throw HeedError(limit.tooSmall(for: self, least), at: location) }
      // Buffers do not fill the workspace without gaps, and kernels differ from the estimate.
      goal = search.peak - max(plan.total - limit.byteCount, search.peak / 256, 1)
    }
  }
}

/// How many values are computed again, and what that saves.
private func remarks(_ graph: Graph, _ natural: MemoryPlan, _ plan: MemoryPlan) -> [Remark] {
  let again = graph.body.filter { !graph.recomputations(around: $0).isEmpty && !graph.op($0).has(.view) }
  guard let first = again.first else { return [] }
  return [
    Remark(
      .note, pass: "memory-limit", about: graph.results(first)[0], in: graph,
      "computed again, with \(again.count - 1) others: the workspace takes \(plan.workspace) bytes instead of "
        + "\(natural.workspace)")
  ]
}

extension MemoryLimit {
  /// What is said where the least that was reached is more than the limit.
  fileprivate func tooSmall(for graph: Graph, _ least: MemoryPlan) -> String {
    "@\(graph.name): got a memory limit of \(byteCount) bytes\(MemoryPlan.lengths(sizes)), expected at least \(least.total): "
      + least.summary
  }
}
