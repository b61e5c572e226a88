import Foundation
import HeedIR

/// Exponentials relative to a number of each row, `exp(x - m)`, that are used only in sums over the keys of something linear in them.
private struct ShiftedExponentials {
  /// The exponentials, or the choice between them and 0 where the scores take its condition.
  let value: ValueID
  let isBase2: Bool
  let scores: ValueID
  /// A mask that the scores do not have yet.
  private(set) var mask: MaskedExponentials?
  /// m, at the shape of the scores.
  let shift: ValueID
  /// The dimension of the keys.
  let dim: Int
  /// The sums, and for each dimension of the scores that of the sum.
  let sums: [NodeID: [Int?]]

  init?(_ node: NodeID, in graph: Graph, users: [[NodeID]]) {
    guard graph.op(node) == .exp || graph.op(node) == .exp2, let pair = graph.match(graph.inputs(node)[0], .subtract),
      graph.type(pair[0]) == graph.type(graph.result(node)), !graph.products(below: pair[0]).isEmpty
    else { return nil }
    let start: ValueID
    (start, mask) = Self.start(node, scores: pair[0], shift: pair[1], in: graph, users: users)
    // For each dimension of the scores, that of a value which is linear in the exponentials.
    var reached: [ValueID: [Int?]] = [start: (0..<graph.type(start).rank).map { $0 }]
    var (pending, found): ([ValueID], [NodeID: [Int?]]) = ([start], [:])
    var keys: Set<Int> = []
    while let value = pending.popLast() {
      guard !graph.results.contains(value) else { return nil }
      let dimensions = reached[value]!
      for user in users[Int(value.index)] {
        if let sum = Self.sum(user, of: value, in: graph) {
          guard let key = dimensions.firstIndex(of: sum.column) else { return nil }
          keys.insert(key)
          found[user] = dimensions.map { $0.flatMap { sum.results[$0] } }
        } else {
          guard let step = Self.step(user, of: value, in: graph) else { return nil }
          let result = graph.result(user)
          if reached[result] == nil { pending.append(result) }
          reached[result] = dimensions.map { $0.flatMap { dimension in step.firstIndex(of: dimension) } }
        }
      }
    }
    // Nothing is a product of two things that depend on the exponentials, and something is attention.
    let steps = reached.keys.filter { $0 != start }.compactMap(graph.definingNode)
    guard (steps + found.keys).allSatisfy({ graph.inputs($0).count { reached[$0] != nil } == 1 }), keys.count == 1,
      found.keys.contains(where: { graph.op($0) == .contract }), graph.isUniform(pair[1], along: keys.first!)
    else { return nil }
    (value, isBase2, scores, shift, dim, sums) = (start, graph.op(node) == .exp2, pair[0], pair[1], keys.first!, found)
  }

  /// The exponentials with the mask behind them, where it is one of the scores already or can become one: then no score of a dead pair,
  /// which may be NaN, is among those of the softmax. A shift that is made from the scores is not that of masked ones.
  private static func start(
    _ node: NodeID, scores: ValueID, shift: ValueID, in graph: Graph, users: [[NodeID]]
  ) -> (value: ValueID, mask: MaskedExponentials?) {
    let value = graph.result(node)
    let own = users[Int(value.index)]
    guard own.count == 1, !graph.results.contains(value), let masked = MaskedExponentials(own[0], in: graph), masked.value == value,
      graph.type(graph.result(own[0])) == graph.type(value)
    else { return (value, nil) }
    if masked.isOfScores(scores, shift: shift, in: graph) { return (graph.result(own[0]), nil) }
    let isOfScores = graph.isMadeOfRows(shift) || !graph.products(below: shift).isEmpty
    return isOfScores ? (value, nil) : (graph.result(own[0]), masked)
  }

  /// The sum over one dimension of `value` that `node` is, with the result's dimension for each of the value's.
  private static func sum(_ node: NodeID, of value: ValueID, in graph: Graph) -> (column: Int, results: [Int?])? {
    let attributes = graph.attributes(node)
    if graph.op(node) == .contract {
      let subscripts = attributes.required(.subscripts)
      let letters = graph.inputs(node)[0] == value ? subscripts.left : subscripts.right
      guard subscripts.over.count == 1, let column = letters.firstIndex(of: subscripts.over[0]) else { return nil }
      return (column, letters.map { subscripts.result.firstIndex(of: $0) })
    }
    guard graph.op(node) == .reduce, attributes.required(.kind) == .add, attributes.required(.dims).count == 1 else { return nil }
    let column = attributes.required(.dims)[0]
    return (column, (0..<graph.type(value).rank).map { $0 == column ? nil : $0 < column ? $0 : $0 - 1 })
  }

  /// For each dimension of a result that is linear in `value`, that of `value`; nil where `node` is not linear in it.
  private static func step(_ node: NodeID, of value: ValueID, in graph: Graph) -> [Int?]? {
    let inputs = graph.inputs(node)
    guard graph.results(node).count == 1, let position = inputs.firstIndex(of: value) else { return nil }
    let same: [Int?] = (0..<graph.type(value).rank).map { $0 }
    switch graph.op(node) {
    case .multiply, .negate: return same
    case .divide: return position == 0 ? same : nil
    case .convert: return graph.type(graph.result(node)).element.isFloat ? same : nil
    case .select: return position > 0 && graph.uniformConstant(inputs[3 - position])?.real == 0 ? same : nil
    default:
      guard let view = graph.dimensionsOfView(node), !graph.repeatsElements(node) else { return nil }
      return (0..<graph.type(graph.result(node)).rank).map { dimension in view.firstIndex(of: dimension) }
    }
  }
}

extension Graph {
  /// `exp(x - m)` with one m per row is `softmax(x) * exp(l - m)` with the logarithm l of the row's sum. Where it is used only in sums over
  /// the keys, as `contract(exp(x - m) * f, v) / (sum(exp(x - m) * f) + c)` uses it, it becomes the softmax, and the sums are multiplied
  /// by `exp(l - m)`.
  ///
  /// A row without a live pair has the logarithm -inf, and so has its greatest score: its sums are 0, by a factor of 0.
  ///
  /// A softmax that is written out is recognised before: its exponentials are not there any more.
  mutating func recogniseShiftedExponentials(_ context: inout PassContext) throws {
    let users = users()
    // By the node of the exponentials.
    var (found, scales): ([NodeID: ShiftedExponentials], [NodeID: ValueID]) = ([:], [:])
    var sums: [NodeID: NodeID] = [:]
    for node in body {
      guard let exponentials = ShiftedExponentials(node, in: self, users: users),
        exponentials.sums.keys.allSatisfy({ sums[$0] == nil })
      else { continue }
      let start = definingNode(exponentials.value)!
      found[start] = exponentials
      for sum in exponentials.sums.keys { sums[sum] = start }
    }
    guard !found.isEmpty else { return }
    var rewriter = GraphRewriter(self)
    for node in body {
      if let exponentials = found[node] {
        var scores = rewriter(exponentials.scores)
        if let mask = exponentials.mask { scores = try mask.mask(scores, by: rewriter(mask.condition), in: &rewriter.result) }
        let built = try rewriter.result.appendSoftmax(
          scores, rewriter(exponentials.shift), dim: exponentials.dim, base2: exponentials.isBase2)
        scales[node] = built.scale
        rewriter.replace(result(node), with: built.softmax)
        context.remark(
          .applied, result(node), in: self,
          "exponentials relative to a number of each row, used in sums alone: a softmax, and the row's sum behind the sums")
      } else if let source = sums[node] {
        rewriter.copy(node)
        let (type, exponentials) = (type(result(node)), found[source]!)
        let axes = exponentials.sums[node]!.enumerated().filter { $0.offset != exponentials.dim }.map(\.element)
        var scale = try rewriter.result.arrange(
          scales[source]!, axes, as: Array(0..<type.rank), extent: { type.shape[$0] })
        if rewriter.result.type(scale).element != type.element {
          scale = try rewriter.append(.convert, [scale], stated: TensorType(type.element, rewriter.result.type(scale).shape))
        }
        rewriter.replace(result(node), with: try rewriter.append(.multiply, [rewriter(result(node)), scale]))
      } else {
        rewriter.copy(node)
      }
    }
    self = rewriter.finish()
    eliminateDeadNodes()
  }

  /// Appends the softmax of scores, and what it is multiplied by to make exponentials of the scores relative to `shift`: one per row.
  fileprivate mutating func appendSoftmax(_ scores: ValueID, _ shift: ValueID, dim: Int, base2: Bool) throws -> (
    softmax: ValueID, scale: ValueID
  ) {
    let along = Attribute(.dim, dim)
    var (scores, rows) = (scores, try droppingUniform(shift, along: dim))
    if base2 {
      let factor = try appendScalar(log(2), type(scores).element)
      let arrangement = Arrangement(shift, in: self)
      let maximum = definingNode(arrangement.source, where: .reduce).flatMap { inputs($0) == [scores] ? $0 : nil }
      scores = try appendResult(.multiply, [scores, factor])
      // The greatest of what the softmax is of: a result of attention.
      if let maximum, attributes(maximum).required(.kind) == .maximum, attributes(maximum).required(.dims) == [dim],
        arrangement.dimensions == (0..<type(scores).rank).filter({ $0 != dim })
      {
        rows = try appendResult(.reduce, [scores], attributes: attributes(maximum).all)
      } else {
        rows = try appendResult(.multiply, [rows, factor])
      }
    }
    let logarithm = try appendResult(.logSumExp, [scores], attributes: [along])
    let element = type(scores).element
    let isDead = try appendResult(.equal, [logarithm, appendScalar(-.infinity, element)])
    let difference = try appendResult(.exp, [appendResult(.subtract, [logarithm, rows])])
    let scale = try appendResult(.select, [isDead, appendScalar(0, element), difference])
    return (try appendResult(.softmax, [scores], attributes: [along]), scale)
  }
}
