import HeedIR

extension Graph {
  /// The contracts from which `value` is computed by elementwise ops and views, nearest first.
  func products(below value: ValueID, atMost count: Int = .max) -> [NodeID] {
    Array(values(below: value, through: isElementwiseOrView).lazy.compactMap { definingNode($0, where: .contract) }.prefix(count))
  }

  /// The op that makes `value` from scores, through elementwise ops and views, and needs a whole row of them: a reduction, a sort, a scan.
  func rowOp(above value: ValueID) -> NodeID? {
    let ofRows = [Op.reduce, .scan, .topK, .sort, .softmax, .logSumExp, .relativeLogSumExp, .layerNorm, .rmsNorm]
    let nodes = values(below: value) { isElementwiseOrView($0) || op($0) == .gather }.lazy.compactMap(definingNode)
    return nodes.first { node in
      ofRows.contains(op(node)) && operands(node).contains { !products(below: $0, atMost: 1).isEmpty }
    }
  }

  /// What to write in place of a node that takes whole rows of scores, or of what is made from them; nil where nothing is known.
  func adviceOnRows(_ node: NodeID) -> String? {
    let attributes = attributes(node)
    let last = type(inputs(node)[0]).rank - 1
    let alongKeys: Bool
    switch op(node) {
    case .topK, .sort: alongKeys = true
    case .reduce: alongKeys = attributes.required(.dims) == [last]
    case .scan, .softmax, .logSumExp, .relativeLogSumExp: alongKeys = attributes.required(.dim) == last
    case .layerNorm, .rmsNorm: alongKeys = true
    default: alongKeys = false
    }
    return alongKeys ? "rows do not depend on each other: a call for fewer queries stores less" : nil
  }

  /// Whether `value` is computed from parameters and constants alone.
  func isKnownAtLoad(_ value: ValueID) -> Bool {
    !values(below: value).contains { value in
      if case .argument(let position) = origin(value) { arguments[position].role == .input } else { false }
    }
  }

  /// Whether `value` has an element for each query and key.
  func isAsLargeAsScores(_ value: ValueID, _ sum: WeightedSum) -> Bool {
    let extents = type(value).shape.extents
    guard let row = extents.firstIndex(of: sum.rowExtent) else { return false }
    return extents[(row + 1)...].contains(sum.columnExtent) || extents[..<row].contains(sum.columnExtent)
  }
}
