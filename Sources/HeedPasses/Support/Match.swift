import HeedIR
internal import OrderedCollections

extension Graph {
  /// The operands of a node as an array, to index from 0.
  func inputs(_ node: NodeID) -> [ValueID] { Array(operands(node)) }

  /// The operands of the node that defines `value`, where its op is `op`.
  func match(_ value: ValueID, _ op: Op) -> [ValueID]? { definingNode(value, where: op).map(inputs) }

  /// The op that defines `value`; nil for an argument.
  func definingOp(_ value: ValueID) -> Op? { definingNode(value).map(op) }

  /// The number that every element of `value` is, where it is a constant of one number or a broadcast of one.
  func uniformConstant(_ value: ValueID) -> Literal? {
    var value = value
    while let node = definingNode(value) {
      if op(node) == .constant {
        let values = attributes(node).required(.constantValue)
        guard let first = values.first, values.allSatisfy({ $0 == first }) else { return nil }
        return first.converted(to: type(value).element)
      }
      guard op(node) == .broadcast || op(node) == .reshape || op(node) == .transpose else { return nil }
      value = inputs(node)[0]
    }
    return nil
  }

  /// What `value` is an exact conversion of, from a narrower float type.
  func widened(_ value: ValueID) -> ValueID? { exactSource(value).flatMap { type($0).element.isFloat ? $0 : nil } }

  /// What the float `value` is an exact conversion of, from a type of fewer bytes.
  func exactSource(_ value: ValueID) -> ValueID? {
    guard let operand = match(value, .convert)?[0], type(operand).element.widens(to: type(value).element) else { return nil }
    return operand
  }

  /// The nodes of `body` from the first to the last of a range.
  func nodes(_ range: ClosedRange<NodeID>) -> ArraySlice<NodeID> {
    body[body.firstPosition { $0 >= range.lowerBound }..<body.firstPosition { $0 > range.upperBound }]
  }

  /// The nodes of `body`, as far as `last`, whose results depend on `value`; `value`'s own node is not among them.
  func dependents(of value: ValueID, through last: NodeID? = nil) -> Set<NodeID> {
    var values: Set<ValueID> = [value]
    var found: Set<NodeID> = []
    guard let final = body.last, let first = definingNode(value) ?? body.first, first <= last ?? final else { return [] }
    for node in nodes(first...(last ?? final)) where operands(node).contains(where: values.contains) {
      found.insert(node)
      values.formUnion(results(node))
    }
    return found
  }

  /// Those of `dependents` whose scalar code would have more than `TensorReader.greatestDepth` ops in a chain, none of which may be read
  /// from memory.
  func distant(among dependents: Set<NodeID>, _ tables: GraphTables) -> Set<NodeID> {
    var depths: [NodeID: Int] = [:]
    for node in dependents.sorted() where isElementwiseOrView(node) || op(node) == .gather {
      let below = operands(node).compactMap(definingNode).map { dependents.contains($0) ? depths[$0] ?? 0 : tables.depth($0) }
      depths[node] = 1 + (below.max() ?? 0)
    }
    return Set(depths.keys.filter { depths[$0]! > TensorReader.greatestDepth })
  }

  /// Appends a constant of rank 0.
  mutating func appendScalar(_ value: Double, _ element: ElementType) throws -> ValueID {
    guard let literal = Literal(value).converted(to: element) else { throw HeedError("\(value) is no \(element)") }
    return try appendScalar(literal, element)
  }

  mutating func appendScalar(_ literal: Literal, _ element: ElementType) throws -> ValueID {
    try appendResult(
      .constant, [], attributes: [Attribute(.constantValue, [literal])], stated: TensorType(element, .scalar))
  }

  /// Appends a node and returns its only result.
  mutating func appendResult(
    _ op: Op, _ operands: [ValueID], attributes: [Attribute] = [], stated: TensorType? = nil, name: Name = .none
  ) throws -> ValueID {
    let node = try append(op, operands, attributes: attributes, stated: stated.map { [$0] }, names: name.isNone ? [] : [name])
    return result(node)
  }

  /// Appends the same op with the same attributes and place on other operands; for ops whose type is stated, `type` is it.
  mutating func appendLike(_ node: NodeID, _ operands: [ValueID], type: TensorType, name: Name = .none) throws -> ValueID {
    let op = op(node)
    let value = try appendResult(
      op, operands, attributes: attributes(node).all, stated: op.has(.typedByResult) ? type : nil, name: name)
    if let place = place(result(node)) { setPlace(value, place) }
    return value
  }
}

extension GraphRewriter {
  /// Appends the op of the old graph's `node` with its attributes on other operands; for ops whose type is stated, `type` is it.
  mutating func appendLike(_ node: NodeID, _ operands: [ValueID], type: TensorType, name: Name = .none) throws -> ValueID {
    let op = source.op(node)
    let value = try append(
      op, operands, attributes: source.attributes(node).all, stated: op.has(.typedByResult) ? type : nil, name: name)
    if let place = source.place(source.result(node)) { result.setPlace(value, place) }
    return value
  }
}

extension [NodeID] {
  /// The position of the first node for which `holds` is true, if it is for all behind it; else the end.
  fileprivate func firstPosition(where holds: (NodeID) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
