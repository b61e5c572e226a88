import Foundation
import HeedIR

/// Exponentials of scores, as a softmax has them: `exp(x - c)` with one c a row, or 2 in place of e, or 0 where a mask is false.
private struct WrittenExponentials {
  /// What the softmax is of.
  var scores: ValueID
  /// The base's logarithm, which the scores are multiplied by.
  var factor = 1.0
  /// Where the exponential is not 0.
  var condition: ValueID?

  /// The exponentials that `value` is, along dimension `dim`.
  init?(_ value: ValueID, dim: Int, in graph: Graph) {
    guard var node = graph.definingNode(value) else { return nil }
    if let masked = graph.maskedValue(node), let inner = graph.definingNode(masked.value) {
      (node, condition) = (inner, masked.condition)
    }
    guard graph.op(node) === Op.exp || graph.op(node) === Op.exp2 else { return nil }
    scores = graph.withoutRowShift(graph.inputs(node)[0], dim: dim)
    if graph.op(node) === Op.exp2 { factor = log(2) }
  }

  /// Appends the softmax.
  func build(_ graph: inout Graph, dim: Int) throws -> ValueID {
    var value = scores
    let element = graph.type(value).element
    if factor != 1 { value = try graph.appendResult(.multiply, [value, graph.appendScalar(factor, element)]) }
    if let condition { value = try graph.appendResult(.select, [condition, value, graph.appendScalar(-.infinity, element)]) }
    return try graph.appendResult(.softmax, [value], attributes: [Attribute("dim", .integer(dim))])
  }
}

/// The sum of exponentials along one dimension, repeated to another shape.
private struct RowSum {
  var exponentials: ValueID
  /// The dimension summed over.
  var dim: Int
  /// For each dimension of the sum, the dimension of the repeated value.
  var dimensions: [Int?]

  /// The sum that `value` is; a sum of 0 may be replaced by another number, since the softmax of such a row is 0.
  ///
  /// - Parameter isInverted: whether `value` is the reciprocal of the sum.
  init?(_ value: ValueID, isInverted: Bool = false, in graph: Graph) {
    var isInverted = isInverted
    var (value, dimensions) = (value, (0..<graph.type(value).rank).map { Optional($0) })
    while true {
      let arrangement = Arrangement(value, in: graph)
      dimensions = arrangement.dimensions.map { $0.flatMap { dimensions[$0] } }
      value = arrangement.source
      if isInverted, let sum = graph.inverted(value) {
        (value, isInverted) = (sum, false)
      } else if let sum = graph.unguardedSum(value) {
        value = sum
      } else {
        break
      }
    }
    guard !isInverted, let node = graph.definingNode(value, where: .reduce), graph.attributes(node).word("kind") == "add" else {
      return nil
    }
    let dims = graph.attributes(node).integers("dims")
    guard dims.count == 1 else { return nil }
    (exponentials, dim, self.dimensions) = (graph.inputs(node)[0], dims[0], dimensions)
  }

  /// Whether element i... of the sum stands where i... are the dimensions of `rank` without `dim`.
  func matchesRows(rank: Int) -> Bool { dimensions == (0..<rank).filter { $0 != dim } }
}

extension GraphPass {
  /// `exp(x) / sum(exp(x))` is `softmax(x)`; so is `exp(x - log(sum(exp(x))))`.
  static func recogniseSoftmax(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    let (inputs, rank) = (graph.inputs(node), graph.type(graph.result(node)).rank)
    let sum: RowSum
    if let (numerator, found) = graph.quotient(node) {
      guard found.exponentials == numerator else { return nil }
      sum = found
    } else if graph.op(node) === Op.exp, let found = graph.logarithmOfSum(subtractedFrom: inputs[0]) {
      sum = found
    } else {
      state.noteOtherDivisor(node)
      return nil
    }
    guard sum.matchesRows(rank: rank), let written = WrittenExponentials(sum.exponentials, dim: sum.dim, in: graph) else {
      return nil
    }
    if graph.op(node) === Op.exp {
      guard written.condition == nil, graph.withoutRowShift(inputs[0], dim: sum.dim) == written.scores else { return nil }
    }
    let softmax = try written.build(&state.graph, dim: sum.dim)
    state.context.remark(.applied, graph.result(node), in: graph, "a softmax written out; a row without a live pair gives 0")
    return softmax
  }

  /// `contract(exp(x), v) / sum(exp(x))` is `contract(softmax(x), v)`.
  static func recogniseLateDivision(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard let (numerator, sum) = graph.quotient(node), let product = graph.definingNode(numerator, where: .contract),
      let written = WrittenExponentials(sum.exponentials, dim: sum.dim, in: graph)
    else { return nil }
    let subscripts = graph.attributes(product).subscripts
    var operands = graph.inputs(product)
    guard let side = operands.firstIndex(of: sum.exponentials) else { return nil }
    let letters = side == 0 ? subscripts.left : subscripts.right
    // The sums must stand beside their rows: same letter, whatever the order.
    let kept = letters.indices.filter { $0 != sum.dim }
    let rows = kept.map { subscripts.result.firstIndex(of: letters[$0]) }
    guard subscripts.over == [letters[sum.dim]], zip(sum.dimensions, rows).allSatisfy({ $0 == $1 && $0 != nil }) else { return nil }
    operands[side] = try written.build(&state.graph, dim: sum.dim)
    state.context.remark(
      .applied, graph.result(node), in: graph, "divided by the sum of weights after the weighted sum: a softmax before it")
    return try state.graph.appendLike(product, operands, type: graph.type(numerator))
  }
}

extension RewriteState {
  /// Says so where exponentials are divided by their sum and something else.
  fileprivate mutating func noteOtherDivisor(_ quotient: NodeID) {
    guard graph.op(quotient) === Op.divide else { return }
    var (numerator, denominator) = (graph.inputs(quotient)[0], graph.inputs(quotient)[1])
    if let product = graph.definingNode(numerator, where: .contract) {
      guard let exponentials = graph.inputs(product).first(where: { graph.definingOp($0) === Op.exp }) else { return }
      numerator = exponentials
    }
    guard graph.definingOp(numerator) === Op.exp else { return }
    denominator = Arrangement(denominator, in: graph).source
    guard let node = graph.definingNode(denominator), graph.op(node).has(.elementwise),
      graph.inputs(node).contains(where: { RowSum($0, in: graph)?.exponentials == numerator })
    else { return }
    context.remark(
      .declined, graph.result(quotient), in: graph,
      "no softmax: the divisor \(graph.label(denominator)) is not the sum of the exponentials alone")
  }
}

extension Graph {
  /// What `node` divides by which sum, division written as such or as a product with a reciprocal.
  fileprivate func quotient(_ node: NodeID) -> (ValueID, RowSum)? {
    let inputs = inputs(node)
    if op(node) === Op.divide { return RowSum(inputs[1], in: self).map { (inputs[0], $0) } }
    guard op(node) === Op.multiply else { return nil }
    for (value, factor) in [(inputs[0], inputs[1]), (inputs[1], inputs[0])] {
      if let sum = RowSum(factor, isInverted: true, in: self) { return (value, sum) }
    }
    return nil
  }

  /// The operand of the reciprocal that `value` is.
  fileprivate func inverted(_ value: ValueID) -> ValueID? {
    if let operand = match(value, .reciprocal) { return operand[0] }
    guard let pair = match(value, .divide), uniformConstant(pair[0])?.real == 1 else { return nil }
    return pair[1]
  }

  /// The sum where `value` is a choice of another number in its place if it is 0.
  fileprivate func unguardedSum(_ value: ValueID) -> ValueID? {
    guard let choice = match(value, .select), let node = definingNode(choice[0]) else { return nil }
    let pair = inputs(node)
    guard pair.count == 2, uniformConstant(pair[1])?.real == 0,
      uniformConstant(choice[1]) != nil || uniformConstant(choice[2]) != nil
    else { return nil }
    switch op(node).opcode {
    case Op.equal.opcode: return choice[2] == pair[0] ? pair[0] : nil
    case Op.notEqual.opcode, Op.greater.opcode: return choice[1] == pair[0] ? pair[0] : nil
    default: return nil
    }
  }

  /// `value` without what is subtracted from all elements along `dim` alike.
  fileprivate func withoutRowShift(_ value: ValueID, dim: Int) -> ValueID {
    var value = value
    while let pair = match(value, .subtract), type(pair[0]) == type(value),
      !Arrangement(pair[1], in: self).dimensions.contains(dim)
    {
      value = pair[0]
    }
    return value
  }

  /// The sum of exponentials whose logarithm, plus what was subtracted before it, `value` has subtracted.
  fileprivate func logarithmOfSum(subtractedFrom value: ValueID) -> RowSum? {
    guard let pair = match(value, .subtract) else { return nil }
    let shift = Arrangement(pair[1], in: self)
    let parts = match(shift.source, .add) ?? [shift.source]
    for part in parts {
      guard let inner = match(part, .log)?[0], var sum = RowSum(inner, in: self) else { continue }
      sum.dimensions = sum.dimensions.map { $0.flatMap { shift.dimensions[$0] } }
      // With a maximum added back, the exponentials must be those of the same scores minus that maximum.
      guard parts.count == 2 else {
        if definingNode(sum.exponentials, where: .exp).map({ inputs($0)[0] }) == pair[0] { return sum }
        continue
      }
      let maximum = parts.first { $0 != part }
      guard let exponent = match(sum.exponentials, .exp)?[0], let difference = match(exponent, .subtract), difference[0] == pair[0],
        Arrangement(difference[1], in: self).source == maximum.map({ Arrangement($0, in: self).source })
      else { continue }
      return sum
    }
    return nil
  }
}
