/// Builds a new graph from an old one: a pass walks the old nodes in order and copies, replaces or drops each.
///
/// Arguments, facts and blocks are there from the start. `callAsFunction(value)` returns the new value that stands for an old one.
public struct GraphRewriter {
  /// The old graph.
  public let source: Graph
  /// The new graph, as far as it is built.
  public var result: Graph
  private var replacements: [ValueID?]
  /// The nodes of the new graph below this number have their places.
  private var placedCount = 0

  /// A new graph with the old one's name, arguments and facts, and no nodes yet.
  public init(_ source: Graph) { self.init(source, keeping: Set(source.arguments.indices)) }

  /// The same without some of the arguments, which no copied node may read.
  /// - Parameter positions: those of the arguments that stay.
  public init(_ source: Graph, keeping positions: Set<Int>) {
    self.source = source
    result = Graph(name: source.name)
    replacements = Array(repeating: nil, count: source.valueCapacity)
    result.location = source.location
    for block in source.blocks { _ = result.addBlock(block.kind, in: block.parent) }
    for (position, fact) in source.facts.enumerated() { result.addFact(fact, at: source.place(ofFact: position)) }
    for (position, argument) in source.arguments.enumerated() where positions.contains(position) {
      let new = result.addArgument(
        source.name(argument.value), source.type(argument.value), role: argument.role, initial: argument.initial)
      replacements[Int(argument.value.index)] = new
      keepPlace(of: argument.value, for: new)
    }
  }

  /// The new value for the old `value`. Traps where its node was neither copied nor replaced.
  public func callAsFunction(_ value: ValueID) -> ValueID {
    guard let new = replacements[Int(value.index)] else { preconditionFailure("value \(source.name(value)) has no replacement") }
    return new
  }

  /// Makes the new value `new` stand for `old`; a value without a name or a place in the source takes the old one's. What was made for it
  /// since the last call is of the same place and in the same block.
  public mutating func replace(_ old: ValueID, with new: ValueID) {
    replacements[Int(old.index)] = new
    if result.name(new).isNone { result.setName(new, source.name(old)) }
    keepPlace(of: old, for: new)
    let block = source.definingNode(old).flatMap(source.block)
    for number in placedCount..<result.nodeCapacity {
      let node = NodeID(number)
      if result.block(node) == nil { result.setBlock(node, block) }
      for value in result.results(node) { keepPlace(of: old, for: value) }
    }
    placedCount = result.nodeCapacity
  }

  private mutating func keepPlace(of old: ValueID, for new: ValueID) {
    if result.place(new) == nil, let place = source.place(old) { result.setPlace(new, place) }
  }

  /// Copies a node of the source.
  /// - Parameter replacement: what stands for an operand in place of its new value; nil for that value itself.
  @discardableResult
  public mutating func copy(_ node: NodeID, replacing replacement: (ValueID) -> ValueID? = { _ in nil }) -> NodeID {
    let old = source.results(node)
    let new = result.appendUnchecked(
      source.op(node), source.operands(node).map { replacement($0) ?? self($0) }, attributes: source.attributes(node).all,
      regions: Array(source.regions(node)), body: source.bodyGraph(node), types: old.map(source.type), names: old.map(source.name))
    result.setBlock(new, source.block(node))
    for (from, to) in zip(old, result.results(new)) {
      replacements[Int(from.index)] = to
      keepPlace(of: from, for: to)
    }
    placedCount = result.nodeCapacity
    return new
  }

  /// A block for nodes that compute again what others computed before.
  package mutating func addRecomputation() -> BlockID { result.addBlock(.recompute, in: nil) }

  /// Copies a node of the source once more, into a block: its new results stand for the old ones from here on.
  package mutating func copyAgain(_ node: NodeID, in block: BlockID) { result.setBlock(copy(node), block) }

  /// Adds a node that the source does not have, and returns its only result.
  /// - Throws: where operands, attributes or regions do not fit the op, or `stated` is not the inferred type.
  @discardableResult
  public mutating func append(
    _ op: Op, _ operands: [ValueID], attributes: [Attribute] = [], regions: [ScalarFunction] = [], stated: TensorType? = nil,
    name: Name = .none
  ) throws -> ValueID {
    let node = try result.append(
      op, operands, attributes: attributes, regions: regions, stated: stated.map { [$0] }, names: name.isNone ? [] : [name])
    return result.result(node)
  }

  /// The new graph. It returns the values that stand for the old results, under their names.
  public mutating func finish() -> Graph {
    result.setResults(source.results.map { self($0) }, names: source.resultNames)
    return result
  }
}
