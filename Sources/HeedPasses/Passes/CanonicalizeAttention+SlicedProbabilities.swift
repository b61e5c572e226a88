import HeedIR

extension Graph {
  /// Slices of probabilities that leave their keys whole become probabilities of slices: of each slice a softmax of its own scores.
  ///
  ///     %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 4, M, N]
  ///     %p = softmax %s {dim = 3} : f32[B, 4, M, N]
  ///     %r = reshape %p : f32[B, 2, 2, M, N]
  ///     %a = slice %r {start = [0, 0, 0, 0, 0], stop = [B, 2, 1, M, N]} : f32[B, 2, 1, M, N]
  /// becomes
  ///     %t = slice %q {start = [0, 0, 0, 0], step = [1, 2, 1, 1], stop = [B, 4, M, 16]} : f32[B, 2, M, 16]
  ///     %u = slice %k {start = [0, 0, 0, 0], step = [1, 2, 1, 1], stop = [B, 4, N, 16]} : f32[B, 2, N, 16]
  ///     %s = contract %t, %u {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
  ///     %p = softmax %s {dim = 3} : f32[B, 2, M, N]
  ///     %a = reshape %p : f32[B, 2, 1, M, N]
  ///
  /// Only where the probabilities are used in such slices alone: nothing is then stored as a whole that its parts are computed of again.
  /// - Returns: whether there were any.
  mutating func moveSlicesToScores(_ context: inout PassContext) throws -> Bool {
    let uses = ValueUse(self)
    var slices: [NodeID: (dimension: Int, range: TensorParts.Range)] = [:]
    for node in body where op(node) == .softmax {
      let scores = inputs(node)[0]
      guard !uses.isResult(scores), uses.users(scores) == [node], !products(below: scores).isEmpty else { continue }
      var found = SlicedProbabilities(self, uses)
      if found.follow(result(node), keys: attributes(node).required(.dim)) { slices.merge(found.slices) { first, _ in first } }
    }
    guard !slices.isEmpty else { return false }
    var rewriter = GraphRewriter(self)
    var parts = TensorParts(slicesOperands: true)
    for node in body {
      guard let taken = slices[node] else {
        rewriter.copy(node)
        continue
      }
      var value = try parts.part(inputs(node)[0], taken.dimension, taken.range, &rewriter)
      // What is sliced in further dimensions is, in the next round.
      var (start, stop) = (attributes(node).required(.start), attributes(node).required(.stop))
      (start[taken.dimension], stop[taken.dimension]) = (0, taken.range.count)
      if rewriter.result.type(value) != type(result(node)) {
        value = try rewriter.append(.slice, [value], attributes: [Attribute(.start, start), Attribute(.stop, stop)])
      }
      rewriter.replace(result(node), with: value)
      context.remark(.applied, result(node), in: self, "a slice of probabilities is the softmax of a slice of the scores")
    }
    self = rewriter.finish()
    eliminateDeadNodes()
    return true
  }
}

/// The slices of the probabilities of a softmax.
private struct SlicedProbabilities {
  let graph: Graph
  let uses: ValueUse
  /// The dimension and range that each slice takes, the first dimension of those that it does not take whole.
  private(set) var slices: [NodeID: (dimension: Int, range: TensorParts.Range)] = [:]

  init(_ graph: Graph, _ uses: ValueUse) { (self.graph, self.uses) = (graph, uses) }

  /// Whether all uses of `value`, through views and conversions between floats, are slices that leave the dimension `keys` whole.
  mutating func follow(_ value: ValueID, keys: Int) -> Bool {
    guard !uses.isResult(value) else { return false }
    for user in uses.users(value) {
      let result = graph.results(user)[0]
      switch graph.op(user) {
      case .slice:
        guard let taken = range(takenBy: user, keys), comesFromSoftmax(value, taken.dimension, taken.range) else { return false }
        slices[user] = taken
      case .reshape, .transpose:
        let dimension = (0..<graph.type(result).rank).first { graph.source(ofDimension: $0, of: user) == .some(.some(keys)) }
        guard let dimension, follow(result, keys: dimension) else { return false }
      case .convert where graph.type(result).element.isFloat: guard follow(result, keys: keys) else { return false }
      default: return false
      }
    }
    return true
  }

  /// The first dimension that a slice does not take whole, where it leaves the keys whole.
  private func range(takenBy node: NodeID, _ keys: Int) -> (dimension: Int, range: TensorParts.Range)? {
    let (attributes, extents) = (graph.attributes(node), graph.type(graph.inputs(node)[0]).shape.extents)
    let (start, stop) = (attributes.required(.start), attributes.required(.stop))
    let taken = extents.indices.filter { start[$0] != 0 || !stop[$0].isEqual(to: extents[$0], given: graph.facts) }
    guard let first = taken.first, !taken.contains(keys), (attributes[.step] ?? []).allSatisfy({ $0 == 1 }) else { return nil }
    return (first, TensorParts.Range(start: start[first], stop: stop[first]))
  }

  /// Whether a part of `value` is a part of the softmax.
  private func comesFromSoftmax(_ value: ValueID, _ dimension: Int, _ range: TensorParts.Range) -> Bool {
    guard let node = graph.definingNode(value) else { return false }
    switch graph.op(node) {
    case .softmax: return graph.attributes(node).required(.dim) != dimension
    case .convert: return comesFromSoftmax(graph.inputs(node)[0], dimension, range)
    default:
      if graph.op(node) == .reshape, let source = graph.source(of: range, dimension, of: node) {
        return comesFromSoftmax(graph.inputs(node)[0], source.dimension, source.range)
      }
      guard let source = graph.source(ofDimension: dimension, of: node), let source else { return false }
      return comesFromSoftmax(graph.inputs(node)[0], source, range)
    }
  }
}
