import HeedIR

extension GraphPass {
  /// `canonicalize-attention` brings the ways to write attention into one: product of queries and keys, arithmetic on scores,
  /// softmax, weighted sum.
  ///
  ///     %t = multiply %q, 0.125 : f32[B, H, S, 64]
  ///     %s = contract %t, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, H, S, S]
  ///     %m = reduce %s {dims = [3], kind = maximum} : f32[B, H, S]
  ///     %n = broadcast %m {dims = [0, 1, 2]} : f32[B, H, S, S]
  ///     %e = exp %d : f32[B, H, S, S]                                  // %d is %s - %n
  ///     %u = contract %e, %v {subscripts = "bhij,bhje->bhie"} : f32[B, H, S, 64]
  ///     %z = reduce %e {dims = [3], kind = add} : f32[B, H, S]
  ///     %w = broadcast %z {dims = [0, 1, 2]} : f32[B, H, S, 64]
  ///     %o = divide %u, %w : f32[B, H, S, 64]
  /// becomes
  ///     %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, H, S, S]
  ///     %x = multiply %s, 0.125 : f32[B, H, S, S]
  ///     %p = softmax %x {dim = 3} : f32[B, H, S, S]
  ///     %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f32[B, H, S, 64]
  ///
  /// - A softmax written out becomes one: with its greatest score or another number subtracted from a row, divided before or after the weighted
  ///   sum, masked before or after the exponential, to base e or 2, over one dimension or several (`WrittenExponentials`).
  /// - So does the logarithm of the sum of exponentials, with what was subtracted before added back (`LogSumExp`).
  /// - Where one more exponential per row is added to the sum, its score becomes the last column of the scores. That column is
  ///   sliced away after the softmax. Several such columns, of a concatenation or a pad, become one (`joinSinkColumns`).
  /// - Constant scales of queries and keys move to the scores, those of probabilities behind the weighted sum.
  /// - A mask that the probabilities are multiplied by is dropped where the scores have it already.
  /// - Scales and zero points of keys and values that are small integers move out of their products (`moveDequantisation`).
  /// - One number per row that probabilities, or other weights, are multiplied or divided by moves behind the weighted sum (`RowFactors`).
  ///   So do weights divided by their own sum become a weighted sum divided by the sum of weights.
  /// - The weighted sum of a sum or difference of probabilities becomes that of weighted sums (`SummedWeights`).
  /// - Slices of probabilities over batch dimensions become slices of queries and keys (`moveSlicesToScores`).
  /// - Guards against NaN and empty rows become conditions on rows, or go where the softmax keeps them by itself (`Guards`).
  /// - The sum of two products of queries and keys becomes one product of both widths (`SummedProducts`).
  /// - Batch dimensions that were merged for a product are taken apart (`MergedBatch`), and product, softmax and sum get one shape
  ///   (`alignRanks`).
  /// - One softmax over several sets of keys becomes one of each set (`splitKeySets`).
  /// - A product with gathered rows of a table is gathered from the product with the table (`gatherProducts`).
  ///
  /// Legal by the numeric contract: constant scales are regrouped; a written-out softmax of a row without a live pair is 0, as the
  /// op's is; a finite number subtracted from a whole row cancels. Masks stay where they are: `fuse-attention` takes them out of the
  /// finished score, where no view is in the way.
  public static let canonicalizeAttention = GraphPass(
    "canonicalize-attention", summary: "bring the ways to write attention into one"
  ) { graph, context in
    let rules: [RewriteRule] = [
      recogniseSoftmax, recogniseSinkInLogarithm, dropLogarithmOfProbabilities, recogniseLateDivision, recogniseLogSumExp,
      addShiftToLogSumExp, dropRowShift, dropRepeatedMask, moveProbabilityScale, splitMergedProduct, splitMergedSum,
      dropColumnsWithoutValues, joinSinkColumns, joinSinkColumnsOfLogarithm,
    ]
    try graph.rewrite(&context, rules: rules)
    // A slice may take parts of several dimensions, one after the other.
    for _ in 0..<4 where try graph.moveSlicesToScores(&context) { try graph.rewrite(&context, rules: rules + [simplifyView]) }
    try graph.alignRanks(&context)
    // The parts are written by themselves, in any of the ways.
    if try graph.splitKeySets(&context) { try graph.rewrite(&context, rules: rules) }
    try graph.recogniseShiftedExponentials(&context)
    // What is done with probabilities, where softmaxes are known: a sum that a softmax is divided by is not taken for a factor of rows.
    let linear: [RewriteRule] = [
      simplifyView, dropImpossibleChoice, dropGuardOfDeadRows, dropGuardOfDeadPairs, askLogarithmOfSum, askRowForNaN,
      dropBoundOfProbabilities, dropAbsoluteOfWeights, recogniseRenormalised, moveRowFactor, splitSummedWeights,
    ]
    try graph.rewrite(&context, rules: rules + linear)
    try graph.moveDequantisation(&context)
    try graph.moveScalesToScores(&context)
    try graph.gatherProducts(&context)
    try graph.joinSummedProducts(&context)
  }

  /// `select(m, softmax(x), 0)` and `softmax(x) * convert(m)`, where `x` is masked by `m` already, are `softmax(x)`.
  ///
  /// Where a row has no live pair, only scores of -inf make the softmax 0: a finite constant in a mask's place becomes -inf.
  private static func dropRepeatedMask(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard let masked = graph.maskedValue(node), let softmax = graph.definingNode(masked.value, where: .softmax) else { return nil }
    let (masks, scores) = graph.masks(ofScores: graph.inputs(softmax)[0])
    let wanted = graph.conjuncts(masked.condition)
    if wanted.isSubset(of: masks.filter { $0.fill == -.infinity }.flatMap(\.conjuncts)) {
      state.context.remark(.applied, masked.value, in: graph, "masked probabilities are those of masked scores already")
      return masked.value
    }
    let finite = masks.filter { $0.fill != -.infinity }
    guard wanted.isSubset(of: masks.flatMap(\.conjuncts)),
      finite.allSatisfy({ $0.conjuncts.isSubset(of: wanted) }), !state.hasOtherUses(masked.value)
    else { return nil }
    let element = graph.type(scores).element
    let fill = try state.graph.appendScalar(-.infinity, element)
    let rebuilt = try masks.reversed().reduce(scores) { try state.graph.appendResult(.select, [$1.condition, $0, fill]) }
    let fills = Set(finite.map { Literal($0.fill).text(as: element) }).sorted().joined(separator: ", ")
    state.context.remark(
      .applied, masked.value, in: graph,
      "masked probabilities are those of scores masked by -inf in place of \(fills); a row without a live pair gives 0")
    return try state.graph.appendLike(softmax, [rebuilt], type: graph.type(masked.value))
  }
}

/// A choice between a score and a constant that masks it.
private struct ScoreMask {
  let condition: ValueID
  let conjuncts: Set<ValueID>
  let fill: Double
}

extension Graph {
  /// The value and the condition where `node` is `select(condition, value, 0)` or the value times the condition as a number.
  func maskedValue(_ node: NodeID) -> (value: ValueID, condition: ValueID)? {
    let inputs = inputs(node)
    if op(node) == .select { return uniformConstant(inputs[2])?.real == 0 ? (inputs[1], inputs[0]) : nil }
    guard op(node) == .multiply else { return nil }
    for (value, factor) in [(inputs[0], inputs[1]), (inputs[1], inputs[0])] {
      if let source = match(factor, .convert)?[0], type(source).element == .bool { return (value, source) }
      if let choice = match(factor, .select), uniformConstant(choice[1])?.real == 1, uniformConstant(choice[2])?.real == 0 {
        return (value, choice[0])
      }
    }
    return nil
  }

  /// The masks nested around scores, the outermost first: each is -inf or a large negative number where a condition is false.
  fileprivate func masks(ofScores value: ValueID) -> (masks: [ScoreMask], scores: ValueID) {
    var (masks, value): ([ScoreMask], ValueID) = ([], value)
    while let choice = match(value, .select), let fill = uniformConstant(choice[2])?.real, fill <= MaskSplit.threshold {
      masks.append(ScoreMask(condition: choice[0], conjuncts: conjuncts(choice[0]), fill: fill))
      value = choice[1]
    }
    return (masks, value)
  }

  /// The operands of nested `and`s.
  fileprivate func conjuncts(_ value: ValueID) -> Set<ValueID> {
    Set(values(below: value) { op($0) == .and }.filter { definingNode($0, where: .and) == nil })
  }

  // MARK: Scales

  /// Moves constant factors of the operands of score products behind the products.
  fileprivate mutating func moveScalesToScores(_ context: inout PassContext) throws {
    var products: Set<NodeID> = []
    for node in body where op(node) == .softmax { products.formUnion(self.products(below: inputs(node)[0])) }
    guard !products.isEmpty else { return }
    var rewriter = GraphRewriter(self)
    for node in body {
      guard products.contains(node) else {
        rewriter.copy(node)
        continue
      }
      let operands = try inputs(node).map { try rewriter.result.withoutScale(rewriter($0)) }
      let factor = operands.reduce(1) { $0 * $1.factor }
      guard operands.contains(where: { $0.factor != 1 }), factor.isFinite, factor != 0,
        type(result(node)).element.keepsScale(factor)
      else {
        rewriter.copy(node)
        continue
      }
      let old = result(node)
      let product = try rewriter.result.appendResult(.contract, operands.map(\.value), attributes: attributes(node).all)
      let scaled = try rewriter.result.appendResult(.multiply, [product, rewriter.result.appendScalar(factor, type(old).element)])
      rewriter.replace(old, with: scaled)
      context.remark(
        .applied, old, in: self, "the scale \(Literal(factor).text(as: type(old).element)) of queries and keys moved to the scores")
    }
    self = rewriter.finish()
    eliminateDeadNodes()
  }

  /// A value and a factor whose product is `value`. Products with constants are found through views.
  mutating func withoutScale(_ value: ValueID) throws -> (value: ValueID, factor: Double) {
    var (source, factor, views): (ValueID, Double, [NodeID]) = (value, 1, [])
    // The views above the last product with a constant: those below it stay.
    var (unscaled, viewCount) = (value, 0)
    while let node = definingNode(source) {
      let op = op(node)
      if let scaled = scaledOperand(node) {
        source = scaled.value
        factor *= scaled.factor
        (unscaled, viewCount) = (source, views.count)
      } else if op == .transpose || op == .reshape || op == .broadcast || op == .slice {
        views.append(node)
        source = inputs(node)[0]
      } else {
        break
      }
    }
    for view in views.prefix(viewCount).reversed() {
      unscaled = try appendLike(view, [unscaled], type: type(result(view)))
    }
    return (unscaled, factor)
  }

  /// The operand and the constant that `node` multiplies it by, where it does.
  func scaledOperand(_ node: NodeID) -> (value: ValueID, factor: Double)? {
    let (op, inputs) = (op(node), inputs(node))
    guard op == .multiply || op == .divide else { return nil }
    for (position, other) in op == .multiply ? [(1, 0), (0, 1)] : [(1, 0)] {
      guard let constant = uniformConstant(inputs[position])?.real, constant != 0, constant.isFinite,
        type(inputs[other]) == type(result(node))
      else { continue }
      return (inputs[other], op == .multiply ? constant : 1 / constant)
    }
    return nil
  }
}
