/// A dataflow graph: SSA over tensors. Nodes are ordered so that every value is defined before it is used.
///
/// A graph is a value: copying it copies arrays of trivial structs, and only when one of the copies changes. Nodes are appended
/// or erased, never reordered; a pass that replaces nodes builds the new graph with `GraphRewriter`.
public struct Graph: Sendable {
  /// What the graph is called.
  public var name: Name
  /// Where the user's source makes the graph; nil where that is not known. Text does not keep it.
  public var location: SourceLocation?
  /// What a call or a load passes, by position.
  public private(set) var arguments: [Argument] = []
  /// What the graph promises about its extents, in addition to its types.
  public private(set) var facts: [Fact] = []
  /// What the graph returns, then what replaces its states: `updates`.
  public private(set) var results: [ValueID] = []
  /// The names of what the graph returns, by position. They are a part of its signature, as the arguments' names are: passes keep
  /// them, whatever values they return instead.
  public private(set) var resultNames: [Name] = []
  /// The nodes in order.
  public private(set) var body: [NodeID] = []
  /// The blocks of nodes, outer ones before those within.
  public private(set) var blocks: [Block] = []
  /// The block that nodes are appended to, or nil.
  private(set) var openBlock: BlockID?
  /// What went wrong while the graph was being built from Swift, if anything did. Such a graph ends there, and verifying it throws
  /// this error.
  public var failure: HeedError?

  private var nodes: [NodeRecord] = []
  private var values: [ValueRecord] = []
  private var operandPool: [ValueID] = []
  private var attributePool: [Attribute] = []
  private var regionPool: [ScalarFunction] = []
  private var bodyPool: [Graph] = []
  private var places: [SourceLocation] = []
  private var factPlaces: [SourceLocation?] = []

  /// A graph without arguments, nodes or results.
  public init(name: Name) { self.name = name }

  // MARK: Reading

  /// The innermost block around a node; nil where there is none.
  public func block(_ node: NodeID) -> BlockID? { nodes[Int(node.index)].block }

  /// The op of a node.
  public func op(_ node: NodeID) -> Op { nodes[Int(node.index)].op }
  /// The values that a node reads, in the op's order.
  public func operands(_ node: NodeID) -> ArraySlice<ValueID> { operandPool[nodes[Int(node.index)].operands.indices] }
  /// The attributes of a node.
  public func attributes(_ node: NodeID) -> Attributes { Attributes(attributePool[nodes[Int(node.index)].attributes.indices]) }
  /// The scalar functions that a node applies to elements, in the op's order.
  public func regions(_ node: NodeID) -> ArraySlice<ScalarFunction> { regionPool[nodes[Int(node.index)].regions.indices] }
  /// The node's region after `keyword`; nil where the op has none of this name, or the node leaves it out.
  public func region(_ node: NodeID, _ keyword: String) -> ScalarFunction? {
    let regions = regions(node)
    guard let position = op(node).regionKeywords.firstIndex(of: keyword), position < regions.count else { return nil }
    return regions[regions.startIndex + position]
  }

  /// The graph that a node runs; nil for most ops. See `Op.loop`.
  public func bodyGraph(_ node: NodeID) -> Graph? {
    let position = nodes[Int(node.index)].body
    return position < 0 ? nil : bodyPool[Int(position)]
  }

  /// Replaces the graph that a node runs by one of the same arguments and results.
  public mutating func setBodyGraph(_ node: NodeID, _ body: Graph) { bodyPool[Int(nodes[Int(node.index)].body)] = body }

  /// The values that a node defines, in the op's order.
  public func results(_ node: NodeID) -> [ValueID] {
    let record = nodes[Int(node.index)]
    return (0..<Int(record.resultCount)).map { ValueID(Int(record.firstResult.index) + $0) }
  }

  /// The result of a node that has just one.
  public func result(_ node: NodeID) -> ValueID {
    let record = nodes[Int(node.index)]
    precondition(record.resultCount == 1, "\(record.op.mnemonic) has \(record.resultCount) results")
    return record.firstResult
  }

  /// The element type and the shape of a value.
  public func type(_ value: ValueID) -> TensorType { values[Int(value.index)].type }
  /// The name of a value, `Name.none` where it has none.
  public func name(_ value: ValueID) -> Name { values[Int(value.index)].name }
  /// Where the user's source makes a value; nil where that is not known. Text does not keep it.
  public func place(_ value: ValueID) -> SourceLocation? {
    let position = values[Int(value.index)].place
    return position < 0 ? nil : places[Int(position)]
  }
  /// What defines a value: an argument or a node.
  public func origin(_ value: ValueID) -> ValueOrigin { values[Int(value.index)].origin }

  /// The number of values ever made, erased ones counted: the length of a table by value.
  public var valueCapacity: Int { values.count }
  /// The number of nodes ever made, erased ones counted: the length of a table by node.
  public var nodeCapacity: Int { nodes.count }

  /// The node that defines `value`, or nil for an argument.
  public func definingNode(_ value: ValueID) -> NodeID? {
    if case .node(let node, _) = origin(value) { node } else { nil }
  }

  /// The node that defines `value`, where its op is `op`.
  public func definingNode(_ value: ValueID, where op: Op) -> NodeID? {
    guard let node = definingNode(value), self.op(node) == op else { return nil }
    return node
  }

  /// How many times each value is used, by value: once per operand and once per result of the graph.
  public func useCounts() -> [Int] {
    var counts = [Int](repeating: 0, count: values.count)
    for node in body { for operand in operands(node) { counts[Int(operand.index)] += 1 } }
    for result in results { counts[Int(result.index)] += 1 }
    return counts
  }

  /// The values that depend on arguments of some roles, and those arguments.
  public func dependents(ofArguments isOne: (Argument.Role) -> Bool) -> Set<ValueID> {
    var found = Set(arguments.filter { isOne($0.role) }.map(\.value))
    for node in body where operands(node).contains(where: found.contains) { found.formUnion(results(node)) }
    return found
  }

  /// The nodes that use each value, in order, by value.
  public func users() -> [[NodeID]] {
    var users = [[NodeID]](repeating: [], count: values.count)
    for node in body {
      for operand in Set(operands(node)) { users[Int(operand.index)].append(node) }
    }
    return users
  }

  /// The symbols of the arguments' extents, in order of appearance: what a call binds.
  public var symbols: [Name] {
    arguments.flatMap { type($0.value).shape.extents }.symbols
  }

  /// The symbols whose values facts define: see `Fact.squareRoot`.
  var definedSymbols: [Name] {
    facts.compactMap { if case .squareRoot(let root, _) = $0 { root } else { nil } }
  }

  // MARK: Building

  /// Adds an argument after the others.
  @discardableResult
  public mutating func addArgument(
    _ name: Name, _ type: TensorType, role: Argument.Role = .input, initial: Literal? = nil
  ) -> ValueID {
    let value = ValueID(values.count)
    values.append(ValueRecord(type: type, name: name, origin: .argument(arguments.count)))
    arguments.append(Argument(value: value, role: role, initial: initial))
    return value
  }

  /// Makes inputs of the parameters: weights that change from call to call, as in training.
  public mutating func makeParametersInputs() {
    for position in arguments.indices where arguments[position].role == .parameter { arguments[position].role = .input }
  }

  /// Makes a state of a parameter: a call may replace it.
  public mutating func makeState(_ value: ValueID) {
    guard let position = arguments.firstIndex(where: { $0.value == value }) else { preconditionFailure("a state is an argument") }
    arguments[position].role = .state
  }

  /// Changes when an argument is bound.
  mutating func setRole(ofArgument position: Int, _ role: Argument.Role) { arguments[position].role = role }

  /// Adds a promise about the extents, which the user's source makes at `place`.
  public mutating func addFact(_ fact: Fact, at place: SourceLocation? = nil) {
    facts.append(fact)
    factPlaces.append(place)
  }

  /// Where the user's source makes the promise of this position; nil where that is not known.
  func place(ofFact position: Int) -> SourceLocation? { factPlaces[position] }

  /// Adds a node after the others; the types of its results are inferred.
  ///
  /// - Parameter stated: the result types that the writer states; ops that cannot infer theirs (`iota`, `reshape`, ...) need them.
  /// - Throws: where operands, attributes or regions do not fit the op, or a stated type is not the inferred one.
  @discardableResult
  public mutating func append(
    _ op: Op, _ operands: [ValueID] = [], attributes: [Attribute] = [], regions: [ScalarFunction] = [], body: Graph? = nil,
    stated: [TensorType]? = nil, names: [Name] = []
  ) throws -> NodeID {
    let types = try op.resultTypes(
      of: Inference(
        op: op, operands: operands.map(type), attributes: Attributes(attributes), regions: regions, body: body, stated: stated,
        facts: facts))
    return appendUnchecked(op, operands, attributes: attributes, regions: regions, body: body, types: types, names: names)
  }

  /// Adds a node whose types are known to be right.
  mutating func appendUnchecked(
    _ op: Op, _ operands: [ValueID], attributes: [Attribute], regions: [ScalarFunction], body nested: Graph? = nil,
    types: [TensorType], names: [Name]
  ) -> NodeID {
    let node = NodeID(nodes.count)
    let first = ValueID(values.count)
    for (position, type) in types.enumerated() {
      let name = position < names.count ? names[position] : Name.none
      values.append(ValueRecord(type: type, name: name, origin: .node(node, result: position)))
    }
    nodes.append(
      NodeRecord(
        op: op,
        operands: PoolRange(start: Int32(operandPool.count), count: Int32(operands.count)),
        attributes: PoolRange(start: Int32(attributePool.count), count: Int32(attributes.count)),
        regions: PoolRange(start: Int32(regionPool.count), count: Int32(regions.count)),
        firstResult: first, resultCount: Int32(types.count), body: nested == nil ? -1 : Int32(bodyPool.count), block: openBlock))
    operandPool += operands
    attributePool += attributes.sorted { $0.key.text < $1.key.text }
    regionPool += regions
    if let nested { bodyPool.append(nested) }
    body.append(node)
    return node
  }

  /// Adds a block within another, or within none, after the others.
  mutating func addBlock(_ kind: Block.Kind, in parent: BlockID?) -> BlockID {
    blocks.append(Block(kind: kind, parent: parent))
    return BlockID(blocks.count - 1)
  }

  /// Begins a block within the open one: what is appended until it is closed is in it.
  public mutating func openBlock(_ kind: Block.Kind) { openBlock = addBlock(kind, in: openBlock) }

  /// Goes on with an open block's parent.
  public mutating func closeBlock() {
    guard let block = openBlock else { preconditionFailure("no block is open") }
    openBlock = self[block].parent
  }

  /// Goes on with a block, or with none.
  mutating func reopen(_ block: BlockID?) { openBlock = block }

  /// Puts a node into a block, or out of all.
  package mutating func setBlock(_ node: NodeID, _ block: BlockID?) { nodes[Int(node.index)].block = block }

  /// Names a value.
  public mutating func setName(_ value: ValueID, _ name: Name) { values[Int(value.index)].name = name }

  /// Says where the user's source makes a value.
  public mutating func setPlace(_ value: ValueID, _ place: SourceLocation) {
    // Ops of one statement follow each other.
    if places.last != place { places.append(place) }
    values[Int(value.index)].place = Int32(places.count - 1)
  }

  /// Makes the graph return `results`.
  /// - Parameter names: one name per result; that of a state makes it the state's update. By default these are the values' own, or `result0`, `result1` and so on where a value
  ///   has none.
  public mutating func setResults(_ results: [ValueID], names: [Name]? = nil) {
    precondition(names == nil || names!.count == results.count, "\(names!.count) names for \(results.count) results")
    let states = stateNames
    let names =
      names
      ?? results.map { result in
        // What a state held must not pass for what replaces it.
        let name = values.indices.contains(Int(result.index)) ? name(result) : .none
        return states[name] == nil ? name : Name("\(name).before")
      }
    resultNames = names.enumerated().map { position, name in
      // In text, digits alone are not a name.
      let kept = PrintedNames.kept(name.text)
      guard kept.isNone else { return kept }
      let standard = Name("result\(position)")
      return states[standard] == nil ? standard : Name("\(standard).returned")
    }
    self.results = results
    putUpdatesLast()
  }

  /// Keeps what replaces states behind what is returned.
  private mutating func putUpdatesLast() {
    let states = stateNames
    guard !states.isEmpty else { return }
    let order =
      results.indices.filter { states[resultNames[$0]] == nil } + results.indices.filter { states[resultNames[$0]] != nil }
    (results, resultNames) = (order.map { results[$0] }, order.map { resultNames[$0] })
  }

  /// Removes the nodes for which `condition` holds. Their results must have no uses left.
  public mutating func eraseNodes(where condition: (NodeID) -> Bool) { body.removeAll(where: condition) }
}
