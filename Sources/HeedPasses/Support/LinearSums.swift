import HeedIR

/// Appends to a graph sums over dimensions of values that are made from a product by linear ops: the sum of a row of products is the
/// product with the sum of the other rows.
struct LinearSums {
  var graph: Graph
  /// What is made of the product.
  let made: Set<ValueID>

  /// The sum of `value` over `dims`, which rise, in the type that sums have; nil where it is not linear in the product.
  mutating func sum(_ value: ValueID, _ dims: [Int], depth: Int = 0) throws -> ValueID? {
    guard depth < TensorReader.greatestDepth else { return nil }
    guard made.contains(value) else { return try sumOfOther(value, dims) }
    guard let node = graph.definingNode(value) else { return nil }
    let (op, inputs) = (graph.op(node), graph.inputs(node))
    switch op {
    case .add, .subtract:
      var terms: [ValueID] = []
      for input in inputs {
        let term = graph.type(input).rank == 0 ? try repeated(input, value, dims) : try sum(input, dims, depth: depth + 1)
        guard let term else { return nil }
        terms.append(term)
      }
      return try graph.appendResult(op, terms)
    case .negate: return try sum(inputs[0], dims, depth: depth + 1).map { try graph.appendResult(.negate, [$0]) }
    case .convert where graph.type(inputs[0]).element.computed == graph.type(value).element:
      return try sum(inputs[0], dims, depth: depth + 1)
    case .multiply, .divide:
      for (term, factor) in op == .multiply ? [(inputs[0], inputs[1]), (inputs[1], inputs[0])] : [(inputs[0], inputs[1])] {
        guard made.contains(term), !made.contains(factor), let alike = try withoutDimensions(factor, dims),
          let sum = try sum(term, dims, depth: depth + 1)
        else { continue }
        return try graph.appendResult(op, [sum, graph.converted(alike, to: graph.type(sum).element)])
      }
      return nil
    case .transpose:
      let permutation = graph.attributes(node).required(.permutation)
      guard let inner = try sum(inputs[0], dims.map { permutation[$0] }.sorted(), depth: depth + 1) else { return nil }
      let kept = permutation.indices.filter { !dims.contains($0) }.map { permutation[$0] }
      let order = kept.map { source in kept.count { $0 < source } }
      return try graph.transposed(inner, order)
    case .contract: return try sumOfProducts(node, dims)
    default: return nil
    }
  }

  /// A sum of products of rows: the summed dimensions of each operand are summed before.
  private mutating func sumOfProducts(_ node: NodeID, _ dims: [Int]) throws -> ValueID? {
    let (subscripts, inputs) = (graph.attributes(node).required(.subscripts), graph.inputs(node))
    let summed = Set(dims.map { subscripts.result[$0] })
    guard summed.isDisjoint(with: subscripts.batch) else { return nil }
    let operands = try zip(inputs, [subscripts.left, subscripts.right]).map { value, letters in
      let wide = try graph.converted(value, to: graph.type(value).element.computed)
      let own = letters.indices.filter { summed.contains(letters[$0]) }
      return own.isEmpty ? wide : try graph.appendSum(wide, own)
    }
    let rest = ContractSubscripts(
      left: subscripts.left.filter { !summed.contains($0) }, right: subscripts.right.filter { !summed.contains($0) },
      result: subscripts.result.filter { !summed.contains($0) })
    return try graph.appendResult(.contract, operands, attributes: [Attribute(.subscripts, rest)])
  }

  /// The sum of what does not depend on the product.
  private mutating func sumOfOther(_ value: ValueID, _ dims: [Int]) throws -> ValueID {
    if let alike = try withoutDimensions(value, dims) { return try repeated(alike, value, dims) }
    return try graph.appendSum(graph.converted(value, to: graph.type(value).element.computed), dims)
  }

  /// A number for each row, or one for all, as often as the dimensions of `value` have places.
  private mutating func repeated(_ number: ValueID, _ value: ValueID, _ dims: [Int]) throws -> ValueID {
    let element = graph.type(number).element.computed
    let extents = graph.type(value).shape.extents
    let count = try graph.appendExtent(dims.reduce(1) { $0 * extents[$1] }, element)
    let product = try graph.appendResult(.multiply, [graph.converted(number, to: element), count])
    let type = TensorType(element, Shape(extents.indices.filter { !dims.contains($0) }.map { extents[$0] }))
    guard graph.type(product).rank == 0, type.rank > 0 else { return product }
    return try graph.appendResult(.broadcast, [product], attributes: [Attribute(.dims, [])], stated: type)
  }

  /// `value` without dimensions that its elements do not depend on, a scalar as it is; nil where they may depend on one.
  private mutating func withoutDimensions(_ value: ValueID, _ dims: [Int]) throws -> ValueID? {
    guard graph.type(value).rank > 0 else { return value }
    var rest = value
    for dimension in dims.reversed() {
      guard let dropped = try graph.dropping(dimension, of: rest) else { return nil }
      rest = dropped
    }
    return rest
  }
}

extension Graph {
  /// Appends a sum over dimensions.
  mutating func appendSum(_ value: ValueID, _ dims: [Int]) throws -> ValueID {
    try appendResult(.reduce, [value], attributes: [Attribute(.dims, dims), Attribute(.kind, .add)])
  }
}
