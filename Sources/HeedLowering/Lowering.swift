package import HeedIR
package import HeedSchedule

/// A lowered graph: the program and what the lowering said about it.
package struct Lowered: Sendable {
  /// The program, not yet verified.
  package let program: Program
  /// What the lowering said, in order.
  package let remarks: [Remark]
  /// How the ops on attention's scores run, in order.
  package let schedules: [ScheduledOp]
  /// The graph as it was lowered, without composite ops that have no rule.
  package let graph: Graph
  /// The graph's nodes in the order in which they run.
  package let order: [NodeID]
  /// The node that each step of the program is for; nil for copies at the end.
  package let nodesOfSteps: [NodeID?]
  /// By value, the position of the buffer that its elements lie in; nil where no call reads or writes it.
  package let buffersOfValues: [Int?]
}

/// An op and the schedule that it was lowered by.
package struct ScheduledOp: Sendable {
  /// The op's first result.
  package let value: Name
  package let op: Op
  package let schedule: AttentionSchedule
}

/// Turns a graph into a program of kernels for `target`.
///
/// Every op has a lowering rule or decomposes into ops that have one. View ops move no data: they rearrange strides.
/// - Parameter classifiesOnly: attention finds the live tiles of its score matrix and only counts them, which leaves its result
///   undefined: to measure what classification takes.
/// - Throws: where an op has no kernel for its element type yet; the error names the op, the value and the type.
package func lower(_ graph: Verified<Graph>, for target: Target, classifiesOnly: Bool = false) throws -> Lowered {
  var context = LoweringContext(try decomposeForLowering(graph.ir), target: target, classifiesOnly: classifiesOnly)
  try context.lowerNodes()
  var program = try context.finish()
  let positions = planMemory(&program)
  return Lowered(
    program: program, remarks: context.remarks, schedules: context.schedules, graph: context.graph, order: context.states.order,
    nodesOfSteps: context.nodesOfSteps, buffersOfValues: context.buffersOfValues.map { $0.flatMap { positions[$0] } })
}

/// Replaces requests for derivatives that no pass has expanded, and the ops that have no lowering rule by what they decompose into, until
/// all have one.
private func decomposeForLowering(_ graph: Graph, isBody: Bool = false) throws -> Graph {
  var graph = graph.hasDerivatives ? try graph.expandingDerivatives() : graph
  for node in graph.body {
    if let body = graph.bodyGraph(node) { graph.setBodyGraph(node, try decomposeForLowering(body, isBody: true)) }
  }
  func mustDecompose(_ node: NodeID) -> Bool {
    let op = graph.op(node)
    let runsByTiles = op.has(.scoresPairs) || op == .linearAttention || op == .pairSums || op == .pairScatter
    return op.canDecompose && (LoweringRule.all[op] == nil || runsByTiles && !graph.canTile(node, isBody: isBody))
  }
  while graph.body.contains(where: mustDecompose) {
    var rewriter = GraphRewriter(graph)
    for node in graph.body {
      if mustDecompose(node) {
        try rewriter.decompose(node)
      } else {
        rewriter.copy(node)
      }
    }
    graph = rewriter.finish()
  }
  return graph
}

extension Graph {
  /// Whether an attention, fused or linear, or a statistic of one can run by tiles: head widths are constants, and the offsets
  /// of a ragged one are an input of the whole graph, which is checked at each call. Others are decomposed.
  fileprivate func canTile(_ attention: NodeID, isBody: Bool) -> Bool {
    if [.pairSums, .pairScatter].contains(op(attention)) { return hasConstantWidths(ofPairs: attention) }
    // The third operand of a statistic is a number of each row.
    let isStatistic = op(attention).has(.scoresPairs) && op(attention) != .attention
    let tiled = operands(attention).prefix(isStatistic ? 2 : 3)
    guard tiled.allSatisfy({ type($0).shape.extents.last!.constant != nil }) else { return false }
    guard let offsets = captured(attention, .ragged) else { return true }
    guard !isBody, case .argument(let position) = origin(offsets) else { return false }
    return arguments[position].role == .input
  }
}

extension Graph {
  /// Whether the widths of the tensors that sums over pairs multiply and weigh are constants.
  fileprivate func hasConstantWidths(ofPairs node: NodeID) -> Bool {
    let (pairs, operands) = (PairOperands(attributes(node)), Array(operands(node)))
    let tensors = pairs.products.flatMap { [$0.row, $0.column] } + pairs.sums.compactMap(\.operand)
    return tensors.allSatisfy { (1...AttentionShape.mostWidths).contains(type(operands[$0]).shape.extents.last!.constant ?? 0) }
  }
}

extension LoweringContext {
  func unsupported(_ node: NodeID, _ reason: String) -> HeedError {
    let (result, types) = (graph.results(node).first!, graph.operands(node).map(graph.type) + graph.results(node).map(graph.type))
    let name = graph.name(result)
    let value = name.isNone ? graph.label(result) : "%\(name) = \(graph.op(node).mnemonic)"
    return HeedError(
      "cannot compile \(value) on \(types.map(\.description).joined(separator: ", ")): \(reason)", at: graph.place(result))
  }

  /// Checks that the node's values are of types that are computed as they are stored.
  func requireCompiledTypes(_ node: NodeID) throws {
    for value in Array(graph.operands(node)) + graph.results(node) {
      let element = graph.type(value).element
      if element != element.computed {
        throw unsupported(node, "no kernels for \(element) yet; f32, f64 and the integer types have them")
      }
    }
  }
}

/// How a node of an op becomes kernel calls.
struct LoweringRule: Sendable {
  private let run: @Sendable (inout LoweringContext, NodeID) throws -> Void

  init(_ run: @escaping @Sendable (inout LoweringContext, NodeID) throws -> Void) { self.run = run }

  func callAsFunction(_ context: inout LoweringContext, _ node: NodeID) throws { try run(&context, node) }

  /// The rules by op. Elementwise ops share one.
  static let all: [Op: LoweringRule] = {
    var rules: [Op: LoweringRule] = [
      .constant: constant, .iota: iota, .extent: extent,
      .broadcast: broadcast, .reshape: reshape, .transpose: transpose, .slice: slice,
      .concatenate: concatenate, .pad: pad,
      .map: mappedRegion,
      .softmax: softmax, .layerNorm: layerNorm, .rmsNorm: rmsNorm, .normGradient: normGradient,
      .reduce: reduce, .scan: scan, .topK: topK, .sort: sort,
      .gather: gather, .scatter: scatter, .scatterAdd: scatterAdd, .segmentIDs: segmentIDs, .segmentSum: segmentSum,
      .segmentMax: segmentMax, .segmentMatmul: segmentMatmul,
      .contract: contraction, .linear: contraction, .attention: fusedTiles,
      .attentionReduce: weightStatistic, .attentionTopK: greatestWeights, .pairSums: pairSums, .pairScatter: pairScatter,
      .linearAttention: linearAttention, .loop: loop,
    ]
    for op in Op.all where op.has(.elementwise) { rules[op] = elementwise }
    rules[.convert] = conversion
    return rules
  }()
}
