import HeedIR

/// One shape for product, softmax and weighted sum that were written with dimensions merged or split in several ways.
private struct RankAlignment {
  typealias Factor = DimensionFactors.Factor

  var cone: ScoreCone
  /// The weighted sum, which operand of it the weights are, and how its dimensions are made of factors.
  let sum: NodeID
  let side: Int
  /// The ops between the softmax and the sum.
  private let path: WeightPath
  private var sumGroups: (weights: [[Factor]], values: [[Factor]], result: [[Factor]])
  /// The dimensions of the one shape, and which of them the softmax is taken along.
  private(set) var dimensions: [[Factor]] = []
  private(set) var keys: [Factor]

  var factors: DimensionFactors { cone.factors }

  private static let mostDimensions = 40

  /// The alignment of a softmax; nil where there is one shape already, or none that serves.
  init?(_ cone: ScoreCone, in graph: Graph, users: [[NodeID]]) {
    self.cone = cone
    guard let path = WeightPath(cone, in: graph, users: users) else { return nil }
    (self.path, sum, side) = (path, path.sum, path.side)
    self.cone = path.cone
    let subscripts = graph.attributes(sum).required(.subscripts)
    var groupOfLetter: [Character: [Factor]] = [:]
    let sides = [subscripts.left, subscripts.right]
    for (letter, group) in zip(sides[side], path.groups[graph.inputs(sum)[side]]!) { groupOfLetter[letter] = group }
    for (letter, extent) in zip(sides[1 - side], graph.type(graph.inputs(sum)[1 - side]).shape.extents)
    where groupOfLetter[letter] == nil {
      groupOfLetter[letter] = self.cone.newDimension(extent)
    }
    let factors = self.cone.factors
    func groups(_ letters: [Character]) -> [[Factor]] { letters.map { factors.split(groupOfLetter[$0]!) } }
    sumGroups = (groups(sides[side]), groups(sides[1 - side]), groups(subscripts.result))
    let scores = self.cone.dimensions(cone.scores)!
    keys = scores[cone.dim]
    // A letter for each.
    guard scores.joined().count + sumGroups.values.count <= Self.mostDimensions else { return nil }
    guard cone.products.contains(where: { choose(scores, $0, in: graph) }) else { return nil }
  }

  /// Chooses the dimensions: those that softmax, product and sum have in common; one for all keys, and where those were several, one
  /// for as many of the rows.
  private mutating func choose(_ scores: [[Factor]], _ node: NodeID, in graph: Graph) -> Bool {
    let product = cone.dimensions(graph.result(node))!
    let sides = Self.sides(node, product, in: graph)
    let values = Set(sumGroups.values.joined())
    dimensions = []
    guard !keys.isEmpty, values.isSuperset(of: keys), let side = sides.firstIndex(where: { $0.isSuperset(of: keys) }),
      sides[1 - side].isDisjoint(with: keys)
    else { return false }
    func parts(_ groups: [[Factor]]) -> Int { groups.count { !$0.isEmpty && Set($0).isSubset(of: keys) } }
    let count = max(parts(product), parts(sumGroups.weights))
    // What is between has them in other dimensions.
    let between = cone.nodes.compactMap { cone.dimensions(graph.result($0)) } + path.groups.values.map { $0.map(factors.split) }
    // The factors that stay together where all three have them together, and nothing between has one together with those of another
    // dimension.
    for group in scores where group != keys {
      let others = between.flatMap { $0 }.filter { !Set($0).isSubset(of: group) }
      for (position, factor) in group.enumerated() {
        let isJoined =
          position > 0 && [product, sumGroups.weights].allSatisfy { $0.contains { $0.places([group[position - 1], factor]) } }
          && !others.contains { $0.contains(factor) || $0.contains(group[position - 1]) }
        if isJoined { dimensions[dimensions.count - 1].append(factor) } else { dimensions.append([factor]) }
      }
    }
    let rows = dimensions.filter { group in
      group.allSatisfy { sides[1 - side].contains($0) && !sides[side].contains($0) && !values.contains($0) }
    }
    if count > 1, rows.count > 1 {
      let merged = Array(rows.suffix(count))
      let place = dimensions.firstIndex(of: merged[0])!
      dimensions.insert(Array(merged.joined()), at: place)
      dimensions.removeAll { merged.contains($0) }
    }
    dimensions.append(keys)
    let shapes = [scores, product, sumGroups.weights] + path.nodes.map { path.groups[graph.result($0)]!.map(factors.split) }
    let isOneShape = shapes.allSatisfy { Set($0.filter { !$0.isEmpty }) == Set(dimensions) }
    return !isOneShape && isWeighted(by: values)
  }

  /// Whether the weighted sum can be taken over the one dimension of keys.
  private func isWeighted(by values: Set<Factor>) -> Bool {
    let result = Set(sumGroups.result.joined())
    return result.isDisjoint(with: keys)
      && dimensions.allSatisfy { group in
        group == keys || Set(group).isSubset(of: result) && (Set(group).isSubset(of: values) || values.isDisjoint(with: group))
      }
  }

  /// The factors of the left and of the right operand of a product whose result has these groups.
  private static func sides(_ node: NodeID, _ result: [[Factor]], in graph: Graph) -> [Set<Factor>] {
    let subscripts = graph.attributes(node).required(.subscripts)
    let groups = Dictionary(uniqueKeysWithValues: zip(subscripts.result, result))
    func factors(_ letters: [Character]) -> Set<Factor> { Set(letters.flatMap { groups[$0] ?? [] }) }
    return [factors(subscripts.left), factors(subscripts.right)]
  }
}

extension RankAlignment {
  /// Appends the scores in the one shape.
  func scores(_ rewriter: inout GraphRewriter) throws -> ValueID {
    let graph = rewriter.source
    var made: [ValueID: ValueID] = [:]
    for node in cone.nodes.reversed() {
      made[graph.result(node)] =
        graph.op(node) == .contract
        ? try contract(node, &rewriter) : try between(node, made, { cone.dimensions($0)! }, &rewriter)
    }
    return made[cone.scores]!
  }

  /// Appends an elementwise op in the one shape; a view is its operand there.
  /// - Parameters:
  ///   - made: what has the one shape already.
  ///   - groups: the groups of factors of an operand.
  private func between(
    _ node: NodeID, _ made: [ValueID: ValueID], _ groups: (ValueID) -> [[Factor]], _ rewriter: inout GraphRewriter
  ) throws -> ValueID {
    let graph = rewriter.source
    let (op, result) = (graph.op(node), graph.result(node))
    let operands = try graph.inputs(node).map { operand in
      if graph.type(operand).rank == 0 { return rewriter(operand) }
      return try made[operand] ?? rewriter.result.regroup(rewriter(operand), groups(operand), as: dimensions, factors)
    }
    guard op.has(.elementwise) else { return operands[0] }
    let type = op.has(.typedByResult) ? TensorType(graph.type(result).element, factors.shape(dimensions)) : nil
    return try rewriter.result.appendResult(
      op, operands, attributes: graph.attributes(node).all, stated: type, name: graph.name(result))
  }

  /// A product with the one shape as its result; a product that is no good for it is brought to the shape afterwards.
  private func contract(_ node: NodeID, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let graph = rewriter.source
    let subscripts = graph.attributes(node).required(.subscripts)
    var groups = Dictionary(uniqueKeysWithValues: zip(subscripts.result, cone.dimensions(graph.result(node))!))
    var copy = self
    for (letters, operand) in zip([subscripts.left, subscripts.right], graph.inputs(node)) {
      for (letter, extent) in zip(letters, graph.type(operand).shape.extents) where groups[letter] == nil {
        groups[letter] = copy.cone.newDimension(extent)
      }
    }
    let sides = [subscripts.left, subscripts.right].map { $0.map { groups[$0]! } }
    let isSplit = dimensions.allSatisfy { group in
      sides.allSatisfy { side in Set(group).isSubset(of: side.joined()) || Set(side.joined()).isDisjoint(with: group) }
    }
    let operands = graph.inputs(node).map { rewriter($0) }
    guard isSplit else {
      let value = try rewriter.result.appendResult(.contract, operands, attributes: graph.attributes(node).all)
      return try rewriter.result.regroup(value, cone.dimensions(graph.result(node))!, as: dimensions, factors)
    }
    return try copy.contract(operands, sides, result: dimensions, &rewriter.result, name: graph.name(graph.result(node)))
  }

  /// Appends a contract of operands with these groups, each in the dimensions of the one shape.
  private func contract(
    _ operands: [ValueID], _ sides: [[[Factor]]], result: [[Factor]], _ graph: inout Graph, name: Name = .none
  ) throws -> ValueID {
    let targets = sides.map(merged)
    let values = try operands.indices.map { try graph.regroup(operands[$0], sides[$0], as: targets[$0], factors) }
    var letters: [[Factor]: Character] = [:]
    for (letter, group) in zip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", (result + targets.joined()).unique) {
      letters[group] = letter
    }
    let subscripts = ContractSubscripts(
      left: targets[0].map { letters[$0]! }, right: targets[1].map { letters[$0]! }, result: result.map { letters[$0]! })
    return try graph.appendResult(.contract, values, attributes: [Attribute(.subscripts, subscripts)], name: name)
  }

  /// The dimensions of the one shape in the order in which their first factors are in `groups`; other factors stay alone.
  private func merged(_ groups: [[Factor]]) -> [[Factor]] {
    groups.joined().compactMap { factor in
      guard let group = dimensions.first(where: { $0.contains(factor) }) else { return [factor] }
      return group[0] == factor ? group : nil
    }
  }

  /// Appends what a root is of the scores `scores`, which have the one shape; the second value is in the shape as written.
  func root(_ node: NodeID, _ scores: ValueID, _ rewriter: inout GraphRewriter) throws -> (aligned: ValueID, written: ValueID) {
    let graph = rewriter.source
    let (isMaximum, dim) = (graph.op(node) == .reduce, dimensions.count - 1)
    var (value, written) = (scores, cone.dimensions(cone.scores)!)
    if let sink = cone.sink, !isMaximum {
      var column = written
      column[cone.dim] = []
      let last = try rewriter.result.regroup(rewriter(sink), column, as: dimensions.dropLast() + [[]], factors)
      value = try rewriter.result.appendResult(.concatenate, [scores, last], attributes: [Attribute(.dim, dim)])
    }
    let along = isMaximum ? [Attribute(.dims, [dim]), Attribute(.kind, .maximum)] : [Attribute(.dim, dim)]
    value = try rewriter.result.appendResult(node == cone.weights ? .softmax : graph.op(node), [value], attributes: along)
    if node == cone.weights, cone.sink != nil {
      let stop = rewriter.result.type(scores).shape.extents
      let start: [Extent] = stop.map { _ in 0 }
      value = try rewriter.result.appendResult(.slice, [value], attributes: [Attribute(.start, start), Attribute(.stop, stop)])
    }
    let hasKeys = node == cone.weights || graph.op(node) == .softmax
    if !hasKeys { written.remove(at: cone.dim) }
    let rows = hasKeys ? dimensions : Array(dimensions.dropLast())
    return (value, try rewriter.result.regroup(value, rows, as: written, factors, stated: graph.type(graph.result(node))))
  }

  /// Appends the weighted sum by `weights`, which have the one shape.
  func sum(_ weights: ValueID, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let graph = rewriter.source
    var made = [graph.result(cone.weights): weights]
    for node in path.nodes {
      let own = path.groups[graph.result(node)]!
      made[graph.result(node)] = try between(node, made, { path.groups[$0] ?? own }, &rewriter)
    }
    let weights = made[graph.inputs(sum)[side]]!
    let values = rewriter(graph.inputs(sum)[1 - side])
    let result = merged(sumGroups.result)
    let sides = side == 0 ? [dimensions, sumGroups.values] : [sumGroups.values, dimensions]
    let operands = side == 0 ? [weights, values] : [values, weights]
    let value = try contract(operands, sides, result: result, &rewriter.result)
    return try rewriter.result.regroup(value, result, as: sumGroups.result, factors, stated: graph.type(graph.result(sum)))
  }
}

extension Graph {
  /// Brings product, softmax and weighted sum to one shape, where they were written with dimensions merged in some and split in others.
  ///
  ///     %s = contract %q, %k {subscripts = "byxhd,btshd->bhyxts"} : f32[B, 4, Y, X, Y, X]
  ///     %t = reshape %s : f32[B, 4, Y, X, Y*X]
  ///     %w = softmax %t {dim = 4} : f32[B, 4, Y, X, Y*X]
  ///     %p = reshape %w : f32[B, 4, Y, X, Y, X]
  ///     %o = contract %p, %v {subscripts = "bhyxts,btshe->byxhe"} : f32[B, Y, X, 4, 8]
  /// becomes
  ///     %s = contract %q1, %k1 {subscripts = "bihd,bjhd->bhij"} : f32[B, 4, Y*X, Y*X]       // of reshaped operands
  ///     %w = softmax %s {dim = 3} : f32[B, 4, Y*X, Y*X]
  ///     %u = contract %w, %v1 {subscripts = "bhij,bjhe->bihe"} : f32[B, Y*X, 4, 8]
  ///     %o = reshape %u : f32[B, Y, X, 4, 8]
  ///
  /// Batch dimensions are split as far as any of the three splits them, keys are one dimension, and where they were several, as many of
  /// the rows are one as well. Biases and masks between are reshaped, which scalar code reads as index arithmetic; so are guards and
  /// factors between softmax and sum. What else uses the weights gets them in the shape as written. Where scores of 2, 4*M rows are masked
  /// as 8, M, the common parts 2, 4 and M are dimensions. Legal since views only rename places.
  mutating func alignRanks(_ context: inout PassContext) throws {
    let softmaxes = body.filter { op($0) == .softmax }
    guard !softmaxes.isEmpty else { return }
    let (users, uses) = (users(), useCounts())
    var alignments: [RankAlignment] = []
    var (inside, roots, sums): (Set<NodeID>, [NodeID: Int], [NodeID: Int]) = ([], [:], [:])
    for softmax in softmaxes {
      guard let cone = ScoreCone(softmax, in: self, users: users, uses: uses),
        let alignment = RankAlignment(cone, in: self, users: users),
        sums[alignment.sum] == nil, !inside.contains(alignment.sum), !cone.nodes.contains(where: { sums[$0] != nil })
      else { continue }
      inside.formUnion(cone.nodes + cone.besideSink)
      for root in cone.roots { roots[root] = alignments.count }
      sums[alignment.sum] = alignments.count
      alignments.append(alignment)
    }
    guard !alignments.isEmpty else { return }
    var rewriter = GraphRewriter(self)
    var scores: [Int: ValueID] = [:]
    var weights: [Int: ValueID] = [:]
    for node in body where !inside.contains(node) {
      if let number = roots[node] {
        let alignment = alignments[number]
        let aligned = try scores[number] ?? alignment.scores(&rewriter)
        scores[number] = aligned
        let made = try alignment.root(node, aligned, &rewriter)
        rewriter.replace(result(node), with: made.written)
        guard node == alignment.cone.weights else { continue }
        weights[number] = made.aligned
        context.remark(
          .applied, result(node), in: self,
          "product, softmax and weighted sum brought to one shape, \(rewriter.result.type(made.aligned).shape)")
      } else if let number = sums[node], let weights = weights[number] {
        rewriter.replace(result(node), with: try alignments[number].sum(weights, &rewriter))
      } else {
        rewriter.copy(node)
      }
    }
    self = rewriter.finish()
    eliminateDeadNodes()
  }
}

extension [DimensionFactors.Factor] {
  /// Whether the factors of `part` stand here one after the other.
  fileprivate func places(_ part: [DimensionFactors.Factor]) -> Bool {
    indices.contains { self[$0...].starts(with: part) }
  }
}

extension [[DimensionFactors.Factor]] {
  /// Each group once.
  fileprivate var unique: [[DimensionFactors.Factor]] {
    var seen: Set<[DimensionFactors.Factor]> = []
    return filter { seen.insert($0).inserted }
  }
}
