import HeedIR

/// What passes ask of a graph again and again while it stays as it is: each table takes one walk over the nodes.
final class GraphTables {
  /// The nodes that use each value, in order, by value.
  let users: [[NodeID]]
  /// By node, whether its scalar code would have more than `TensorReader.greatestDepth` ops in a chain. What is not an elementwise op,
  /// view or gather is read from memory; so are these nodes themselves.
  let isDistant: [Bool]
  private let depths: [Int]
  // By value.
  private let isKnown: [Bool]
  private let hasSoftmax: [Bool]
  private let hasLongIndex: [Bool]
  private let hasProductOfData: [Bool]

  init(_ graph: Graph) {
    users = graph.users()
    let none = [Bool](repeating: false, count: graph.valueCapacity)
    var (isKnown, hasSoftmax, hasLongIndex, hasProductOfData) = (none, none, none, none)
    var depths = [Int](repeating: 0, count: graph.nodeCapacity)
    var isDistant = [Bool](repeating: false, count: graph.nodeCapacity)
    for argument in graph.arguments { isKnown[Int(argument.value.index)] = argument.role != .input }
    for node in graph.body {
      let (op, operands, number) = (graph.op(node), graph.operands(node), Int(node.index))
      let isLocal = graph.isElementwiseOrView(node)
      if isLocal || op == .gather {
        let below = operands.compactMap(graph.definingNode).filter { !isDistant[Int($0.index)] }
        depths[number] = 1 + (below.map { depths[Int($0.index)] }.max() ?? 0)
        isDistant[number] = depths[number] > TensorReader.greatestDepth
      }
      func any(_ table: [Bool]) -> Bool { operands.contains { table[Int($0.index)] } }
      let known = operands.allSatisfy { isKnown[Int($0.index)] }
      let softmax = op == .softmax || isLocal && any(hasSoftmax)
      let long =
        op == .iota ? graph.results(node).allSatisfy { graph.type($0).element == .i64 } : op != .contract && any(hasLongIndex)
      let product = op == .contract ? !any(isKnown) : isLocal && any(hasProductOfData)
      for result in graph.results(node).map({ Int($0.index) }) {
        (isKnown[result], hasSoftmax[result], hasLongIndex[result], hasProductOfData[result]) = (known, softmax, long, product)
      }
    }
    (self.isDistant, self.depths) = (isDistant, depths)
    (self.isKnown, self.hasSoftmax, self.hasLongIndex, self.hasProductOfData) = (
      isKnown, hasSoftmax, hasLongIndex, hasProductOfData
    )
  }

  /// How many ops the scalar code of a node has in a chain: 0 where it is read from memory.
  func depth(_ node: NodeID) -> Int { isDistant[Int(node.index)] ? 0 : depths[Int(node.index)] }

  /// Whether `value` is computed from parameters and constants alone.
  func isKnownAtLoad(_ value: ValueID) -> Bool { isKnown[Int(value.index)] }

  /// Whether views and elementwise ops make `value` from a softmax.
  func comesFromSoftmax(_ value: ValueID) -> Bool { hasSoftmax[Int(value.index)] }

  /// Whether views and elementwise ops make `value` from a product of two tensors that are not known at load.
  func comesFromProductOfData(_ value: ValueID) -> Bool { hasProductOfData[Int(value.index)] }

  /// i64 where an index below `value` is of that type, else i32.
  func indexType(below value: ValueID) -> ElementType { hasLongIndex[Int(value.index)] ? .i64 : .i32 }
}
