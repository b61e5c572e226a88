import HeedIR

extension Graph {
  /// `value` without a dimension that its elements do not depend on; nil where they may depend on it.
  mutating func dropping(_ dimension: Int, of value: ValueID, depth: Int = 0) throws -> ValueID? {
    let type = type(value)
    let dropped = TensorType(type.element, Shape(type.shape.extents.enumerated().filter { $0.offset != dimension }.map(\.element)))
    if let literal = uniformConstant(value) {
      return try appendResult(
        .broadcast, [appendScalar(literal, type.element)], attributes: [Attribute(.dims, [])], stated: dropped)
    }
    if type.shape[dimension] == 1 { return try appendResult(.reshape, [value], stated: dropped) }
    guard depth < 128, let node = definingNode(value) else { return nil }
    let (op, inputs) = (op(node), inputs(node))
    if op.has(.elementwise) {
      var operands: [ValueID] = []
      for input in inputs {
        guard let operand = self.type(input).rank == 0 ? input : try dropping(dimension, of: input, depth: depth + 1) else {
          return nil
        }
        operands.append(operand)
      }
      return try appendLike(node, operands, type: dropped)
    }
    switch op {
    case .iota:
      let counted = attributes(node).required(.dim)
      guard counted != dimension else { return nil }
      return try appendResult(
        .iota, [], attributes: [Attribute(.dim, counted > dimension ? counted - 1 : counted)], stated: dropped)
    case .broadcast:
      var (source, dims) = (inputs[0], attributes(node).required(.dims))
      if let position = dims.firstIndex(of: dimension) {
        guard let operand = try dropping(position, of: source, depth: depth + 1) else { return nil }
        source = operand
        dims.remove(at: position)
      }
      dims = dims.map { $0 > dimension ? $0 - 1 : $0 }
      if self.type(source) == dropped, dims == Array(0..<dropped.shape.rank) { return source }
      return try appendResult(.broadcast, [source], attributes: [Attribute(.dims, dims)], stated: dropped)
    case .transpose:
      let permutation = attributes(node).required(.permutation)
      let source = permutation[dimension]
      guard let operand = try dropping(source, of: inputs[0], depth: depth + 1) else { return nil }
      let rest = permutation.filter { $0 != source }.map { $0 > source ? $0 - 1 : $0 }
      return try appendResult(.transpose, [operand], attributes: [Attribute(.permutation, rest)])
    case .reshape:
      if let found = self.source(ofDimension: dimension, of: node), let source = found {
        guard let operand = try dropping(source, of: inputs[0], depth: depth + 1) else { return nil }
        return try appendResult(.reshape, [operand], stated: dropped)
      }
      // Where dimensions are split or merged, none of theirs may matter. What is left is repeated along the others.
      let runs = ReshapeRuns(from: self.type(inputs[0]).shape.extents, to: type.shape.extents, facts: facts)?.runs
      guard let run = runs?.first(where: { $0.to.contains(dimension) }) else { return nil }
      var operand = inputs[0]
      for source in run.from.reversed() {
        guard let rest = try dropping(source, of: operand, depth: depth + 1) else { return nil }
        operand = rest
      }
      let others = type.shape.extents.indices.filter { !run.to.contains($0) }
      operand = try appendResult(
        .reshape, [operand], stated: TensorType(type.element, Shape(others.map { type.shape.extents[$0] })))
      return try appendResult(
        .broadcast, [operand], attributes: [Attribute(.dims, others.map { $0 > dimension ? $0 - 1 : $0 })], stated: dropped)
    default: return nil
    }
  }

  /// `value`, whose dimensions have these letters, without the dimensions of those in `others`; nil where it may depend on one.
  mutating func dropping(_ others: some Sequence<Character>, of value: ValueID, _ letters: [Character]) throws
    -> (value: ValueID, letters: [Character])?
  {
    var (value, letters) = (value, letters)
    for letter in others {
      guard let position = letters.firstIndex(of: letter) else { continue }
      guard let dropped = try dropping(position, of: value) else { return nil }
      (value, letters) = (dropped, letters.filter { $0 != letter })
    }
    return (value, letters)
  }
}
