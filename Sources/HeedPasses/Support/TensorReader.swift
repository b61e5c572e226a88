import HeedIR

/// Why something was not done, and the value that prevents it.
struct Declined: Error {
  var value: ValueID
  var reason: String
  /// What to write instead, where there is something.
  var instead: String?

  /// The reason and the advice.
  var message: String { reason + (instead.map { "; \($0)" } ?? "") }
}

/// Writes scalar code that computes single elements of a graph's tensors: index arithmetic for views and iotas, scalar ops for
/// elementwise ops, reads of captured tensors for all else.
///
/// The region's parameters are the score (parameter 0), one index a batch dimension, the query index and the key index.
struct TensorReader {
  let graph: Graph
  /// The tensor whose elements parameter 0 stands for.
  let scores: ValueID
  let dependents: Set<NodeID>
  /// The dependents that are too many ops away from the scores to be written as scalar code.
  private let distant: Set<NodeID>
  private let graphTables: GraphTables
  let indexType: ElementType
  /// Whether 16-bit floats are f32 in the code, rounded where the graph converts wider ones alone.
  private let isWide: Bool
  var region: FunctionBuilder
  /// What stands for an element of the scores: parameter 0, in the scores' type.
  private let score: ScalarValue
  /// The tensors whose elements the region reads, by table.
  private(set) var tables: [ValueID] = []
  /// The indices at which the scores were read.
  private(set) var scoreIndices: [ScalarValue]?
  private var memo: [Read: ScalarValue] = [:]
  private var arithmetic: IndexArithmetic

  private struct Read: Hashable {
    var value: ValueID
    var indices: [ScalarValue]
  }

  /// - Parameters:
  ///   - tables: the graph's tables, where they are there already.
  ///   - last: the last node whose elements are read; nil for any.
  ///   - inside: the nodes that are computed pair by pair; nil for all that depend on the scores. Others are read from memory.
  ///   - isWide: whether 16-bit floats are f32 in the code, rounded where the graph converts wider ones alone.
  init(
    graph: Graph, scores: ValueID, indexType: ElementType, region: FunctionBuilder, tables: GraphTables? = nil,
    through last: NodeID? = nil, inside: Set<NodeID>? = nil, isWide: Bool = false
  ) {
    (self.graph, self.scores, self.indexType, self.region) = (graph, scores, indexType, region)
    self.isWide = isWide
    arithmetic = IndexArithmetic(type: indexType, facts: graph.facts)
    let parameter = self.region.function.parameter(0)
    score = isWide ? parameter : self.region.apply(.convert, [parameter], type: graph.type(scores).element)
    graphTables = tables ?? GraphTables(graph)
    dependents = inside ?? graph.dependents(of: scores, through: last)
    distant = graph.distant(among: dependents, graphTables)
  }

  /// The most ops that may follow each other in scalar code: more than any score has, few enough to walk by recursion.
  static let greatestDepth = 128

  /// The element of `value` at `indices`.
  /// - Throws: `Declined` where an op that is not elementwise is between it and the scores.
  mutating func read(_ value: ValueID, at indices: [ScalarValue]) throws -> ScalarValue {
    if value == scores {
      guard scoreIndices == nil || scoreIndices == indices else {
        throw Declined(value: value, reason: "the scores \(graph.label(value)) are read at other places than their own")
      }
      scoreIndices = indices
      return score
    }
    let key = Read(value: value, indices: indices)
    if let known = memo[key] { return known }
    var element = try make(value, indices)
    let type = region.function.type(element)
    if isWide, type != type.computed { element = region.apply(.convert, [element], type: type.computed) }
    memo[key] = element
    return element
  }

  /// The indices into dimensions of these extents that `index` counts the places of.
  mutating func split(_ index: ScalarValue, _ extents: [Extent]) -> [ScalarValue] {
    arithmetic.reshaped([index], from: [extents.reduce(1, *)], to: extents, in: &region)!
  }

  /// The index that counts the places of dimensions of these extents.
  mutating func merge(_ indices: [ScalarValue], _ extents: [Extent]) -> ScalarValue {
    arithmetic.reshaped(indices, from: extents, to: [extents.reduce(1, *)], in: &region)![0]
  }

  private mutating func make(_ value: ValueID, _ indices: [ScalarValue]) throws -> ScalarValue {
    guard let node = graph.definingNode(value) else { return capture(value, indices) }
    let mustRead = dependents.contains(node)
    let isDistant = mustRead ? distant.contains(node) : graphTables.isDistant[Int(node.index)]
    guard !(mustRead && isDistant) else {
      throw Declined(
        value: value, reason: "\(graph.label(value)) is more than \(Self.greatestDepth) ops away from the scores",
        instead: "give what does not depend on the scores as a tensor of its own")
    }
    if mustRead || !isDistant && !isWorthComputingOnce(node, at: indices) {
      if let element = try compute(node, value, indices) { return element }
    }
    guard !mustRead else {
      throw Declined(
        value: value,
        reason: "\(graph.description(of: value)) is made from the scores, and not element by element",
        instead: graph.adviceOnRows(node))
    }
    return capture(value, indices)
  }

  /// The element computed from elements of the node's operands, or nil where that is not possible.
  private mutating func compute(_ node: NodeID, _ value: ValueID, _ indices: [ScalarValue]) throws -> ScalarValue? {
    let (op, inputs, type) = (graph.op(node), graph.inputs(node), graph.type(value))
    if op.has(.elementwise) {
      let operands = try inputs.map { try read($0, at: graph.type($0).rank == 0 ? [] : indices) }
      return region.apply(op, operands, type: op.has(.typedByResult) ? type.element : nil, name: graph.name(value))
    }
    switch op {
    case .constant:
      guard let literal = graph.uniformConstant(value) else { return nil }
      return region.constant(literal, type.element)
    case .iota:
      let index = indices[graph.attributes(node).required(.dim)]
      return region.apply(.convert, [index], type: type.element, name: graph.name(value))
    case .extent:
      return region.extent(graph.attributes(node).required(.extentValue)[0], type.element)
    case .transpose, .broadcast:
      let zero = region.constant(0, indexType)
      return try read(inputs[0], at: graph.dimensionsOfView(node)!.map { $0.map { indices[$0] } ?? zero })
    case .reshape:
      let to = graph.type(inputs[0]).shape.extents
      guard let source = arithmetic.reshaped(indices, from: type.shape.extents, to: to, in: &region) else { return nil }
      return try read(inputs[0], at: source)
    case .slice:
      let starts = graph.attributes(node).required(.start)
      let steps = graph.attributes(node)[.step] ?? starts.map { _ in 1 }
      let source = indices.indices.map { dimension in
        let scaled = region.apply(
          .multiply, [indices[dimension], region.constant(Literal(steps[dimension]), region.function.type(indices[dimension]))])
        return region.apply(.add, [scaled, region.extent(starts[dimension], region.function.type(scaled))])
      }
      return try read(inputs[0], at: source)
    case .gather: return try gathered(node, inputs, indices)
    case .concatenate, .pad: return try chosen(node, indices)
    default: return nil
    }
  }

  /// True where the element takes more than a few instructions, and its tensor is small compared with the scores: it does not have
  /// both a query and a key index. Then the tensor is computed once and read. Views are never computed.
  private func isWorthComputingOnce(_ node: NodeID, at indices: [ScalarValue]) -> Bool {
    !graph.op(node).has(.view) && !isPairwise(indices) && graph.containsExpensiveOp(node)
  }

  /// The element of a captured tensor.
  private mutating func capture(_ value: ValueID, _ indices: [ScalarValue]) -> ScalarValue {
    let number: Int
    if let known = tables.firstIndex(of: value) {
      number = known
    } else {
      number = region.addTable(graph.name(value), graph.type(value))
      tables.append(value)
    }
    return region.element(number, indices)
  }

  // MARK: Gather

  /// `gather`: a read of the table where the index is inside, else the op's result for an index outside.
  private mutating func gathered(_ node: NodeID, _ inputs: [ValueID], _ indices: [ScalarValue]) throws -> ScalarValue? {
    let dimension = graph.attributes(node).required(.dim)
    let (table, lookup) = (graph.type(inputs[0]), graph.type(inputs[1]))
    let extent = table.shape[dimension]
    let areInside = graph.areInside(inputs[1], extent)
    guard areInside || extent.isPositiveWhereSymbolsAre else { return nil }
    let (before, middle, after) = (
      indices[..<dimension], Array(indices[dimension..<(dimension + lookup.rank)]), indices[(dimension + lookup.rank)...]
    )
    let index = try read(inputs[1], at: middle)
    if areInside {
      try noteDigits(of: index, inputs[1], middle, table: inputs[0], dimension)
      return try read(inputs[0], at: before + [index] + after)
    }
    let type = region.function.type(index)
    let (zero, count) = (region.constant(Literal(0), type), region.extent(extent, type))
    let last = region.apply(.subtract, [count, region.constant(Literal(1), type)])
    var (inside, isInside) = (index, region.apply(.less, [index, count]))
    if !region.isNonNegative(index) {
      inside = region.apply(.maximum, [inside, zero])
      isInside = region.apply(.and, [region.apply(.lessEqual, [zero, index]), isInside])
    }
    inside = region.apply(.minimum, [inside, last])
    let element = try read(inputs[0], at: before + [inside] + after)
    let outside = table.element.isFloat ? Literal(Double.nan) : Literal(0)
    return region.apply(.select, [isInside, element, region.constant(outside, region.function.type(element))])
  }
}

extension TensorReader {
  /// Notes what an index into a table is written as, `a * width + b`, where the table is a reshape that merged dimensions of those widths.
  private mutating func noteDigits(
    of index: ScalarValue, _ indices: ValueID, _ place: [ScalarValue], table: ValueID, _ dimension: Int
  ) throws {
    guard let source = graph.match(table, .reshape)?[0] else { return }
    let from = graph.type(source).shape.extents
    guard
      let run = ReshapeRuns(from: from, to: graph.type(table).shape.extents, facts: graph.facts)?.runs
        .first(where: { $0.to == dimension..<(dimension + 1) })
    else { return }
    var value = indices
    var digits: [(value: ValueID, extent: Extent)] = []
    for extent in run.from.map({ from[$0] }).filter({ $0 != 1 }).dropFirst().reversed() {
      guard let parts = graph.digits(value, width: extent) else { return }
      digits.insert((parts.last, extent), at: 0)
      value = parts.leading
    }
    guard !digits.isEmpty, let first = run.from.map({ from[$0] }).first(where: { $0 != 1 }), graph.areInside(value, first) else {
      return
    }
    let all = [(value: value, extent: first)] + digits
    arithmetic.noteDigits(
      of: index, try all.map { (try read($0.value, at: graph.type($0.value).rank == 0 ? [] : place), $0.extent) })
  }
}

extension FunctionBuilder {
  /// Whether an integer cannot be below 0, by the operations that it is made of; indices are not.
  fileprivate func isNonNegative(_ value: ScalarValue) -> Bool {
    guard let instruction = function.instruction(value) else { return value.index > 0 }
    let operands = instruction.operands
    guard case .elementwise(let op) = instruction.operation else { return literal(value).map { $0.integer >= 0 } ?? false }
    switch op {
    case .divide, .remainder, .shiftRight:
      // A remainder has the sign of what it is divided by.
      guard let right = literal(operands[1])?.integer, right > 0 else { return false }
      return op == Op.remainder || isNonNegative(operands[0])
    case .minimum: return operands.allSatisfy(isNonNegative)
    case .maximum, .and: return operands.contains(where: isNonNegative)
    default: return false
    }
  }
}
