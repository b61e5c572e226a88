/// Weights that are linear in probabilities, or divided by their own sum: `%p` becomes one attention op.
extension Spelling {
  private static let masked = """
    \(product)
    \(causal)
    %x = select %live, %s, -inf : f32[B, 2, M, N]
    """
  private static let softmax = "%y = softmax %x {dim = 3} : f32[B, 2, M, N]"

  /// Factors of each pair or key.
  static let pairFactors: [Spelling] = [
    Spelling(
      "dropout by a given mask", says: ["each weight is multiplied after the softmax by a factor that reads %keep"],
      arguments: qkv + ", %keep: bool[B, 2, M, N]",
      """
      \(masked)
      \(softmax)
      %k1 = convert %keep : f32[B, 2, M, N]
      %kf = multiply %k1, 1.4285714 : f32[B, 2, M, N]
      %p = multiply %y, %kf : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "dropout chosen", says: ["by a factor that reads %keep"], arguments: qkv + ", %keep: bool[M, N]",
      """
      \(masked)
      \(softmax)
      %scaled = divide %y, 0.8 : f32[B, 2, M, N]
      %kept = broadcast %keep {dims = [2, 3]} : bool[B, 2, M, N]
      %p = select %kept, %scaled, 0.0 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "what is dropped subtracted from one", says: ["by a factor that reads %drop"], arguments: qkv + ", %drop: bool[B, 2, M, N]",
      """
      \(masked)
      \(softmax)
      %d = convert %drop : f32[B, 2, M, N]
      %kf = subtract 1.0, %d : f32[B, 2, M, N]
      %p = multiply %kf, %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "gates of keys and pairs", says: ["by a factor that reads %gate, %rate"],
      arguments: qkv + ", %gate: f32[B, N], %rate: f32[2, M, N]",
      """
      \(masked)
      \(softmax)
      %g = broadcast %gate {dims = [0, 3]} : f32[B, 2, M, N]
      %r = broadcast %rate {dims = [1, 2, 3]} : f32[B, 2, M, N]
      %a = multiply %y, %g : f32[B, 2, M, N]
      %p = multiply %a, %r : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "decay by distance after the softmax", says: ["by a factor that depends on indices only"],
      """
      \(masked)
      \(softmax)
      %d = subtract %j, %i : i32[B, 2, M, N]
      %df = convert %d : f32[B, 2, M, N]
      %dt = multiply %df, 0.1 : f32[B, 2, M, N]
      %e = sigmoid %dt : f32[B, 2, M, N]
      %p = multiply %y, %e : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "the same probabilities twice", says: ["by a factor that reads %rate"], arguments: qkv + ", %rate: f32[M, N]",
      """
      \(masked)
      \(softmax)
      %r = broadcast %rate {dims = [2, 3]} : f32[B, 2, M, N]
      %a = multiply %y, %r : f32[B, 2, M, N]
      %p = add %y, %a : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "factor in another arrangement", says: ["by a factor that reads %rate"], arguments: qkv + ", %rate: f32[N, M, 2, B]",
      """
      \(masked)
      \(softmax)
      %t = transpose %y {permutation = [3, 2, 1, 0]} : f32[N, M, 2, B]
      %a = multiply %t, %rate : f32[N, M, 2, B]
      %n = negate %a : f32[N, M, 2, B]
      %o = contract %n, %v {subscripts = "jihb,bhje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
  ]

  /// Factors of each row.
  static let rowFactors: [Spelling] = [
    Spelling(
      "factor of each head", says: ["%lambda, one number per row, moved behind the weighted sum"],
      arguments: qkv + ", %lambda: f32[2]",
      """
      \(masked)
      \(softmax)
      %l = broadcast %lambda {dims = [1]} : f32[B, 2, M, N]
      %p = multiply %y, %l : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "division of rows", says: ["one number per row, moved behind the weighted sum"], arguments: qkv + ", %norm: f32[B, M]",
      """
      \(masked)
      \(softmax)
      %l = broadcast %norm {dims = [0, 2]} : f32[B, 2, M, N]
      %p = divide %y, %l : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "rows of padding", says: ["a condition on rows, moved behind the weighted sum"], arguments: qkv + ", %real: bool[B, M]",
      """
      \(masked)
      \(softmax)
      %l = broadcast %real {dims = [0, 2]} : bool[B, 2, M, N]
      %p = select %l, %y, 0.0 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "scalar below a factor of pairs", says: ["%lambda, one number per row, moved", "by a factor that reads %keep"],
      arguments: qkv + ", %lambda: f32, %keep: bool[M, N]",
      """
      \(masked)
      \(softmax)
      %l = multiply %y, %lambda : f32[B, 2, M, N]
      %k0 = broadcast %keep {dims = [2, 3]} : bool[B, 2, M, N]
      %k1 = convert %k0 : f32[B, 2, M, N]
      %p = multiply %l, %k1 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "row computed at the shape of the scores", says: ["one number per row, moved behind the weighted sum"],
      arguments: qkv + ", %gate: f32[B, 2, M, 1]",
      """
      \(masked)
      \(softmax)
      %g = reshape %gate : f32[B, 2, M]
      %l = broadcast %g {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %g1 = add %l, 1.0 : f32[B, 2, M, N]
      %p = multiply %g1, %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "rows of weights without a softmax", says: ["one number per row, moved", "without a softmax"],
      arguments: qkv + ", %norm: f32[B, M]",
      """
      \(product)
      %r = maximum %s, 0.0 : f32[B, 2, M, N]
      %l = broadcast %norm {dims = [0, 2]} : f32[B, 2, M, N]
      %p = divide %r, %l : f32[B, 2, M, N]
      \(sum)
      """),
  ]

  private static func divided(by divisor: String) -> String {
    """
    %z = reduce %w {dims = [3], kind = add} : f32[B, 2, M]
    \(divisor)
    %b = broadcast %d {dims = [0, 1, 2]} : f32[B, 2, M, N]
    %p = divide %w, %b : f32[B, 2, M, N]
    \(sum)
    """
  }

  /// Weights divided by their own sum.
  static let ownSums: [Spelling] = [
    Spelling(
      "positive part over its sum", says: ["moved behind the weighted sum", "without a softmax; it gives %z as well"],
      """
      \(product)
      %w = maximum %s, 0.0 : f32[B, 2, M, N]
      \(divided(by: "%d = add %z, 1e-06 : f32[B, 2, M]"))
      """),
    Spelling(
      "squares over at least a number", says: ["it gives %z as well"],
      """
      \(product)
      \(causal)
      %r = maximum %s, 0.0 : f32[B, 2, M, N]
      %rr = multiply %r, %r : f32[B, 2, M, N]
      %w = select %live, %rr, 0.0 : f32[B, 2, M, N]
      \(divided(by: "%d = maximum %z, 0.001 : f32[B, 2, M]"))
      """),
    Spelling(
      "sigmoids over a sum guarded against zero", says: ["it gives %z as well"],
      """
      \(product)
      \(causal)
      %g = sigmoid %s : f32[B, 2, M, N]
      %m = convert %live : f32[B, 2, M, N]
      %w = multiply %g, %m : f32[B, 2, M, N]
      \(divided(by: "%none = equal %z, 0.0 : bool[B, 2, M]\n%d = select %none, 1.0, %z : f32[B, 2, M]"))
      """),
    Spelling(
      "exponentials times a table over their sum", says: ["it gives %z as well"], arguments: qkv + ", %mask: f32[M, N]",
      """
      \(product)
      %e = exp %s : f32[B, 2, M, N]
      %t = broadcast %mask {dims = [2, 3]} : f32[B, 2, M, N]
      %w = multiply %e, %t : f32[B, 2, M, N]
      \(divided(by: "%d = add %z, 1e-13 : f32[B, 2, M]"))
      """),
    Spelling(
      "exponentials relative to the greatest, masked, over their sum and a number",
      says: ["exponentials relative to a number of each row, used in sums alone", "by a factor that reads %keep"],
      arguments: qkv + ", %keep: bool[B, N]",
      """
      \(product)
      %greatest = reduce %s {dims = [3], kind = maximum} : f32[B, 2, M]
      %g = broadcast %greatest {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %d0 = subtract %s, %g : f32[B, 2, M, N]
      %e = exp %d0 : f32[B, 2, M, N]
      %k0 = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N]
      %k1 = convert %k0 : f32[B, 2, M, N]
      %w = multiply %e, %k1 : f32[B, 2, M, N]
      \(divided(by: "%d = add %z, 1e-06 : f32[B, 2, M]"))
      """),
    Spelling(
      "powers of two over their sum and a number, divided late",
      says: ["exponentials relative to a number of each row, used in sums alone"],
      """
      \(product)
      \(causal)
      %x = select %live, %s, -inf : f32[B, 2, M, N]
      %greatest = reduce %x {dims = [3], kind = maximum} : f32[B, 2, M]
      %g = broadcast %greatest {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %d0 = subtract %x, %g : f32[B, 2, M, N]
      %w = exp2 %d0 : f32[B, 2, M, N]
      %u = contract %w, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      %z = reduce %w {dims = [3], kind = add} : f32[B, 2, M]
      %d = add %z, 0.25 : f32[B, 2, M]
      %b = broadcast %d {dims = [0, 1, 2]} : f32[B, 2, M, 5]
      %o = divide %u, %b : f32[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "masked probabilities over their sum and a number",
      says: ["by a factor that reads %keep", "it gives %z as well", "moved behind the weighted sum"],
      arguments: qkv + ", %keep: bool[B, N]",
      """
      \(product)
      %y = softmax %s {dim = 3} : f32[B, 2, M, N]
      %k0 = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N]
      %k1 = convert %k0 : f32[B, 2, M, N]
      %w = multiply %y, %k1 : f32[B, 2, M, N]
      \(divided(by: "%d = add %z, 1e-13 : f32[B, 2, M]"))
      """),
    Spelling(
      "masked probabilities over their sum",
      says: [
        "masked and divided by their new sum: a softmax of masked scores; a row without a live pair gives 0", "the mask depends on",
      ],
      """
      \(product)
      \(causal)
      %y = softmax %s {dim = 3} : f32[B, 2, M, N]
      %w = select %live, %y, 0.0 : f32[B, 2, M, N]
      \(divided(by: "%d = reshape %z : f32[B, 2, M]"))
      """),
    Spelling(
      "absolute sum of what is not negative", says: ["it gives %z as well"],
      """
      \(product)
      %w = maximum %s, 0.0 : f32[B, 2, M, N]
      %l = absolute %w : f32[B, 2, M, N]
      %z = reduce %l {dims = [3], kind = add} : f32[B, 2, M]
      %d = maximum %z, 1e-12 : f32[B, 2, M]
      %b = broadcast %d {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = divide %w, %b : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "reciprocal of the sum", says: ["it gives %z as well"],
      """
      \(product)
      %w = maximum %s, 0.0 : f32[B, 2, M, N]
      %z = reduce %w {dims = [3], kind = add} : f32[B, 2, M]
      %d = add %z, 0.01 : f32[B, 2, M]
      %c = reciprocal %d : f32[B, 2, M]
      %b = broadcast %c {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = multiply %b, %w : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "divided after the weighted sum", says: ["it gives %z as well"],
      """
      \(product)
      %w = maximum %s, 0.0 : f32[B, 2, M, N]
      %u = contract %w, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      %z = reduce %w {dims = [3], kind = add} : f32[B, 2, M]
      %d = add %z, 0.01 : f32[B, 2, M]
      %b = broadcast %d {dims = [0, 1, 2]} : f32[B, 2, M, 5]
      %o = divide %u, %b : f32[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "cosines shifted above zero over their sum", says: ["it gives %z as well"],
      arguments: qkv,
      """
      \(product)
      %w = add %s, 20.0 : f32[B, 2, M, N]
      \(divided(by: "%d = add %z, 0.01 : f32[B, 2, M]"))
      """),
    Spelling(
      "something added to the sum of exponentials", says: ["it gives %z as well"], arguments: qkv + ", %more: f32[B, 2, M]",
      """
      \(product)
      %w = exp %s : f32[B, 2, M, N]
      %positive = absolute %more : f32[B, 2, M]
      \(divided(by: "%d = add %z, %positive : f32[B, 2, M]"))
      """),
  ]
}
