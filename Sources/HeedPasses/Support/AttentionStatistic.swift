import HeedIR

/// A statistic of the weights that a second pass over the keys computes, from the logarithm of the rows' sums.
struct AttentionStatistic {
  /// A dimension of what is reduced, as a part of a dimension of the weights.
  enum Part: Equatable {
    case whole(AttentionAxis)
    /// The blocks of a dimension that was split into blocks of `size`, and the places in a block.
    case blocks(AttentionAxis, size: Int)
    case inBlock(AttentionAxis)
    case unit
  }

  enum Kind {
    /// The numbers of blocks of pairs put together.
    case reduction(Reduction)
    case greatest(count: Int)
  }

  let node: NodeID
  var kind: Kind
  /// What is reduced, an element for each pair, made from the weights by elementwise ops.
  let base: ValueID
  /// What the dimensions of `base` are.
  let baseAxes: [AttentionAxis?]
  /// What the result's dimensions are, and those that are reduced.
  var kept: [Part]
  var reduced: [Part] = []
  /// The rows and columns that count; nil for all.
  var windows: [AttentionAxis: (start: Extent, stop: Extent)] = [:]

  /// The batch dimensions that are reduced whole.
  var reducedBatch: [Int] {
    reduced.compactMap { if case .whole(.batch(let number)) = $0 { number } else { nil } }.sorted()
  }

  /// Whether pairs are reduced over heads alone: what is left is as large as the scores of one.
  var isOfHeads: Bool { block(.row) == 1 && block(.column) == 1 && !reducedBatch.isEmpty }

  /// The extent of a block along an axis: 0 where the whole axis is reduced, 1 where it is not, nil where a block is not
  /// consecutive.
  func block(_ axis: AttentionAxis) -> Int? {
    let isWhole = reduced.contains(.whole(axis))
    var size: Int?
    for case .blocks(axis, let found) in kept + reduced { size = found }
    guard let size else { return isWhole ? 0 : 1 }
    let (reducesBlocks, reducesPlaces) = (reduced.contains(.blocks(axis, size: size)), reduced.contains(.inBlock(axis)))
    if reducesBlocks { return reducesPlaces ? 0 : nil }
    return reducesPlaces ? size : 1
  }
}

extension AttentionStatistic {
  /// The statistic that `node` is of an attention's weights.
  /// - Throws: `Declined` where a pass over tiles cannot compute it.
  init(_ node: NodeID, _ sum: WeightedSum) throws {
    let graph = sum.graph
    self.node = node
    let operand = graph.inputs(node)[0]
    let isWindow = graph.op(node) == .slice
    let arranged = try Self.arrangement(isWindow ? graph.result(node) : operand, sum)
    (base, baseAxes, windows) = (arranged.base, arranged.axes, arranged.windows)
    let attributes = graph.attributes(node)
    func decline(_ reason: String) -> Declined { Declined(value: graph.results(node)[0], reason: reason) }
    if isWindow {
      (kind, kept) = (.reduction(.add), arranged.parts)
    } else if graph.op(node) == .topK {
      guard [operand, graph.widenedOrNarrowed(operand)].contains(sum.weights.value), windows.isEmpty,
        arranged.parts.last == .whole(.column), (1...1024).contains(attributes.required(.count))
      else { throw decline("its greatest elements are not those of whole rows of weights") }
      (kind, kept) = (.greatest(count: attributes.required(.count)), arranged.parts)
    } else {
      let reduction = attributes.required(.kind)
      guard [.add, .maximum, .minimum].contains(reduction) else {
        throw decline("\(reduction.rawValue) is not a statistic of weights")
      }
      kind = .reduction(reduction)
      let dims = attributes.required(.dims)
      kept = arranged.parts.indices.filter { !dims.contains($0) }.map { arranged.parts[$0] }
      reduced = dims.map { arranged.parts[$0] }
      guard let rows = block(.row), let columns = block(.column), max(rows, columns) <= 4096 else {
        throw decline("it reduces elements that are far from each other")
      }
      guard rows != 1 || columns != 1 || !reducedBatch.isEmpty else { throw decline("it reduces none of their dimensions") }
    }
  }

  /// A value as an arrangement of another, whose dimensions are `axes`.
  private typealias Arranged = (
    base: ValueID, axes: [AttentionAxis?], parts: [Part], windows: [AttentionAxis: (start: Extent, stop: Extent)]
  )

  /// What `value` is an arrangement of, through slices of rows and columns, transposes, reshapes into blocks and float conversions.
  private static func arrangement(_ value: ValueID, _ sum: WeightedSum) throws -> Arranged {
    let graph = sum.graph
    if value != sum.weights.value, let node = graph.definingNode(value) {
      let operand = graph.inputs(node).first ?? value
      func decline(_ what: String) -> Declined { Declined(value: value, reason: "\(graph.label(value)) \(what)") }
      switch graph.op(node) {
      case .reshape:
        var (base, axes, parts, windows) = try arrangement(operand, sum)
        let (from, to) = (graph.type(operand).shape.extents, graph.type(value).shape.extents)
        guard let runs = ReshapeRuns(from: from, to: to, facts: graph.facts)?.runs else {
          throw decline("does not split a dimension into blocks")
        }
        parts = try runs.flatMap { run -> [Part] in
          let sources = run.from.filter { from[$0] != 1 }
          let targets = run.to.filter { to[$0] != 1 }
          guard sources.count <= 1, let source = sources.first else {
            if sources.isEmpty { return run.to.map { _ in .unit } }
            throw decline("merges dimensions")
          }
          if targets.count == 1 { return run.to.map { to[$0] == 1 ? .unit : parts[source] } }
          guard case .whole(let axis) = parts[source], axis == .row || axis == .column, targets.count == 2,
            let size = to[targets[1]].constant
          else { throw decline("does not split a dimension into blocks") }
          return run.to.map { $0 == targets[0] ? .blocks(axis, size: size) : $0 == targets[1] ? .inBlock(axis) : .unit }
        }
        return (base, axes, parts, windows)
      case .transpose:
        var arranged = try arrangement(operand, sum)
        arranged.parts = graph.attributes(node).required(.permutation).map { arranged.parts[$0] }
        return arranged
      case .slice:
        var (base, axes, parts, windows) = try arrangement(operand, sum)
        let attributes = graph.attributes(node)
        let whole = graph.type(operand).shape.extents
        let (starts, stops) = (attributes.required(.start), attributes.required(.stop))
        guard (attributes[.step] ?? []).allSatisfy({ $0 == 1 }) else {
          throw decline("takes every other element")
        }
        for dim in whole.indices where starts[dim] != 0 || !stops[dim].isEqual(to: whole[dim], given: graph.facts) {
          guard case .whole(let axis) = parts[dim], axis == .row || axis == .column, windows[axis] == nil else {
            throw decline("is not a range of rows and columns")
          }
          windows[axis] = (starts[dim], stops[dim])
        }
        return (base, axes, parts, windows)
      default: break
      }
    }
    guard let axes = sum.axes(ofWeightsAt: value) else {
      throw Declined(value: value, reason: "\(graph.label(value)) has not the weights' shape")
    }
    return (value, axes, axes.map { $0.map { .whole($0) } ?? .unit }, [:])
  }
}

extension WeightedSum {
  /// What the dimensions of `value` are, which elementwise ops and transposes make from the weights; nil where they do not.
  fileprivate func axes(ofWeightsAt value: ValueID) -> [AttentionAxis?]? {
    var known: [ValueID: [AttentionAxis?]] = [weights.value: axes]
    let inside = graph.dependents(of: weights.value)
    for node in graph.body where known[value] == nil && inside.contains(node) {
      guard let found = graph.operands(node).lazy.compactMap({ known[$0] }).first, let result = graph.results(node).first else {
        continue
      }
      if graph.op(node) == .transpose {
        known[result] = graph.attributes(node).required(.permutation).map { found[$0] }
      } else if graph.op(node).has(.elementwise) {
        known[result] = found
      }
    }
    return known[value]
  }
}

extension Graph {
  /// What `value` is a conversion of, between float types; otherwise `value` itself.
  func widenedOrNarrowed(_ value: ValueID) -> ValueID {
    guard let operand = match(value, .convert)?[0], type(operand).element.isFloat else { return value }
    return operand
  }
}

/// Follows the weights of an attention to the statistics that a graph takes of them.
struct StatisticFinder {
  let sum: WeightedSum
  let users: [[NodeID]]
  private(set) var found: [AttentionStatistic] = []
  private var seen: Set<NodeID> = []

  init(_ sum: WeightedSum, users: [[NodeID]]) { (self.sum, self.users) = (sum, users) }

  /// Takes what `node`, which uses the weights or what elementwise ops make of them, leads to.
  /// - Throws: `Declined` where that is not a statistic.
  mutating func follow(_ node: NodeID) throws {
    guard seen.insert(node).inserted else { return }
    let (graph, op) = (sum.graph, sum.graph.op(node))
    if op == .reduce || op == .topK {
      found.append(try AttentionStatistic(node, sum))
    } else if op == .slice {
      // A window of the weights, unless what is made of it is a statistic.
      var inner = self
      do {
        try inner.followUsers(of: node)
        self = inner
      } catch is Declined {
        found.append(try AttentionStatistic(node, sum))
      }
    } else if op.has(.elementwise) || op == .reshape || op == .transpose {
      try followUsers(of: node)
    } else {
      let value = graph.results(node)[0]
      throw Declined(value: value, reason: "\(graph.label(value)) is made from the weights by \(op.mnemonic)")
    }
  }

  private mutating func followUsers(of node: NodeID) throws {
    let (graph, value) = (sum.graph, sum.graph.result(node))
    guard !graph.results.contains(value) else {
      throw Declined(value: value, reason: "\(graph.label(value)), made from the probabilities, is returned by the graph")
    }
    for user in users[Int(value.index)] { try follow(user) }
  }
}
