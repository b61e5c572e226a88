import Foundation
import Heed

/// One attention layer to measure: `q [B, H, M, D]`, `k [B, G, N, D]`, `v [B, G, N, E]` to `[B, H, M, E]`.
struct AttentionProblem {
  let batch, heads, keyHeads, queries, keys, headSize, valueSize: Int
  let mask: AttentionMask
  let element: ElementType

  /// The problem on one line.
  var title: String {
    let widths = headSize == valueSize ? "\(headSize)" : "\(headSize)/\(valueSize)"
    let heads = heads == keyHeads ? "\(heads)" : "\(heads)/\(keyHeads)"
    return "Attention \(element): batch \(batch), \(heads) heads, \(queries) x \(keys), width \(widths), mask \(mask)"
  }

  init(
    batch: Int, heads: Int, keyHeads: Int, queries: Int, keys: Int, headSize: Int, valueSize: Int, mask: AttentionMask,
    element: ElementType
  ) throws {
    let sizes = [
      ("batch", batch), ("heads", heads), ("kv-heads", keyHeads), ("queries", queries), ("keys", keys), ("head-dim", headSize),
      ("value-dim", valueSize),
    ]
    for (name, size) in sizes where !(1...1 << 31).contains(size) {
      throw HeedError("got --\(name) \(size), expected a number from 1 to \(1 << 31)")
    }
    let elements = Double(batch) * (Double(heads * queries) + Double(keyHeads * keys)) * Double(headSize + valueSize)
    guard elements * Double(element.byteCount) < Double(ProcessInfo.processInfo.physicalMemory) else {
      throw HeedError("got sizes of \(fixed(elements * Double(element.byteCount) / 1e9, 0)) GB, expected what fits in memory")
    }
    guard heads.isMultiple(of: keyHeads) else {
      throw HeedError("got --kv-heads \(keyHeads) for \(heads) heads, expected a divisor of these")
    }
    (self.batch, self.heads, self.keyHeads, self.queries, self.keys) = (batch, heads, keyHeads, queries, keys)
    (self.headSize, self.valueSize, self.mask, self.element) = (headSize, valueSize, mask, element)
  }

  /// The same problem on numbers of another type.
  func withElement(_ element: ElementType) throws -> AttentionProblem {
    try AttentionProblem(
      batch: batch, heads: heads, keyHeads: keyHeads, queries: queries, keys: keys, headSize: headSize, valueSize: valueSize,
      mask: mask, element: element)
  }

  /// Multiplications and additions on live pairs: two products forward, five backward.
  func flops(_ direction: AttentionDirection) -> Double {
    let pairs = (0..<queries).reduce(0) { $0 + mask.liveKeys($1, queries: queries, keys: keys) }
    let (forward, backward) = (2 * headSize + 2 * valueSize, 6 * headSize + 4 * valueSize)
    let perPair = (direction == .backward ? 0 : forward) + (direction == .forward ? 0 : backward)
    return Double(batch * heads) * Double(pairs) * Double(perPair)
  }

  /// Bytes of the arguments and of the results.
  func bytes(_ direction: AttentionDirection) -> Double {
    let ofQueries = batch * heads * queries * (headSize + valueSize)
    let ofKeys = batch * keyHeads * keys * (headSize + valueSize)
    // Backward, the cotangent and the output are read as well, and each argument has a gradient.
    let elements = direction == .forward ? ofQueries + ofKeys : 2 * (ofQueries + ofKeys)
    return Double(element.byteCount) * Double(elements)
  }

  /// The graph with the gradients of all arguments as further results, given the cotangent `dout` of the output.
  func gradientGraph() throws -> Graph {
    let wanted = ["q", "k", "v"]
    return Graph("attention_gradients") { g in
      let (inputs, out) = layer(g)
      let cotangent = g.input("dout", element, out.shape)
      let found = gradients(of: out, with: inputs, cotangent: cotangent)
      return [out.named("out")] + zip(found, wanted).map { $0.named("d\($1)") }
    }
  }

  /// The graph for any batch and any lengths; queries and keys share one length where the problem's are equal.
  func graph() -> Graph {
    Graph("attention") { g in layer(g).out.named("out") }
  }

  private func layer(_ g: GraphBuilder) -> (inputs: [Tensor], out: Tensor) {
    let (m, n): (Extent, Extent) = queries == keys ? ("S", "S") : ("M", "N")
    let (h, kh, d, e) = (Extent(heads), Extent(keyHeads), Extent(headSize), Extent(valueSize))
    let q = g.input("q", element, ["B", h, m, d])
    let k = g.input("k", element, ["B", kh, n, d])
    let v = g.input("v", element, ["B", kh, n, e])
    let shift = queries == keys ? nil : g.size("N") - g.size("M")
    guard heads != keyHeads else { return ([q, k, v], layer(q, k, v, "bhid,bhjd->bhij", "bhij,bhje->bhie", shift: shift)) }
    // A head of keys and values serves a group of query heads.
    let grouped = q.reshape(["B", kh, Extent(heads / keyHeads), m, d])
    return (
      [q, k, v], layer(grouped, k, v, "bgrid,bgjd->bgrij", "bgrij,bgje->bgrie", shift: shift).reshape(["B", h, m, e])
    )
  }

  private func layer(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ scoring: String, _ summing: String, shift: Tensor?) -> Tensor {
    let scores = self.scores(q, k, scoring)
    let masked = self.masked(scores, scores.index(-2), scores.index(-1), shift: shift)
    return einsum(summing, softmax(masked), v)
  }

  func scores(_ q: Tensor, _ k: Tensor, _ subscripts: String) -> Tensor {
    einsum(subscripts, q, k) * (1 / Double(headSize).squareRoot())
  }

  func masked(_ scores: Tensor, _ i: Tensor, _ j: Tensor, shift: Tensor?) -> Tensor {
    mask.live(i, j, keysBefore: shift).map { scores.where($0, else: -.infinity) } ?? scores
  }

  /// Random numbers, about normal, the same at each run.
  func inputs(withCotangent: Bool = false) throws -> [String: NDArray] {
    let shapes =
      [
        ("q", [batch, heads, queries, headSize]), ("k", [batch, keyHeads, keys, headSize]),
        ("v", [batch, keyHeads, keys, valueSize]),
      ] + (withCotangent ? [("dout", [batch, heads, queries, valueSize])] : [])
    var arrays: [String: NDArray] = [:]
    for (seed, (name, shape)) in shapes.enumerated() {
      arrays[name] = try NDArray(normal: element, shape, seed: UInt64(seed + 1))
    }
    return arrays
  }
}
