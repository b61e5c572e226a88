import HeedIR

/// Attention over a batch of heads: regions over the indices of a head, a query and a key.
private func attention(
  _ captured: String = "", score: String = "yield %s", where live: String = "yield true", factor: String? = nil,
  _ attributes: String = "", results: String = "%r", _ sizes: [[Name: Int]] = pairs,
  prepare: @escaping @Sendable (Name, inout ReferenceArray) -> Void = { _, _ in }
) -> GradientCase {
  let names = captured.split(separator: "%").map { "%" + $0.prefix { $0 != ":" } }
  let operands = (["%q", "%k", "%v"] + names).joined(separator: ", ")
  let indices = "%h: i32, %i: i32, %j: i32"
  return GradientCase(
    "attention",
    "%q: f64[H, M, 3], %k: f64[H, N, 3], %v: f64[H, N, 2]" + (captured.isEmpty ? "" : ", \(captured)"),
    """
    \(results) = attention \(operands) score (%s: wide, \(indices)) { \(score) } where (\(indices)) { \(live) } \
    \(factor.map { "factor (\(indices)) { \($0) } " } ?? ""){\(attributes)} return \(results)
    """, sizes, prepare: prepare)
}

/// Numbers of queries and keys that differ, one of each, and none.
private let pairs: [[Name: Int]] = [
  ["H": 2, "M": 4, "N": 5], ["H": 1, "M": 3, "N": 1], ["H": 1, "M": 1, "N": 4], ["H": 2, "M": 3, "N": 0], ["H": 0, "M": 2, "N": 2],
]

private let causal = "%l = less_equal %j, %i : bool yield %l"
private let strictlyCausal = "%l = less %j, %i : bool yield %l"

/// Tensors that regions read, rounded from `wide`.
private func element(_ name: String, _ table: String, _ indices: String) -> String {
  "%\(name)n = element %\(table)[\(indices)] : f64 %\(name) = convert %\(name)n : wide "
}

let attentionGradientCases: [GradientCase] = scores + rows + ways

/// What scores are computed from.
private let scores: [GradientCase] = [
  attention(score: "%t = multiply %s, 0.5 : wide yield %t", where: causal),
  attention(
    "%bias: f64[H, M, N], %scale: f64",
    score: element("b", "bias", "%h, %i, %j") + element("z", "scale", "")
      + "%t = multiply %s, %z : wide %u = add %t, %b : wide yield %u"),
  // By all indices in another order, by one, by a constant, and by some of them that nothing changes.
  attention(
    "%turned: f64[N, M], %rows: f64[M], %columns: f64[1, N], %heads: f64[H], %first: f64[H, 1]",
    score: element("a", "turned", "%j, %i") + element("b", "rows", "%i") + "%zero = constant 0 : i32 "
      + element("c", "columns", "%zero, %j") + element("d", "heads", "%h") + element("e", "first", "%h, %zero")
        + """
        %f = multiply %s, %d : wide %g = multiply %a, %b : wide %m = add %f, %g : wide %n = multiply %c, %e : wide
        %o = add %m, %n : wide yield %o
        """, where: causal),
  // One tensor by several computed indices.
  attention(
    "%far: f64[M + N], %near: f64[4]",
    score: "%w = add %i, %j : i32 " + element("a", "far", "%w") + element("b", "far", "%j")
      + "%x = divide %w, 3 : i32 %y = minimum %x, 3 : i32 " + element("c", "near", "%y")
      + "%t = multiply %s, %a : wide %u = multiply %b, %c : wide %x1 = add %t, %u : wide yield %x1",
    where: strictlyCausal),
  // A table by numbers that stand in another.
  attention(
    "%ids: i32[M, N], %table: f64[6, H]",
    score: "%d = element %ids[%i, %j] : i32 " + element("a", "table", "%d, %h")
      + "%t = add %s, %a : wide yield %t"),
  // A soft cap, and a score that is not linear in what it reads.
  attention(
    "%slopes: f64[H]",
    score: element("a", "slopes", "%h")
      + """
      %t = divide %s, 2.0 : wide %u = tanh %t : wide %v = multiply %u, 2.0 : wide %d = subtract %i, %j : i32
      %e = convert %d : wide %f = multiply %e, %a : wide %g = sigmoid %f : wide %o = add %v, %g : wide yield %o
      """, where: causal),
  // What a score reads is what is multiplied and weighed, too.
  GradientCase(
    "attention", "%x: f64[M, 2]",
    """
    %r = attention %x, %x, %x, %x score (%s: wide, %i: i32, %j: i32) {
      %zero = constant 0 : i32
    \(element("a", "x", "%i, %zero")) %t = add %s, %a : wide
    \(element("b", "x", "%j, %zero")) %u = multiply %t, %b : wide
      yield %u
    } where (%i: i32, %j: i32) { \(causal) } return %r
    """, [["M": 4], ["M": 1], ["M": 0]]),
]

/// Other results, sinks and factors.
private let rows: [GradientCase] = [
  attention(
    "%sink: f64[H, M]", where: strictlyCausal, "log_sum_exp = true, sink = 0, weight_sum = true", results: "%r, %l, %w",
    Array(pairs.prefix(3))
  ),
  attention("%sink: f64[H, M]", where: strictlyCausal, "sink = 0"),
  attention(
    "%sink: f64[H, M], %g: f64[M, N]", where: causal, factor: element("a", "g", "%i, %j") + "yield %a",
    "log_sum_exp = true, sink = 0, weight_sum = true", results: "%r, %l, %w", Array(pairs.prefix(3))),
  attention(
    "%g: f64[N]",
    factor: "%w = add %i, %j : i32 %p = remainder %w, 3 : i32 %z = equal %p, 0 : bool " + element("a", "g", "%j")
      + "%f = select %z, 0.0, %a : wide yield %f"),
  attention(
    "%sink: f64[H, M]", "maximum = true, relative_log_sum_exp = true, sink = 0", results: "%r, %l, %m", Array(pairs.prefix(3))),
  // The shift counts as a constant: so the sum with the logarithm has its derivative.
  GradientCase(
    "attention", "%q: f64[2, M, 3], %k: f64[2, N, 3], %v: f64[2, N, 2]",
    """
    %r, %s, %d = attention %q, %k, %v score (%s: wide, %h: i32, %i: i32, %j: i32) { yield %s } where (%h: i32, %i: i32, %j: i32) {
      \(causal)
    } {shifts = true} %l = add %s, %d return %r, %l
    """, [["M": 4, "N": 5]]),
]

/// Other weights, scores of dead pairs, segments, batches of any rank, keys of another type.
private let ways: [GradientCase] = [
  attention(score: "%t = sigmoid %s : wide yield %t", where: causal, "weights = score"),
  attention(
    "%bias: f64[M, N]", score: element("b", "bias", "%i, %j") + "%t = multiply %s, %b : wide yield %t", where: strictlyCausal,
    "weight_sum = true, weights = score", results: "%r, %w"),
  attention(
    "%far: f64[N]", score: "%t = multiply %s, 2.0 : wide " + element("b", "far", "%j") + "%u = add %s, %b : wide yield %t, %u",
    where: strictlyCausal, "log_sum_exp = true", results: "%r, %l", Array(pairs.prefix(3))),
  attention(
    score: "%t = multiply %s, 2.0 : wide %u = subtract %s, 5.0 : wide yield %t, %u", where: strictlyCausal,
    "log_sum_exp = true, maximum = true, relative_log_sum_exp = true", results: "%r, %l, %d, %m", Array(pairs.prefix(3))),
  GradientCase(
    "attention", "%q: f64[H, T, 2], %k: f64[H, T, 2], %v: f64[H, T, 2], %o: i32[B + 1], %t: f64[T]",
    """
    %r, %l = attention %q, %k, %v, %o, %t score (%s: wide, %h: i32, %i: i32, %j: i32) {
      \(element("a", "t", "%j")) %u = multiply %s, %a : wide yield %u
    } where (%h: i32, %i: i32, %j: i32) { \(causal) } {log_sum_exp = true, ragged = 0} return %r, %l
    """, [["H": 2, "T": 6, "B": 3], ["H": 1, "T": 6, "B": 3]]
  ) { name, array in if name == "o" { array.integers = [0, 2, 2, 6] } },
  GradientCase(
    "attention", "%q: f64[A, B, 2, M, 1], %k: f64[A, B, 2, N, 1], %v: f64[A, B, 2, N, 1], %t: f64[B, M], %u: f64[A, 2, N]",
    """
    %r = attention %q, %k, %v, %t, %u score (%s: wide, %a: i64, %b: i32, %c: i64, %i: i64, %j: i32) {
      \(element("x", "t", "%b, %i")) \(element("y", "u", "%a, %c, %j")) %z = multiply %x, %y : wide %w = add %s, %z : wide yield %w
    } where (%a: i32, %b: i64, %c: i32, %i: i32, %j: i32) { yield true } return %r
    """, [["A": 2, "B": 2, "M": 2, "N": 3], ["A": 1, "B": 0, "M": 2, "N": 3]]),
  GradientCase(
    "attention", "%q: f64[M, 2], %k: i8[N, 2], %v: f64[N, 1]",
    "%r = attention %q, %k, %v score (%s: wide, %i: i32, %j: i32) { yield %s } where (%i: i32, %j: i32) { yield true } return %r",
    [["M": 3, "N": 4]]),
]
