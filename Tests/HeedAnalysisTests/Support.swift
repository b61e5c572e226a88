import HeedIR
import Testing

/// The where region of an attention over heads %h, queries %i and keys %j: lines that end in %live.
///
/// - Parameter tables: the captured tensors, such as `%kinds: i32[M]`.
func mask(_ lines: String, index: String = "i32", tables: [String] = []) throws -> ScalarFunction {
  let names = tables.map { $0.prefix { $0 != ":" } }
  let captured = tables.map { ", \($0)" }.joined()
  let graphs = try Graph.parse(
    """
    graph @masked(%q: f32[3, M, 2], %k: f32[3, N, 2], %v: f32[3, N, 2]\(captured)) {
      %out = attention %q, %k, %v\(names.map { ", \($0)" }.joined()) score (%s: f32, %h: i32, %i: i32, %j: i32) {
        yield %s
      } where (%h: \(index), %i: \(index), %j: \(index)) {
        \(lines)
        yield %live
      } : f32[3, M, 2]
      return %out
    }
    """, file: "mask")
  return try #require(graphs[0].regions(graphs[0].body[0]).last)
}

extension ScalarFunction {
  /// Whether the pair is live under this mask.
  func isLive(_ query: Int, _ key: Int, batch: [Int] = [0], tables: [ReferenceArray] = []) throws -> Bool {
    try evaluate((batch + [query, key]).map { Literal($0) }, tables: tables)[0].integer != 0
  }
}
