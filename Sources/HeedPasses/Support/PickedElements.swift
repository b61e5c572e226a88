import HeedIR

/// Elements of the rows of a tensor, one for each row, that integers pick.
///
///     reduce (select (equal %label, %j), %x, 0)      %x at %label, 0 outside
///     gather (reshape %x), %row * V + %label         %x at %label, NaN outside
struct PickedElements {
  /// The tensor, and the dimension along which elements are picked.
  let value: ValueID
  let dimension: Int
  /// The integers. For each dimension of the tensor but that one, the dimension of the integers that indexes it, nil where all are equal;
  /// without such a list they are in the order of the tensor's rows.
  let index: ValueID
  let dimensions: [Int?]?
  /// What stands for the element of an index outside.
  let outside: Double

  /// What `node` picks; nil where it is not such a pick.
  init?(_ node: NodeID, in graph: Graph) {
    if graph.op(node) == .gather { self.init(gather: node, graph) } else { self.init(sum: node, graph) }
  }

  /// The sum of elements of which all but one are 0, since their places are compared with an index.
  private init?(sum node: NodeID, _ graph: Graph) {
    guard graph.op(node) == .reduce, graph.attributes(node).required(.kind) == .add,
      graph.attributes(node).required(.dims).count == 1, let masking = graph.definingNode(graph.inputs(node)[0]),
      let masked = graph.maskedValue(masking), let sides = graph.match(masked.condition, .equal)
    else { return nil }
    (value, dimension) = (masked.value, graph.attributes(node).required(.dims)[0])
    outside = 0
    for (places, index) in [(sides[0], sides[1]), (sides[1], sides[0])] {
      let counted = Arrangement(graph.integerSource(places), in: graph)
      // Narrower places would begin again.
      guard let iota = graph.definingNode(counted.source, where: .iota), [.i32, .i64].contains(graph.type(counted.source).element),
        counted.dimensions[graph.attributes(iota).required(.dim)] == dimension
      else { continue }
      let arranged = Arrangement(index, in: graph)
      let own = arranged.dimensions
      guard !own.contains(dimension) else { continue }
      let kept = Array(0..<graph.type(value).rank).filter { [dimension] in $0 != dimension }
      self.index = arranged.source
      dimensions = kept.map { own.firstIndex(of: $0) }
      return
    }
    return nil
  }

  /// A gather from all elements in a row, whose index is the row's number times the row's extent, plus an index.
  private init?(gather node: NodeID, _ graph: Graph) {
    let inputs = graph.inputs(node)
    guard graph.type(inputs[0]).rank == 1, let source = graph.match(inputs[0], .reshape)?[0], graph.type(source).rank >= 2,
      let extent = graph.type(source).shape.extents.last, let digits = graph.picksOfRows(inputs[1], width: extent),
      graph.type(digits).shape == graph.type(inputs[1]).shape,
      graph.type(inputs[1]).shape.count.isEqual(
        to: Shape(graph.type(source).shape.extents.dropLast()).count, given: graph.facts)
    else { return nil }
    (value, dimension) = (source, graph.type(source).rank - 1)
    (index, dimensions, outside) = (digits, nil, .nan)
  }
}

extension Graph {
  /// What integers of 32 or 64 bits are a conversion of.
  fileprivate func integerSource(_ value: ValueID) -> ValueID {
    guard let operand = match(value, .convert)?[0], type(operand).element == .i32, type(value).element == .i64 else { return value }
    return operand
  }

  /// The index within rows of this width of the elements at `places`: of the first row the first, and so on. Nil where places are not
  /// written as `row * width + index`, with a place below 0 for an index outside.
  fileprivate func picksOfRows(_ places: ValueID, width: Extent) -> ValueID? {
    var (place, condition): (ValueID, ValueID?) = (places, nil)
    if let choice = match(places, .select), let other = uniformConstant(choice[2]), other.integer < 0 {
      (place, condition) = (choice[1], choice[0])
    }
    guard let terms = match(place, .add) else { return nil }
    for (product, index) in [(terms[0], terms[1]), (terms[1], terms[0])] {
      guard let factors = match(product, .multiply) else { continue }
      for (rows, factor) in [(factors[0], factors[1]), (factors[1], factors[0])] {
        guard isExtent(factor, width), countsPlaces(rows),
          condition.map({ says($0, index, isInside: width) }) ?? false
            || areInside(index, width)
        else { continue }
        return index
      }
    }
    return nil
  }

  /// Whether every element of `value` is this extent.
  private func isExtent(_ value: ValueID, _ extent: Extent) -> Bool {
    let bounds = IndexBounds(value, in: self)
    return bounds.lows.contains(extent) && bounds.highs.contains(extent)
  }

  /// Whether the condition compares `index` with 0 and with this extent.
  private func says(_ condition: ValueID, _ index: ValueID, isInside extent: Extent) -> Bool {
    let comparisons = values(below: condition) { op($0) == .and }.compactMap(definingNode)
    func compares(_ op: Op, _ isLimit: (ValueID) -> Bool) -> Bool {
      comparisons.contains { self.op($0) == op && inputs($0)[0] == index && isLimit(inputs($0)[1]) }
    }
    return compares(.greaterEqual) { uniformConstant($0)?.integer == 0 } && compares(.less) { isExtent($0, extent) }
  }

  /// Whether `value` holds 0, 1, 2, ... in row-major order.
  private func countsPlaces(_ value: ValueID) -> Bool {
    countsPlaces(
      value, along: type(value).shape.extents.indices.filter { type(value).shape[$0] != 1 }[...], Array(0..<type(value).rank))
  }

  /// - Parameters:
  ///   - dims: the dimensions of the whole over which places are counted.
  ///   - own: for each dimension of `value`, that of the whole.
  private func countsPlaces(_ value: ValueID, along dims: ArraySlice<Int>, _ own: [Int?]) -> Bool {
    let arranged = Arrangement(value, in: self)
    let (source, dimensions) = (arranged.source, arranged.dimensions.map { $0.flatMap { own[$0] } })
    guard let last = dims.last, let node = definingNode(source) else { return uniformConstant(value)?.integer == 0 }
    if op(node) == .iota { return dims.count == 1 && dimensions[attributes(node).required(.dim)] == last }
    guard dims.count > 1, op(node) == .add else { return false }
    let terms = inputs(node)
    return [(terms[0], terms[1]), (terms[1], terms[0])].contains { scaled, index in
      let product = Arrangement(scaled, in: self)
      guard countsPlaces(index, along: [last], dimensions), let factors = match(product.source, .multiply) else { return false }
      let outer = product.dimensions.map { $0.flatMap { dimensions[$0] } }
      guard let dimension = dimensions.firstIndex(of: last) else { return false }
      return [(factors[0], factors[1]), (factors[1], factors[0])].contains {
        isExtent($1, type(source).shape[dimension]) && countsPlaces($0, along: dims.dropLast(), outer)
      }
    }
  }
}
