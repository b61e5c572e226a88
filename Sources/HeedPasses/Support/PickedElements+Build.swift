import HeedIR

extension PickedElements {
  /// Appends what stands for the elements: computed from picked rows of a product and picked elements of what is added to it.
  /// - Parameter made: the values of the new graph that are made of the product.
  /// - Throws: `Declined` where too many ops are between the tensor and the product.
  func build(_ rewriter: inout GraphRewriter, of made: Set<ValueID>) throws -> ValueID {
    let (tensor, index) = (rewriter(value), rewriter(index))
    var graph = rewriter.result
    let extents = graph.type(tensor).shape.extents
    let kept = extents.indices.filter { $0 != dimension }
    let places = try place(index, as: Shape(kept.map { extents[$0] }), in: &graph)
    // No row is picked for an index outside, and its cotangent goes nowhere.
    let type = graph.type(places).element
    let (zero, count) = (try graph.appendScalar(Literal(0), type), try graph.appendExtent(extents[dimension], type))
    var isInside: ValueID?
    var inside = places
    if !graph.areInside(places, extents[dimension]) {
      let isNotNegative = try graph.appendResult(.lessEqual, [zero, places])
      let condition = try graph.appendResult(.and, [isNotNegative, graph.appendResult(.less, [places, count])])
      inside = try graph.appendResult(.select, [condition, places, zero])
      isInside = condition
    }
    var picker = ElementPicker(graph, made)
    var picked = try picker.pick(tensor, dimension, inside)
    graph = picker.graph
    if let isInside {
      let element = graph.type(picked).element
      let other = try graph.appendScalar(element.isFloat ? outside : 0, element)
      picked = try graph.appendResult(.select, [isInside, picked, other])
    }
    rewriter.result = graph
    return picked
  }

  /// The integers, i32 or i64, as a tensor of this shape, which is that of the rows.
  private func place(_ index: ValueID, as shape: Shape, in graph: inout Graph) throws -> ValueID {
    let element: ElementType = graph.type(index).element == .i64 ? .i64 : .i32
    let index = try graph.converted(index, to: element)
    let type = TensorType(element, shape)
    guard let dimensions else { return try graph.reshape(index, type) }
    var own = [Int?](repeating: nil, count: graph.type(index).rank)
    for (target, source) in dimensions.enumerated() { if let source { own[source] = target } }
    return try graph.arrange(index, own, as: Array(0..<shape.rank)) { shape[$0] }
  }
}

/// Appends to a graph what computes single elements of its tensors, one for each place along all dimensions but one.
private struct ElementPicker {
  var graph: Graph
  /// What is made of the product.
  private let made: Set<ValueID>
  private var known: [Request: ValueID] = [:]

  private struct Request: Hashable {
    let value: ValueID
    let dimension: Int
    let index: ValueID
  }

  init(_ graph: Graph, _ made: Set<ValueID>) { (self.graph, self.made) = (graph, made) }

  /// The elements of `value` along `dimension` at `index`, which has the other dimensions; 16-bit floats as f32.
  mutating func pick(_ value: ValueID, _ dimension: Int, _ index: ValueID, depth: Int = 0) throws -> ValueID {
    let request = Request(value: value, dimension: dimension, index: index)
    if let known = known[request] { return known }
    guard depth < TensorReader.greatestDepth else {
      throw Declined(value: value, reason: "\(graph.label(value)) is too many ops away from the product")
    }
    let picked = try make(value, dimension, index, depth + 1)
    let wide = try graph.converted(picked, to: graph.type(picked).element.computed)
    known[request] = wide
    return wide
  }

  private mutating func make(_ value: ValueID, _ dimension: Int, _ index: ValueID, _ depth: Int) throws -> ValueID {
    let type = graph.type(value)
    let picked = TensorType(type.element, graph.type(index).shape)
    if !made.contains(value), let alike = try graph.dropping(dimension, of: value) { return alike }
    guard let node = graph.definingNode(value) else { return try gathered(value, dimension, index) }
    let (op, inputs) = (graph.op(node), graph.inputs(node))
    if op.has(.elementwise) {
      let operands = try inputs.map { input in
        graph.type(input).rank == 0
          ? try graph.converted(input, to: graph.type(input).element.computed) : try pick(input, dimension, index, depth: depth)
      }
      return try graph.appendLike(node, operands, type: picked)
    }
    switch op {
    case .iota: return try graph.converted(index, to: type.element)
    case .broadcast:
      let extents = graph.type(inputs[0]).shape.extents
      guard let source = graph.attributes(node).required(.dims).firstIndex(of: dimension),
        extents.indices.allSatisfy({ $0 == source || extents[$0] == 1 })
      else { break }
      return try gathered(reshaped(inputs[0], [extents[source]]), 0, index)
    case .transpose:
      let permutation = graph.attributes(node).required(.permutation)
      // The order of the operand's other dimensions, and back.
      let others = permutation.indices.filter { $0 != dimension }
      let order = others.indices.sorted { permutation[others[$0]] < permutation[others[$1]] }
      let moved = try transposed(index, order)
      let inner = try pick(inputs[0], permutation[dimension], moved, depth: depth)
      return try transposed(inner, order.indices.map { order.firstIndex(of: $0)! })
    case .reshape:
      guard let found = graph.source(ofDimension: dimension, of: node), let source = found else { break }
      var extents = graph.type(inputs[0]).shape.extents
      extents.remove(at: source)
      let moved = try reshaped(index, extents)
      return try reshaped(pick(inputs[0], source, moved, depth: depth), picked.shape.extents)
    case .contract:
      if let product = try product(node, dimension, index) { return product }
    default: break
    }
    return try gathered(value, dimension, index)
  }

  private mutating func transposed(_ value: ValueID, _ order: [Int]) throws -> ValueID { try graph.transposed(value, order) }

  private mutating func reshaped(_ value: ValueID, _ extents: [Extent]) throws -> ValueID {
    try graph.reshape(value, TensorType(graph.type(value).element, Shape(extents)))
  }

  /// The products of the rows of one operand with those that the index picks of the other; nil where that has other dimensions.
  private mutating func product(_ node: NodeID, _ dimension: Int, _ index: ValueID) throws -> ValueID? {
    let (subscripts, inputs) = (graph.attributes(node).required(.subscripts), graph.inputs(node))
    let letter = subscripts.result[dimension]
    let sides = [subscripts.left, subscripts.right]
    guard let side = [0, 1].first(where: { sides[$0].contains(letter) && !sides[1 - $0].contains(letter) }),
      sides[side].allSatisfy({ $0 == letter || subscripts.over.contains($0) })
    else { return nil }
    let rows = subscripts.result.filter { $0 != letter }
    let position = sides[side].firstIndex(of: letter)!
    let picked = try graph.appendResult(.gather, [inputs[side], index], attributes: [Attribute(.dim, position)])
    let pickedLetters = sides[side].prefix(position) + rows + sides[side].dropFirst(position + 1)
    let order = rows + subscripts.over
    let factors = try [(picked, Array(pickedLetters)), (inputs[1 - side], sides[1 - side])].map { value, letters in
      let moved = try transposed(value, order.map { letters.firstIndex(of: $0)! })
      return try graph.converted(moved, to: graph.type(value).element.computed)
    }
    let products = try graph.appendResult(.multiply, factors)
    let dims = Array(rows.count..<order.count)
    return try graph.appendResult(.reduce, [products], attributes: [Attribute(.dims, dims), Attribute(.kind, .add)])
  }

  /// The elements read from memory, by their places among all.
  private mutating func gathered(_ value: ValueID, _ dimension: Int, _ index: ValueID) throws -> ValueID {
    let type = graph.type(value)
    guard type.rank > 1 else { return try graph.appendResult(.gather, [value, index], attributes: [Attribute(.dim, 0)]) }
    let last = try transposed(value, type.shape.extents.indices.filter { $0 != dimension } + [dimension])
    let flat = try reshaped(last, [type.shape.count])
    let shape = graph.type(index).shape
    let counted = try graph.appendResult(
      .iota, [], attributes: [Attribute(.dim, 0)], stated: TensorType(.i64, [shape.count]))
    let first = try graph.appendResult(
      .multiply, [reshaped(counted, shape.extents), graph.appendExtent(type.shape[dimension], .i64)])
    let place = try graph.appendResult(.add, [first, graph.converted(index, to: .i64)])
    return try graph.appendResult(.gather, [flat, place], attributes: [Attribute(.dim, 0)])
  }
}
