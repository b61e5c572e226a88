import Foundation
import HeedIR

/// Exponentials of scores, as a softmax has them: `exp(x - c)` with one c a row, or 2 in place of e, or 0 where a mask is false.
struct WrittenExponentials {
  /// What the softmax is of where a sink is beside it.
  let scores: ValueID
  /// What it is of by itself: the greatest of a row and another number, which may be that of a sink, is subtracted still.
  private let ownScores: ValueID
  /// The op of the exponentials, and its operand.
  var (op, exponent): (Op, ValueID)
  /// Where the exponential is not 0.
  private(set) var mask: MaskedExponentials?
  /// Whether the scores are -inf where it is 0.
  private(set) var scoresHaveMask = true

  /// The base's logarithm, which the scores are multiplied by.
  var factor: Double { op == .exp2 ? log(2) : 1 }

  /// The exponentials that `value` is, along the dimensions `dims`.
  init?(_ value: ValueID, dims: [Int], in graph: Graph) {
    guard var node = graph.definingNode(value) else { return nil }
    if let masked = MaskedExponentials(node, in: graph), let inner = graph.definingNode(masked.value) {
      (node, mask) = (inner, masked)
    }
    guard graph.op(node) == .exp || graph.op(node) == .exp2 else { return nil }
    (op, exponent) = (graph.op(node), graph.inputs(node)[0])
    scores = graph.withoutRowShift(exponent, dims: dims)
    ownScores = graph.withoutRowShift(exponent, dims: dims, besideSink: false)
    scoresHaveMask = mask?.isOfScores(scores, shift: graph.match(exponent, .subtract)?[1], in: graph) ?? true
  }

  /// The score whose exponential is `extra`, which has one number per row and is added to the sum. Nil where `extra` is not known
  /// to be an exponential, or where the scores do not come from a product: then no fused op takes one more score.
  func score(ofExtra extra: ValueID, _ graph: inout Graph) throws -> ValueID? {
    guard !graph.products(below: scores).isEmpty else { return nil }
    if let (rest, count) = graph.definingNode(extra).flatMap(graph.scaledOperand), count > 0 {
      guard let score = try score(ofExtra: rest, &graph) else { return nil }
      return try graph.appendResult(.add, [score, graph.appendScalar(log(count) / factor, graph.type(extra).element)])
    }
    if let number = graph.uniformConstant(extra)?.real {
      guard scores == exponent, number > 0, number.isFinite else { return nil }
      return try graph.appendScalar(log(number) / factor, graph.type(extra).element)
    }
    guard let score = graph.match(extra, op)?[0] else { return nil }
    if scores == exponent { return score }
    // What is subtracted from the row must be subtracted here.
    guard let shifted = graph.match(exponent, .subtract), shifted[0] == scores else { return nil }
    let shift = Arrangement(shifted[1], in: graph).source
    if let pair = graph.match(score, .subtract), Arrangement(pair[1], in: graph).source == shift { return pair[0] }
    guard let negated = graph.match(score, .negate)?[0], Arrangement(negated, in: graph).source == shift else { return nil }
    return try graph.appendScalar(0, graph.type(extra).element)
  }

  /// Appends the softmax along `dims`, or nil where a product has to be below for that and is not. With a sink, it is that of the scores
  /// and the sink, without the sink's column.
  func build(_ graph: inout Graph, dims: [Int], sink: ValueID? = nil) throws -> ValueID? {
    var value = sink == nil ? ownScores : scores
    let element = graph.type(value).element
    func scaled(_ value: ValueID) throws -> ValueID {
      factor == 1 ? value : try graph.appendResult(.multiply, [value, graph.appendScalar(factor, element)])
    }
    value = try scaled(value)
    if let mask, !scoresHaveMask { value = try mask.mask(value, by: mask.condition, in: &graph) }
    let column = try sink.map(scaled)
    return try graph.appendSoftmax(value, dims: dims, sink: column)
  }
}

/// The sum of exponentials along one dimension or several, repeated to another shape.
private struct RowSum {
  var exponentials: ValueID
  /// The dimensions summed over, in order.
  var dims: [Int]
  /// For each dimension of the sum, the dimension of the repeated value.
  var dimensions: [Int?]
  /// One number per row that is added to the sum, in the order of the sum's rows.
  var extra: ValueID?

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
      } else if extra == nil, let parts = graph.sumAndExtra(value) {
        (value, extra) = parts
      } else {
        break
      }
    }
    guard !isInverted, let node = graph.definingNode(value, where: .reduce), graph.attributes(node).required(.kind) == .add else {
      return nil
    }
    let sum = NestedReduction(node, in: graph) { node in
      guard graph.op(node) == .reduce, graph.attributes(node).required(.kind) == .add else { return nil }
      return graph.attributes(node).required(.dims)
    }
    (exponentials, dims, self.dimensions) = (sum.operand, sum.dims, sum.dimensions.map { $0.flatMap { dimensions[$0] } })
    guard !dims.isEmpty else { return nil }
  }

  /// Whether the sum's dimensions are, in order, those of a tensor of this rank without those summed over.
  func matchesRows(rank: Int) -> Bool { dimensions == (0..<rank).filter { !dims.contains($0) } }
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
    } else if let scores = graph.logSumExp(subtractedIn: node) {
      guard let softmax = try state.graph.appendSoftmax(scores.value, dims: scores.dims) else { return nil }
      state.context.remark(.applied, graph.result(node), in: graph, "a softmax written out; a row without a live pair gives 0")
      return softmax
    } else if graph.op(node) == .exp, let found = graph.logarithmOfSum(subtractedFrom: inputs[0]) {
      sum = found
    } else {
      state.noteOtherDivisor(node)
      return nil
    }
    guard sum.matchesRows(rank: rank), let written = WrittenExponentials(sum.exponentials, dims: sum.dims, in: graph) else {
      return nil
    }
    if graph.op(node) == .exp {
      guard written.scoresHaveMask, graph.withoutRowShift(inputs[0], dims: sum.dims) == written.scores else { return nil }
    }
    guard let softmax = try state.softmax(written, sum) else {
      state.noteOtherDivisor(node)
      return nil
    }
    state.context.remark(.applied, graph.result(node), in: graph, "a softmax written out; a row without a live pair gives 0")
    return softmax
  }

  /// `contract(exp(x), v) / sum(exp(x))` is `contract(softmax(x), v)`.
  static func recogniseLateDivision(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard let (numerator, sum) = graph.quotient(node), let product = graph.definingNode(numerator, where: .contract),
      let written = WrittenExponentials(sum.exponentials, dims: sum.dims, in: graph)
    else { return nil }
    let subscripts = graph.attributes(product).required(.subscripts)
    var operands = graph.inputs(product)
    guard let side = operands.firstIndex(of: sum.exponentials) else { return nil }
    let letters = side == 0 ? subscripts.left : subscripts.right
    // Each sum must meet its own row: same letters, in any order.
    let kept = letters.indices.filter { !sum.dims.contains($0) }
    let rows = kept.map { subscripts.result.firstIndex(of: letters[$0]) }
    guard Set(subscripts.over) == Set(sum.dims.map { letters[$0] }), zip(sum.dimensions, rows).allSatisfy({ $0 == $1 && $0 != nil })
    else { return nil }
    guard let softmax = try state.softmax(written, sum) else {
      state.noteOtherDivisor(node)
      return nil
    }
    operands[side] = softmax
    state.context.remark(
      .applied, graph.result(node), in: graph, "divided by the sum of weights after the weighted sum: a softmax before it")
    return try state.graph.appendLike(product, operands, type: graph.type(numerator))
  }
}

extension RewriteState {
  /// Appends the softmax of exponentials over their sum; nil where something is added to the sum that is not the exponential of a
  /// score.
  fileprivate mutating func softmax(_ written: WrittenExponentials, _ sum: RowSum) throws -> ValueID? {
    guard let extra = sum.extra else { return try written.build(&graph, dims: sum.dims) }
    guard let sink = try written.score(ofExtra: extra, &graph) else { return nil }
    context.remark(.applied, extra, in: graph, "one more exponential in each row's sum: a sink, a score whose value is 0")
    return try written.build(&graph, dims: sum.dims, sink: sink)
  }

  /// Says so where exponentials are divided by their sum and something else.
  fileprivate mutating func noteOtherDivisor(_ quotient: NodeID) {
    guard graph.op(quotient) == .divide else { return }
    var (numerator, denominator) = (graph.inputs(quotient)[0], graph.inputs(quotient)[1])
    if let product = graph.definingNode(numerator, where: .contract) {
      guard let exponentials = graph.inputs(product).first(where: { graph.definingOp($0) == .exp }) else { return }
      numerator = exponentials
    }
    guard graph.definingOp(numerator) == .exp else { return }
    denominator = Arrangement(denominator, in: graph).source
    guard let node = graph.definingNode(denominator), graph.op(node).has(.elementwise),
      graph.inputs(node).contains(where: { RowSum($0, in: graph)?.exponentials == numerator })
    else { return }
    context.remark(
      .note, graph.result(quotient), in: graph,
      "no softmax: the divisor \(graph.label(denominator)) is not the sum of the exponentials alone")
  }
}

extension Graph {
  /// What `node` divides by which sum, division written as such or as a product with a reciprocal.
  fileprivate func quotient(_ node: NodeID) -> (ValueID, RowSum)? {
    let inputs = inputs(node)
    if op(node) == .divide { return RowSum(inputs[1], in: self).map { (inputs[0], $0) } }
    guard op(node) == .multiply else { return nil }
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
    switch op(node) {
    case .equal: return choice[2] == pair[0] ? pair[0] : nil
    case .notEqual, .greater: return choice[1] == pair[0] ? pair[0] : nil
    default: return nil
    }
  }

  /// A sum along one dimension, in the order of its rows, and what is added to it.
  fileprivate func sumAndExtra(_ value: ValueID) -> (sum: ValueID, extra: ValueID)? {
    guard let pair = match(value, .add) else { return nil }
    for (sum, extra) in [(pair[0], pair[1]), (pair[1], pair[0])] {
      let arrangement = Arrangement(sum, in: self)
      let order = arrangement.dimensions.compactMap { $0 }
      let source = unguardedSum(arrangement.source) ?? arrangement.source
      guard definingOp(source) == .reduce, type(source).shape.count == type(value).shape.count, order == order.sorted() else {
        continue
      }
      return (sum, extra)
    }
    return nil
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
