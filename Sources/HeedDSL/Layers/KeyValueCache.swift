public import HeedIR

/// Keys and values of the rows that attention met in earlier calls, as states of the graph: a step computes new rows alone.
///
/// ```swift
/// let step = Graph("step") { g in
///   let x = g.input("x", .f32, [1, "S", 64])
///   let attention = MultiHeadAttention("attention", in: g, size: 64, headCount: 4)
///   let cache = KeyValueCache("cache", in: g, for: attention, batch: [1], capacity: 1024)
///   return attention(x, cache: cache, at: g.input("position", .i32), scores: .alibi())
/// }
/// ```
///
/// S is the length of the prompt in the first call, and 1 in others: one program serves both. Rows are written in place, and fused attention
/// reads no more of the cache than the rows that there are.
public struct KeyValueCache {
  /// The keys, `[batch..., heads, capacity, head size]`: the state `name.keys`, which begins as 0.
  public let keys: Tensor
  /// The values, of the same shape: the state `name.values`.
  public let values: Tensor

  /// A cache for one attention, of its number of heads of keys and values.
  /// - Parameters:
  ///   - batch: the extents of the attention's rows before the last two.
  ///   - capacity: the most rows.
  public init(
    _ name: String, in g: GraphBuilder, for attention: MultiHeadAttention, batch: Shape = [], capacity: some ExtentConvertible,
    file: String = #filePath, line: Int = #line
  ) {
    let heads = attention.keyValueHeadCount
    func state(_ part: String, _ map: Linear) -> Tensor {
      let element = attention.element ?? map.weight.element
      let outputs = map.weight.extent(0)
      guard heads > 0, let size = outputs.dividedExactly(by: heads) else {
        return g.fail(
          "KeyValueCache \(name): got \(outputs) features and \(heads) heads, expected a multiple", CallSite(file, line),
          guess: TensorType(element, .scalar))
      }
      let shape = Shape(batch.extents + [Extent(heads), capacity.extent, size])
      return g.state(part, element, shape, initial: 0, file: file, line: line)
    }
    (keys, values) = g.scope(name) { (state("keys", attention.key), state("values", attention.value)) }
  }
}

extension MultiHeadAttention {
  /// Causal attention of new rows to themselves and to all before them, whose keys and values are in a cache: `[..., rows, size]` to the
  /// same shape. The call puts those of the new rows behind them.
  ///
  /// ```swift
  /// let places = g.iota(["S"]) + position
  /// let y = attention(x, cache: cache, at: position, position: { rotary($0, positions: places) })
  /// ```
  /// - Parameters:
  ///   - count: how many rows came before the new ones: an integer, the same for all of a batch. The cache must have room for the new rows; those
  ///     that do not fit are dropped.
  ///   - position: applied to the queries and the keys of each head, `[..., heads, rows, head size]`, before they are kept: rotary
  ///     embedding of the positions from `count` on.
  ///   - mask: which pairs of those live; queries count from `count` on, as keys do.
  ///   - scores: changes of the scaled scores, in order, with queries counted as well.
  public func callAsFunction(
    _ x: Tensor, cache: KeyValueCache, at count: Tensor, position: ((Tensor) -> Tensor)? = nil, mask: Mask? = nil,
    scores: Score..., file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let g = x.builder
    guard
      g.expect(
        count.rank == 0 && count.element.isInteger, "MultiHeadAttention: got the position \(count.summary), expected one integer",
        CallSite(file, line))
    else { return g.poison(x.type) }
    func pairs(_ scores: Tensor) -> Pairs {
      var pairs = Pairs(scores)
      pairs = pairs.at(query: pairs.query + count.cast(to: .i32), key: pairs.key)
      pairs.isAligned = true
      return pairs
    }
    return attend(
      x, context: nil, position: position, change: scores.isEmpty ? nil : { all in scores.reduce(all) { $1($0, pairs(all)) } },
      mask: { all in
        let pairs = pairs(all)
        let isPast = pairs.key <= pairs.query
        return mask.map { isPast & $0(pairs) } ?? isPast
      },
      cached: { (cache.keys.update(at: count, with: $0), cache.values.update(at: count, with: $1)) }, file: file, line: line
    ).output
  }
}
