public import HeedIR

/// Attention over several heads, written in plain tensor math.
///
/// With fewer heads for keys and values than for queries, each serves several consecutive heads of queries.
public struct MultiHeadAttention {
  /// The map from rows of `x` to queries.
  public let query: Linear
  /// The map from rows of the context to keys.
  public let key: Linear
  /// The map from rows of the context to values.
  public let value: Linear
  /// The map from the heads' results to rows.
  public let output: Linear
  /// The number of heads of queries.
  public let headCount: Int
  /// The number of heads of keys and values; it divides `headCount`.
  public let keyValueHeadCount: Int
  /// What queries, keys and values are rounded to; nil where they are not.
  public let element: ElementType?
  /// With which probability each weight is dropped before it weighs a value, and by which random numbers; nil where none is.
  public var dropout: (probability: Double, key: RandomKey)?
  /// What the result of each head is multiplied by before the output map, floats `[heads]`, or `[..., heads]` for each row of a batch: 0 takes
  /// a head out. Nil for nothing.
  ///
  /// Source: Michel, Levy, Neubig, "Are sixteen heads really better than one?", 2019.
  public var headGates: Tensor?

  /// Attention with given maps, whose parameters have the names of their weight file.
  public init(
    query: Linear, key: Linear, value: Linear, output: Linear, headCount: Int, keyValueHeadCount: Int? = nil,
    element: ElementType? = nil
  ) {
    (self.query, self.key, self.value, self.output) = (query, key, value, output)
    (self.headCount, self.keyValueHeadCount, self.element) = (headCount, keyValueHeadCount ?? headCount, element)
  }

  /// Parameters: those of the linear maps `name.query`, `name.key`, `name.value` and `name.output`.
  ///
  /// - Parameters:
  ///   - size: features of a row; a multiple of `headCount`.
  ///   - contextSize: features of a row of the context, for attention across.
  public init(
    _ name: String, in g: GraphBuilder, size: Int, headCount: Int, keyValueHeadCount: Int? = nil, contextSize: Int? = nil,
    hasBias: Bool = true, element: ElementType = .f32, file: String = #filePath, line: Int = #line
  ) {
    if headCount < 1 || size % headCount != 0 {
      g.fail("MultiHeadAttention \(name): got \(size) features and \(headCount) heads, expected a multiple", CallSite(file, line))
    }
    func linear(_ part: String, _ inputs: Int, _ outputs: Int) -> Linear {
      Linear("\(name).\(part)", in: g, inputs: inputs, outputs: outputs, hasBias: hasBias, element: element, file: file, line: line)
    }
    let narrow = (size / Swift.max(headCount, 1)).saturatingProduct(keyValueHeadCount ?? headCount)
    self.init(
      query: linear("query", size, size), key: linear("key", contextSize ?? size, narrow),
      value: linear("value", contextSize ?? size, narrow), output: linear("output", size, size), headCount: headCount,
      keyValueHeadCount: keyValueHeadCount)
  }

  /// A function of the scores `[..., heads, rows, context rows]`: a bias or a mask.
  public typealias OfScores = (_ scores: Tensor) -> Tensor

  /// Attention of the rows of `x` to those of `context`, or of `x` itself: `[..., rows, size]` to the same shape.
  ///
  /// - Parameters:
  ///   - position: applied to the queries and the keys of each head, `[..., heads, rows, head size]`: rotary embedding.
  ///   - bias: from the scaled scores, what is added to them.
  ///   - mask: from the scaled scores, a tensor of bools that broadcasts to them: true where a row may attend.
  public func callAsFunction(
    _ x: Tensor, context: Tensor? = nil, position: ((Tensor) -> Tensor)? = nil, bias: OfScores? = nil, mask: OfScores? = nil,
    file: String = #filePath, line: Int = #line
  ) -> Tensor {
    attend(x, context: context, position: position, bias: bias, mask: mask, file: file, line: line).output
  }

  /// The same, with the probabilities `[..., heads, rows, context rows]`.
  public func attend(
    _ x: Tensor, context: Tensor? = nil, position: ((Tensor) -> Tensor)? = nil, bias: OfScores? = nil, mask: OfScores? = nil,
    file: String = #filePath, line: Int = #line
  ) -> (output: Tensor, probabilities: Tensor) {
    let builder = x.builder
    let change: OfScores? = bias.map { bias in { scores in scores + builder.asWritten { bias(scores) } } }
    let live: OfScores? = mask.map { mask in { scores in builder.asWritten { mask(scores) } } }
    return attend(x, context: context, position: position, change: change, mask: live, file: file, line: line)
  }

  /// - Parameters:
  ///   - change: from the scaled scores, what takes their place.
  ///   - cached: puts the keys and values of these rows where those of earlier calls are, and returns all.
  func attend(
    _ x: Tensor, context: Tensor?, position: ((Tensor) -> Tensor)?, change: OfScores?, mask: OfScores?,
    cached: ((_ keys: Tensor, _ values: Tensor) -> (keys: Tensor, values: Tensor))? = nil, file: String, line: Int
  ) -> (output: Tensor, probabilities: Tensor) {
    x.builder.located(file, line) {
      let (builder, context, name) = (x.builder, context ?? x, "MultiHeadAttention")
      var q = projected(query, x).splittingHeads(headCount, name)
      var k = projected(key, context).splittingHeads(keyValueHeadCount, name)
      var v = projected(value, context).splittingHeads(keyValueHeadCount, name)
      if let position { (q, k) = builder.asWritten { (position(q), position(k)) } }
      if let cached { (k, v) = cached(k, v) }
      (k, v) = (k.repeatingHeads(Extent(headCount), name), v.repeatingHeads(Extent(headCount), name))
      let (products, size) = (matmul(q, k.transposed()), q.extent(-1))
      var scores =
        size.constant.map { products / Double($0).squareRoot() } ?? products / sqrt(builder.size(size).cast(to: q.element))
      scores.named("scores")
      if let change { scores = change(scores) }
      if let mask { scores = scores.where(mask(scores), else: -.infinity) }
      let probabilities = softmax(scores).named("probabilities")
      let weights = dropout.map { probabilities.dropout(probability: $0.probability, key: $0.key) } ?? probabilities
      return (output(gated(matmul(weights, v)).mergingHeads()), probabilities)
    }
  }

  private func projected(_ map: Linear, _ rows: Tensor) -> Tensor {
    let result = map(rows)
    return element.map { result.cast(to: $0) } ?? result
  }

  /// The results of heads, `[..., heads, rows, head size]`, times their gates.
  private func gated(_ heads: Tensor) -> Tensor {
    guard let headGates else { return heads }
    let builder = heads.builder
    guard builder.graph.failure == nil, headGates.rank > 0, builder.areEqual(headGates.extent(-1), Extent(headCount)) else {
      return builder.fail(
        "MultiHeadAttention: got the gates \(headGates.summary) for \(headCount) heads, expected [..., \(headCount)]", nil,
        guess: heads.type)
    }
    return heads * headGates.reshape(Shape(headGates.shape.extents + [1, 1]))
  }

  // MARK: What heads do

  /// What each head adds to a row that attends to one row of the context alone: `[..., rows, context size]` to `[..., heads, rows, size]`.
  ///
  /// Times the probabilities it is what each head adds to the rows. With the bias of the output map, the sum over heads is the result of
  /// attention:
  ///
  /// ```swift
  /// let (y, probabilities) = attention.attend(x, mask: .causal())
  /// let added = matmul(probabilities, attention.headOutputs(of: x))     // [..., heads, rows, size]
  /// ```
  ///
  /// Source: the output-value circuit of Elhage et al., "A mathematical framework for transformer circuits", 2021.
  /// - Parameter context: rows whose values are taken.
  public func headOutputs(of context: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    context.builder.located(file, line) {
      let name = "headOutputs"
      let values = projected(value, context).splittingHeads(keyValueHeadCount, name).repeatingHeads(Extent(headCount), name)
      // The columns of the output's weight that each head's elements meet: [heads, head size, size].
      let weight = output.wholeWeight
      let ofHeads = weight.reshape([weight.extent(0), Extent(headCount), values.extent(-1)]).transposed(1, 2, 0)
      return gated(matmul(values, ofHeads))
    }
  }
}

// MARK: By masks and changes of scores from the library

extension MultiHeadAttention {
  /// Attention of the pairs that a mask leaves, with changed scores: `attend(x, mask: .causal(), scores: .softCap(30), .alibi())`.
  ///
  /// - Parameters:
  ///   - context: rows whose keys and values are taken; nil for those of `x` itself.
  ///   - position: applied to the queries and the keys of each head, `[..., heads, rows, head size]`: rotary embedding.
  ///   - mask: which pairs live.
  ///   - scores: changes of the scaled scores, in order.
  public func callAsFunction(
    _ x: Tensor, context: Tensor? = nil, position: ((Tensor) -> Tensor)? = nil, mask: Mask, scores: Score...,
    file: String = #filePath, line: Int = #line
  ) -> Tensor {
    attend(x, context: context, position: position, changes: scores, mask: mask, file: file, line: line).output
  }

  /// Attention with changed scores, without a mask: `attend(x, scores: .softCap(30), .alibi())`.
  public func callAsFunction(
    _ x: Tensor, context: Tensor? = nil, position: ((Tensor) -> Tensor)? = nil, scores first: Score, _ others: Score...,
    file: String = #filePath, line: Int = #line
  ) -> Tensor {
    attend(x, context: context, position: position, changes: [first] + others, mask: nil, file: file, line: line).output
  }

  /// The same with a mask, with the probabilities `[..., heads, rows, context rows]`.
  public func attend(
    _ x: Tensor, context: Tensor? = nil, position: ((Tensor) -> Tensor)? = nil, mask: Mask, scores: Score...,
    file: String = #filePath, line: Int = #line
  ) -> (output: Tensor, probabilities: Tensor) {
    attend(x, context: context, position: position, changes: scores, mask: mask, file: file, line: line)
  }

  private func attend(
    _ x: Tensor, context: Tensor?, position: ((Tensor) -> Tensor)?, changes: [Score], mask: Mask?, file: String, line: Int
  ) -> (output: Tensor, probabilities: Tensor) {
    let change: OfScores? = changes.isEmpty ? nil : { scores in changes.reduce(scores) { $1($0, Pairs(scores)) } }
    let live: OfScores? = mask.map { mask in { scores in mask(Pairs(scores)) } }
    return attend(x, context: context, position: position, change: change, mask: live, file: file, line: line)
  }
}
