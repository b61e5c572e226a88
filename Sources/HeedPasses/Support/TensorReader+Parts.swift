import HeedIR

extension TensorReader {
  /// The element of a concatenation or a pad: a choice of the parts by the index. Nil where the tensor is better computed once, or an
  /// index into a part could be outside it.
  mutating func chosen(_ node: NodeID, _ indices: [ScalarValue]) throws -> ScalarValue? {
    guard isPairwise(indices), !dependents.contains(node), graph.operands(node).count <= 8 else { return nil }
    return graph.op(node) == .pad ? try padded(node, indices) : try concatenated(node, indices)
  }

  /// Whether the indices are those of both a query and a key.
  func isPairwise(_ indices: [ScalarValue]) -> Bool {
    let parameters = indices.reduce(into: Set<Int>()) { $0.formUnion(region.function.parameters(of: $1)) }
    let count = region.function.parameters.count
    return parameters.isSuperset(of: [count - 1, count - 2])
  }

  private mutating func concatenated(_ node: NodeID, _ indices: [ScalarValue]) throws -> ScalarValue? {
    let (parts, dim) = (graph.inputs(node), graph.attributes(node).required(.dim))
    let type = region.function.type(indices[dim])
    var starts: [Extent] = [0]
    for part in parts { starts.append(starts.last! + graph.type(part).shape[dim]) }
    var result: ScalarValue?
    for (position, part) in parts.enumerated().reversed() {
      let start = region.extent(starts[position], type)
      let place = region.apply(.subtract, [indices[dim], start])
      guard let element = try element(of: part, at: indices, [dim: place]) else { return nil }
      result =
        result.map { later in
          let isHere = region.apply(.less, [indices[dim], region.extent(starts[position + 1], type)])
          return region.apply(.select, [isHere, element, later])
        } ?? element
    }
    return result
  }

  private mutating func padded(_ node: NodeID, _ indices: [ScalarValue]) throws -> ScalarValue? {
    let (operand, attributes) = (graph.inputs(node)[0], graph.attributes(node))
    let (low, high, type) = (attributes.required(.low), attributes.required(.high), graph.type(operand))
    var places: [Int: ScalarValue] = [:]
    var isInside = region.constant(Literal(true), .bool)
    for dim in indices.indices where low[dim] != 0 || high[dim] != 0 {
      let index = indices[dim]
      let indexType = region.function.type(index)
      let start = region.extent(low[dim], indexType)
      places[dim] = region.apply(.subtract, [index, start])
      if low[dim] != 0 { isInside = region.apply(.and, [isInside, region.apply(.lessEqual, [start, index])]) }
      if high[dim] != 0 {
        let end = region.extent(low[dim] + type.shape[dim], indexType)
        isInside = region.apply(.and, [isInside, region.apply(.less, [index, end])])
      }
    }
    guard let element = try element(of: operand, at: indices, places),
      let fill = attributes.required(.padValue).converted(to: type.element)
    else { return nil }
    return region.apply(.select, [isInside, element, region.constant(fill, region.function.type(element))])
  }

  /// The element of a part whose `places` replace the indices along some dimensions; they may lie outside the part, where the element
  /// is not chosen. Nil where a table would be read there and the part may be empty.
  private mutating func element(of part: ValueID, at indices: [ScalarValue], _ places: [Int: ScalarValue]) throws -> ScalarValue? {
    let zero = region.constant(0, indexType)
    func index(_ dim: Int, _ place: ScalarValue) -> ScalarValue { graph.type(part).shape[dim] == 1 ? zero : place }
    let free = try read(part, at: indices.indices.map { dim in places[dim].map { index(dim, $0) } ?? indices[dim] })
    guard !region.function.tables(of: [free]).isEmpty else { return free }
    var inside = indices
    for (dim, place) in places {
      guard let count = graph.type(part).shape[dim].constant, count > 0 else { return nil }
      let type = region.function.type(place)
      let positive = region.apply(.maximum, [place, region.constant(Literal(0), type)])
      inside[dim] = count == 1 ? zero : region.apply(.minimum, [positive, region.constant(Literal(count - 1), type)])
    }
    return try read(part, at: inside)
  }
}
