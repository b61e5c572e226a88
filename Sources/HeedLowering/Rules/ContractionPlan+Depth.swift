import HeedIR

extension ContractionPlan {
  /// The contracted dimensions of a kernel, and the operands' indices along them.
  struct Depth {
    fileprivate(set) var dimensions: [Dimension] = []
    /// The indices into operands as they are.
    fileprivate(set) var left: [IntegerExpression] = []
    fileprivate var panels: [IntegerExpression] = []
    fileprivate var pair: IntegerExpression?

    /// The last indices into the panels: the depth, the column and, where there are pairs, which of a pair.
    func packed(column: IntegerExpression) -> [IntegerExpression] { panels + [column] + (pair.map { [$0] } ?? []) }
  }

  /// The whole depth, or where there is one dimension of it, the part of so many elements (or pairs) from `start` on.
  func depth(_ builder: KernelBuilder, from start: IntegerExpression = 0, _ length: Int? = nil) -> Depth {
    var depth = Depth()
    for (position, group) in (groups.over.isEmpty ? [[]] : groups.over).enumerated() {
      let isPairs = isPaired && position == groups.over.count - 1
      let extent = isPairs ? groups.extent(group).dividedExactly(by: 2)! : groups.extent(group)
      let (dimension, offset) = builder.dimension(
        Name("k\(position)"), length.map { .constant($0) } ?? IntegerExpression(extent))
      let index = length == nil || start == 0 ? offset : start + offset
      depth.dimensions.append(dimension)
      if isPairs {
        let (pair, which) = builder.dimension("u", 2)
        depth.dimensions.append(pair)
        depth.left.append(index * 2 + which)
        depth.pair = which
      } else if !groups.over.isEmpty {
        depth.left.append(index)
      }
      if !groups.over.isEmpty { depth.panels.append(index) }
    }
    return depth
  }
}
