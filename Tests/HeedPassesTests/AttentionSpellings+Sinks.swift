extension Spelling {
  /// One more exponential in each row's sum.
  static let sinks: [Spelling] = [
    Spelling(
      "a column of zeros by a pad", says: ["is a sink"],
      """
      \(product)
      %x = pad %s {high = [0, 0, 0, 1], low = [0, 0, 0, 0], value = 0.0} : f32[B, 2, M, N + 1]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N + 1]
      %p = slice %y {start = [0, 0, 0, 0], stop = [B, 2, M, N]} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "three columns of a number on either side", says: ["columns beside the scores that the slice drops", "is a sink"],
      """
      \(product)
      %x = pad %s {high = [0, 0, 0, 2], low = [0, 0, 0, 3], value = 0.5} : f32[B, 2, M, N + 5]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N + 5]
      %p = slice %y {start = [0, 0, 0, 3], stop = [B, 2, M, N + 3]} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "columns of numbers whose exponentials are beyond all numbers", says: ["is a sink"],
      arguments: "%q: f64[B, 2, M, 4], %k: f64[B, 2, N, 4], %v: f64[B, 2, N, 5]",
      """
      %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f64[B, 2, M, N]
      %t = add %s, 1000.0 : f64[B, 2, M, N]
      %x = pad %t {high = [0, 0, 0, 2], low = [0, 0, 0, 0], value = 1000.0} : f64[B, 2, M, N + 2]
      %y = softmax %x {dim = 3} : f64[B, 2, M, N + 2]
      %p = slice %y {start = [0, 0, 0, 0], stop = [B, 2, M, N]} : f64[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f64[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "as many columns as a symbol says", says: ["is a sink"], arguments: qkv + ", %z: f32[S]",
      """
      \(product)
      %x = pad %s {high = [0, 0, 0, 0], low = [0, 0, 0, S], value = -1.0} : f32[B, 2, M, N + S]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N + S]
      %p = slice %y {start = [0, 0, 0, S], stop = [B, 2, M, N + S]} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "columns of -inf weigh nothing", says: ["columns of -inf beside the scores weigh nothing", "no mask"],
      """
      \(product)
      %x = pad %s {high = [0, 0, 0, 4], low = [0, 0, 0, 0], value = -inf} : f32[B, 2, M, N + 4]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N + 4]
      %p = slice %y {start = [0, 0, 0, 0], stop = [B, 2, M, N]} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "a column of zeros in front", says: ["is a sink"],
      """
      \(product)
      %c = constant {value = [0.0]} : f32
      %n = broadcast %c {dims = []} : f32[B, 2, M, 1]
      %x = concatenate %n, %s {dim = 3} : f32[B, 2, M, N + 1]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N + 1]
      %p = slice %y {start = [0, 0, 0, 1], stop = [B, 2, M, N + 1]} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "registers per head", says: ["columns beside the scores that the slice drops", "is a sink"],
      arguments: qkv + ", %r: f32[2, 3]",
      """
      \(product)
      %n = broadcast %r {dims = [1, 3]} : f32[B, 2, M, 3]
      %x = concatenate %n, %s {dim = 3} : f32[B, 2, M, N + 3]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N + 3]
      %p = slice %y {start = [0, 0, 0, 3], stop = [B, 2, M, N + 3]} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "registers and zeros around masked scores", says: ["is a sink", "the mask depends on indices only"],
      arguments: qkv + ", %r: f32[2, 3]",
      """
      \(product)
      \(causal)
      %t = select %live, %s, -inf : f32[B, 2, M, N]
      %n = broadcast %r {dims = [1, 3]} : f32[B, 2, M, 3]
      %u = concatenate %n, %t {dim = 3} : f32[B, 2, M, N + 3]
      %x = pad %u {high = [0, 0, 0, 1], low = [0, 0, 0, 0], value = 0.0} : f32[B, 2, M, N + 4]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N + 4]
      %p = slice %y {start = [0, 0, 0, 3], stop = [B, 2, M, N + 3]} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "a column of zeros whose value is a row of zeros", says: ["is a sink"],
      """
      \(product)
      %x = pad %s {high = [0, 0, 0, 0], low = [0, 0, 0, 1], value = 0.0} : f32[B, 2, M, N + 1]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N + 1]
      %w = pad %v {high = [0, 0, 0, 0], low = [0, 0, 1, 0], value = 0.0} : f32[B, 2, N + 1, 5]
      %o = contract %p, %w {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "the logarithm with its column", says: ["is a sink", "it gives %lse"],
      """
      \(product)
      %x = pad %s {high = [0, 0, 0, 2], low = [0, 0, 0, 0], value = 0.0} : f32[B, 2, M, N + 2]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N + 2]
      %lse = log_sum_exp %x {dim = 3} : f32[B, 2, M]
      %p = slice %y {start = [0, 0, 0, 0], stop = [B, 2, M, N]} : f32[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o, %lse
      """),
    Spelling(
      "the logarithm of the sum and one", says: ["a softmax written out, with one more exponential in the sum", "is a sink"],
      """
      \(product)
      %l = log_sum_exp %s {dim = 3} : f32[B, 2, M]
      %e = exp %l : f32[B, 2, M]
      %a = add %e, 1.0 : f32[B, 2, M]
      %m = log %a : f32[B, 2, M]
      %w = broadcast %m {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %d = subtract %s, %w : f32[B, 2, M, N]
      %p = exp %d : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "the logarithm added to 0 with care", says: ["a softmax written out, with one more exponential in the sum", "is a sink"],
      """
      \(product)
      %l = log_sum_exp %s {dim = 3} : f32[B, 2, M]
      %t = maximum %l, 0.0 : f32[B, 2, M]
      %b = absolute %l : f32[B, 2, M]
      %n = negate %b : f32[B, 2, M]
      %e = exp %n : f32[B, 2, M]
      %a = add %e, 1.0 : f32[B, 2, M]
      %m = log %a : f32[B, 2, M]
      %z = add %t, %m : f32[B, 2, M]
      %c = reshape %z : f32[B, 2, M, 1]
      %w = broadcast %c {dims = [0, 1, 2, 3]} : f32[B, 2, M, N]
      %d = subtract %s, %w : f32[B, 2, M, N]
      %p = exp %d : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "the logarithm added to a sink per head", says: ["is a sink"], arguments: qkv + ", %sink: f32[2]",
      """
      \(product)
      %l = log_sum_exp %s {dim = 3} : f32[B, 2, M]
      %k1 = broadcast %sink {dims = [1]} : f32[B, 2, M]
      %t = maximum %l, %k1 : f32[B, 2, M]
      %a = subtract %l, %t : f32[B, 2, M]
      %b = subtract %k1, %t : f32[B, 2, M]
      %ea = exp %a : f32[B, 2, M]
      %eb = exp %b : f32[B, 2, M]
      %e = add %ea, %eb : f32[B, 2, M]
      %m = log %e : f32[B, 2, M]
      %z = add %m, %t : f32[B, 2, M]
      %w = broadcast %z {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %d = subtract %s, %w : f32[B, 2, M, N]
      %p = exp %d : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "exponentials relative to a maximum of at least 0", says: ["is a sink"],
      """
      \(product)
      %r = reduce %s {dims = [3], kind = maximum} : f32[B, 2, M]
      %m = maximum %r, 0.0 : f32[B, 2, M]
      %c = broadcast %m {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %d = subtract %s, %c : f32[B, 2, M, N]
      %e = exp %d : f32[B, 2, M, N]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %n = negate %m : f32[B, 2, M]
      %o1 = exp %n : f32[B, 2, M]
      %o3 = multiply %o1, 3.0 : f32[B, 2, M]
      %a = add %z, %o3 : f32[B, 2, M]
      %w = broadcast %a {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = divide %e, %w : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "one more than the sum, divided after the weighted sum", says: ["is a sink"],
      """
      \(product)
      %e = exp %s : f32[B, 2, M, N]
      %u = contract %e, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %a = add %z, 1.0 : f32[B, 2, M]
      %w = broadcast %a {dims = [0, 1, 2]} : f32[B, 2, M, 5]
      %o = divide %u, %w : f32[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "one more in two axes", says: ["is a sink", "brought to one shape, [M, H*W]"],
      arguments: "%q: f32[M, 4], %k: f32[H, W, 4], %v: f32[H, W, 5]",
      """
      %s = contract %q, %k {subscripts = "id,tsd->its"} : f32[M, H, W]
      %e = exp %s : f32[M, H, W]
      %z = reduce %e {dims = [1, 2], kind = add} : f32[M]
      %a = add %z, 1.0 : f32[M]
      %w = broadcast %a {dims = [0]} : f32[M, H, W]
      %p = divide %e, %w : f32[M, H, W]
      %o = contract %p, %v {subscripts = "its,tse->ie"} : f32[M, 5]
      return %o
      """),
    Spelling(
      "the exponential of logarithms of probabilities", says: ["no mask"],
      """
      \(product)
      %y = softmax %s {dim = 3} : f32[B, 2, M, N]
      %l = log %y : f32[B, 2, M, N]
      %p = exp %l : f32[B, 2, M, N]
      \(sum)
      """),
  ]
}
