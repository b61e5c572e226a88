/// Weights that are sums of probabilities: each term becomes one attention op.
extension Spelling {
  static let qkkv = "%q: f32[B, 2, M, 4], %q2: f32[B, 2, M, 4], %k: f32[B, 2, N, 4], %k2: f32[B, 2, N, 4], %v: f32[B, 2, N, 5]"

  /// `%y` and `%y2`: two softmaxes of masked scores.
  private static let pair = """
    \(product)
    \(causal)
    %x = select %live, %s, -inf : f32[B, 2, M, N]
    %y = softmax %x {dim = 3} : f32[B, 2, M, N]
    %s2 = contract %q2, %k2 {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
    %x2 = select %live, %s2, -inf : f32[B, 2, M, N]
    %y2 = softmax %x2 {dim = 3} : f32[B, 2, M, N]
    """
  private static let splits = "became the difference of two"

  /// Two terms of attention each.
  static let twoTerms: [Spelling] = [
    Spelling(
      "difference with a factor", says: [splits, "%lambda, one number per row"], arguments: qkkv + ", %lambda: f32",
      """
      \(pair)
      %l = multiply %y2, %lambda : f32[B, 2, M, N]
      %p = subtract %y, %l : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "difference with a factor of each head and a scale", says: [splits, "%lambda, one number per row"],
      arguments: qkkv + ", %lambda: f32[2]",
      """
      \(pair)
      %lb = broadcast %lambda {dims = [1]} : f32[B, 2, M, N]
      %l = multiply %lb, %y2 : f32[B, 2, M, N]
      %d = subtract %y, %l : f32[B, 2, M, N]
      %p = multiply %d, 0.2 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "sum of a negated term", says: ["became the sum of two"], arguments: qkkv,
      """
      \(pair)
      %n = negate %y2 : f32[B, 2, M, N]
      %p = add %n, %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "mean of two under dropout", says: ["became the sum of two", "by a factor that reads %keep"],
      arguments: qkkv + ", %keep: bool[M, N]",
      """
      \(pair)
      %a = add %y, %y2 : f32[B, 2, M, N]
      %h = multiply %a, 0.5 : f32[B, 2, M, N]
      %kb = broadcast %keep {dims = [2, 3]} : bool[B, 2, M, N]
      %p = select %kb, %h, 0.0 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "gated between two", says: ["became the sum of two", "%gate, one number per row"], arguments: qkkv + ", %gate: f32[B, 2, M]",
      """
      \(pair)
      %g = broadcast %gate {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %rest = subtract 1.0, %g : f32[B, 2, M, N]
      %a = multiply %y, %g : f32[B, 2, M, N]
      %b = multiply %y2, %rest : f32[B, 2, M, N]
      %p = add %a, %b : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "difference with guards", says: [splits], arguments: qkkv,
      """
      \(pair)
      %n = not_equal %y, %y : bool[B, 2, M, N]
      %a = select %n, 0.0, %y : f32[B, 2, M, N]
      %n2 = not_equal %y2, %y2 : bool[B, 2, M, N]
      %b = select %n2, 0.0, %y2 : f32[B, 2, M, N]
      %p = subtract %a, %b : f32[B, 2, M, N]
      \(sum)
      """),
  ]

  /// Three terms of attention.
  static let threeTerms = [
    Spelling(
      "three terms", says: ["became the sum of 3"],
      arguments: qkkv + ", %q3: f32[B, 2, M, 4], %lambda: f32[2]",
      """
      \(pair)
      %s3 = contract %q3, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
      %y3 = softmax %s3 {dim = 3} : f32[B, 2, M, N]
      %l = broadcast %lambda {dims = [1]} : f32[B, 2, M, N]
      %b = multiply %y2, %l : f32[B, 2, M, N]
      %a = subtract %y, %b : f32[B, 2, M, N]
      %p = add %a, %y3 : f32[B, 2, M, N]
      \(sum)
      """)
  ]

  /// A term of attention and one that is stored.
  static let storedTerms: [Spelling] = [
    Spelling(
      "probabilities plus a table", says: ["became the sum of two"], arguments: qkv + ", %table: f32[2, M, N]",
      """
      \(product)
      %y = softmax %s {dim = 3} : f32[B, 2, M, N]
      %t = broadcast %table {dims = [1, 2, 3]} : f32[B, 2, M, N]
      %p = add %y, %t : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "probabilities less those of a table", says: [splits], arguments: qkv + ", %table: f32[B, 2, M, N]",
      """
      \(product)
      %y = softmax %s {dim = 3} : f32[B, 2, M, N]
      %t = softmax %table {dim = 3} : f32[B, 2, M, N]
      %p = subtract %y, %t : f32[B, 2, M, N]
      \(sum)
      """),
  ]

  /// What is nearly a linear function of probabilities, or is one that is needed whole: it stays as it is written.
  static let linearNearMisses: [Spelling] = [
    Spelling(
      "difference returned", says: ["its weighted sum is not split into those of its terms: it is used elsewhere as well"],
      arguments: qkkv,
      """
      \(pair)
      %p = subtract %y, %y2 : f32[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o, %p
      """),
    Spelling(
      "softmax over the queries times a table", says: ["not over the dimension of the softmax"],
      arguments: qkv + ", %rate: f32[M, N]",
      """
      \(product)
      %y = softmax %s {dim = 2} : f32[B, 2, M, N]
      %r = broadcast %rate {dims = [2, 3]} : f32[B, 2, M, N]
      %p = multiply %y, %r : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "squared probabilities", says: ["%p: declined: not fused into attention: the probabilities are changed by the multiply %p"],
      """
      \(product)
      %y = softmax %s {dim = 3} : f32[B, 2, M, N]
      %p = multiply %y, %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "probabilities above a threshold", says: ["the probabilities are changed by the select %p before they weigh the values"],
      """
      \(product)
      %y = softmax %s {dim = 3} : f32[B, 2, M, N]
      %c = greater %y, 0.01 : bool[B, 2, M, N]
      %p = select %c, %y, 0.0 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "guard that puts one", says: ["the probabilities are changed by the select %p before they weigh the values"],
      """
      \(product)
      %y = softmax %s {dim = 3} : f32[B, 2, M, N]
      %c = not_equal %y, %y : bool[B, 2, M, N]
      %p = select %c, 1.0, %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "factor made from the scores", says: ["not fused into attention"],
      """
      \(product)
      %y = softmax %s {dim = 3} : f32[B, 2, M, N]
      %g = sigmoid %s : f32[B, 2, M, N]
      %p = multiply %y, %g : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "divided by the sum over the queries", says: ["not fused into attention"],
      """
      \(product)
      %w = maximum %s, 0.0 : f32[B, 2, M, N]
      %z = reduce %w {dims = [2], kind = add} : f32[B, 2, N]
      %d = add %z, 0.01 : f32[B, 2, N]
      %b = broadcast %d {dims = [0, 1, 3]} : f32[B, 2, M, N]
      %p = divide %w, %b : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "absolute sum of what changes its sign", says: ["not fused into attention"],
      """
      \(product)
      %w = tanh %s : f32[B, 2, M, N]
      %l = absolute %w : f32[B, 2, M, N]
      %z = reduce %l {dims = [3], kind = add} : f32[B, 2, M]
      %d = maximum %z, 1e-12 : f32[B, 2, M]
      %b = broadcast %d {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = divide %w, %b : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "normalised weights returned", says: ["not fused into attention"],
      """
      \(product)
      %w = maximum %s, 0.0 : f32[B, 2, M, N]
      %z = reduce %w {dims = [3], kind = add} : f32[B, 2, M]
      %d = add %z, 0.01 : f32[B, 2, M]
      %b = broadcast %d {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = divide %w, %b : f32[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o, %p
      """),
  ]
}
