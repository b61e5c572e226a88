import HeedIR

extension Graph {
  /// The scales and zero points of keys and values that are small integers move to scores, queries, weights and sums, so that the
  /// integers are read as they are.
  ///
  ///     %a = convert %k : f32[H, N, 64]                                // %k is i8
  ///     %b = broadcast %scale {dims = [0, 1]} : f32[H, N, 64]
  ///     %c = multiply %a, %b : f32[H, N, 64]
  ///     %s = contract %q, %c {subscripts = "hid,hjd->hij"} : f32[H, M, N]
  /// becomes
  ///     %a = convert %k : f32[H, N, 64]
  ///     %t = contract %q, %a {subscripts = "hid,hjd->hij"} : f32[H, M, N]
  ///     %b = broadcast %scale {dims = [0, 2]} : f32[H, M, N]
  ///     %s = multiply %t, %b : f32[H, M, N]
  ///
  /// A scale of keys for each component moves to the queries; one of values for each key to the weights, for each component behind the
  /// sum. What a zero point takes from a product is a number for each query or key: the sum of the query's components, or of the row's
  /// weights. The integers are exact as floats, so only sums are regrouped, which the numeric contract allows for scales. A 16-bit
  /// product is widened, so that sums of integers stay in range.
  ///
  /// Only products below a softmax and the sums that it weighs.
  mutating func moveDequantisation(_ context: inout PassContext) throws {
    guard body.contains(where: { op($0) == .convert && [.i8, .u8].contains(type(inputs($0)[0]).element) }) else { return }
    var products: Set<NodeID> = []
    var weights: [NodeID: Int] = [:]
    for node in body {
      if op(node) == .softmax {
        products.formUnion(self.products(below: inputs(node)[0]))
      } else if op(node) == .contract {
        weights[node] = inputs(node).firstIndex { AttentionWeights.comeFromSoftmax($0, in: self) }
      }
    }
    var rewriter = GraphRewriter(self)
    for node in body {
      guard products.contains(node) || weights[node] != nil else {
        rewriter.copy(node)
        continue
      }
      let sides = weights[node].map { [1 - $0] } ?? [1, 0]
      let product = IntegerProduct(node, weights: weights[node], &rewriter)
      guard let (side, value) = try product.take(sides, &rewriter.result) else {
        rewriter.copy(node)
        continue
      }
      rewriter.replace(result(node), with: value)
      context.remark(
        .applied, result(node), in: self,
        "the scales of \(label(inputs(node)[side])) moved out of the product, which takes its integers as they are")
    }
    self = rewriter.finish()
    eliminateDeadNodes()
  }
}

/// A product that takes integers in place of what they are dequantised to.
private struct IntegerProduct {
  private let subscripts: ContractSubscripts
  private let type: TensorType
  /// The operand that is made of a softmax's weights.
  private let weights: Int?
  private let operands: [ValueID]

  private var letters: [[Character]] { [subscripts.left, subscripts.right] }
  /// The type in which it is computed.
  private var wide: ElementType { type.element.computed }

  init(_ node: NodeID, weights: Int?, _ rewriter: inout GraphRewriter) {
    let graph = rewriter.source
    subscripts = graph.attributes(node).required(.subscripts)
    type = graph.type(graph.result(node))
    self.weights = weights
    operands = graph.inputs(node).map { rewriter($0) }
  }

  /// Takes the integers of the first operand among `sides` that is made of some and whose scales can move; what stands for the product
  /// then.
  func take(_ sides: [Int], _ graph: inout Graph) throws -> (side: Int, value: ValueID)? {
    guard subscripts.over.count == 1 else { return nil }
    for side in sides {
      var trial = graph
      guard let rows = try Dequantised(operands[side], in: &trial), graph.exactSource(operands[side]) != rows.integers else {
        continue
      }
      var other = operands[1 - side]
      guard let built = try build(rows, side, &other, &trial) else { continue }
      graph = trial
      return (side, built)
    }
    return nil
  }

  private func build(_ rows: Dequantised, _ side: Int, _ other: inout ValueID, _ graph: inout Graph) throws -> ValueID? {
    let integers = try graph.converted(rows.integers, to: wide)
    other = try graph.converted(other, to: wide)
    var (behindAll, behindInner): ([Dequantised.Factor], [Dequantised.Factor]) = ([], [])
    guard try place(rows.outer, side, &other, behind: &behindAll, &graph) else { return nil }
    let unscaled = other
    guard try place(rows.inner, side, &other, behind: &behindInner, &graph) else { return nil }
    let factors = side == 0 ? [integers, other] : [other, integers]
    var value = try graph.appendResult(.contract, factors, attributes: [Attribute(.subscripts, subscripts)])
    value = try behindInner.reduce(value) { try graph.scaled($0, by: $1) }
    if let zero = rows.zero {
      guard let term = try term(of: zero.value, side, unscaled, &graph) else { return nil }
      value = try graph.appendResult(zero.isAdded ? .add : .subtract, [value, term])
    }
    value = try behindAll.reduce(value) { try graph.scaled($0, by: $1) }
    return try graph.converted(value, to: type.element)
  }

  /// Multiplies factors to the other operand, or puts them to those that the product is multiplied by; false where one depends on all
  /// dimensions.
  private func place(
    _ factors: [Dequantised.Factor], _ side: Int, _ other: inout ValueID, behind: inout [Dequantised.Factor], _ graph: inout Graph
  ) throws -> Bool {
    for var factor in factors {
      factor.value = try graph.converted(factor.value, to: wide)
      if graph.type(factor.value).rank == 0 {
        behind.append(factor)
      } else if let found = try graph.dropping(subscripts.over, of: factor.value, letters[side]) {
        factor.value = try arranged(found, as: subscripts.result, graph.extents(of: type, subscripts.result), &graph)
        behind.append(factor)
      } else if let found = try graph.dropping(own(side), of: factor.value, letters[side]) {
        let target = letters[1 - side]
        factor.value = try arranged(found, as: target, graph.extents(of: graph.type(other), target), &graph)
        other = try graph.scaled(other, by: factor)
      } else {
        return false
      }
    }
    return true
  }

  /// What the zero point takes from the product; nil where it is not a number for each row of an operand.
  private func term(of zero: ValueID, _ side: Int, _ other: ValueID, _ graph: inout Graph) throws -> ValueID? {
    let zero = try graph.converted(zero, to: wide)
    let (mine, others, over) = (letters[side], letters[1 - side], subscripts.over)
    let extents = graph.extents(of: type, subscripts.result)
    let rest = others.filter { !over.contains($0) }
    func sums() throws -> ValueID {
      let dims = others.indices.filter { over.contains(others[$0]) }
      let sums = try graph.appendResult(.reduce, [other], attributes: [Attribute(.dims, dims), Attribute(.kind, .add)])
      return try arranged((sums, rest), as: subscripts.result, extents, &graph)
    }
    if graph.type(zero).rank == 0 { return try graph.appendResult(.multiply, [sums(), zero]) }
    if let found = try graph.dropping(over, of: zero, mine) {
      return try graph.appendResult(.multiply, [sums(), arranged(found, as: subscripts.result, extents, &graph)])
    }
    guard weights == nil, let found = try graph.dropping(own(side), of: zero, mine) else { return nil }
    let product = ContractSubscripts(left: others, right: found.letters, result: rest)
    let term = try graph.appendResult(.contract, [other, found.value], attributes: [Attribute(.subscripts, product)])
    return try arranged((term, rest), as: subscripts.result, extents, &graph)
  }

  /// The dimensions of an operand that the other one does not have.
  private func own(_ side: Int) -> [Character] { letters[side].filter { !letters[1 - side].contains($0) } }

  private func arranged(
    _ found: (value: ValueID, letters: [Character]), as target: [Character], _ extents: [Character: Extent], _ graph: inout Graph
  ) throws -> ValueID {
    try graph.arrange(found.value, found.letters, as: target, extent: { extents[$0]! })
  }
}

extension Graph {
  fileprivate func extents(of type: TensorType, _ letters: [Character]) -> [Character: Extent] {
    Dictionary(uniqueKeysWithValues: zip(letters, type.shape.extents))
  }

  fileprivate mutating func scaled(_ value: ValueID, by factor: Dequantised.Factor) throws -> ValueID {
    try appendResult(factor.isDivisor ? .divide : .multiply, [value, factor.value])
  }
}
