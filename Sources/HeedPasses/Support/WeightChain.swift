import HeedIR

/// The ops between what a sum over keys takes and the weights that it is made from, where each op is linear in the weights: views,
/// conversions between floats, products with factors, quotients, and choices between the weight and 0.
struct WeightChain {
  /// An op, and which of its operands leads on to the weights.
  struct Step {
    let node: NodeID
    let position: Int
    /// For each dimension of the op's result, that of what the sum takes; nil for one of extent 1 that it does not have.
    let dimensions: [Int?]
  }

  /// The most steps that are followed: more than any weights have.
  private static let mostSteps = 64

  /// The last op first.
  private(set) var steps: [Step] = []
  /// What the steps lead to.
  private(set) var bottom: ValueID
  /// For each dimension of the bottom, that of what the sum takes.
  private(set) var dimensions: [Int?]
  /// Whether the bottom is used elsewhere too.
  private(set) var bottomIsShared: Bool

  /// The chain below `value`, as far as each op's result is used by the next alone.
  /// - Parameters:
  ///   - uses: the uses of values that count as one: those by what a sum is of.
  ///   - carriesWeights: whether weights are among what a value is made from.
  init(_ value: ValueID, _ state: RewriteState, uses: [ValueID: Int] = [:], carriesWeights: (ValueID) -> Bool) {
    let graph = state.graph
    func isShared(_ value: ValueID) -> Bool { state.uses[value] != uses[value, default: 1] }
    (bottom, dimensions) = (value, Array(0..<graph.type(value).rank))
    bottomIsShared = isShared(value)
    while !bottomIsShared, steps.count < Self.mostSteps, let node = graph.definingNode(bottom),
      let position = Self.operandOfWeights(node, graph, carriesWeights: carriesWeights)
    {
      steps.append(Step(node: node, position: position, dimensions: dimensions))
      bottom = graph.inputs(node)[position]
      if let step = graph.dimensionsOfView(node) { dimensions = step.map { $0.flatMap { dimensions[$0] } } }
      bottomIsShared = isShared(bottom)
    }
  }

  /// The operand of `node` that its result is linear in and that carries weights; nil where it is not so.
  private static func operandOfWeights(_ node: NodeID, _ graph: Graph, carriesWeights: (ValueID) -> Bool) -> Int? {
    let (op, inputs) = (graph.op(node), graph.inputs(node))
    switch op {
    case .negate: return 0
    case .convert: return graph.type(inputs[0]).element.isFloat && graph.type(graph.result(node)).element.isFloat ? 0 : nil
    case .divide: return carriesWeights(inputs[0]) && !carriesWeights(inputs[1]) ? 0 : nil
    case .multiply:
      let carriers = [0, 1].filter { carriesWeights(inputs[$0]) }
      return carriers.count == 1 ? carriers[0] : nil
    case .select:
      guard !carriesWeights(inputs[0]) else { return nil }
      return [1, 2].first { carriesWeights(inputs[$0]) && graph.uniformConstant(inputs[3 - $0])?.real == 0 }
    default: return graph.dimensionsOfView(node) != nil && !graph.repeatsElements(node) ? 0 : nil
    }
  }

  /// Appends the steps before the one at `end` to `value`, which stands for that one's result.
  func rebuild(_ value: ValueID, above end: Int, in graph: inout Graph) throws -> ValueID {
    try steps[..<end].reversed().reduce(value) { value, step in
      var operands = graph.inputs(step.node)
      operands[step.position] = value
      return try graph.appendLike(step.node, operands, type: graph.type(graph.result(step.node)))
    }
  }
}

extension Graph {
  /// The softmaxes from which `value` is made by elementwise ops and views.
  func softmaxes(below value: ValueID) -> Set<NodeID> {
    Set(values(below: value, through: isElementwiseOrView).compactMap { definingNode($0, where: .softmax) })
  }

  /// Whether `value` has one number along `dim`, by views and elementwise ops of such values.
  func isUniform(_ value: ValueID, along dim: Int, depth: Int = 0) -> Bool {
    if type(value).rank == 0 || uniformConstant(value) != nil { return true }
    let arrangement = Arrangement(value, in: self)
    guard let inner = arrangement.dimensions.firstIndex(of: dim) else { return true }
    guard depth < Self.deepestRowValue, let node = definingNode(arrangement.source), op(node).has(.elementwise) else {
      return false
    }
    return inputs(node).allSatisfy { isUniform($0, along: inner, depth: depth + 1) }
  }

  /// The most elementwise ops after each other through which a value of rows is followed.
  private static let deepestRowValue = 8

  /// `value`, which has one number along `dim`, without that dimension; a scalar stays one.
  mutating func droppingUniform(_ value: ValueID, along dim: Int) throws -> ValueID {
    let type = type(value)
    if type.rank == 0 { return value }
    if let number = uniformConstant(value) { return try appendScalar(number, type.element) }
    let arrangement = Arrangement(value, in: self)
    let kept = (0..<type.rank).filter { $0 != dim }
    var (source, axes) = (arrangement.source, arrangement.dimensions)
    if let inner = axes.firstIndex(of: dim) {
      let node = definingNode(source)!
      let operands = try inputs(node).map { try droppingUniform($0, along: inner) }
      var extents = self.type(source).shape.extents
      extents.remove(at: inner)
      axes.remove(at: inner)
      let isScalar = operands.allSatisfy { self.type($0).rank == 0 }
      source = try appendLike(node, operands, type: TensorType(self.type(source).element, isScalar ? .scalar : Shape(extents)))
      if isScalar { return source }
    }
    return try arrange(source, axes, as: kept, extent: { type.shape[$0] })
  }
}
