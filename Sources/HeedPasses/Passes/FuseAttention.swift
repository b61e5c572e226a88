import HeedIR

extension GraphPass {
  /// `fuse-attention` makes one op of a product of queries and keys, score arithmetic, a softmax and the weighted sum of values.
  ///
  ///     %scores = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 8, S, S]
  ///     %scaled = multiply %scores, 0.125 : f32[B, 8, S, S]
  ///     %i = iota {dim = 2} : i32[B, 8, S, S]
  ///     %j = iota {dim = 3} : i32[B, 8, S, S]
  ///     %live = less_equal %j, %i : bool[B, 8, S, S]
  ///     %masked = select %live, %scaled, -inf : f32[B, 8, S, S]
  ///     %probs = softmax %masked {dim = 3} : f32[B, 8, S, S]
  ///     %out = contract %probs, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 8, S, 64]
  /// becomes
  ///     %out = attention %q, %k, %v score (%s: f32, %b: i32, %h: i32, %i: i32, %j: i32) {
  ///       %scaled = multiply %s, 0.125 : f32
  ///       yield %scaled
  ///     } where (%b: i32, %h: i32, %i: i32, %j: i32) {
  ///       %live = less_equal %j, %i : bool
  ///       yield %live
  ///     } : f32[B, 8, S, 64]
  ///
  /// What is between product and softmax is written as scalar code of one pair: iotas become indices; broadcasts, transposes and
  /// reshapes become index arithmetic; other tensors are captured and read by element. `MaskSplit` then separates the mask from the
  /// score. Operands are brought into the op's order of dimensions by views.
  ///
  /// This is legal for three reasons. Every op between is elementwise or a view, so that each score depends on one element of the
  /// product only. Scores and probabilities are used only by what the op computes. And the score of a pair that is not live is
  /// -inf, or a finite number that the numeric contract counts as such, whose weight is 0.
  ///
  /// Where several sums share scores or weights, each becomes an attention that computes its own, if all do (`SharedScores`).
  ///
  /// The logarithm of a row's sum and its greatest score become further results of the op; what uses them moves behind it. So do
  /// statistics of the weights, with or without a weighted sum (`appendEmptySums`). In a
  /// softmax over the scores and one further column, which a slice drops again, that column becomes a sink. Where the ops between
  /// the two products are elementwise and not linear, in place of a softmax, the op takes their result as weights. Causal weights that
  /// are the products themselves, decayed or not, become `linear_attention` (`DecayedProducts`).
  public static let fuseAttention = GraphPass(
    "fuse-attention", summary: "make one op of product, score, softmax and weighted sum"
  ) { graph, context in
    // The uses by dead nodes do not count.
    graph.eliminateDeadNodes()
    let emptySums = try graph.appendEmptySums()
    var found = Found(graph)
    let unshared = found.unsharing(&graph)
    let (tables, plans, declined) = (found.tables, found.plans, found.declined)
    let order = graph.body.reduce(into: graph.body) { order, node in
      if let plan = plans[node] { order = plan.outputs.deferring(order, behind: node, in: graph) }
    }
    remarkUnfused(graph, tables, plans, declined, besides: emptySums, &context)
    var rewriter = GraphRewriter(graph)
    var outputs: [NodeID: (AttentionPlan, BuiltAttention)] = [:]
    for node in order {
      var quadratic: Declined?
      if let (plan, built) = outputs[node] {
        for (old, new) in zip(graph.results(node), try plan.output(node, of: built, &rewriter)) { rewriter.replace(old, with: new) }
      } else if let plan = plans[node], let linear = buildLinear(plan, &rewriter, declined: &quadratic) {
        rewriter.replace(graph.result(node), with: linear.sum)
        for output in plan.outputs.nodes { outputs[output] = (plan, linear) }
        context.remark(
          .applied, linear.sum, in: rewriter.result,
          "causal weights that are products of queries and keys: linear attention, whose time is linear in the number of rows")
      } else if let plan = plans[node], let built = build(plan, &rewriter, &context) {
        rewriter.replace(graph.result(node), with: built.sum)
        context.remark(.applied, built.sum, in: rewriter.result, "fused into attention; " + plan.findings.joined(separator: "; "))
        if let quadratic {
          context.remark(
            .note, built.sum, in: rewriter.result,
            "its time is quadratic in the number of rows: no linear attention, since \(quadratic.reason)")
        }
        for note in plan.notes + plan.floatMaskNotes { context.remark(.note, built.sum, in: rewriter.result, note) }
        for note in plan.statisticNotes { context.remark(.note, built.sum, in: rewriter.result, note) }
        if let count = unshared[node] {
          context.remark(
            .note, built.sum, in: rewriter.result,
            "\(count) attentions share scores: each computes them itself, and none are stored")
        }
        for output in plan.outputs.nodes { outputs[output] = (plan, built) }
      } else {
        rewriter.copy(node)
      }
    }
    graph = rewriter.finish()
    graph.eliminateDeadNodes()
  }

  /// What is known of a graph's weighted sums.
  private struct Found {
    private(set) var tables: GraphTables
    private(set) var plans: [NodeID: AttentionPlan] = [:]
    private(set) var declined: [NodeID: Refusal] = [:]

    init(_ graph: Graph) {
      tables = GraphTables(graph)
      for node in graph.body where graph.op(node) == .contract {
        switch plan(node, graph, tables) {
        case .success(let plan)?: plans[node] = plan
        case .failure(let refusal)?: declined[node] = refusal
        case nil: break
        }
      }
    }

    /// Gives declined sums that share scores their own, where all of a group are attentions then.
    /// - Returns: the number of sums in the group, for each sum of one.
    mutating func unsharing(_ graph: inout Graph) -> [NodeID: Int] {
      var groups = SharedScores.groups(of: declined.keys.sorted(), in: graph, tables) { [self] node in
        plans[node] != nil || declined[node] != nil
      }
      while !groups.isEmpty {
        let unshared = UnsharedScores(graph, groups)
        let found = Found(unshared.graph)
        let fused = groups.indices.filter { unshared.isFused($0, found.plans) }
        if fused.count == groups.count {
          (graph, self) = (unshared.graph, found)
          return Dictionary(unshared.sums.flatMap { group in group.map { ($0, group.count) } }) { first, _ in first }
        }
        // What else keeps a sum from being an attention says more than that it shares scores.
        for (group, own) in zip(groups, unshared.sums) {
          for (sum, alone) in zip(group.sums, own) {
            guard let refusal = found.declined[alone], refusal.reason.message != declined[sum]?.reason.message else { continue }
            declined[sum] = Refusal(
              reason: Declined(value: graph.result(sum), reason: refusal.reason.message), hasSoftmax: refusal.hasSoftmax)
          }
        }
        groups = fused.map { groups[$0] }
      }
      return [:]
    }
  }

  /// Why a weighted sum is not fused.
  private struct Refusal: Error {
    let reason: Declined
    /// Whether its weights come from a softmax; two products with other ops between need not be attention.
    let hasSoftmax: Bool
  }

  /// The plan for the weighted sum that `node` is; nil where it is none.
  private static func plan(_ node: NodeID, _ graph: Graph, _ tables: GraphTables) -> Result<AttentionPlan, Refusal>? {
    var refusal: Refusal?
    func refuse(_ error: any Error, hasSoftmax: Bool) {
      let reason = error as? Declined ?? Declined(value: graph.result(node), reason: "\(error)")
      refusal = refusal ?? Refusal(reason: reason, hasSoftmax: hasSoftmax)
    }
    do {
      for sum in try WeightedSum.candidates(graph, node, tables) {
        do { return .success(try AttentionPlan.make(sum)) } catch { refuse(error, hasSoftmax: sum.weights.softmax != nil) }
      }
    } catch {
      refuse(error, hasSoftmax: true)
    }
    return refusal.map { .failure($0) }
  }

  /// Says why what looks like attention is not fused, and what is stored for it.
  private static func remarkUnfused(
    _ graph: Graph, _ tables: GraphTables, _ plans: [NodeID: AttentionPlan], _ declined: [NodeID: Refusal],
    besides emptySums: Set<NodeID>, _ context: inout PassContext
  ) {
    let unfused = Dictionary(UnfusedAttention.all(in: graph, tables).map { ($0.sum, $0) }) { first, _ in first }
    for node in graph.body where graph.op(node) == .contract && plans[node] == nil && !emptySums.contains(node) {
      let (refusal, similar) = (declined[node], unfused[node])
      guard refusal?.hasSoftmax ?? false || similar != nil else { continue }
      var reason = refusal?.reason ?? Declined(value: graph.result(node), reason: similar!.reason(in: graph))
      if !(refusal?.hasSoftmax ?? false), let similar, let obstacle = similar.obstacle {
        reason = Declined(value: graph.results(obstacle)[0], reason: similar.reason(in: graph))
      }
      let scores = similar.map { graph.type(graph.result($0.product)) }
      context.remark(
        .declined, reason.value, in: graph, "not fused into attention: \(reason.message)",
        storing: scores.map { $0.shape.count * Extent($0.element.byteCount) })
    }
  }

  /// Linear attention for the weighted sum, where its weights are such.
  /// - Parameter declined: why weights that seem to be such are not.
  private static func buildLinear(
    _ plan: AttentionPlan, _ rewriter: inout GraphRewriter, declined: inout Declined?
  ) -> BuiltAttention? {
    var trial = rewriter
    do {
      guard let built = try DecayedProducts(plan)?.build(plan, &trial) else { return nil }
      rewriter = trial
      return built
    } catch {
      declined = error as? Declined
      return nil
    }
  }

  private static func build(
    _ plan: AttentionPlan, _ rewriter: inout GraphRewriter, _ context: inout PassContext
  ) -> BuiltAttention? {
    do {
      // What a failed try leaves behind is dead.
      return try plan.build(&rewriter)
    } catch {
      let graph = rewriter.source
      context.remark(.declined, graph.result(plan.sum.node), in: graph, "not fused into attention: \(error)")
      return nil
    }
  }
}
