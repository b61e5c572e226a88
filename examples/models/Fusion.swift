package import Heed

/// What of a model was fused: the ops on pairs of its optimised graph, and why some are left.
package struct Fusion: Sendable {
  /// The number of ops `attention` and `linear_attention`, and of those that reduce or sort attention's scores.
  package let attention: Int
  /// The number of softmaxes that are left.
  package let softmaxes: Int
  /// The number of products of computed tensors that are left; those with a weight do not count.
  package let products: Int
  /// What the compiler said it declined.
  package let declined: [String]

  /// What becomes of a graph, compiled for one processor so that it does not depend on this machine.
  /// - Throws: where the graph has a mistake.
  package init(_ graph: Graph) throws {
    var options = CompileOptions(target: .x86AVX512)
    options.tuning = .none
    let lowered = try graph.lowered(options)
    func count(_ ops: Set<Op>) -> Int { lowered.graph.body.count { ops.contains(lowered.graph.op($0)) } }
    attention = count([.attention, .linearAttention, .attentionReduce, .attentionTopK])
    softmaxes = count([.softmax])
    products = count([.contract])
    declined = lowered.remarks.filter { $0.kind == .declined }.map { "\($0.subject): \($0.message)" }
  }
}
