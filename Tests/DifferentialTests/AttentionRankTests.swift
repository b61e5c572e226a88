import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Attention whose product, mask, softmax and sum were written at several ranks, with columns beside the scores, or with a table of
/// relative positions.
@Suite struct AttentionRankTests {
  private static let sizes: [[Name: Int]] = [
    ["B": 2, "M": 5, "N": 7, "Y": 2, "X": 3], ["B": 1, "M": 50, "N": 130, "Y": 9, "X": 16],
    ["B": 2, "M": 3, "N": 1100, "Y": 1, "X": 40],
    ["B": 1, "M": 1, "N": 1, "Y": 1, "X": 1],
  ]

  private func expect(_ graph: Graph, _ element: ElementType) throws {
    try expectAgreement(graph, at: Self.sizes, attentions: 1, targets: element == .f32 ? nil : [allHostTargets.last!])
  }

  /// Heads merged with sequences for the products, a mask in four dimensions, a softmax in three.
  @Test(arguments: floatTypes) func mergedHeads(_ element: ElementType) throws {
    let graph = try graph(
      "%q: \(element)[2*B, M, 4], %k: \(element)[2*B, N, 4], %v: \(element)[2*B, N, 5], %keep: bool[B, N], %bias: \(element)[2, M, 1]",
      """
      %s = contract %q, %k {subscripts = "xid,xjd->xij"}
      %t = reshape %s : \(element)[B, 2, M, N]
      %m = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N]
      %b = broadcast %bias {dims = [1, 2, 3]} : \(element)[B, 2, M, N]
      %u = add %t, %b
      %y = select %m, %u, -inf
      %x = reshape %y : \(element)[2*B, M, N]
      %p = softmax %x {dim = 2}
      %out = contract %p, %v {subscripts = "xij,xje->xie"}
      return %out
      """)
    try expect(graph, element)
  }

  /// A neighbourhood in an image, queries and keys in two dimensions.
  @Test(arguments: floatTypes) func twoAxes(_ element: ElementType) throws {
    let graph = try graph(
      "%q: \(element)[B, Y, X, 2, 4], %k: \(element)[B, Y, X, 2, 4], %v: \(element)[B, Y, X, 2, 5]",
      """
      %s = contract %q, %k {subscripts = "byxhd,btrhd->bhyxtr"}
      %y = iota {dim = 2} : i32[B, 2, Y, X, Y, X]
      %x = iota {dim = 3} : i32[B, 2, Y, X, Y, X]
      %t = iota {dim = 4} : i32[B, 2, Y, X, Y, X]
      %r = iota {dim = 5} : i32[B, 2, Y, X, Y, X]
      %dy = subtract %y, %t
      %dx = subtract %x, %r
      %ay = absolute %dy
      %ax = absolute %dx
      %far = maximum %ay, %ax
      %live = less_equal %far, 2
      %a = select %live, %s, -inf
      %f = reshape %a : \(element)[B, 2, Y, X, Y*X]
      %g = softmax %f {dim = 4}
      %p = reshape %g : \(element)[B, 2, Y, X, Y, X]
      %out = contract %p, %v {subscripts = "bhyxtr,btrhe->byxhe"}
      return %out
      """)
    try expect(graph, element)
  }

  /// Columns of a constant on both sides of the scores.
  @Test(arguments: floatTypes) func columnsBesideScores(_ element: ElementType) throws {
    let graph = try graph(
      "%q: \(element)[2, M, 4], %k: \(element)[2, N, 4], %v: \(element)[2, N, 5], %r: \(element)[2, 3]",
      """
      %s = contract %q, %k {subscripts = "hid,hjd->hij"}
      %n = broadcast %r {dims = [0, 2]} : \(element)[2, M, 3]
      %c = concatenate %n, %s {dim = 2}
      %x = pad %c {low = [0, 0, 1], high = [0, 0, 2], value = 0.5}
      %y = softmax %x {dim = 2}
      %p = slice %y {start = [0, 0, 4], stop = [2, M, N + 4]}
      %out = contract %p, %v {subscripts = "hij,hje->hie"}
      return %out
      """)
    try expect(graph, element)
  }

  /// Relative keys and queries by a table, clipped; the second table has no row for some distances, which gives NaN.
  @Test(arguments: floatTypes, [4, 9]) func relativePositions(_ element: ElementType, _ reach: Int) throws {
    let graph = try graph(
      "%q: \(element)[B, 2, M, 4], %k: \(element)[B, 2, N, 4], %v: \(element)[B, 2, N, 5], %table: \(element)[9, 4], "
        + "%heads: \(element)[2, 9, 4]",
      """
      %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"}
      %i = iota {dim = 0} : i32[M, N]
      %j = iota {dim = 1} : i32[M, N]
      %d = subtract %i, %j
      %low = maximum %d, -4
      %high = minimum %low, \(reach)
      %at = add %high, 4
      %e = gather %table, %at {dim = 0}
      %h = gather %heads, %at {dim = 1}
      %a = contract %q, %e {subscripts = "bhid,ijd->bhij"}
      %b = contract %k, %h {subscripts = "bhjd,hijd->bhij"}
      %t = add %s, %a
      %x = add %t, %b
      %p = softmax %x {dim = 3}
      %out = contract %p, %v {subscripts = "bhij,bhje->bhie"}
      return %out
      """)
    try expect(graph, element)
  }

  /// A mask put together from parts, with and without keys of the past.
  @Test func partsOfMasks() throws {
    let graph = try graph(
      "%q: f32[M, 4], %k: f32[N + M, 4], %v: f32[N + M, 5]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"}
      %i = iota {dim = 0} : i32[M, M]
      %j = iota {dim = 1} : i32[M, M]
      %past = less_equal %j, %i
      %live = pad %past {high = [0, 0], low = [0, N], value = true}
      %x = select %live, %s, -inf
      %p = softmax %x {dim = 1}
      %out = contract %p, %v {subscripts = "ij,je->ie"}
      return %out
      """)
    try expectAgreement(graph, at: [["M": 5, "N": 0], ["M": 70, "N": 130], ["M": 1, "N": 1], ["M": 0, "N": 3]], attentions: 1)
  }
}
