import HeedIR

private let indices = "%h: i32, %i: i32, %j: i32"
private let causal = "%l = less_equal %j, %i : bool yield %l"
private let sizes: [[Name: Int]] = [
  ["H": 2, "M": 4, "N": 5], ["H": 1, "M": 1, "N": 3], ["H": 1, "M": 3, "N": 1], ["H": 1, "M": 0, "N": 2], ["H": 1, "M": 2, "N": 0],
  ["H": 0, "M": 2, "N": 2],
]

let pairGradientCases: [GradientCase] = [
  // Two products of unlike widths, and sums of both kinds, with and without a tensor that is weighed.
  GradientCase(
    "pair_sums", "%x: f64[H, M, 2], %y: f64[H, N, 2], %u: f64[H, M, 3], %w: f64[H, N, 3], %t: f64[M + N], %z: f64",
    """
    %a, %b, %c, %d = pair_sums %x, %y, %u, %w, %t, %z weights (%s: wide, %p: wide, \(indices)) {
      %e = add %i, %j : i32 %f = element %t[%e] : f64 %g = convert %f : wide
      %m = multiply %s, %p : wide %n = tanh %m : wide %o = multiply %n, %g : wide
      %q = element %z[] : f64 %r = convert %q : wide %v = add %p, %r : wide
      yield %o, %v
    } where (\(indices)) { \(causal) } {
      column_sums = [1, 0, 0, -1], pairs = [H, M, N], products = [0, 1, 2, 3], row_sums = [0, 3, 1, -1]
    } : f64[H, M, 3], f64[H, M], f64[H, N, 2], f64[H, N]
    return %a, %b, %c, %d
    """, sizes),
  // No products, no batch.
  GradientCase(
    "pair_sums", "%t: f64[M, N], %x: f64[N, 1]",
    """
    %a, %b = pair_sums %t, %x weights (%i: i64, %j: i32) {
      %e = element %t[%i, %j] : f64 %f = convert %e : wide %g = sin %f : wide yield %g
    } where (%i: i32, %j: i32) { \(causal) } {column_sums = [0, -1], pairs = [M, N], row_sums = [0, 1]} : f64[M, 1], f64[N]
    return %a, %b
    """, [["M": 3, "N": 4], ["M": 0, "N": 4], ["M": 2, "N": 0]]),
  // One tensor on both sides, the weight of which is summed twice.
  GradientCase(
    "pair_sums", "%x: f64[A, B, M, 2]",
    """
    %a, %b = pair_sums %x weights (%s: wide, %c: i32, %d: i32, %i: i32, %j: i32) { yield %s } where (
        %c: i32, %d: i32, %i: i32, %j: i32) {
      yield true
    } {column_sums = [0, 0], pairs = [A, B, M, M], products = [0, 0], row_sums = [0, 0]} : f64[A, B, M, 2], f64[A, B, M, 2]
    return %a, %b
    """, [["A": 2, "B": 1, "M": 3], ["A": 1, "B": 2, "M": 1]]),
  // An element for each pair, elements that pairs share, and one for all.
  GradientCase(
    "pair_scatter", "%x: f64[H, M, 2], %y: f64[H, N, 2], %t: f64[N]",
    """
    %a = pair_scatter %x, %y, %t value (%s: wide, \(indices)) {
      %e = element %t[%j] : f64 %f = convert %e : wide %g = multiply %s, %f : wide yield %g, %h, %i, %j
    } where (\(indices)) { \(causal) } {pairs = [H, M, N], products = [0, 1]} : f64[H, M, N]
    %b = pair_scatter %x, %y, %t value (%s: wide, \(indices)) {
      %e = subtract %j, %i : i32 %g = exp %s : wide yield %g, %h, %e
    } where (\(indices)) { yield true } {pairs = [H, M, N], products = [0, 1]} : f64[H, 3]
    %c = pair_scatter %x, %y, %t value (%s: wide, \(indices)) { %g = multiply %s, %s : wide yield %g } where (\(indices)) {
      \(causal)
    } {pairs = [H, M, N], products = [0, 1]} : f64
    return %a, %b, %c
    """, sizes),
  GradientCase(
    "pair_scatter", "%t: f64[M, N], %ids: i32[N]",
    """
    %a = pair_scatter %t, %ids value (%i: i32, %j: i64) {
      %e = element %t[%i, %j] : f64 %f = convert %e : wide %n = element %ids[%j] : i32 yield %f, %n, %i
    } where (%i: i32, %j: i32) { \(causal) } {pairs = [M, N]} : f64[4, M]
    return %a
    """, [["M": 3, "N": 4], ["M": 0, "N": 2]]),
]
