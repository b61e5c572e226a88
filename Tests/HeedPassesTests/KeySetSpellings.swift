import Testing

/// A way to write one softmax over several sets of keys, and how many ops it becomes.
struct KeySetSpelling: Sendable, CustomTestStringConvertible {
  let spelling: Spelling
  let sets: Int
  var testDescription: String { spelling.name }

  init(_ name: String, sets: Int = 2, says: [String] = [], arguments: String = Self.two, _ body: String) {
    (spelling, self.sets) = (Spelling(name, says: says, arguments: arguments, body), sets)
  }

  static let two = Spelling.qkv + ", %l: f32[B, 2, T, 4], %w: f32[B, 2, T, 5]"
  static let products = """
    %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
    %t = contract %q, %l {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, T]
    """
  static let together = """
    \(products)
    %x = concatenate %s, %t {dim = 3} : f32[B, 2, M, N + T]
    """
  /// The weighted sums by the parts of `%p`.
  static let sums = """
    %a = slice %p {start = [0, 0, 0, 0], stop = [B, 2, M, N]} : f32[B, 2, M, N]
    %b = slice %p {start = [0, 0, 0, N], stop = [B, 2, M, N + T]} : f32[B, 2, M, T]
    %u = contract %a, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
    %y = contract %b, %w {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
    %o = add %u, %y : f32[B, 2, M, 5]
    return %o
    """
  static let softmax = "%p = softmax %x {dim = 3} : f32[B, 2, M, N + T]"
  /// The values one after the other, and one sum.
  static let oneSum = """
    %z = concatenate %v, %w {dim = 2} : f32[B, 2, N + T, 5]
    %o = contract %p, %z {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
    return %o
    """
}

extension KeySetSpelling {
  /// Scores side by side.
  static let ofScores: [KeySetSpelling] = [
    KeySetSpelling(
      "two sums", says: ["one softmax over sets of N and T keys: each set by itself"], "\(together)\n\(softmax)\n\(sums)"),
    KeySetSpelling("one sum of values one after the other", "\(together)\n\(softmax)\n\(oneSum)"),
    KeySetSpelling(
      "scaled and masked before", says: ["the mask reads %keep"], arguments: two + ", %keep: bool[B, N]",
      """
      \(products)
      %c = multiply %s, 0.5 : f32[B, 2, M, N]
      %e = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N]
      %f = select %e, %c, -inf : f32[B, 2, M, N]
      %d = multiply %t, 0.5 : f32[B, 2, M, T]
      %i = iota {dim = 2} : i32[B, 2, M, T]
      %j = iota {dim = 3} : i32[B, 2, M, T]
      %live = less %j, %i : bool[B, 2, M, T]
      %g = select %live, %d, -inf : f32[B, 2, M, T]
      %x = concatenate %f, %g {dim = 3} : f32[B, 2, M, N + T]
      \(softmax)
      \(sums)
      """),
    KeySetSpelling(
      "scaled and masked behind", arguments: two + ", %keep: bool[B, N + T]",
      """
      \(products)
      %c = concatenate %s, %t {dim = 3} : f32[B, 2, M, N + T]
      %d = multiply %c, 0.5 : f32[B, 2, M, N + T]
      %i = iota {dim = 2} : i32[B, 2, M, N + T]
      %j = iota {dim = 3} : i32[B, 2, M, N + T]
      %n = extent {value = [N]} : i32
      %r = add %i, %n : i32[B, 2, M, N + T]
      %causal = less_equal %j, %r : bool[B, 2, M, N + T]
      %e = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N + T]
      %live = and %causal, %e : bool[B, 2, M, N + T]
      %x = select %live, %d, -inf : f32[B, 2, M, N + T]
      \(softmax)
      \(oneSum)
      """),
    KeySetSpelling(
      "biases of each set added to both", arguments: two + ", %g: f32[2, N], %h: f32[2, T]",
      """
      \(together.replacing("%x", with: "%c"))
      %d = broadcast %g {dims = [1, 3]} : f32[B, 2, M, N]
      %e = broadcast %h {dims = [1, 3]} : f32[B, 2, M, T]
      %f = concatenate %d, %e {dim = 3} : f32[B, 2, M, N + T]
      %x = add %c, %f : f32[B, 2, M, N + T]
      \(softmax)
      \(sums)
      """),
    KeySetSpelling(
      "three sets, two at a time", sets: 3, says: ["sets of T and N and T keys"], arguments: two + ", %g: f32[B, 2, T, 4]",
      """
      \(together)
      %n = contract %q, %g {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, T]
      %r = concatenate %n, %x {dim = 3} : f32[B, 2, M, N + 2*T]
      %p = softmax %r {dim = 3} : f32[B, 2, M, N + 2*T]
      %z = concatenate %w, %v, %w {dim = 2} : f32[B, 2, N + 2*T, 5]
      %o = contract %p, %z {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
    KeySetSpelling(
      "a column that is dropped", arguments: two + ", %sink: f32[2]",
      """
      \(products)
      %c = broadcast %sink {dims = [1]} : f32[B, 2, M, 1]
      %x = concatenate %s, %t, %c {dim = 3} : f32[B, 2, M, N + T + 1]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N + T + 1]
      \(sums)
      """),
    KeySetSpelling(
      "a column behind a mask of both sets", arguments: two + ", %sink: f32[2], %keep: bool[B, N + T]",
      """
      \(together.replacing("%x", with: "%g"))
      %e = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N + T]
      %f = select %e, %g, -inf : f32[B, 2, M, N + T]
      %c = broadcast %sink {dims = [1]} : f32[B, 2, M, 1]
      %x = concatenate %f, %c {dim = 3} : f32[B, 2, M, N + T + 1]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N + T + 1]
      \(sums)
      """),
    KeySetSpelling(
      "values as parts of one tensor",
      arguments: "%q: f32[B, 2, M, 4], %k: f32[B, 2, N, 4], %l: f32[B, 2, T, 4], %v: f32[B, 2, N + T, 5]",
      """
      \(together)
      \(softmax)
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
    KeySetSpelling(
      "written out, with the logarithm", says: ["a softmax written out"],
      """
      \(together)
      %m = reduce %x {dims = [3], kind = maximum} : f32[B, 2, M]
      %n = broadcast %m {dims = [0, 1, 2]} : f32[B, 2, M, N + T]
      %c = subtract %x, %n : f32[B, 2, M, N + T]
      %e = exp %c : f32[B, 2, M, N + T]
      %f = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %g = broadcast %f {dims = [0, 1, 2]} : f32[B, 2, M, N + T]
      %p = divide %e, %g : f32[B, 2, M, N + T]
      %h = log %f : f32[B, 2, M]
      %lse = add %h, %m : f32[B, 2, M]
      \(sums.replacing("return %o", with: "return %o, %lse"))
      """),
    KeySetSpelling(
      "keys first, rows last",
      """
      %s = contract %k, %q {subscripts = "bhjd,bhid->bhji"} : f32[B, 2, N, M]
      %t = contract %l, %q {subscripts = "bhjd,bhid->bhji"} : f32[B, 2, T, M]
      %c = concatenate %s, %t {dim = 2} : f32[B, 2, N + T, M]
      %x = transpose %c {permutation = [0, 1, 3, 2]} : f32[B, 2, M, N + T]
      \(softmax)
      \(sums)
      """),
    KeySetSpelling(
      "half precision, softmax in f32",
      arguments: "%q: f16[B, 2, M, 4], %k: f16[B, 2, N, 4], %v: f16[B, 2, N, 5], %l: f16[B, 2, T, 4], %w: f16[B, 2, T, 5]",
      """
      \(together.replacing("f32", with: "f16").replacing("%x", with: "%c"))
      %x = convert %c : f32[B, 2, M, N + T]
      %r = softmax %x {dim = 3} : f32[B, 2, M, N + T]
      %p = convert %r : f16[B, 2, M, N + T]
      \(sums.replacing("f32", with: "f16"))
      """),
    KeySetSpelling(
      "half precision throughout",
      arguments: "%q: f16[B, 2, M, 4], %k: f16[B, 2, N, 4], %v: f16[B, 2, N, 5], %l: f16[B, 2, T, 4], %w: f16[B, 2, T, 5]",
      "\(together)\n\(softmax)\n\(sums)".replacing("f32", with: "f16")),
  ]

  /// Keys and values one after the other, which nothing else uses.
  static let ofKeys: [KeySetSpelling] = [
    KeySetSpelling(
      "keys one after the other", says: ["are read where they lie"],
      """
      %c = concatenate %k, %l {dim = 2} : f32[B, 2, N + T, 4]
      %x = contract %q, %c {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N + T]
      \(softmax)
      \(oneSum)
      """),
    KeySetSpelling(
      "causal to the end",
      """
      %c = concatenate %k, %l {dim = 2} : f32[B, 2, N + T, 4]
      %d = transpose %c {permutation = [0, 1, 3, 2]} : f32[B, 2, 4, N + T]
      %s = contract %q, %d {subscripts = "bhid,bhdj->bhij"} : f32[B, 2, M, N + T]
      %e = multiply %s, 0.5 : f32[B, 2, M, N + T]
      %i = iota {dim = 2} : i32[B, 2, M, N + T]
      %j = iota {dim = 3} : i32[B, 2, M, N + T]
      %n = extent {value = [N + T - M]} : i32
      %r = add %i, %n : i32[B, 2, M, N + T]
      %live = less_equal %j, %r : bool[B, 2, M, N + T]
      %x = select %live, %e, -inf : f32[B, 2, M, N + T]
      \(softmax)
      \(oneSum)
      """),
    KeySetSpelling(
      "repeated heads, the new rows first",
      arguments: "%q: f32[B, 4, M, 4], %k: f32[B, N, 2, 4], %v: f32[B, N, 2, 5], %l: f32[B, T, 2, 4], %w: f32[B, T, 2, 5]",
      """
      %c = concatenate %l, %k {dim = 1} : f32[B, T + N, 2, 4]
      %d = transpose %c {permutation = [0, 2, 1, 3]} : f32[B, 2, T + N, 4]
      %e = broadcast %d {dims = [0, 1, 3, 4]} : f32[B, 2, 2, T + N, 4]
      %f = reshape %e : f32[B, 4, T + N, 4]
      %g = concatenate %w, %v {dim = 1} : f32[B, T + N, 2, 5]
      %h = transpose %g {permutation = [0, 2, 1, 3]} : f32[B, 2, T + N, 5]
      %m = broadcast %h {dims = [0, 1, 3, 4]} : f32[B, 2, 2, T + N, 5]
      %n = reshape %m : f32[B, 4, T + N, 5]
      %x = contract %q, %f {subscripts = "bhid,bhjd->bhij"} : f32[B, 4, M, T + N]
      %p = softmax %x {dim = 3} : f32[B, 4, M, T + N]
      %o = contract %p, %n {subscripts = "bhij,bhje->bhie"} : f32[B, 4, M, 5]
      return %o
      """),
    KeySetSpelling(
      "latents that are keys and values", arguments: "%q: f32[B, 2, M, 4], %k: f32[B, N, 4], %l: f32[B, T, 4]",
      """
      %c = concatenate %k, %l {dim = 1} : f32[B, N + T, 4]
      %x = contract %q, %c {subscripts = "bhid,bjd->bhij"} : f32[B, 2, M, N + T]
      \(softmax)
      %o = contract %p, %c {subscripts = "bhij,bje->bhie"} : f32[B, 2, M, 4]
      return %o
      """),
    KeySetSpelling(
      "a cache of small integers beside new rows", says: ["it reads keys as i8"],
      arguments:
        "%q: f32[B, 2, M, 4], %k: i8[B, 2, N, 4], %v: i8[B, 2, N, 5], %ks: f32[B, 2, N], %l: f32[B, 2, T, 4], %w: f32[B, 2, T, 5]",
      """
      %a = convert %k : f32[B, 2, N, 4]
      %b = broadcast %ks {dims = [0, 1, 2]} : f32[B, 2, N, 4]
      %c = multiply %a, %b : f32[B, 2, N, 4]
      %d = concatenate %c, %l {dim = 2} : f32[B, 2, N + T, 4]
      %e = convert %v : f32[B, 2, N, 5]
      %f = multiply %e, 0.25 : f32[B, 2, N, 5]
      %z = concatenate %f, %w {dim = 2} : f32[B, 2, N + T, 5]
      %x = contract %q, %d {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N + T]
      \(softmax)
      %o = contract %p, %z {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
    KeySetSpelling(
      "masked by a table", says: ["the mask reads %keep"], arguments: two + ", %keep: bool[B, N + T]",
      """
      %c = concatenate %k, %l {dim = 2} : f32[B, 2, N + T, 4]
      %s = contract %q, %c {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N + T]
      %e = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N + T]
      %x = select %e, %s, -inf : f32[B, 2, M, N + T]
      \(softmax)
      \(oneSum)
      """),
  ]

  /// What stays one op, or is none.
  static let nearMisses: [KeySetSpelling] = [
    KeySetSpelling(
      "the keys are returned", sets: 1,
      """
      %c = concatenate %k, %l {dim = 2} : f32[B, 2, N + T, 4]
      %x = contract %q, %c {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N + T]
      \(softmax)
      \(oneSum.replacing("return %o", with: "return %o, %c"))
      """),
    KeySetSpelling(
      "other values than keys", sets: 1, arguments: Spelling.qkv + ", %l: f32[B, 2, T, 4], %w: f32[B, 2, T, 5]",
      """
      %c = concatenate %k, %l {dim = 2} : f32[B, 2, N + T, 4]
      %x = contract %q, %c {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N + T]
      \(softmax)
      %z = concatenate %w, %v {dim = 2} : f32[B, 2, T + N, 5]
      %o = contract %p, %z {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
    KeySetSpelling(
      "a few keys more", sets: 1, arguments: "%q: f32[B, 2, M, 4], %n: f32[B, 2, N, 4], %l: f32[B, 2, 16, 4], %w: f32[B, 2, 16, 4]",
      """
      %k = exp %n : f32[B, 2, N, 4]
      %c = concatenate %l, %k {dim = 2} : f32[B, 2, N + 16, 4]
      %x = contract %q, %c {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N + 16]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N + 16]
      %v = multiply %k, %k : f32[B, 2, N, 4]
      %z = concatenate %w, %v {dim = 2} : f32[B, 2, N + 16, 4]
      %o = contract %p, %z {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 4]
      return %o
      """),
    KeySetSpelling(
      "weights returned", sets: 0,
      says: ["one softmax over sets of N and T keys stays one: its weights %p are returned by the graph"],
      "\(together)\n\(softmax)\n\(sums.replacing("return %o", with: "return %o, %p"))"),
    KeySetSpelling(
      "a slice across the seam", sets: 0, says: ["%b takes something else than whole sets of its weights"],
      """
      \(together)
      \(softmax)
      \(sums.replacing("[0, 0, 0, N], stop = [B, 2, M, N + T]", with: "[0, 0, 0, N - 1], stop = [B, 2, M, N + T - 1]"))
      """),
    KeySetSpelling(
      "weights used", sets: 0, says: ["its weights %p are used by %g as well"],
      """
      \(together)
      \(softmax)
      %g = scan %p {dim = 3, kind = add} : f32[B, 2, M, N + T]
      \(sums.replacing("return %o", with: "return %o, %g"))
      """),
  ]
}
