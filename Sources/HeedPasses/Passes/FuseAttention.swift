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
  /// The logarithm of a row's sum and its greatest score become further results of the op; what uses them moves behind it. In a
  /// softmax over the scores and one further column, which a slice drops again, that column becomes a sink. Where the ops between
  /// the two products are elementwise and not linear, in place of a softmax, the op takes their result as weights.
  public static let fuseAttention = GraphPass(
    "fuse-attention", summary: "make one op of product, score, softmax and weighted sum"
  ) { graph, context in
    // The uses by dead nodes do not count.
    graph.eliminateDeadNodes()
    var plans: [NodeID: AttentionPlan] = [:]
    var order = graph.body
    for node in graph.body where graph.op(node) == .contract {
      guard let plan = plan(node, graph, &context) else { continue }
      plans[node] = plan
      order = plan.outputs.deferring(order, behind: node, in: graph)
    }
    var rewriter = GraphRewriter(graph)
    var outputs: [NodeID: (AttentionPlan, BuiltAttention)] = [:]
    for node in order {
      if let (plan, built) = outputs[node] {
        for (old, new) in zip(graph.results(node), try plan.output(node, of: built, &rewriter)) { rewriter.replace(old, with: new) }
      } else if let plan = plans[node], let built = build(plan, &rewriter, &context) {
        rewriter.replace(graph.result(node), with: built.sum)
        context.remark(.applied, built.sum, in: rewriter.result, "fused into attention; " + plan.findings.joined(separator: "; "))
        for note in plan.notes { context.remark(.note, built.sum, in: rewriter.result, note) }
        for note in plan.statisticNotes { context.remark(.note, built.sum, in: rewriter.result, note) }
        for output in plan.outputs.nodes { outputs[output] = (plan, built) }
      } else {
        rewriter.copy(node)
      }
    }
    graph = rewriter.finish()
    graph.eliminateDeadNodes()
  }

  /// The plan for the weighted sum that `node` is; nil, after a remark where a softmax is there, where it is not fused.
  private static func plan(_ node: NodeID, _ graph: Graph, _ context: inout PassContext) -> AttentionPlan? {
    do {
      for sum in try WeightedSum.candidates(graph, node) {
        // Two products with elementwise ops between need not be attention.
        if sum.weights.softmax != nil { return try AttentionPlan.make(sum) }
        if let plan = try? AttentionPlan.make(sum) { return plan }
      }
    } catch let declined as Declined {
      context.remark(.declined, declined.value, in: graph, "not fused into attention: \(declined.reason)")
    } catch {
      context.remark(.declined, graph.result(node), in: graph, "not fused into attention: \(error)")
    }
    return nil
  }

  private static func build(
    _ plan: AttentionPlan, _ rewriter: inout GraphRewriter, _ context: inout PassContext
  ) -> BuiltAttention? {
    do {
      var trial = rewriter
      let built = try plan.build(&trial)
      rewriter = trial
      return built
    } catch {
      let graph = rewriter.source
      context.remark(.declined, graph.result(plan.sum.node), in: graph, "not fused into attention: \(error)")
      return nil
    }
  }
}
