import Foundation
import HeedIR

/// The numbers of whose exponentials' sum a value is the logarithm: of `log(exp(log_sum_exp(x)) + exp(s))` the scores x and s.
private struct LogarithmOfSum {
  /// The `log_sum_exp`s.
  var rows: [NodeID] = []
  var others: [ValueID] = []
  var constants: [Double] = []

  /// Sums are followed this far.
  private static let greatestDepth = 8

  init?(_ value: ValueID, in graph: Graph) {
    guard add(value, graph, depth: 0) else { return nil }
  }

  private mutating func add(_ value: ValueID, _ graph: Graph, depth: Int) -> Bool {
    guard depth < Self.greatestDepth else { return false }
    if let node = graph.unitSource(value, .logSumExp) {
      rows.append(node)
    } else if let constant = graph.uniformConstant(value)?.real {
      guard constant.isFinite else { return false }
      constants.append(constant)
    } else if let sum = graph.match(value, .log)?[0] {
      return addExponentials(sum, shift: nil, graph, depth: depth + 1)
    } else if let pair = graph.match(value, .add), let parts = parts(pair, graph) {
      switch parts {
      case .pair(let left, let right):
        return add(left, graph, depth: depth + 1) && add(right, graph, depth: depth + 1)
      case .shifted(let shift, let sum): return addExponentials(sum, shift: shift, graph, depth: depth + 1)
      }
    } else {
      others.append(value)
    }
    return true
  }

  private enum Parts {
    /// `maximum(a, b) + log(1 + exp(-absolute(a - b)))`
    case pair(ValueID, ValueID)
    /// `m + log(exp(a - m) + exp(b - m))`
    case shifted(ValueID, sum: ValueID)
  }

  private func parts(_ pair: [ValueID], _ graph: Graph) -> Parts? {
    for (shift, logarithm) in [(pair[0], pair[1]), (pair[1], pair[0])] {
      guard let sum = graph.match(logarithm, .log)?[0] else { continue }
      guard let greatest = graph.match(shift, .maximum), let terms = graph.match(sum, .add),
        let one = terms.firstIndex(where: { graph.uniformConstant($0)?.real == 1 }),
        let exponent = graph.match(terms[1 - one], .exp)?[0]
      else { return .shifted(shift, sum: sum) }
      return graph.isNegatedDistance(exponent, greatest) ? .pair(greatest[0], greatest[1]) : nil
    }
    return nil
  }

  private mutating func addExponentials(_ value: ValueID, shift: ValueID?, _ graph: Graph, depth: Int) -> Bool {
    guard depth < Self.greatestDepth else { return false }
    if let pair = graph.match(value, .add) {
      return pair.allSatisfy { addExponentials($0, shift: shift, graph, depth: depth + 1) }
    }
    if shift == nil, let constant = graph.uniformConstant(value)?.real, constant > 0, constant.isFinite {
      constants.append(log(constant))
      return true
    }
    guard let exponent = graph.match(value, .exp)?[0] else { return false }
    guard let shift else { return add(exponent, graph, depth: depth + 1) }
    func isShift(_ value: ValueID) -> Bool { Arrangement(value, in: graph).source == Arrangement(shift, in: graph).source }
    if let pair = graph.match(exponent, .subtract), isShift(pair[1]) { return add(pair[0], graph, depth: depth + 1) }
    guard let negated = graph.match(exponent, .negate)?[0], isShift(negated) else { return false }
    constants.append(0)
    return true
  }
}

extension GraphPass {
  /// `exp(x - log(exp(log_sum_exp(x)) + exp(s)))` is the softmax of x and a sink s, however the logarithm of the sum is written.
  static func recogniseSinkInLogarithm(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .exp, let pair = graph.match(graph.inputs(node)[0], .subtract) else { return nil }
    let shift = Arrangement(pair[1], in: graph)
    guard !shift.views.isEmpty, graph.definingOp(shift.source) != .logSumExp, let sum = LogarithmOfSum(shift.source, in: graph),
      sum.rows.count == 1, graph.inputs(sum.rows[0]) == [pair[0]], sum.others.count + (sum.constants.isEmpty ? 0 : 1) == 1
    else { return nil }
    let (dim, type) = (graph.attributes(sum.rows[0]).required(.dim), graph.type(pair[0]))
    let rows = type.shape.extents.indices.filter { $0 != dim && type.shape[$0] != 1 }
    guard shift.dimensions.compactMap({ $0 }).filter({ type.shape[$0] != 1 }) == rows else { return nil }
    let sink = try sum.others.first ?? state.graph.appendScalar(sum.constants.logarithmOfSum, type.element)
    state.context.remark(
      .applied, graph.result(node), in: graph, "a softmax written out, with one more exponential in the sum: a sink, of value 0")
    return try state.graph.appendSoftmax(pair[0], dims: [dim], sink: sink)
  }

  /// `exp(log(p))` is p, for probabilities p.
  static func dropLogarithmOfProbabilities(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .exp, let weights = graph.match(graph.inputs(node)[0], .log)?[0] else { return nil }
    let source = graph.definingNode(weights, where: .slice).map { graph.inputs($0)[0] } ?? weights
    return graph.definingOp(source) == .softmax ? weights : nil
  }
}

extension Graph {
  /// Whether `value` is the distance of the two values, negated: `-absolute(a - b)` or `minimum(a, b) - maximum(a, b)`.
  fileprivate func isNegatedDistance(_ value: ValueID, _ pair: [ValueID]) -> Bool {
    if let operands = match(value, .subtract), let least = match(operands[0], .minimum), let greatest = match(operands[1], .maximum)
    {
      return Set(least) == Set(pair) && Set(greatest) == Set(pair)
    }
    guard let distance = match(value, .negate)?[0], let inner = match(distance, .absolute)?[0] else { return false }
    if let operands = match(inner, .subtract), Set(operands) == Set(pair) { return true }
    // A difference to 0.
    return pair.indices.contains {
      uniformConstant(pair[$0])?.real == 0 && (inner == pair[1 - $0] || match(inner, .negate)?[0] == pair[1 - $0])
    }
  }
}
