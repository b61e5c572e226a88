import HeedIR

/// A statistic of weights whose logarithm is an argument.
private func statistic(
  _ mnemonic: String, _ value: String?, _ attributes: String, score: String = "yield %s", _ captured: String = "",
  results: String = "%r", returning returned: String = "%r", at sizes: [[Name: Int]] = [["B": 2, "H": 2, "M": 4, "N": 5]]
) -> GradientCase {
  let names = captured.split(separator: "%").map { "%" + $0.prefix { $0 != ":" } }
  let operands = (["%q", "%k", "%l"] + names).joined(separator: ", ")
  let indices = "%b: i32, %h: i32, %i: i32, %j: i32"
  return GradientCase(
    mnemonic, "%q: f64[B, H, M, 2], %k: f64[B, H, N, 2], %l: wide[B, H, M]" + (captured.isEmpty ? "" : ", \(captured)"),
    """
    \(results) = \(mnemonic) \(operands) score (%s: wide, \(indices)) { \(score) } where (\(indices)) {
      %m = add %i, %h : i32 %l = less %j, %m : bool yield %l
    } \(value.map { "value (%p: wide, \(indices)) { \($0) } " } ?? ""){\(attributes)} return \(returned)
    """, sizes)
}

private let extents: [[Name: Int]] = [
  ["B": 2, "H": 2, "M": 4, "N": 5], ["B": 1, "H": 2, "M": 1, "N": 1], ["B": 1, "H": 2, "M": 3, "N": 0],
  ["B": 2, "H": 0, "M": 2, "N": 3],
]

let statisticGradientCases: [GradientCase] = [
  // Sums of columns, of rows, and of blocks over heads.
  statistic("attention_reduce", "yield %p", "block = [0, 1], kind = add", at: extents),
  statistic("attention_reduce", "%y = multiply %p, %p : wide yield %y", "block = [1, 0], kind = add", at: extents),
  statistic(
    "attention_reduce",
    """
    %n = element %w[%h, %j] : f64 %x = convert %n : wide %y = multiply %p, %x : wide
    %c = element %g[%i] : f64 %d = convert %c : wide %z = add %y, %d : wide yield %z
    """, "block = [2, 3], columns = [1, N], dims = [1], kind = add, rows = [1, M - 1]",
    score: "%n = element %g[%j] : f64 %x = convert %n : wide %t = multiply %s, %x : wide yield %t", "%w: f64[H, N], %g: f64[M + N]"),
  statistic("attention_reduce", "yield %p", "block = [1, 1], dims = [0, 1], kind = add"),
  // The greatest weights, scores of dead pairs and a sink: by what the op decomposes into.
  statistic("attention_reduce", "yield %p", "block = [2, 0], kind = maximum", at: [["B": 1, "H": 2, "M": 4, "N": 5]]),
  statistic(
    "attention_reduce", "yield %p", "block = [0, 1], kind = add, sink = 0",
    score: "%t = multiply %s, 2.0 : wide yield %s, %t", "%sink: f64[B, H, M]"),
  statistic("attention_top_k", nil, "count = 2", results: "%r, %n", at: [["B": 1, "H": 2, "M": 4, "N": 5]]),
]
