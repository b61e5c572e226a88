internal import DequeModule
import HeedIR

/// A value and the values that it is computed from, each once, nearest first (breadth-first).
struct ValuesBelow: Sequence, IteratorProtocol {
  private let graph: Graph
  private let descends: (NodeID) -> Bool
  private var pending: Deque<ValueID>
  private var seen: Set<ValueID>

  fileprivate init(_ graph: Graph, _ value: ValueID, through descends: @escaping (NodeID) -> Bool) {
    (self.graph, self.descends) = (graph, descends)
    (pending, seen) = ([value], [value])
  }

  mutating func next() -> ValueID? {
    guard let value = pending.popFirst() else { return nil }
    if let node = graph.definingNode(value), descends(node) {
      for operand in graph.operands(node) where seen.insert(operand).inserted { pending.append(operand) }
    }
    return value
  }
}

extension Graph {
  /// `value` itself and what it is computed from, nearest first.
  /// - Parameter descends: whether to go on to the operands of a node; by default always.
  func values(below value: ValueID, through descends: @escaping (NodeID) -> Bool = { _ in true }) -> ValuesBelow {
    ValuesBelow(self, value, through: descends)
  }

  /// Whether the node is an elementwise op or a view.
  func isElementwiseOrView(_ node: NodeID) -> Bool { op(node).has(.elementwise) || op(node).has(.view) }
}
