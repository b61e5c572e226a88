import Testing

/// A way to write attention, or something near it: one graph, and words that the remarks must contain.
struct Spelling: Sendable, CustomTestStringConvertible {
  let name: String
  let text: String
  let says: [String]
  var testDescription: String { name }

  init(_ name: String, says: [String] = [], arguments: String = qkv, facts: String = "", _ body: String) {
    let lines = body.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
    (self.name, self.says) = (name, says)
    text = "graph @\(name.filter(\.isLetter))(\(arguments))\(facts.isEmpty ? "" : " facts (\(facts))") {\n\(lines)\n}\n"
  }

  static let qkv = "%q: f32[B, 2, M, 4], %k: f32[B, 2, N, 4], %v: f32[B, 2, N, 5]"
  /// `%s`: the products of queries and keys.
  static let product = #"%s = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]"#
  /// `%i` and `%j`: the indices of query and key.
  static let indices = """
    %i = iota {dim = 2} : i32[B, 2, M, N]
    %j = iota {dim = 3} : i32[B, 2, M, N]
    """
  /// `%live`: key no later than query.
  static let causal = """
    \(indices)
    %live = less_equal %j, %i : bool[B, 2, M, N]
    """
  /// The weighted sum by `%p`.
  static let sum = """
    %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
    return %o
    """
  /// The softmax of `%x` and the weighted sum.
  static let ending = """
    %p = softmax %x {dim = 3} : f32[B, 2, M, N]
    \(sum)
    """
}

extension Spelling {
  /// Scales.
  static let scales: [Spelling] = [
    Spelling(
      "plain", says: ["no mask"],
      """
      %x = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "scale after", says: ["scale 0.5 folded into the score"],
      """
      \(product)
      %x = multiply %s, 0.5 : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "scale written first", says: ["scale 0.5 folded into the score"],
      """
      \(product)
      %x = multiply 0.5, %s : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "division", says: ["scale 0.33333334 folded into the score"],
      """
      \(product)
      %x = divide %s, 3.0 : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "division by a computed root", says: ["scale 0.5 folded into the score"],
      """
      %d = extent {value = [4]} : f32
      %r = sqrt %d : f32
      \(product)
      %x = divide %s, %r : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "scaled query", says: ["scale 0.3 folded into the score", "moved to the scores"],
      """
      %t = multiply %q, 0.3 : f32[B, 2, M, 4]
      %x = contract %t, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "scaled query and key", says: ["scale 0.35 folded into the score"],
      """
      %t = multiply %q, 0.7 : f32[B, 2, M, 4]
      %u = divide %k, 2.0 : f32[B, 2, N, 4]
      %x = contract %t, %u {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "scaled before the head split", says: ["scale 0.5 folded into the score"],
      arguments: "%q: f32[B, M, 8], %k: f32[B, 2, N, 4], %v: f32[B, 2, N, 5]",
      """
      %t = multiply %q, 0.5 : f32[B, M, 8]
      %h = reshape %t : f32[B, M, 2, 4]
      %qq = transpose %h {permutation = [0, 2, 1, 3]} : f32[B, 2, M, 4]
      %x = contract %qq, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "scaled twice", says: ["scale 0.125 folded into the score"],
      """
      \(product)
      %t = multiply %s, 0.25 : f32[B, 2, M, N]
      %x = multiply %t, 0.5 : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "soft cap", says: ["no mask"],
      """
      \(product)
      %a = divide %s, 5.0 : f32[B, 2, M, N]
      %b = tanh %a : f32[B, 2, M, N]
      %x = multiply %b, 5.0 : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "temperature as an input", says: ["the score reads %temperature"], arguments: qkv + ", %temperature: f32",
      """
      \(product)
      %x = multiply %s, %temperature : f32[B, 2, M, N]
      \(ending)
      """),
  ]

  /// Masks.
  static let masks: [Spelling] = [
    Spelling(
      "causal select", says: ["scale 0.5 folded", "the mask depends on indices only"],
      """
      \(product)
      \(causal)
      %t = multiply %s, 0.5 : f32[B, 2, M, N]
      %x = select %live, %t, -inf : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "masked out", says: ["the mask depends on indices only"],
      """
      \(product)
      \(indices)
      %dead = greater %j, %i : bool[B, 2, M, N]
      %x = select %dead, -inf, %s : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "scale after the mask", says: ["scale 0.5 folded", "the mask depends on indices only"],
      """
      \(product)
      \(causal)
      %t = select %live, %s, -inf : f32[B, 2, M, N]
      %x = multiply %t, 0.5 : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "bias of zeros and infinities", says: ["the mask depends on indices only"],
      """
      \(product)
      \(causal)
      %zero = constant {value = [0.0]} : f32
      %bias = select %live, %zero, -inf : f32[B, 2, M, N]
      %x = add %s, %bias : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "small mask repeated", says: ["the mask depends on indices only"],
      """
      \(product)
      %i = iota {dim = 0} : i64[M, N]
      %j = iota {dim = 1} : i64[M, N]
      %live = greater_equal %i, %j : bool[M, N]
      %zero = constant {value = [0.0]} : f32
      %small = select %live, %zero, -inf : f32[M, N]
      %bias = broadcast %small {dims = [2, 3]} : f32[B, 2, M, N]
      %x = add %s, %bias : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "boolean input per key", says: ["the mask reads %keep"], arguments: qkv + ", %keep: bool[B, N]",
      """
      \(product)
      %live = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N]
      %x = select %live, %s, -inf : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "integer lengths", says: ["the mask reads %length"], arguments: qkv + ", %length: i32[B]",
      """
      \(product)
      %j = iota {dim = 3} : i32[B, 2, M, N]
      %n = broadcast %length {dims = [0]} : i32[B, 2, M, N]
      %live = less %j, %n : bool[B, 2, M, N]
      %x = select %live, %s, -inf : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "nested selects", says: ["the mask depends on indices only"],
      """
      \(product)
      \(causal)
      %d = subtract %i, %j : i32[B, 2, M, N]
      %near = less %d, 3 : bool[B, 2, M, N]
      %t = select %live, %s, -inf : f32[B, 2, M, N]
      %x = select %near, %t, -inf : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "either of two masks", says: ["the mask depends on indices only"],
      """
      \(product)
      \(causal)
      %sink = less %j, 2 : bool[B, 2, M, N]
      %t = select %live, %s, -inf : f32[B, 2, M, N]
      %x = select %sink, %s, %t : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "mask then bias", says: ["the mask depends on indices only", "the score reads %table"],
      arguments: qkv + ", %table: f32[2, M, N]",
      """
      \(product)
      \(causal)
      %t = select %live, %s, -inf : f32[B, 2, M, N]
      %bias = broadcast %table {dims = [1, 2, 3]} : f32[B, 2, M, N]
      %x = add %t, %bias : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "mask by minimum", says: ["the mask depends on indices only"],
      """
      \(product)
      \(causal)
      %top = constant {value = [inf]} : f32
      %bound = select %live, %top, -inf : f32[B, 2, M, N]
      %x = minimum %s, %bound : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "masked probabilities", says: ["those of masked scores already", "the mask depends on indices only"],
      """
      \(product)
      \(causal)
      %x = select %live, %s, -inf : f32[B, 2, M, N]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N]
      %p = select %live, %y, 0.0 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "masked by the score itself", says: ["a mask stays in the score"],
      """
      \(product)
      %high = less -0.5, %s : bool[B, 2, M, N]
      %x = select %high, %s, -inf : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "mask before an unknown scale", says: ["a mask stays in the score"], arguments: qkv + ", %temperature: f32",
      """
      \(product)
      \(causal)
      %t = absolute %temperature : f32
      %u = add %t, 1.0 : f32
      %y = select %live, %s, -inf : f32[B, 2, M, N]
      %x = multiply %y, %u : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "same segment", says: ["pairs live in the segments of %offsets"],
      arguments: "%q: f32[2, T, 4], %k: f32[2, T, 4], %v: f32[2, T, 5], %offsets: i32[B + 1]",
      """
      %s = contract %q, %k {subscripts = "hid,hjd->hij"} : f32[2, T, T]
      %id = segment_ids %offsets : i32[T]
      %a = broadcast %id {dims = [1]} : i32[2, T, T]
      %b = broadcast %id {dims = [2]} : i32[2, T, T]
      %live = equal %a, %b : bool[2, T, T]
      %x = select %live, %s, -inf : f32[2, T, T]
      %p = softmax %x {dim = 2} : f32[2, T, T]
      %o = contract %p, %v {subscripts = "hij,hje->hie"} : f32[2, T, 5]
      return %o
      """),
    Spelling(
      "same segment by reshaped ids", says: ["pairs live in the segments of %offsets"],
      arguments: "%q: f32[T, 4], %k: f32[T, 4], %v: f32[T, 5], %offsets: i32[B + 1]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[T, T]
      %id = segment_ids %offsets : i32[T]
      %a = reshape %id : i32[T, 1]
      %a1 = broadcast %a {dims = [0, 1]} : i32[T, T]
      %b = reshape %id : i32[1, T]
      %b1 = broadcast %b {dims = [0, 1]} : i32[T, T]
      %live = equal %b1, %a1 : bool[T, T]
      %x = select %live, %s, -inf : f32[T, T]
      %p = softmax %x {dim = 1} : f32[T, T]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[T, 5]
      return %o
      """),
    Spelling(
      "same segment and causal", says: ["pairs live in the segments of %offsets", "the mask depends on indices only"],
      arguments: "%q: f32[T, 2, 4], %k: f32[T, 2, 4], %v: f32[T, 2, 5], %offsets: i32[B + 1]",
      """
      %s = contract %q, %k {subscripts = "ihd,jhd->hij"} : f32[2, T, T]
      %id = segment_ids %offsets : i32[T]
      %a = broadcast %id {dims = [1]} : i32[2, T, T]
      %b = broadcast %id {dims = [2]} : i32[2, T, T]
      %same = equal %a, %b : bool[2, T, T]
      %i = iota {dim = 1} : i32[2, T, T]
      %j = iota {dim = 2} : i32[2, T, T]
      %past = less_equal %j, %i : bool[2, T, T]
      %live = and %same, %past : bool[2, T, T]
      %x = select %live, %s, -inf : f32[2, T, T]
      %p = softmax %x {dim = 2} : f32[2, T, T]
      %o = contract %p, %v {subscripts = "hij,jhe->ihe"} : f32[T, 2, 5]
      return %o
      """),
  ]

  /// Masks by finite numbers. A row without a live pair differs from the written form, so every row has one here.
  static let finiteMasks: [Spelling] = [
    Spelling(
      "large negative", says: ["the mask value -1e+09 counts as -inf"],
      """
      \(product)
      \(causal)
      %x = select %live, %s, -1.0e9 : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "large negative scaled", says: ["the mask value -50000.0 counts as -inf", "scale 0.5"],
      """
      \(product)
      \(causal)
      %t = select %live, %s, -100000.0 : f32[B, 2, M, N]
      %x = multiply %t, 0.5 : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "one minus mask", says: ["the mask value -10000.0 counts as -inf"],
      """
      \(product)
      \(causal)
      %m = convert %live : f32[B, 2, M, N]
      %n = subtract 1.0, %m : f32[B, 2, M, N]
      %bias = multiply %n, -10000.0 : f32[B, 2, M, N]
      %x = add %s, %bias : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "multiplied and subtracted", says: ["the mask value -10000.0 counts as -inf"],
      """
      \(product)
      \(causal)
      %m = convert %live : f32[B, 2, M, N]
      %n = subtract 1.0, %m : f32[B, 2, M, N]
      %big = multiply %n, 10000.0 : f32[B, 2, M, N]
      %kept = multiply %s, %m : f32[B, 2, M, N]
      %x = subtract %kept, %big : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "small negative stays", says: ["the mask value -20.0 is above -10000.0: kept as a score", "no mask"],
      """
      \(product)
      \(causal)
      %x = select %live, %s, -20.0 : f32[B, 2, M, N]
      \(ending)
      """),
  ]
}
