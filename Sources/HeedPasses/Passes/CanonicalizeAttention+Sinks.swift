import Foundation
import HeedIR

/// A tensor put together from parts along one dimension, by concatenations and pads.
private struct Columns {
  struct Part {
    /// Nil for the elements of a pad.
    var value: ValueID?
    /// The number that all elements are.
    var constant: Double?
    var extent: Extent
  }

  let dim: Int
  private(set) var parts: [Part] = []

  /// The parts of `value`; nil where it is neither a concatenation nor a pad along `dim`.
  init?(_ value: ValueID, dim: Int, in graph: Graph) {
    self.dim = dim
    take(value, graph)
    guard graph.definingOp(value) == .pad || parts.count > 1 else { return nil }
  }

  private mutating func take(_ value: ValueID, _ graph: Graph) {
    let node = graph.definingNode(value)
    let attributes = node.map(graph.attributes)
    if let node, graph.op(node) == .concatenate, attributes!.required(.dim) == dim {
      for part in graph.operands(node) { take(part, graph) }
    } else if let node, graph.op(node) == .pad, graph.pads(node, along: dim) {
      let constant = attributes!.required(.padValue).converted(to: graph.type(value).element)!.real
      func fill(_ extent: Extent) { if extent != 0 { parts.append(Part(constant: constant, extent: extent)) } }
      fill(attributes!.required(.low)[dim])
      take(graph.inputs(node)[0], graph)
      fill(attributes!.required(.high)[dim])
    } else {
      let extent = graph.type(value).shape[dim]
      if extent != 0 { parts.append(Part(value: value, constant: graph.uniformConstant(value)?.real, extent: extent)) }
    }
  }

  /// The neighbouring parts that `isKept` holds for, where all others lie before or behind them.
  func kept(where isKept: (Part) -> Bool) -> Range<Int>? {
    guard let first = parts.firstIndex(where: isKept), let last = parts.lastIndex(where: isKept),
      parts[first...last].allSatisfy({ $0.value != nil && isKept($0) })
    else { return nil }
    return first..<(last + 1)
  }

  func extent(_ range: Range<Int>) -> Extent { parts[range].reduce(0) { $0 + $1.extent } }

  /// Appends the parts in `range` as one tensor.
  func appended(_ range: Range<Int>, _ graph: inout Graph) throws -> ValueID {
    let values = parts[range].map { $0.value! }
    return values.count == 1 ? values[0] : try graph.appendResult(.concatenate, values, attributes: [Attribute(.dim, dim)])
  }
}

/// Scores with further columns beside them.
private struct ScoresBesideColumns {
  let columns: Columns
  /// The parts that are made from products.
  let scores: Range<Int>
  /// Whether one column alone is beside them, as a sink is written.
  let isPlain: Bool

  init?(_ value: ValueID, dim: Int, in graph: Graph) {
    guard let columns = Columns(value, dim: dim, in: graph),
      let scores = columns.kept(where: { $0.constant == nil && $0.value.map { !graph.products(below: $0).isEmpty } ?? false }),
      scores.count < columns.parts.count
    else { return nil }
    (self.columns, self.scores) = (columns, scores)
    let others = columns.parts.indices.filter { !scores.contains($0) }
    isPlain =
      graph.definingOp(value) == .concatenate && graph.operands(graph.definingNode(value)!).count == 2 && others.count == 1
      && others.allSatisfy {
        columns.parts[$0].value != nil && columns.parts[$0].extent == 1 && columns.parts[$0].constant != -.infinity
      }
    // Every other part is one that a number or a tensor stands for.
    guard others.allSatisfy({ columns.parts[$0].constant.map { !$0.isNaN && $0 != .infinity } ?? true }) else { return nil }
  }

  /// Appends the scores with one column behind them that weighs as much as all the others; without a column where none weighs anything.
  func build(_ graph: inout Graph) throws -> (value: ValueID, hasColumn: Bool) {
    let value = try columns.appended(scores, &graph)
    guard let column = try column(beside: value, &graph) else { return (value, false) }
    return (try graph.appendResult(.concatenate, [value, column], attributes: [Attribute(.dim, columns.dim)]), true)
  }

  private func column(beside value: ValueID, _ graph: inout Graph) throws -> ValueID? {
    let (dim, element) = (columns.dim, graph.type(value).element)
    var extents = graph.type(value).shape.extents
    extents[dim] = 1
    let type = TensorType(element, Shape(extents))
    var (constants, terms): ([Double], [ValueID]) = ([], [])
    func repeated(_ scalar: ValueID) throws -> ValueID {
      try graph.appendResult(.broadcast, [scalar], attributes: [Attribute(.dims, [])], stated: type)
    }
    for (position, part) in columns.parts.enumerated() where !scores.contains(position) {
      if let constant = part.constant {
        if let count = part.extent.constant {
          constants.append(constant + log(Double(count)))
        } else if constant != -.infinity {
          let count = try graph.appendResult(
            .extent, [], attributes: [Attribute(.extentValue, [part.extent])], stated: TensorType(element, .scalar))
          let logarithm = try graph.appendResult(.log, [count])
          terms.append(try repeated(graph.appendResult(.add, [logarithm, graph.appendScalar(constant, element)])))
        }
      } else if part.extent == 1 {
        terms.append(part.value!)
      } else {
        let logarithm = try graph.appendResult(.logSumExp, [part.value!], attributes: [Attribute(.dim, dim)])
        terms.append(try graph.appendResult(.reshape, [logarithm], stated: type))
      }
    }
    let constant = constants.logarithmOfSum
    if constant > -.infinity { terms.append(try repeated(graph.appendScalar(constant, element))) }
    guard terms.count > 1 else { return terms.first }
    let beside = try graph.appendResult(.concatenate, terms, attributes: [Attribute(.dim, dim)])
    let logarithm = try graph.appendResult(.logSumExp, [beside], attributes: [Attribute(.dim, dim)])
    return try graph.appendResult(.reshape, [logarithm], stated: type)
  }
}

extension GraphPass {
  /// `slice(softmax(pad(x)))`, where the slice takes x's columns, has one column beside x that weighs as much as those of the pad; so for
  /// concatenations with any number of columns on either side.
  static func joinSinkColumns(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .slice, let softmax = graph.definingNode(graph.inputs(node)[0], where: .softmax) else { return nil }
    let dim = graph.attributes(softmax).required(.dim)
    guard let beside = ScoresBesideColumns(graph.inputs(softmax)[0], dim: dim, in: graph), !beside.isPlain else { return nil }
    let type = graph.type(graph.result(node))
    let first = beside.columns.extent(0..<beside.scores.lowerBound)
    guard graph.takes(node, first, first + beside.columns.extent(beside.scores), along: dim) else { return nil }
    let (scores, hasColumn) = try beside.build(&state.graph)
    let weights = try state.graph.appendResult(.softmax, [scores], attributes: [Attribute(.dim, dim)])
    state.context.remark(
      .applied, graph.result(node), in: graph,
      hasColumn
        ? "columns beside the scores that the slice drops: a sink, one score whose value is 0"
        : "columns of -inf beside the scores weigh nothing")
    guard hasColumn else { return try state.graph.fit(weights, as: graph.result(node)) }
    let start: [Extent] = type.shape.extents.map { _ in 0 }
    let value = try state.graph.appendResult(
      .slice, [weights],
      attributes: [
        Attribute(.start, start), Attribute(.stop, state.graph.type(scores).shape.extents.replacing(dim, with: type.shape[dim])),
      ])
    return try state.graph.fit(value, as: graph.result(node))
  }

  /// The logarithm of the sum of the same scores and columns.
  static func joinSinkColumnsOfLogarithm(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .logSumExp else { return nil }
    let dim = graph.attributes(node).required(.dim)
    guard let beside = ScoresBesideColumns(graph.inputs(node)[0], dim: dim, in: graph), !beside.isPlain else { return nil }
    return try state.graph.appendResult(.logSumExp, [beside.build(&state.graph).value], attributes: [Attribute(.dim, dim)])
  }

  /// `contract(softmax(pad(x)), pad(v))`, with zeros for the values of the further columns: they are sliced away before the sum.
  static func dropColumnsWithoutValues(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .contract else { return nil }
    let (inputs, subscripts) = (graph.inputs(node), graph.attributes(node).required(.subscripts))
    let letters = [subscripts.left, subscripts.right]
    for side in [0, 1] {
      guard let softmax = graph.definingNode(inputs[side], where: .softmax) else { continue }
      let dim = graph.attributes(softmax).required(.dim)
      guard subscripts.over == [letters[side][dim]], let place = letters[1 - side].firstIndex(of: letters[side][dim]),
        let values = Columns(inputs[1 - side], dim: place, in: graph),
        let kept = values.kept(where: { $0.constant != 0 }), kept.count < values.parts.count,
        let beside = ScoresBesideColumns(graph.inputs(softmax)[0], dim: dim, in: graph)
      else { continue }
      let first = values.extent(0..<kept.lowerBound)
      guard first == beside.columns.extent(0..<beside.scores.lowerBound),
        values.extent(kept).isEqual(to: beside.columns.extent(beside.scores), given: graph.facts)
      else { continue }
      let whole = graph.type(inputs[side]).shape.extents
      let start: [Extent] = whole.indices.map { $0 == dim ? first : 0 }
      let stop = whole.replacing(dim, with: first + beside.columns.extent(beside.scores))
      var operands = inputs
      operands[side] = try state.graph.appendResult(
        .slice, [inputs[side]], attributes: [Attribute(.start, start), Attribute(.stop, stop)])
      operands[1 - side] = try values.appended(kept, &state.graph)
      let sum = try state.graph.appendLike(node, operands, type: graph.type(graph.result(node)))
      return try state.graph.fit(sum, as: graph.result(node))
    }
    return nil
  }
}

extension Graph {
  /// Whether a pad has elements along `dim` alone.
  fileprivate func pads(_ node: NodeID, along dim: Int) -> Bool {
    let (low, high) = (attributes(node).required(.low), attributes(node).required(.high))
    return low.indices.allSatisfy { $0 == dim || low[$0] == 0 && high[$0] == 0 }
  }

  /// Whether a slice takes the places from `start` to `stop` along `dim`, and all else whole.
  fileprivate func takes(_ node: NodeID, _ start: Extent, _ stop: Extent, along dim: Int) -> Bool {
    let (whole, slice) = (type(inputs(node)[0]).shape.extents, attributes(node))
    let (starts, stops) = (slice.required(.start), slice.required(.stop))
    return (slice[.step] ?? []).allSatisfy { $0 == 1 }
      && whole.indices.allSatisfy { dimension in
        let wanted = dimension == dim ? (start, stop) : (0, whole[dimension])
        return starts[dimension] == wanted.0 && stops[dimension].isEqual(to: wanted.1, given: facts)
      }
  }

  /// Appends the softmax of `value` along `dims` together. With a sink, one number per row, it is that of the scores and the sink,
  /// without the sink's column. Nil where the dimensions are not neighbours and no product is below: moving them has a price.
  mutating func appendSoftmax(_ value: ValueID, dims: [Int], sink: ValueID? = nil) throws -> ValueID? {
    let type = type(value)
    let areNeighbours = zip(dims, dims.dropFirst()).allSatisfy { $0 + 1 == $1 }
    guard areNeighbours || !products(below: value).isEmpty else { return nil }
    var factors = DimensionFactors(facts: facts)
    let groups = type.shape.extents.map { factors.group($0) }
    let merged = groups.indices.compactMap { dimension in
      dimension == dims[0] ? dims.flatMap { groups[$0] } : dims.contains(dimension) ? nil : groups[dimension]
    }
    let scores = dims.count == 1 ? value : try regroup(value, groups, as: merged, factors)
    let weights = try appendSoftmax(scores, dim: dims[0], sink: sink)
    return dims.count == 1 ? weights : try regroup(weights, merged, as: groups, factors, stated: type)
  }

  private mutating func appendSoftmax(_ value: ValueID, dim: Int, sink: ValueID?) throws -> ValueID {
    let (type, along) = (type(value), Attribute(.dim, dim))
    guard let sink else { return try appendResult(.softmax, [value], attributes: [along]) }
    let column = TensorType(type.element, Shape(type.shape.extents.replacing(dim, with: 1)))
    let isScalar = self.type(sink).rank == 0
    let last = try appendResult(
      isScalar ? .broadcast : .reshape, [sink], attributes: isScalar ? [Attribute(.dims, [])] : [], stated: column)
    let beside = try appendResult(.concatenate, [value, last], attributes: [along])
    let weights = try appendResult(.softmax, [beside], attributes: [along])
    let start: [Extent] = type.shape.extents.map { _ in 0 }
    return try appendResult(.slice, [weights], attributes: [Attribute(.start, start), Attribute(.stop, type.shape.extents)])
  }
}

extension [Double] {
  /// The logarithm of the sum of the exponentials; -inf where there are none.
  var logarithmOfSum: Double {
    guard let greatest = self.max(), greatest > -.infinity else { return -.infinity }
    return greatest + log(reduce(0) { $0 + exp($1 - greatest) })
  }
}

extension [Extent] {
  fileprivate func replacing(_ position: Int, with extent: Extent) -> [Extent] {
    indices.map { $0 == position ? extent : self[$0] }
  }
}
