import HeedIR

/// Linear attention: the weight of a pair is the product of query and key themselves, in time linear in the number of rows.
///
/// What makes weights of them is a feature map, written before as plain tensor math: `exp(minimum(x, 0)) + maximum(x, 0)`, which is
/// elu(x) + 1 (Katharopoulos et al. 2020), `maximum(x, 0)`, or exponentials of random projections (Performer, Choromanski et al. 2021):
/// ```swift
/// func feature(_ x: Tensor) -> Tensor { exp(minimum(x, 0)) + maximum(x, 0) }
/// let out = linearAttention(feature(q), feature(k), v, causal: true)
/// ```
/// query is `[..., H, M, D]`, key `[..., G, N, D]` and value `[..., G, N, E]`; the result is `[..., H, M, E]`. With fewer heads G, each
/// serves H/G consecutive heads of queries. Every query meets all keys, or where causal (M is N) those up to its own row:
/// ```
/// result_i = sum over j of (query_i . key_j) value_j / (sum over j of query_i . key_j + epsilon)
/// ```
/// Where the denominator is 0, so is the row. Sums are in f32, or in f64 for f64.
///
/// - Parameters:
///   - normalized: whether there is a denominator.
///   - epsilon: what is added to the denominator, since negative weights can cancel positive ones.
///   - logDecay: logarithms of decays, `[..., H, N]` or a shape that broadcasts to it, where causal. The weight of a pair is
///     multiplied by `exp(logDecay_(j+1) + ... + logDecay_i)`. Finite; RetNet has one number per head, Mamba-2 one per row.
///   - offsets: of segments of the rows, `[B + 1]`, where causal: a row meets only rows of its own segment.
public func linearAttention(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, causal: Bool = false, normalized: Bool = true, epsilon: Double = 1e-6,
  logDecay: Tensor? = nil, offsets: Tensor? = nil, file: String = #filePath, line: Int = #line
) -> Tensor {
  let builder = query.builder
  return builder.located(file, line) {
    guard let heads = LinearAttentionHeads(query, key, value) else { return builder.poison(query.type) }
    if causal {
      let operands = LinearAttentionOperands(logDecay: logDecay, offsets: offsets, epsilon: normalized ? epsilon : nil)
      return heads.merged(heads.causal(operands, hasFinalState: false)[.output]!)
    }
    guard logDecay == nil, offsets == nil else {
      return builder.fail(
        "linearAttention: got \(logDecay == nil ? "offsets" : "a decay"), expected causal attention with it", nil, guess: query.type
      )
    }
    return heads.merged(heads.complete(normalized ? epsilon : nil))
  }
}

/// The state of causal linear attention between rows: what decoding carries from call to call.
public struct LinearAttentionState {
  /// The decayed sum of products of keys and values: `[..., G, D, E]`, f32, or f64 for f64.
  public let matrix: Tensor
  /// The decayed sum of keys, where there is a denominator: `[..., G, D]`.
  public let keySum: Tensor?

  /// A state of these sums.
  public init(matrix: Tensor, keySum: Tensor? = nil) { (self.matrix, self.keySum) = (matrix, keySum) }
}

/// Causal linear attention as above that continues from a state, nil for the first rows. It returns the state after its last row.
///
/// There is one state per head of keys, so the decays are those of the heads of keys: `[..., G, N]`.
public func linearAttention(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, from state: LinearAttentionState?, normalized: Bool = true,
  epsilon: Double = 1e-6, logDecay: Tensor? = nil, file: String = #filePath, line: Int = #line
) -> (output: Tensor, state: LinearAttentionState) {
  let builder = query.builder
  return builder.located(file, line) {
    guard let heads = LinearAttentionHeads(query, key, value) else {
      return (builder.poison(query.type), state ?? LinearAttentionState(matrix: builder.poison(query.type), keySum: nil))
    }
    let decay = logDecay.map { heads.groupSize == nil ? $0 : $0.expandingDimension(-2) }
    let operands = LinearAttentionOperands(logDecay: decay, state: state, epsilon: normalized ? epsilon : nil)
    let results = heads.causal(operands, hasFinalState: true)
    let last = LinearAttentionState(
      matrix: heads.ofKeys(results[.finalState]!), keySum: results[.finalKeySum].map { heads.ofKeys($0) })
    return (heads.merged(results[.output]!), last)
  }
}

/// What causal linear attention takes besides queries, keys and values.
private struct LinearAttentionOperands {
  var logDecay: Tensor?
  var state: LinearAttentionState?
  var offsets: Tensor?
  var epsilon: Double?
}

/// Queries, keys and values whose batch dimensions agree: heads that share keys have a dimension of their own, in which keys are
/// repeated without a copy.
private struct LinearAttentionHeads {
  let query: Tensor
  /// Keys and values, of extent 1 along the dimension of heads that share them.
  let key: Tensor
  let value: Tensor
  /// The number of heads of queries per head of keys; nil where it is 1.
  let groupSize: Extent?
  private var builder: GraphBuilder { query.builder }
  private var batch: [Extent] { query.shape.extents.dropLast(2) }

  /// Nil after recording what does not fit.
  init?(_ query: Tensor, _ key: Tensor, _ value: Tensor) {
    let builder = query.builder
    guard builder.graph.failure == nil else { return nil }
    let rank = query.rank
    func mistake(_ expected: String) {
      builder.fail("linearAttention: got \(query.summary), \(key.summary) and \(value.summary), expected \(expected)", nil)
    }
    guard rank >= 2, key.rank == rank, value.rank == rank else {
      mistake("one rank of at least 2")
      return nil
    }
    guard builder.areEqual(query.shape[rank - 1], key.shape[rank - 1]) else {
      mistake("queries and keys of one width")
      return nil
    }
    let (ofQuery, ofKey) = (query.shape.extents.dropLast(2), key.shape.extents.dropLast(2))
    guard builder.areEqual(Shape(ofKey + [key.shape[rank - 2]]), Shape(value.shape.extents.dropLast())) else {
      mistake("as many keys as values")
      return nil
    }
    guard zip(ofQuery, ofKey).dropLast().allSatisfy({ builder.areEqual($0, $1) }) else {
      mistake("equal batches")
      return nil
    }
    guard let heads = ofQuery.last, let shared = ofKey.last, !builder.areEqual(heads, shared) else {
      (self.query, self.key, self.value, groupSize) = (query, key, value, nil)
      return
    }
    guard let count = shared.constant, count > 0, let size = heads.dividedExactly(by: count) else {
      mistake("a number of query heads that is a multiple of that of key heads")
      return nil
    }
    groupSize = size
    self.query = query.reshape(Shape(ofQuery.dropLast() + [shared, size] + query.shape.extents.suffix(2)))
    (self.key, self.value) = (key.expandingDimension(-3), value.expandingDimension(-3))
  }

  /// `[..., G, H/G, N, E]` as `[..., H, N, E]`.
  func merged(_ result: Tensor) -> Tensor {
    guard let groupSize, builder.graph.failure == nil else { return result }
    let extents = result.shape.extents
    return result.reshape(Shape(extents.dropLast(4) + [extents[extents.count - 4] * groupSize] + extents.suffix(2)))
  }

  /// The states of heads of queries, equal within a group, as one state per head of keys.
  func ofKeys(_ state: Tensor) -> Tensor {
    guard groupSize != nil, builder.graph.failure == nil else { return state }
    let (group, extents) = (batch.count - 1, state.shape.extents)
    var (start, stop) = (extents.map { _ in Extent(0) }, extents)
    stop[group] = 1
    start[group] = 0
    let first = builder.emit(
      .slice, [state], [Attribute(.start, start), Attribute(.stop, stop)], nil)
    return first.squeezingDimension(group)
  }

  /// All keys for every query: two products. Their sums are kept in f32 where the operands are of 16 bits.
  func complete(_ epsilon: Double?) -> Tensor {
    let (element, sum) = (query.element, query.element.computed)
    let wide = [query, key, value].map { $0.element == sum ? $0 : $0.cast(to: sum) }
    var result = matmul(wide[0], matmul(wide[1].transposed(), wide[2]))
    if let epsilon {
      let total = matmul(wide[0], wide[1].sum(-2).expandingDimension(-1)) + epsilon
      result = (result / total).where(total.broadcast(to: result.shape) != 0, else: 0)
    }
    return element == sum ? result : result.cast(to: element)
  }

  func causal(_ more: LinearAttentionOperands, hasFinalState: Bool) -> [ResultName: Tensor] {
    let rows = query.shape[query.rank - 2]
    func repeated(_ x: Tensor) -> Tensor { builder.broadcast(x, to: Shape(batch + x.shape.extents.suffix(2)), nil) }
    var operands = [query, repeated(key), repeated(value)]
    var attributes: [Attribute] = []
    func add(_ key: AttributeKey<CapturedOperand>, _ tensor: Tensor?) {
      guard let tensor else { return }
      attributes.append(Attribute(key, CapturedOperand(operands.count - Op.linearAttention.operands.minimum)))
      operands.append(tensor)
    }
    add(.decay, more.logDecay.map { spread($0, batch + [rows]) })
    add(.ragged, more.offsets)
    /// The state of each head of keys, repeated for its heads of queries.
    func ofQueries(_ state: Tensor, rank: Int) -> Tensor {
      guard groupSize != nil else { return state }
      let expanded = state.expandingDimension(batch.count - 1)
      return builder.broadcast(expanded, to: Shape(batch + expanded.shape.extents.suffix(rank)), nil)
    }
    add(.state, more.state.map { ofQueries($0.matrix, rank: 2) })
    add(.keySum, more.epsilon == nil ? nil : more.state?.keySum.map { ofQueries($0, rank: 1) })
    if let epsilon = more.epsilon { attributes.append(Attribute(.epsilon, Literal(epsilon))) }
    if hasFinalState { attributes.append(Attribute(.finalState, true)) }
    let (depth, width) = (query.shape[query.rank - 1], value.shape[value.rank - 1])
    let sum = query.element.computed
    let guesses: [ResultName: TensorType] = [
      .output: TensorType(query.element, Shape(batch + [rows, width])),
      .finalState: TensorType(sum, Shape(batch + [depth, width])), .finalKeySum: TensorType(sum, Shape(batch + [depth])),
    ]
    return builder.emitNamed(.linearAttention, operands, attributes, guesses: guesses, nil)
  }

  /// A tensor whose shape broadcasts to one number per row, with the heads in their two dimensions.
  private func spread(_ tensor: Tensor, _ shape: [Extent]) -> Tensor {
    guard let groupSize, tensor.rank >= 2, let heads = tensor.shape.extents.dropLast().last, heads != 1, tensor.rank < shape.count
    else { return tensor.broadcast(to: Shape(shape)) }
    let split = [shape[shape.count - 3], groupSize]
    return tensor.reshape(Shape(tensor.shape.extents.dropLast(2) + split + [tensor.shape.extents.last!])).broadcast(
      to: Shape(shape))
  }
}
