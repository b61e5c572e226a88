public import HeedIR

/// Changes a graph at random places, as a person who writes nearly the same thing would: another op, another operand, a guard, a
/// reshape there and back, a factor for each row, one more result.
///
/// What it makes is well formed, so that every pass must take it; whether it means anything is not its concern.
public struct GraphMutator {
  private var numbers: SeededGenerator

  /// The changes that `seed` determines.
  public init(seed: UInt64) { numbers = SeededGenerator(seed: seed) }

  /// `graph` after up to `count` changes.
  public mutating func mutated(_ graph: Graph, count: Int) -> Graph {
    var graph = graph
    for _ in 0..<count {
      // Where a choice does not fit, another does.
      for _ in 0..<8 {
        guard let changed = try? changed(graph) else { continue }
        graph = changed
        break
      }
    }
    return graph
  }

  private enum Change: CaseIterable {
    case op, operand, unary, guarded, masked, rowFactor, rankAndBack, orderAndBack, constant, result, copy, reduction
  }

  /// The graph after one change, or nil where the place that was chosen does not allow it.
  private mutating func changed(_ graph: Graph) throws -> Graph? {
    guard let target = graph.body.randomElement(using: &numbers), graph.results(target).count == 1 else { return nil }
    let change = Change.allCases.randomElement(using: &numbers)!
    if change == .result { return withResult(graph, graph.result(target)) }
    var rewriter = GraphRewriter(graph)
    for node in graph.body {
      guard node == target else {
        rewriter.copy(node)
        continue
      }
      guard let new = try replacement(of: node, by: change, &rewriter), rewriter.result.type(new) == graph.type(graph.result(node))
      else { return nil }
      rewriter.replace(graph.result(node), with: new)
    }
    return rewriter.finish()
  }

  /// What stands for the result of `node`, appended to the new graph.
  private mutating func replacement(of node: NodeID, by change: Change, _ rewriter: inout GraphRewriter) throws -> ValueID? {
    let graph = rewriter.source
    let (op, type) = (graph.op(node), graph.type(graph.result(node)))
    func copied() -> ValueID {
      rewriter.copy(node)
      return rewriter(graph.result(node))
    }
    switch change {
    case .op:
      guard let family = Self.families.first(where: { $0.contains(op) }) else { return nil }
      return try append(family.randomElement(using: &numbers)!, graph.operands(node).map { rewriter($0) }, &rewriter)
    case .operand:
      guard !op.has(.hasBody) else { return nil }
      var operands = graph.operands(node).map { rewriter($0) }
      guard let position = operands.indices.randomElement(using: &numbers) else { return nil }
      let fitting = values(&rewriter).filter {
        $0 != operands[position] && rewriter.result.type($0) == rewriter.result.type(operands[position])
      }
      guard let other = fitting.randomElement(using: &numbers) else { return nil }
      operands[position] = other
      return try rewriter.append(
        op, operands, attributes: graph.attributes(node).all, regions: Array(graph.regions(node)),
        stated: op.has(.typedByResult) ? type : nil)
    case .copy:
      guard !op.has(.hasBody) else { return nil }
      return try rewriter.append(
        op, graph.operands(node).map { rewriter($0) }, attributes: graph.attributes(node).all, regions: Array(graph.regions(node)),
        stated: op.has(.typedByResult) ? type : nil)
    case .unary:
      guard type.element.isFloat else { return nil }
      return try append(Self.unary.randomElement(using: &numbers)!, [copied()], &rewriter)
    case .guarded:
      guard type.element.isFloat else { return nil }
      let value = copied()
      let bound: ValueID = Bool.random(using: &numbers) ? value : try scalar(-.infinity, type.element, &rewriter)
      let isBad = try append(bound == value ? .notEqual : .equal, [value, bound], &rewriter)
      return try append(.select, [isBad, scalar(0, type.element, &rewriter), value], &rewriter)
    case .masked:
      guard type.element.isFloat, type.rank >= 2 else { return nil }
      let value = copied()
      let i = try iota(type, type.rank - 2, &rewriter)
      let j = try iota(type, type.rank - 1, &rewriter)
      let live = try append(.lessEqual, [j, i], &rewriter)
      if Bool.random(using: &numbers) {
        let fill = [0, -Double.infinity].randomElement(using: &numbers)!
        return try append(.select, [live, value, scalar(fill, type.element, &rewriter)], &rewriter)
      }
      let factor = try rewriter.append(.convert, [live], stated: type)
      return try append(.multiply, [value, factor], &rewriter)
    case .rowFactor:
      guard type.element.isFloat, type.rank >= 2 else { return nil }
      let value = copied()
      let kind = [Reduction.add, .maximum].randomElement(using: &numbers)!
      let row = try rewriter.append(.reduce, [value], attributes: [Attribute(.dims, [type.rank - 1]), Attribute(.kind, kind)])
      let wide = try rewriter.append(.broadcast, [row], attributes: [Attribute(.dims, Array(0..<type.rank - 1))], stated: type)
      return try append([Op.multiply, .subtract, .divide].randomElement(using: &numbers)!, [value, wide], &rewriter)
    case .rankAndBack:
      guard type.rank >= 2 else { return nil }
      let value = copied()
      let first = Int.random(in: 0..<type.rank - 1, using: &numbers)
      var extents = type.shape.extents
      extents.replaceSubrange(first...first + 1, with: [extents[first] * extents[first + 1]])
      let merged = try rewriter.append(.reshape, [value], stated: TensorType(type.element, Shape(extents)))
      return try rewriter.append(.reshape, [merged], stated: type)
    case .orderAndBack:
      guard type.rank >= 2 else { return nil }
      let value = copied()
      let first = Int.random(in: 0..<type.rank - 1, using: &numbers)
      var order = Array(0..<type.rank)
      order.swapAt(first, first + 1)
      let turned = try rewriter.append(.transpose, [value], attributes: [Attribute(.permutation, order)])
      return try rewriter.append(.transpose, [turned], attributes: [Attribute(.permutation, order)])
    case .constant:
      guard op == .constant, type.rank == 0, type.element.isFloat else { return nil }
      return try scalar([0, 1, -1, 0.5, 1e-6, -1e9, -.infinity].randomElement(using: &numbers)!, type.element, &rewriter)
    case .reduction:
      guard op == .reduce else { return nil }
      let kind = [Reduction.add, .maximum, .minimum].randomElement(using: &numbers)!
      return try rewriter.append(
        .reduce, graph.operands(node).map { rewriter($0) },
        attributes: [Attribute(.dims, graph.attributes(node).required(.dims)), Attribute(.kind, kind)])
    case .result: return nil
    }
  }

  /// The graph that returns `value` as well.
  private func withResult(_ graph: Graph, _ value: ValueID) -> Graph? {
    guard !graph.results.contains(value) else { return nil }
    var graph = graph
    graph.setResults(graph.results + [value], names: graph.resultNames + [Name("extra\(graph.results.count)")])
    return graph
  }

  /// Ops that can stand for each other.
  private static let families: [[Op]] = [
    [.add, .subtract, .multiply, .divide, .maximum, .minimum],
    [.exp, .exp2, .negate, .absolute, .tanh, .sigmoid, .reciprocal, .log],
    [.less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual],
    [.and, .or, .xor],
  ]
  private static let unary: [Op] = [.exp, .negate, .absolute, .tanh, .sigmoid, .reciprocal]

  /// The values of the graph that is being made.
  private func values(_ rewriter: inout GraphRewriter) -> [ValueID] {
    rewriter.result.arguments.map(\.value) + rewriter.result.body.flatMap { rewriter.result.results($0) }
  }

  private func append(_ op: Op, _ operands: [ValueID], _ rewriter: inout GraphRewriter) throws -> ValueID {
    try rewriter.append(op, operands)
  }

  private func scalar(_ number: Double, _ element: ElementType, _ rewriter: inout GraphRewriter) throws -> ValueID {
    try rewriter.append(
      .constant, [], attributes: [Attribute(.constantValue, [Literal(element.round(number))])], stated: TensorType(element, .scalar)
    )
  }

  private func iota(_ type: TensorType, _ dim: Int, _ rewriter: inout GraphRewriter) throws -> ValueID {
    try rewriter.append(.iota, [], attributes: [Attribute(.dim, dim)], stated: TensorType(.i32, type.shape))
  }
}
