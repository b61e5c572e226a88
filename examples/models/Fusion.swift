package import Heed

/// What of a model was fused: the ops on pairs of its optimised graph, and why some are left.
package struct Fusion: Sendable {
  /// The number of ops `attention` and `linear_attention`, and of those that reduce or sort attention's scores.
  package let attention: Int
  /// The number of softmaxes that are left.
  package let softmaxes: Int
  /// The number of products that are left; those with a weight do not count.
  package let products: Int
  /// What the compiler said of attention that it declined to fuse.
  package let declined: [String]

  /// What becomes of a graph, compiled for one processor so that it does not depend on this machine.
  /// - Throws: where the graph has a mistake.
  package init(_ graph: Graph) throws {
    var options = CompileOptions(target: .x86AVX512)
    options.tuning = .none
    let lowered = try graph.lowered(options)
    let graph = lowered.graph
    func nodes(_ ops: Set<Op>) -> [NodeID] { graph.body.filter { ops.contains(graph.op($0)) } }
    attention = nodes([.attention, .linearAttention, .attentionReduce, .attentionTopK]).count
    softmaxes = nodes([.softmax]).count
    // Weights, and what is made of them alone.
    var weights = Set(graph.arguments.filter { $0.role == .parameter }.map(\.value))
    for node in graph.body where graph.operands(node).allSatisfy(weights.contains) { weights.formUnion(graph.results(node)) }
    products = nodes([.contract]).count { graph.operands($0).allSatisfy { !weights.contains($0) } }
    declined = lowered.remarks.filter { $0.kind == .declined && $0.pass == "fuse-attention" }.map { "\($0.subject): \($0.message)" }
  }
}
