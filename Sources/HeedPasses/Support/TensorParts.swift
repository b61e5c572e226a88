import HeedIR

/// Builds parts of a graph's values along one dimension, in a graph that is being made: the elements from `start` to below `stop`.
///
/// A part of what elementwise ops, products, views and concatenations make is made from parts of their operands. So a part of scores
/// is again a product with arithmetic behind it, and a concatenation that is taken apart at its seams is never stored. Of anything
/// else a part is a slice.
struct TensorParts {
  /// The elements of one dimension that are taken: each `step`th from `start` to below `stop`.
  struct Range: Hashable {
    var start: Extent
    var stop: Extent
    var step = 1
    var count: Extent { step == 1 ? stop - start : (stop - start).dividedRoundingUp(by: step) }
  }

  /// Whether what products are of is sliced, or taken where it is put side by side, and not computed in parts.
  let slicesOperands: Bool
  private var isBelowProduct = false

  init(slicesOperands: Bool = false) { self.slicesOperands = slicesOperands }

  private struct Part: Hashable {
    var value: ValueID
    var dimension: Int
    var range: Range
  }

  private var built: [Part: ValueID] = [:]
  /// Ops in a chain beyond which a part is a slice: more than any score has, few enough to walk by recursion.
  private static let greatestDepth = 128

  /// The part of `value` that `range` says; a value of the old graph becomes one of the new.
  mutating func part(_ value: ValueID, _ dimension: Int, _ range: Range, _ rewriter: inout GraphRewriter, depth: Int = 0) throws
    -> ValueID
  {
    let request = Part(value: value, dimension: dimension, range: range)
    if let known = built[request] { return known }
    let made = try make(request, &rewriter, depth: depth)
    built[request] = made
    return made
  }

  private mutating func make(_ request: Part, _ rewriter: inout GraphRewriter, depth: Int) throws -> ValueID {
    let (graph, value, dimension, range) = (rewriter.source, request.value, request.dimension, request.range)
    let type = graph.type(value)
    if range.start == 0, range.step == 1, range.stop.isEqual(to: type.shape[dimension], given: graph.facts) {
      return rewriter(value)
    }
    guard depth < Self.greatestDepth, let node = graph.definingNode(value), graph.results(node).count == 1 else {
      return try slice(request, &rewriter)
    }
    let (op, inputs) = (graph.op(node), graph.inputs(node))
    var extents = type.shape.extents
    extents[dimension] = range.count
    let taken = TensorType(type.element, Shape(extents))
    func rebuilt(_ operands: [ValueID]) throws -> ValueID {
      try rewriter.appendLike(node, operands, type: taken, name: graph.name(value))
    }
    if isBelowProduct, !op.has(.view), op != .concatenate { return try slice(request, &rewriter) }
    if op.has(.elementwise) {
      return try rebuilt(
        inputs.map { graph.type($0).rank == 0 ? rewriter($0) : try part($0, dimension, range, &rewriter, depth: depth + 1) })
    }
    switch op {
    case .iota:
      guard graph.attributes(node).required(.dim) == dimension else { return try rebuilt([]) }
      guard range.step == 1 else { break }
      let counted = try rebuilt([])
      guard range.start != 0 else { return counted }
      return try rewriter.result.appendResult(.add, [counted, rewriter.result.appendExtent(range.start, type.element)])
    case .transpose, .broadcast, .reshape:
      if op == .reshape, let source = graph.source(of: range, dimension, of: node) {
        return try rebuilt([part(inputs[0], source.dimension, source.range, &rewriter, depth: depth + 1)])
      }
      guard let source = graph.source(ofDimension: dimension, of: node) else { break }
      guard let operandDimension = source else { return try rebuilt([rewriter(inputs[0])]) }
      return try rebuilt([part(inputs[0], operandDimension, range, &rewriter, depth: depth + 1)])
    case .contract:
      let subscripts = graph.attributes(node).required(.subscripts)
      let letter = subscripts.result[dimension]
      isBelowProduct = slicesOperands
      defer { isBelowProduct = false }
      let operands = try zip(inputs, [subscripts.left, subscripts.right]).map { input, letters in
        guard let position = letters.firstIndex(of: letter) else { return rewriter(input) }
        return try part(input, position, range, &rewriter, depth: depth + 1)
      }
      return try rebuilt(operands)
    case .softmax where graph.attributes(node).required(.dim) != dimension:
      return try rebuilt([part(inputs[0], dimension, range, &rewriter, depth: depth + 1)])
    case .concatenate:
      let along = graph.attributes(node).required(.dim)
      guard along == dimension else {
        return try rebuilt(inputs.map { try part($0, dimension, range, &rewriter, depth: depth + 1) })
      }
      if range.step == 1, let operands = try operands(of: node, dimension, range, &rewriter, depth: depth) {
        return operands.count == 1 ? operands[0] : try rebuilt(operands)
      }
    default: break
    }
    return try slice(request, &rewriter)
  }

  /// The operands that make up a part of a concatenation, or the part of the one that it lies in; nil where it is not
  /// known to lie in one.
  private mutating func operands(
    of node: NodeID, _ dimension: Int, _ range: Range, _ rewriter: inout GraphRewriter, depth: Int
  ) throws -> [ValueID]? {
    let operands = rewriter.source.concatenated(node)
    if let first = operands.firstIndex(where: { $0.range.start == range.start }),
      let last = operands[first...].firstIndex(where: { $0.range.stop == range.stop })
    {
      return operands[first...last].map { rewriter($0.value) }
    }
    for operand in operands {
      let (before, behind) = (range.start - operand.range.start, operand.range.stop - range.stop)
      guard before.isSumOfLengths, behind.isSumOfLengths else { continue }
      let inner = Range(start: before, stop: range.stop - operand.range.start)
      return [try part(operand.value, dimension, inner, &rewriter, depth: depth + 1)]
    }
    return nil
  }

  private func slice(_ request: Part, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let extents = rewriter.source.type(request.value).shape.extents
    var (start, stop): ([Extent], [Extent]) = (extents.map { _ in 0 }, extents)
    (start[request.dimension], stop[request.dimension]) = (request.range.start, request.range.stop)
    var attributes = [Attribute(.start, start), Attribute(.stop, stop)]
    if request.range.step != 1 {
      attributes.append(Attribute(.step, extents.indices.map { $0 == request.dimension ? request.range.step : 1 }))
    }
    return try rewriter.append(.slice, [rewriter(request.value)], attributes: attributes)
  }
}

extension Extent {
  /// Whether the extent is not below 0, as nothing is subtracted in it.
  fileprivate var isSumOfLengths: Bool {
    terms.allSatisfy { term in
      term.coefficient >= 0 && !term.factors.contains { if case .floorDivision = $0 { true } else { false } }
    }
  }
}

extension Graph {
  /// What the concatenation `node` puts side by side, and where each lies; of concatenations along the same dimension their operands.
  func concatenated(_ node: NodeID) -> [(value: ValueID, range: TensorParts.Range)] {
    let dimension = attributes(node).required(.dim)
    var (place, found): (Extent, [(value: ValueID, range: TensorParts.Range)]) = (0, [])
    for operand in inputs(node) {
      if let inner = definingNode(operand, where: .concatenate), attributes(inner).required(.dim) == dimension {
        found += concatenated(inner).map {
          ($0.value, TensorParts.Range(start: place + $0.range.start, stop: place + $0.range.stop))
        }
      } else {
        found.append((operand, TensorParts.Range(start: place, stop: place + type(operand).shape[dimension])))
      }
      place = place + type(operand).shape[dimension]
    }
    return found
  }

  /// The dimension of a view's operand that the result's `dimension` counts along: `.some(nil)` where it repeats one element; nil where
  /// the view splits or merges it.
  func source(ofDimension dimension: Int, of node: NodeID) -> Int?? {
    guard [.transpose, .broadcast, .reshape].contains(op(node)), let operand = inputs(node).first else { return nil }
    let (from, to) = (type(operand).shape.extents, type(result(node)).shape.extents)
    switch op(node) {
    case .transpose: return .some(attributes(node).required(.permutation)[dimension])
    case .broadcast:
      guard let source = attributes(node).required(.dims).firstIndex(of: dimension) else { return .some(nil) }
      return from[source] == 1 && to[dimension] != 1 ? .some(nil) : .some(source)
    case .reshape:
      let run = ReshapeRuns(from: from, to: to, facts: facts)?.runs.first { $0.to.contains(dimension) }
      guard let run else { return nil }
      let sources = run.from.filter { from[$0] != 1 }
      let targets = run.to.filter { to[$0] != 1 }
      return sources.count == 1 && targets == [dimension] ? .some(sources[0]) : nil
    default: return nil
    }
  }

  /// What a range of a dimension of a reshape's result is of its operand: a dimension and a range of it. The reshape splits the operand's
  /// dimension in two or more, or merges it with another. Nil where the elements are not evenly spaced.
  func source(of range: TensorParts.Range, _ dimension: Int, of node: NodeID) -> (dimension: Int, range: TensorParts.Range)? {
    let (from, to) = (type(inputs(node)[0]).shape.extents, type(result(node)).shape.extents)
    let runs = ReshapeRuns(from: from, to: to, facts: facts)?.runs
    guard let run = runs?.first(where: { $0.to.contains(dimension) }) else { return nil }
    let (sources, targets) = (run.from.filter { from[$0] != 1 }, run.to.filter { to[$0] != 1 })
    if sources.count == 1, targets.count > 1 {
      if dimension == targets[0], range.step == 1 {
        let inner = targets.dropFirst().reduce(Extent(1)) { $0 * to[$1] }
        return (sources[0], TensorParts.Range(start: range.start * inner, stop: range.stop * inner))
      }
      guard dimension == targets.last, range.count == 1, range.start.constant != nil, let step = to[dimension].constant else {
        return nil
      }
      return (sources[0], TensorParts.Range(start: range.start, stop: from[sources[0]], step: step))
    }
    guard sources.count == 2, targets == [dimension], let inner = from[sources[1]].constant, inner > 0 else { return nil }
    if range.step == 1, let start = range.start.dividedExactly(by: inner), let stop = range.stop.dividedExactly(by: inner) {
      return (sources[0], TensorParts.Range(start: start, stop: stop))
    }
    guard range.step == inner, let start = range.start.constant, start < inner, range.stop == to[dimension] else { return nil }
    return (sources[1], TensorParts.Range(start: Extent(start), stop: Extent(start + 1)))
  }

  /// Appends the value of an extent as a scalar.
  mutating func appendExtent(_ extent: Extent, _ element: ElementType) throws -> ValueID {
    if let constant = extent.constant {
      return try appendScalar(element.isFloat ? Literal(Double(constant)) : Literal(constant), element)
    }
    return try appendResult(
      .extent, [], attributes: [Attribute(.extentValue, [extent])], stated: TensorType(element, .scalar))
  }
}
