import HeedIR

/// The sets of keys of one softmax, found in a graph: of scores that are put side by side, or of keys and values that are.
struct KeySets {
  /// A sum of values that the softmax weighs, those of some sets that lie side by side.
  struct Sum {
    let node: NodeID
    /// The operand that the weights are.
    let side: Int
    /// The slices, conversions and views from the softmax to the operand.
    let path: [NodeID]
    let sets: Range<Int>
    /// The letters of the softmax's dimensions; nil for one of extent 1.
    let letters: [Character?]
    /// The values' dimension of keys.
    let valueDimension: Int
  }

  let softmax: NodeID
  let dimension: Int
  let ranges: [TensorParts.Range]
  private(set) var sums: [Sum] = []
  /// The nodes that give the logarithm of the sum of exponentials.
  private(set) var logarithms: [NodeID] = []
  /// Whether keys and values were put side by side, not scores.
  let readsInPlace: Bool

  /// The most sets whose keys and values are read where they lie: each costs a kernel.
  private static let mostInPlace = 4
  /// The fewest rows of an argument that are worth a kernel rather than a copy.
  private static let leastInPlace = 256

  /// Nil where there is one set, or one that is stored anyway.
  /// - Throws: `Declined` where there are scores of several sets, and something else is made of them than weighted sums.
  init?(_ softmax: NodeID, in graph: Graph, _ uses: ValueUse) throws {
    let dimension = graph.attributes(softmax).required(.dim)
    (self.softmax, self.dimension) = (softmax, dimension)
    let seams = KeySeams(below: graph.inputs(softmax)[0], dimension, in: graph)
    if let scores = seams.ofScores {
      readsInPlace = false
      ranges = scores.map(\.range)
      try collect(graph, uses)
      let products = scores.indices.filter { !graph.products(below: scores[$0].value).isEmpty }
      guard products.count(where: { set in sums.contains { $0.sets.contains(set) } }) > 1 else { return nil }
      return
    }
    guard let keys = seams.ofKeys, keys.parts.count <= Self.mostInPlace else { return nil }
    readsInPlace = true
    ranges = keys.parts.map(\.range)
    do { try collect(graph, uses) } catch is Declined { return nil }
    // A part of the weights alone is never one attention.
    let arePartial = sums.contains { $0.sets != ranges.indices }
    guard !sums.isEmpty,
      arePartial
        || keys.parts.contains(where: { graph.isWorthReadingInPlace($0.value, $0.range.count, least: Self.leastInPlace) })
    else { return nil }
    // What is put side by side must be stored for nothing else.
    var (values, nodes) = (keys.values, Set([keys.product]))
    for sum in sums where sum.sets.count > 1 {
      let seams = KeySeams(ofValues: graph.inputs(sum.node)[1 - sum.side], sum.valueDimension, by: sum.node, in: graph)
      guard let found = seams.ofKeys, found.parts.map(\.range.count) == ranges[sum.sets].map(\.count) else {
        return nil
      }
      values += found.values
      nodes.insert(sum.node)
    }
    nodes.formUnion(values.compactMap(graph.definingNode))
    guard values.allSatisfy({ !uses.isResult($0) && uses.users($0).allSatisfy(nodes.contains) }) else { return nil }
  }

  /// Finds what is made of the softmax and its operand.
  private mutating func collect(_ graph: Graph, _ uses: ValueUse) throws {
    let (scores, weights) = (graph.inputs(softmax)[0], graph.result(softmax))
    for user in uses.users(scores) where user != softmax {
      guard graph.op(user) == .logSumExp, graph.attributes(user).required(.dim) == dimension else {
        throw declined("its scores \(graph.label(scores)) are used by \(graph.label(graph.results(user)[0])) as well", graph)
      }
      logarithms.append(user)
    }
    if uses.isResult(scores) { throw declined("its scores \(graph.label(scores)) are returned by the graph", graph) }
    try follow(weights, [], Array(0..<graph.type(weights).rank), ranges.indices, graph, uses)
  }

  private func declined(_ reason: String, _ graph: Graph) -> Declined {
    let lengths = ranges.map(\.count.description).joined(separator: " and ")
    return Declined(value: graph.result(softmax), reason: "one softmax over sets of \(lengths) keys stays one: \(reason)")
  }

  /// Finds the weighted sums of `value`, which holds the weights of `sets`.
  /// - Parameter dimensions: for each dimension of the softmax, that of `value`.
  private mutating func follow(
    _ value: ValueID, _ path: [NodeID], _ dimensions: [Int?], _ sets: Range<Int>, _ graph: Graph, _ uses: ValueUse
  ) throws {
    if uses.isResult(value) { throw declined("its weights \(graph.label(value)) are returned by the graph", graph) }
    for user in uses.users(value) {
      let (op, label) = (graph.op(user), graph.label(graph.results(user)[0]))
      if op == .contract {
        guard let sum = Sum(user, of: value, path, dimensions, sets, dimension, in: graph) else {
          throw declined("\(label) is not a sum of values over its keys", graph)
        }
        sums.append(sum)
      } else if op == .convert, graph.type(graph.result(user)).element.isFloat {
        try follow(graph.result(user), path + [user], dimensions, sets, graph, uses)
      } else if op == .slice {
        guard sets == ranges.indices, let along = dimensions[dimension], let taken = self.sets(takenBy: user, along, graph) else {
          throw declined("\(label) takes something else than whole sets of its weights", graph)
        }
        try follow(graph.result(user), path + [user], dimensions, taken, graph, uses)
      } else if let step = graph.dimensionsOfView(user), !graph.repeatsElements(user), op != .broadcast,
        dimensions[dimension].flatMap({ step[$0] }) != nil
      {
        try follow(graph.result(user), path + [user], dimensions.map { $0.flatMap { step[$0] } }, sets, graph, uses)
      } else {
        throw declined("its weights \(graph.label(value)) are used by \(label) as well", graph)
      }
    }
  }

  /// The sets that a slice takes whole along a dimension, with all else whole.
  private func sets(takenBy node: NodeID, _ dimension: Int, _ graph: Graph) -> Range<Int>? {
    let (attributes, extents) = (graph.attributes(node), graph.type(graph.inputs(node)[0]).shape.extents)
    let (start, stop) = (attributes.required(.start), attributes.required(.stop))
    guard (attributes[.step] ?? []).allSatisfy({ $0 == 1 }),
      extents.indices.allSatisfy({
        $0 == dimension || start[$0] == 0 && stop[$0].isEqual(to: extents[$0], given: graph.facts)
      }),
      let first = ranges.firstIndex(where: { $0.start.isEqual(to: start[dimension], given: graph.facts) }),
      let last = ranges[first...].firstIndex(where: { $0.stop.isEqual(to: stop[dimension], given: graph.facts) })
    else { return nil }
    return first..<(last + 1)
  }
}

extension KeySets.Sum {
  fileprivate init?(
    _ node: NodeID, of weights: ValueID, _ path: [NodeID], _ dimensions: [Int?], _ sets: Range<Int>, _ dimension: Int,
    in graph: Graph
  ) {
    let (inputs, subscripts) = (graph.inputs(node), graph.attributes(node).required(.subscripts))
    guard inputs[0] != inputs[1], let side = inputs.firstIndex(of: weights), let along = dimensions[dimension] else { return nil }
    let own = side == 0 ? subscripts.left : subscripts.right
    let others = side == 0 ? subscripts.right : subscripts.left
    guard subscripts.over == [own[along]], let valueDimension = others.firstIndex(of: own[along]) else { return nil }
    (self.node, self.side, self.path, self.sets, self.valueDimension) = (node, side, path, sets, valueDimension)
    letters = dimensions.map { $0.map { own[$0] } }
  }
}

/// The uses of a graph's values.
struct ValueUse {
  private let byValue: [[NodeID]]
  private let results: Set<ValueID>

  init(_ graph: Graph) { (byValue, results) = (graph.users(), Set(graph.results)) }

  func users(_ value: ValueID) -> [NodeID] { byValue[Int(value.index)] }
  func isResult(_ value: ValueID) -> Bool { results.contains(value) }
}

/// Where scores, or the keys that they are products of, are put side by side along the dimension of a softmax.
private struct KeySeams {
  /// The scores of several sets, at least two of them products.
  private(set) var ofScores: [(value: ValueID, range: TensorParts.Range)]?
  /// The keys of several sets, the values from there to the product, and the product.
  private(set) var ofKeys: (parts: [(value: ValueID, range: TensorParts.Range)], values: [ValueID], product: NodeID)?

  private var seen: Set<ValueID> = []

  init(below scores: ValueID, _ dimension: Int, in graph: Graph) { walk(scores, dimension, nil, [], graph) }

  init(ofValues values: ValueID, _ dimension: Int, by product: NodeID, in graph: Graph) {
    walk(values, dimension, product, [], graph)
  }

  private mutating func walk(_ value: ValueID, _ dimension: Int, _ product: NodeID?, _ path: [ValueID], _ graph: Graph) {
    guard ofScores == nil, path.count < 128, seen.insert(value).inserted, let node = graph.definingNode(value) else { return }
    let (op, inputs) = (graph.op(node), graph.inputs(node))
    let path = path + [value]
    if op.has(.elementwise) {
      for input in inputs where graph.type(input).rank > 0 { walk(input, dimension, product, path, graph) }
    } else if op == .concatenate, graph.attributes(node).required(.dim) == dimension {
      let parts = graph.concatenated(node)
      if let product {
        if ofKeys == nil { ofKeys = (parts, path, product) }
        return
      }
      // A part may have seams of its own, behind arithmetic.
      let all = parts.flatMap { part in
        KeySeams(below: part.value, dimension, in: graph).ofScores?.map {
          (
            value: $0.value,
            range: TensorParts.Range(start: part.range.start + $0.range.start, stop: part.range.start + $0.range.stop)
          )
        } ?? [part]
      }
      if all.count(where: { !graph.products(below: $0.value).isEmpty }) > 1 { ofScores = all }
    } else if op == .contract, product == nil {
      let subscripts = graph.attributes(node).required(.subscripts)
      for (input, letters) in zip(inputs, [subscripts.left, subscripts.right]) {
        if let position = letters.firstIndex(of: subscripts.result[dimension]) { walk(input, position, node, [], graph) }
      }
    } else if let source = graph.source(ofDimension: dimension, of: node), let source {
      walk(inputs[0], source, product, path, graph)
    }
  }
}

extension Graph {
  /// Whether `value` is memory of its own, of so many rows that a copy of it costs more than a kernel: a view of an argument, or small
  /// integers made floats. What else is computed is computed in its place beside others.
  fileprivate func isWorthReadingInPlace(_ value: ValueID, _ rows: Extent, least: Int) -> Bool {
    guard rows.constant ?? .max >= least else { return false }
    var source = value
    while let node = definingNode(source), op(node).has(.view) { source = inputs(node)[0] }
    return definingNode(source) == nil || integersMadeFloats(value) != nil
  }
}
