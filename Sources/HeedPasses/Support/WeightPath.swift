import HeedIR

/// The elementwise ops, reshapes and transposes that lead from the weights of a softmax to a sum that they weigh, guards against NaN and
/// empty rows among them.
struct WeightPath {
  /// The first weighted sum, and which operand of it the weights are.
  private(set) var sum: NodeID
  private(set) var side: Int
  /// The ops between, in order.
  private(set) var nodes: [NodeID] = []
  /// The groups of factors of the dimensions of the weights and of what the ops make of them.
  private(set) var groups: [ValueID: [[DimensionFactors.Factor]]]
  /// The scores' cone, with the factors that reshapes on the way have split.
  private(set) var cone: ScoreCone

  /// The path from the weights of `cone`; nil where there is none.
  init?(_ cone: ScoreCone, in graph: Graph, users: [[NodeID]]) {
    let weights = graph.result(cone.weights)
    (self.cone, groups) = (cone, [weights: cone.dimensions(cone.scores)!])
    (sum, side) = (cone.weights, 0)
    var pending = Set(users[Int(weights.index)])
    while let node = pending.min() {
      pending.remove(node)
      if graph.op(node) == .contract {
        let inputs = graph.inputs(node)
        guard inputs[0] != inputs[1], let side = inputs.firstIndex(where: { groups[$0] != nil }) else { continue }
        (sum, self.side) = (node, side)
        let leading = graph.values(below: inputs[side]) { [groups] in
          $0 != cone.weights && graph.results($0).contains { groups[$0] != nil }
        }
        nodes = leading.filter { $0 != weights && groups[$0] != nil }.compactMap(graph.definingNode).sorted()
        return
      }
      guard let own = groupsOfResult(node, weights, in: graph) else { continue }
      groups[graph.result(node)] = own
      pending.formUnion(users[Int(graph.result(node).index)])
    }
    return nil
  }

  /// The groups of what `node` makes of weights; nil where it is another op than those, or combines weights with what else depends on
  /// probabilities.
  private mutating func groupsOfResult(_ node: NodeID, _ weights: ValueID, in graph: Graph) -> [[DimensionFactors.Factor]]? {
    let inputs = graph.inputs(node)
    guard let first = inputs.compactMap({ groups[$0] }).first else { return nil }
    switch graph.op(node) {
    case .reshape: return cone.reshaped(first, to: graph.type(graph.result(node)).shape.extents)
    case .transpose: return graph.attributes(node).required(.permutation).map { first[$0] }
    case let op where op.has(.elementwise) && graph.results(node).count == 1:
      let (groups, factors) = (groups, cone.factors)
      let isAlone = inputs.allSatisfy { operand in
        if let other = groups[operand] { return other.map(factors.split) == first.map(factors.split) }
        return !graph.values(below: operand).contains { $0 == weights || graph.definingOp($0) == .softmax }
      }
      return isAlone ? first : nil
    default: return nil
    }
  }
}
