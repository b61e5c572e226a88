import HeedIR

extension Graph {
  /// One softmax over several sets of keys becomes a softmax of each set. What each gives is weighed by its share of the sum of
  /// exponentials:
  ///
  ///     %s = contract %q, %k {subscripts = "hid,hjd->hij"} : f32[H, M, N]
  ///     %t = contract %q, %l {subscripts = "hid,hjd->hij"} : f32[H, M, L]
  ///     %x = concatenate %s, %t {dim = 2} : f32[H, M, N + L]
  ///     %p = softmax %x {dim = 2} : f32[H, M, N + L]
  ///     %a = slice %p {start = [0, 0, 0], stop = [H, M, N]} : f32[H, M, N]
  ///     %o = contract %a, %v {subscripts = "hij,hje->hie"} : f32[H, M, 64]
  /// becomes
  ///     %p = softmax %s {dim = 2} : f32[H, M, N]
  ///     %a = reduce %s {dims = [2], kind = maximum} : f32[H, M]
  ///     %l = relative_log_sum_exp %s {dim = 2} : f32[H, M]
  ///     %b = reduce %t {dims = [2], kind = maximum} : f32[H, M]
  ///     %m = relative_log_sum_exp %t {dim = 2} : f32[H, M]
  ///     %u = contract %p, %v {subscripts = "hij,hje->hie"} : f32[H, M, 64]
  ///     %o = multiply %u, %g : f32[H, M, 64]                  // %g is exp(%a + %l) / (exp(%a + %l) + exp(%b + %m)), repeated
  ///
  /// So is a softmax of the product with a concatenation of keys, where that concatenation and the one of values would be stored for
  /// nothing else: the sets are read where they lie. Exponentials are taken relative to the greatest maximum, which is subtracted before
  /// the logarithm of a set's sum is added: beside a score of -1e9 that masks a whole row it would be lost. A set without a live key has
  /// the share 0, and so has each set of a row without one. Maxima, logarithms and shares are f32 for 16-bit types (f64 for f64). (As
  /// flash-decoding puts its parts together: Dao et al. 2023.)
  ///
  /// - Returns: whether there was one.
  mutating func splitKeySets(_ context: inout PassContext) throws -> Bool {
    let uses = ValueUse(self)
    var sets: [KeySets] = []
    for node in body where op(node) == .softmax {
      do {
        if let found = try KeySets(node, in: self, uses) { sets.append(found) }
      } catch let declined as Declined {
        context.remark(.declined, declined.value, in: self, declined.reason)
      }
    }
    guard !sets.isEmpty else { return false }
    var rewriter = GraphRewriter(self)
    var parts = TensorParts()
    var shares: [Int: KeySetShares] = [:]
    // A product of two softmaxes' weights is a sum of both: the first takes it apart, the other stays as it is.
    let users = Dictionary(
      sets.enumerated().flatMap { number, set in (set.sums.map(\.node) + set.logarithms).map { ($0, number) } },
      uniquingKeysWith: { first, _ in first })
    for node in body {
      guard let number = users[node] else {
        rewriter.copy(node)
        continue
      }
      let set = sets[number]
      let shared = try shares[number] ?? KeySetShares(set, &parts, &rewriter)
      shares[number] = shared
      let value =
        try set.sums.first { $0.node == node }.map { try shared.sum($0, &parts, &rewriter) } ?? shared.logarithm(&rewriter)
      rewriter.replace(result(node), with: value)
    }
    for set in sets {
      let lengths = set.ranges.map(\.count.description).joined(separator: " and ")
      context.remark(
        .applied, result(set.softmax), in: self,
        "one softmax over sets of \(lengths) keys: each set by itself, weighed by its share of the sum of exponentials"
          + (set.readsInPlace ? "; the keys and values that were put side by side are read where they lie" : ""))
    }
    self = rewriter.finish()
    eliminateDeadNodes()
    return true
  }
}

/// The softmaxes of the sets of keys of one softmax, and the share that each has in the sum of exponentials.
private struct KeySetShares {
  let sets: KeySets
  /// The logarithm of the sum of all exponentials is the logarithm of `total` plus `shift`. Both have one number for each row.
  private let (shift, total): (ValueID, ValueID)
  /// By set.
  private let weights: [ValueID?]
  private let shares: [ValueID]

  init(_ sets: KeySets, _ parts: inout TensorParts, _ rewriter: inout GraphRewriter) throws {
    self.sets = sets
    let graph = rewriter.source
    let (operand, along) = (graph.inputs(sets.softmax)[0], Attribute(.dim, sets.dimension))
    let wide = graph.type(operand).element.computed
    var (maxima, logarithms, weights): ([ValueID], [ValueID?], [ValueID?]) = ([], [], [])
    for (number, range) in sets.ranges.enumerated() {
      let scores = try rewriter.result.converted(parts.part(operand, sets.dimension, range, &rewriter), to: wide)
      let isWeighed = sets.sums.contains { $0.sets.contains(number) }
      weights.append(try isWeighed ? rewriter.result.appendResult(.softmax, [scores], attributes: [along]) : nil)
      maxima.append(try rewriter.result.appendMaximum(scores, along: sets.dimension))
      // The sum of a single element's is 1.
      let isSingle = rewriter.result.type(scores).shape[sets.dimension] == 1
      logarithms.append(try isSingle ? nil : rewriter.result.appendResult(.relativeLogSumExp, [scores], attributes: [along]))
    }
    func scalar(_ value: Double) throws -> ValueID { try rewriter.result.appendScalar(value, wide) }
    func apply(_ op: Op, _ operands: ValueID...) throws -> ValueID { try rewriter.result.appendResult(op, operands) }
    let greatest = try maxima.dropFirst().reduce(maxima[0]) { try apply(.maximum, $0, $1) }
    // Of a row without a live key all maxima are -inf.
    let shift = try apply(.select, apply(.equal, greatest, scalar(-.infinity)), scalar(0), greatest)
    let exponentials = try zip(maxima, logarithms).map { maximum, logarithm in
      let difference = try apply(.subtract, maximum, shift)
      return try apply(.exp, logarithm.map { try apply(.add, difference, $0) } ?? difference)
    }
    let total = try exponentials.dropFirst().reduce(exponentials[0]) { try apply(.add, $0, $1) }
    let divisor = try apply(.select, apply(.equal, total, scalar(0)), scalar(1), total)
    shares = try exponentials.map { try apply(.divide, $0, divisor) }
    (self.shift, self.total, self.weights) = (shift, total, weights)
  }

  /// What stands for a weighted sum: those of its sets, each times the set's share.
  func sum(_ sum: KeySets.Sum, _ parts: inout TensorParts, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let graph = rewriter.source
    let (type, wide) = (graph.type(graph.result(sum.node)), graph.type(graph.inputs(sets.softmax)[0]).element.computed)
    let subscripts = graph.attributes(sum.node).required(.subscripts)
    let rows = sum.letters.enumerated().filter { $0.offset != sets.dimension }.map(\.element)
    let extents = Dictionary(uniqueKeysWithValues: zip(subscripts.result, type.shape.extents))
    let origin = sets.ranges[sum.sets.lowerBound].start
    let terms = try sum.sets.map { number in
      let range = sets.ranges[number]
      var operands = graph.inputs(sum.node)
      operands[sum.side] = try weights(number, of: sum, &rewriter)
      operands[1 - sum.side] = try parts.part(
        operands[1 - sum.side], sum.valueDimension, TensorParts.Range(start: range.start - origin, stop: range.stop - origin),
        &rewriter)
      let term = try rewriter.appendLike(sum.node, operands, type: type)
      let share = try rewriter.result.arrange(shares[number], rows, as: subscripts.result, extent: { extents[$0]! })
      return try rewriter.result.appendResult(.multiply, [rewriter.result.converted(term, to: wide), share])
    }
    let all = try terms.dropFirst().reduce(terms[0]) { try rewriter.result.appendResult(.add, [$0, $1]) }
    return try rewriter.result.fit(rewriter.result.converted(all, to: type.element), as: type)
  }

  /// The softmax of a set, in the type and arrangement in which the sum multiplies its weights.
  private func weights(_ number: Int, of sum: KeySets.Sum, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let graph = rewriter.source
    let count = sets.ranges[number].count
    var (value, dimension) = (weights[number]!, sets.dimension)
    value = try rewriter.result.converted(value, to: graph.type(graph.inputs(sets.softmax)[0]).element)
    for node in sum.path where graph.op(node) != .slice {
      let type = graph.type(graph.result(node))
      if graph.op(node) != .convert { dimension = graph.dimensionsOfView(node)![dimension]! }
      var extents = type.shape.extents
      extents[dimension] = count
      value = try rewriter.appendLike(node, [value], type: TensorType(type.element, Shape(extents)))
    }
    return value
  }

  /// What stands for the logarithm of the sum of all exponentials.
  func logarithm(_ rewriter: inout GraphRewriter) throws -> ValueID {
    let sum = try rewriter.append(.add, [rewriter.append(.log, [total]), shift])
    return try rewriter.result.converted(sum, to: rewriter.source.type(rewriter.source.inputs(sets.softmax)[0]).element)
  }
}

extension Graph {
  /// The greatest elements along a dimension; a single element is its own.
  fileprivate mutating func appendMaximum(_ scores: ValueID, along dimension: Int) throws -> ValueID {
    let type = type(scores)
    guard type.shape[dimension] == 1 else {
      return try appendResult(.reduce, [scores], attributes: [Attribute(.dims, [dimension]), Attribute(.kind, .maximum)])
    }
    let rows = Shape(type.shape.extents.enumerated().filter { $0.offset != dimension }.map(\.element))
    return try appendResult(.reshape, [scores], stated: TensorType(type.element, rows))
  }

  /// `value` as elements of type `element`.
  mutating func converted(_ value: ValueID, to element: ElementType) throws -> ValueID {
    let type = type(value)
    return type.element == element ? value : try appendResult(.convert, [value], stated: TensorType(element, type.shape))
  }

  /// `value` with extents that are equal by a fact named as in `type`.
  fileprivate mutating func fit(_ value: ValueID, as type: TensorType) throws -> ValueID {
    self.type(value) == type ? value : try appendResult(.reshape, [value], stated: type)
  }
}
