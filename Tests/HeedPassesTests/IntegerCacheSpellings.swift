import HeedIR
import Testing

/// A way to write attention to keys and values that are small integers, and the types in which it reads them.
struct IntegerCacheSpelling: Sendable, CustomTestStringConvertible {
  let spelling: Spelling
  let types: [ElementType]
  var testDescription: String { spelling.name }

  init(
    _ name: String, reads types: [ElementType] = [.i8, .i8], says: [String] = [], more: String = "",
    arguments: String = "%q: f32[B, 2, M, 4], %k: i8[B, 2, N, 4], %v: i8[B, 2, N, 5]", _ body: String
  ) {
    let all = more.isEmpty ? arguments : "\(arguments), \(more)"
    (spelling, self.types) = (Spelling(name, says: says, arguments: all, body), types)
  }

  private static let floats = """
    %a = convert %k : f32[B, 2, N, 4]
    %b = convert %v : f32[B, 2, N, 5]
    """
  /// Attention to `%c` and `%d`.
  private static let ending = """
    %s = contract %q, %c {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
    %x = multiply %s, 0.0625 : f32[B, 2, M, N]
    %p = softmax %x {dim = 3} : f32[B, 2, M, N]
    %o = contract %p, %d {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
    return %o
    """
}

extension IntegerCacheSpelling {
  /// Read as they are.
  static let all: [IntegerCacheSpelling] = [
    IntegerCacheSpelling(
      "one scale for all", says: ["it reads keys as i8", "it reads values as i8"],
      """
      \(floats)
      %c = multiply %a, 0.25 : f32[B, 2, N, 4]
      %d = multiply 0.5, %b : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "one scale for all that is an input", more: "%ks: f32[], %vs: f32[1]",
      """
      \(floats)
      %c = multiply %a, %ks : f32[B, 2, N, 4]
      %e = reshape %vs : f32[1, 1, 1, 1]
      %f = broadcast %e {dims = [0, 1, 2, 3]} : f32[B, 2, N, 5]
      %d = multiply %b, %f : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "a scale for each key of a head, and for each component of values",
      says: ["the scales of %c moved out of the product", "the score reads %ks"], more: "%ks: f32[B, 2, N], %vs: f32[2, 5]",
      """
      \(floats)
      %e = broadcast %ks {dims = [0, 1, 2]} : f32[B, 2, N, 4]
      %c = multiply %a, %e : f32[B, 2, N, 4]
      %f = broadcast %vs {dims = [1, 3]} : f32[B, 2, N, 5]
      %d = multiply %b, %f : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "a scale for each key, and for each head", more: "%ks: f32[B, N], %vs: f32[2]",
      """
      \(floats)
      %e = broadcast %ks {dims = [0, 2]} : f32[B, 2, N, 4]
      %c = multiply %e, %a : f32[B, 2, N, 4]
      %f = broadcast %vs {dims = [1]} : f32[B, 2, N, 5]
      %d = multiply %b, %f : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "a scale for each key and for each value", says: ["it reads values as i8"], more: "%ks: f32[B, 2, N], %vs: f32[B, N]",
      """
      \(floats)
      %e = broadcast %ks {dims = [0, 1, 2]} : f32[B, 2, N, 4]
      %c = multiply %a, %e : f32[B, 2, N, 4]
      %f = broadcast %vs {dims = [0, 2]} : f32[B, 2, N, 5]
      %d = multiply %f, %b : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "values with a scale each and one zero point", reads: [.i8, .u8], more: "%vs: f32[B, 2, N]",
      arguments: "%q: f32[B, 2, M, 4], %k: i8[B, 2, N, 4], %v: u8[B, 2, N, 5]",
      """
      \(floats)
      %c = multiply %a, 0.5 : f32[B, 2, N, 4]
      %g = subtract %b, 128.0 : f32[B, 2, N, 5]
      %f = broadcast %vs {dims = [0, 1, 2]} : f32[B, 2, N, 5]
      %d = multiply %g, %f : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "a scale for each component of keys", more: "%ks: f32[2, 1, 4]",
      """
      \(floats)
      %e = broadcast %ks {dims = [1, 2, 3]} : f32[B, 2, N, 4]
      %c = multiply %a, %e : f32[B, 2, N, 4]
      %d = multiply %b, 0.5 : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "divided, a scale of 16 bits", more: "%ks: f16[B, 2, N]",
      """
      \(floats)
      %t = convert %ks : f32[B, 2, N]
      %u = add %t, 5.0 : f32[B, 2, N]
      %e = broadcast %u {dims = [0, 1, 2]} : f32[B, 2, N, 4]
      %c = divide %a, %e : f32[B, 2, N, 4]
      %d = divide %b, 3.0 : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "keys with a zero point of their own", more: "%ks: f32[B, 2, N], %kz: f32[B, 2, N]",
      """
      \(floats)
      %t = broadcast %kz {dims = [0, 1, 2]} : f32[B, 2, N, 4]
      %u = subtract %a, %t : f32[B, 2, N, 4]
      %e = broadcast %ks {dims = [0, 1, 2]} : f32[B, 2, N, 4]
      %c = multiply %u, %e : f32[B, 2, N, 4]
      %d = multiply %b, 0.5 : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "keys with a zero point and a scale for each component", reads: [.u8, .i8], more: "%ks: f32[2, 4], %kz: f32[2, 4]",
      arguments: "%q: f32[B, 2, M, 4], %k: u8[B, 2, N, 4], %v: i8[B, 2, N, 5]",
      """
      \(floats)
      %e = broadcast %ks {dims = [1, 3]} : f32[B, 2, N, 4]
      %u = multiply %a, %e : f32[B, 2, N, 4]
      %t = broadcast %kz {dims = [1, 3]} : f32[B, 2, N, 4]
      %c = add %u, %t : f32[B, 2, N, 4]
      %d = multiply %b, 0.5 : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "zero point taken from integers", reads: [.u8, .i8], more: "%ks: f32[B, 2, N]",
      arguments: "%q: f32[B, 2, M, 4], %k: u8[B, 2, N, 4], %v: i8[B, 2, N, 5]",
      """
      %g = convert %k : i32[B, 2, N, 4]
      %h = subtract %g, 128 : i32[B, 2, N, 4]
      %a = convert %h : f32[B, 2, N, 4]
      %e = broadcast %ks {dims = [0, 1, 2]} : f32[B, 2, N, 4]
      %c = multiply %a, %e : f32[B, 2, N, 4]
      %d = convert %v : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "heads split after the scale", more: "%ks: f32[B, N]",
      arguments: "%q: f32[B, 2, M, 4], %k: i8[B, N, 8], %v: i8[B, N, 10]",
      """
      %a = convert %k : f32[B, N, 8]
      %e = broadcast %ks {dims = [0, 1]} : f32[B, N, 8]
      %f = multiply %a, %e : f32[B, N, 8]
      %g = reshape %f : f32[B, N, 2, 4]
      %c = transpose %g {permutation = [0, 2, 1, 3]} : f32[B, 2, N, 4]
      %b = convert %v : f32[B, N, 10]
      %h = multiply %b, 0.125 : f32[B, N, 10]
      %r = reshape %h : f32[B, N, 2, 5]
      %d = transpose %r {permutation = [0, 2, 1, 3]} : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "heads repeated after the scale", more: "%ks: f32[B, 2, N]",
      arguments: "%q: f32[B, 6, M, 4], %k: i8[B, 2, N, 4], %v: i8[B, 2, N, 5]",
      """
      \(floats)
      %e = broadcast %ks {dims = [0, 1, 2]} : f32[B, 2, N, 4]
      %f = multiply %a, %e : f32[B, 2, N, 4]
      %g = broadcast %f {dims = [0, 1, 3, 4]} : f32[B, 2, 3, N, 4]
      %c = reshape %g : f32[B, 6, N, 4]
      %h = multiply %b, 0.5 : f32[B, 2, N, 5]
      %r = broadcast %h {dims = [0, 1, 3, 4]} : f32[B, 2, 3, N, 5]
      %d = reshape %r : f32[B, 6, N, 5]
      %s = contract %q, %c {subscripts = "bhid,bhjd->bhij"} : f32[B, 6, M, N]
      %p = softmax %s {dim = 3} : f32[B, 6, M, N]
      %o = contract %p, %d {subscripts = "bhij,bhje->bhie"} : f32[B, 6, M, 5]
      return %o
      """),
    IntegerCacheSpelling(
      "no scale at all, keys alone", reads: [.i8, .f32], arguments: "%q: f32[B, 2, M, 4], %k: i8[B, 2, N, 4], %d: f32[B, 2, N, 5]",
      """
      %c = convert %k : f32[B, 2, N, 4]
      \(ending)
      """),
    IntegerCacheSpelling(
      "half precision", more: "%ks: f16[B, 2, N]", arguments: "%q: f16[B, 2, M, 4], %k: i8[B, 2, N, 4], %v: i8[B, 2, N, 5]",
      """
      \(floats)
      %e = broadcast %ks {dims = [0, 1, 2]} : f32[B, 2, N, 4]
      %c = multiply %a, %e : f32[B, 2, N, 4]
      %d = multiply %b, 0.5 : f32[B, 2, N, 5]
      \(ending)
      """.replacing("f32", with: "f16")),
    IntegerCacheSpelling(
      "bf16 keys and values, f32 queries", reads: [.bf16, .f16],
      arguments: "%q: f32[B, 2, M, 4], %k: bf16[B, 2, N, 4], %v: f16[B, 2, N, 5]",
      """
      %c = convert %k : f32[B, 2, N, 4]
      %d = convert %v : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "weights rounded to the values' type", reads: [.bf16, .bf16],
      arguments: "%q: f32[B, 2, M, 4], %k: bf16[B, 2, N, 4], %v: bf16[B, 2, N, 5]",
      """
      %c = convert %k : f32[B, 2, N, 4]
      %s = contract %q, %c {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
      %r = softmax %s {dim = 3} : f32[B, 2, M, N]
      %p = convert %r : bf16[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : bf16[B, 2, M, 5]
      return %o
      """),
    IntegerCacheSpelling(
      "16-bit queries and keys, weights widened", reads: [.bf16, .i8],
      arguments: "%q: bf16[B, 2, M, 4], %k: bf16[B, 2, N, 4], %v: i8[B, 2, N, 5]",
      """
      %b = convert %v : f32[B, 2, N, 5]
      %d = multiply %b, 0.5 : f32[B, 2, N, 5]
      %t = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : bf16[B, 2, M, N]
      %s = convert %t : f32[B, 2, M, N]
      %p = softmax %s {dim = 3} : f32[B, 2, M, N]
      %o = contract %p, %d {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
  ]

  /// Made floats in memory, which a remark says.
  static let nearMisses: [IntegerCacheSpelling] = [
    IntegerCacheSpelling(
      "a scale for each half of a key", reads: [.f32, .i8],
      says: ["%g is made floats in memory, 32*B*N bytes at each call, from the i8 of %k"], more: "%ks: f32[B, 2, N, 2]",
      """
      \(floats)
      %e = reshape %a : f32[B, 2, N, 2, 2]
      %f = broadcast %ks {dims = [0, 1, 2, 3]} : f32[B, 2, N, 2, 2]
      %g = multiply %e, %f : f32[B, 2, N, 2, 2]
      %c = reshape %g : f32[B, 2, N, 4]
      %d = multiply %b, 0.5 : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "a table of values of 8 bits", reads: [.f32, .i8], says: ["from the i8 of %k"],
      """
      \(floats)
      %e = multiply %a, %a : f32[B, 2, N, 4]
      %c = multiply %e, 0.01 : f32[B, 2, N, 4]
      %d = multiply %b, 0.5 : f32[B, 2, N, 5]
      \(ending)
      """),
    IntegerCacheSpelling(
      "a scale for each pair of key and component", reads: [.f32, .i8], says: ["%c is made floats in memory"],
      more: "%ks: f32[B, 2, N, 4]",
      """
      \(floats)
      %c = multiply %a, %ks : f32[B, 2, N, 4]
      %d = multiply %b, 0.5 : f32[B, 2, N, 5]
      \(ending)
      """),
  ]
}
