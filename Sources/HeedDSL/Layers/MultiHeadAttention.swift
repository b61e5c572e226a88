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

  /// - Parameter change: from the scaled scores, what takes their place.
  private func attend(
    _ x: Tensor, context: Tensor?, position: ((Tensor) -> Tensor)?, change: OfScores?, mask: OfScores?, file: String, line: Int
  ) -> (output: Tensor, probabilities: Tensor) {
    x.builder.located(file, line) {
      let context = context ?? x
      func projected(_ map: Linear, _ rows: Tensor) -> Tensor {
        let result = map(rows)
        return element.map { result.cast(to: $0) } ?? result
      }
      let name = "MultiHeadAttention"
      var q = projected(query, x).splittingHeads(headCount, name)
      var k = projected(key, context).splittingHeads(keyValueHeadCount, name)
      var v = projected(value, context).splittingHeads(keyValueHeadCount, name)
      let builder = x.builder
      if let position { (q, k) = builder.asWritten { (position(q), position(k)) } }
      (k, v) = (k.repeatingHeads(Extent(headCount), name), v.repeatingHeads(Extent(headCount), name))
      var scores = matmul(q, k.transposed()) / Double(q.extent(-1).constant ?? 1).squareRoot()
      scores.named("scores")
      if let change { scores = change(scores) }
      if let mask { scores = scores.where(mask(scores), else: -.infinity) }
      let probabilities = softmax(scores).named("probabilities")
      let weights = dropout.map { probabilities.dropout(probability: $0.probability, key: $0.key) } ?? probabilities
      return (output(matmul(weights, v).mergingHeads()), probabilities)
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
