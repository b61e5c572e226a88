import HeedIR

extension Graph {
  /// The contracts from which `value` is computed by elementwise ops and views, nearest first.
  func products(below value: ValueID, atMost count: Int = .max) -> [NodeID] {
    Array(values(below: value, through: isElementwiseOrView).lazy.compactMap { definingNode($0, where: .contract) }.prefix(count))
  }

  /// The op that makes `value` from scores, through elementwise ops and views, and needs a whole row of them: a reduction, a sort, a scan.
  func rowOp(above value: ValueID) -> Op? {
    let ofRows = [Op.reduce, .scan, .topK, .sort, .softmax, .logSumExp, .relativeLogSumExp, .layerNorm, .rmsNorm]
    let nodes = values(below: value) { isElementwiseOrView($0) || op($0) == .gather }.lazy.compactMap(definingNode)
    return nodes.first { node in
      ofRows.contains(op(node)) && operands(node).contains { !products(below: $0, atMost: 1).isEmpty }
    }.map(op)
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
