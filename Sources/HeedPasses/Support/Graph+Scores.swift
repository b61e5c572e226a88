import HeedIR

extension Graph {
  /// The contracts from which `value` is computed by elementwise ops and views, nearest first.
  func products(below value: ValueID) -> [NodeID] {
    var found: [NodeID] = []
    var seen: Set<NodeID> = []
    var pending = [value][...]
    while let next = pending.popFirst() {
      guard let node = definingNode(next), seen.insert(node).inserted else { continue }
      let op = op(node)
      if op == .contract { found.append(node) } else if op.has(.elementwise) || op.has(.view) { pending += operands(node) }
    }
    return found
  }

  /// The op that makes `value` from scores, through elementwise ops and views, and needs a whole row of them: a reduction, a sort, a scan.
  func rowOp(above value: ValueID) -> Op? {
    var seen: Set<NodeID> = []
    var pending = [value][...]
    while let next = pending.popFirst() {
      guard let node = definingNode(next), seen.insert(node).inserted else { continue }
      let op = op(node)
      if [Op.reduce, .scan, .topK, .softmax, .logSumExp, .layerNorm, .rmsNorm].contains(op),
        operands(node).contains(where: { !products(below: $0).isEmpty })
      {
        return op
      }
      if op.has(.elementwise) || op.has(.view) || op == .gather { pending += operands(node) }
    }
    return nil
  }

  /// Whether `value` is computed from parameters and constants alone.
  func isKnownAtLoad(_ value: ValueID) -> Bool {
    var seen: Set<ValueID> = []
    var pending = [value]
    while let next = pending.popLast() {
      guard seen.insert(next).inserted else { continue }
      if case .argument(let position) = origin(next), arguments[position].role == .input { return false }
      if let node = definingNode(next) { pending += operands(node) }
    }
    return true
  }

  /// i64 where an index below `value` is of that type, else i32.
  func indexType(below value: ValueID) -> ElementType {
    var seen: Set<NodeID> = []
    var pending = [value]
    while let next = pending.popLast() {
      guard let node = definingNode(next), op(node) != .contract, seen.insert(node).inserted else { continue }
      if op(node) == .iota, type(next).element == .i64 { return .i64 }
      pending += operands(node)
    }
    return .i32
  }

  /// Whether `value` has an element for each query and key.
  func isAsLargeAsScores(_ value: ValueID, _ sum: WeightedSum) -> Bool {
    let extents = type(value).shape.extents
    guard let row = extents.firstIndex(of: sum.rowExtent) else { return false }
    return extents[(row + 1)...].contains(sum.columnExtent) || extents[..<row].contains(sum.columnExtent)
  }
}
