import HeedIR

/// A product of rows with what a graph takes of it, where that is no more than one number for each row or column: logarithms of sums of
/// exponentials, sums, and elements that indices pick.
struct ProductRows {
  /// What a node takes.
  enum Use {
    case logSumExp
    case sum
    case pick(PickedElements)
  }

  let graph: Graph
  let tables: GraphTables
  /// The contract.
  let product: NodeID
  let subscripts: ContractSubscripts
  /// For the product and each value that elementwise ops and views make of it: the letters of the product that each dimension merges.
  private(set) var letters: [ValueID: [[Character]]]
  /// The elementwise ops and views between the product and the uses.
  private(set) var inside: Set<NodeID> = []
  /// The nodes that take something.
  private(set) var uses: [NodeID: Use] = [:]

  /// - Throws: `Declined` where something else is done with the product, so that it is stored.
  init(_ product: NodeID, in graph: Graph, _ tables: GraphTables) throws {
    (self.graph, self.tables, self.product) = (graph, tables, product)
    subscripts = graph.attributes(product).required(.subscripts)
    let value = graph.result(product)
    letters = [value: subscripts.result.map { [$0] }]
    guard subscripts.over.count == 1, let width = extent(ofSum: product).constant, (1...1 << 16).contains(width) else {
      throw Declined(value: value, reason: "the width of its rows is not one number")
    }
    // In the graph's order, so that the operands of a node are there before it.
    var pending = try users(of: value)
    while let node = pending.min() {
      pending.remove(node)
      if try !add(node) { pending.formUnion(try users(of: graph.result(node))) }
    }
  }

  private func users(of value: ValueID) throws -> Set<NodeID> {
    if graph.results.contains(value) { throw Declined(value: value, reason: "\(graph.label(value)) is returned by the graph") }
    return Set(tables.users[Int(value.index)])
  }

  /// The letters of the left operand alone, and of the right one.
  var left: [Character] { subscripts.left.filter { !subscripts.right.contains($0) } }
  var right: [Character] { subscripts.right.filter { !subscripts.left.contains($0) } }

  /// The extent of a letter of the product.
  func extent(_ letter: Character) -> Extent {
    graph.type(graph.result(product)).shape[subscripts.result.firstIndex(of: letter)!]
  }

  func extent(_ letters: [Character]) -> Extent { letters.reduce(1) { $0 * extent($1) } }

  private func extent(ofSum product: NodeID) -> Extent {
    graph.type(graph.inputs(product)[0]).shape[subscripts.left.firstIndex(of: subscripts.over[0])!]
  }

  /// The letters that a use reduces.
  func reduced(by node: NodeID) -> [Character] {
    let (operand, attributes) = (letters[graph.inputs(node)[0]]!, graph.attributes(node))
    return (graph.op(node) == .logSumExp ? [attributes.required(.dim)] : attributes.required(.dims)).flatMap { operand[$0] }
  }

  /// Takes a node that uses the product or what is made of it.
  /// - Returns: whether it is a use; else it is inside.
  private mutating func add(_ node: NodeID) throws -> Bool {
    let (op, results) = (graph.op(node), graph.results(node))
    if op.has(.elementwise) || op.has(.view) {
      let own = graph.inputs(node).compactMap { letters[$0] }
      guard own.allSatisfy({ $0 == own[0] }), let made = arranged(own[0], by: node) else {
        throw Declined(value: results[0], reason: "\(graph.label(results[0])) puts its elements in other places")
      }
      letters[results[0]] = made
      inside.insert(node)
      return false
    }
    uses[node] = try use(node)
    return true
  }

  /// The letters of the dimensions of an elementwise op or a view of a value with these; nil where it does not keep them.
  private func arranged(_ own: [[Character]], by node: NodeID) -> [[Character]]? {
    let (op, type) = (graph.op(node), graph.type(graph.result(node)))
    if op.has(.elementwise) { return own }
    let from = graph.type(graph.inputs(node)[0]).shape.extents
    switch op {
    case .transpose: return graph.attributes(node).required(.permutation).map { own[$0] }
    case .broadcast where !graph.repeatsElements(node):
      var made = [[Character]](repeating: [], count: type.rank)
      for (dimension, target) in graph.attributes(node).required(.dims).enumerated() { made[target] = own[dimension] }
      return made
    case .reshape:
      guard let runs = ReshapeRuns(from: from, to: type.shape.extents, facts: graph.facts)?.runs else { return nil }
      var made: [[Character]] = []
      for run in runs {
        var pending = run.from.flatMap { own[$0] }[...]
        for target in run.to {
          var (taken, count): ([Character], Extent) = ([], 1)
          while !count.isEqual(to: type.shape[target], given: graph.facts), let next = pending.popFirst() {
            taken.append(next)
            count = count * extent(next)
          }
          guard count.isEqual(to: type.shape[target], given: graph.facts) else { return nil }
          made.append(taken)
        }
        // What is left is of extent 1.
        if let last = made.indices.last { made[last] += pending }
      }
      return made
    default: return nil
    }
  }

  private func use(_ node: NodeID) throws -> Use {
    let value = graph.results(node)[0]
    if let picked = PickedElements(node, in: graph), letters[picked.value] != nil { return .pick(picked) }
    let isSum =
      graph.op(node) == .reduce && graph.attributes(node).required(.kind) == .add && graph.type(value).element.isFloat
    guard isSum || graph.op(node) == .logSumExp else {
      throw Declined(value: value, reason: "\(graph.description(of: value)) is made from it")
    }
    let all = Set(reduced(by: node))
    let free = all.subtracting(subscripts.batch)
    guard free == Set(left) || free == Set(right) || isSum && free == Set(left + right), isSum || free == all, !free.isEmpty else {
      throw Declined(value: value, reason: "\(graph.description(of: value)) takes a part of its rows")
    }
    return isSum ? .sum : .logSumExp
  }
}

extension ProductRows {
  /// Whether there are more pairs than elements of the rows that are multiplied, as far as is known.
  ///
  /// Sums alone are taken by pairs where both sides have any number of rows: a matrix of weights has a known one, and the product with it is
  /// faster where it is stored.
  var isWorthwhile: Bool {
    let sides = [left, right]
    guard sides.allSatisfy({ !$0.isEmpty }) else { return false }
    let width = extent(ofSum: product).constant!
    let isLong = sides.map { extent($0).constant.map { $0 > width } ?? true }
    guard !isLong.contains(false), !uses.isEmpty else { return false }
    let isSumAlone = uses.values.allSatisfy { if case .sum = $0 { true } else { false } }
    return !isSumAlone || sides.allSatisfy { extent($0).constant == nil }
  }
}
