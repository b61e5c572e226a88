extension Spelling {
  /// A softmax written out.
  static let writtenSoftmax: [Spelling] = [
    Spelling(
      "exponentials over their sum", says: ["a softmax written out"],
      """
      \(product)
      %e = exp %s : f32[B, 2, M, N]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %w = broadcast %z {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = divide %e, %w : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "maximum subtracted", says: ["a softmax written out", "scale 0.5"],
      """
      \(product)
      %t = multiply %s, 0.5 : f32[B, 2, M, N]
      %m = reduce %t {dims = [3], kind = maximum} : f32[B, 2, M]
      %n = reshape %m : f32[B, 2, M, 1]
      %c = broadcast %n {dims = [0, 1, 2, 3]} : f32[B, 2, M, N]
      %d = subtract %t, %c : f32[B, 2, M, N]
      %e = exp %d : f32[B, 2, M, N]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %y = reshape %z : f32[B, 2, M, 1]
      %w = broadcast %y {dims = [0, 1, 2, 3]} : f32[B, 2, M, N]
      %p = divide %e, %w : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "reciprocal of the sum", says: ["a softmax written out"],
      """
      \(product)
      %e = exp %s : f32[B, 2, M, N]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %r = reciprocal %z : f32[B, 2, M]
      %w = broadcast %r {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = multiply %e, %w : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "base two", says: ["scale 0.6931472 folded"],
      """
      \(product)
      %e = exp2 %s : f32[B, 2, M, N]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %w = broadcast %z {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = divide %e, %w : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "masked exponentials", says: ["a softmax written out", "the mask depends on indices only"],
      """
      \(product)
      \(causal)
      %a = exp %s : f32[B, 2, M, N]
      %e = select %live, %a, 0.0 : f32[B, 2, M, N]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %w = broadcast %z {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = divide %e, %w : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "exponentials times a mask", says: ["a softmax written out", "the mask depends on indices only"],
      """
      \(product)
      \(causal)
      %a = exp %s : f32[B, 2, M, N]
      %m = convert %live : f32[B, 2, M, N]
      %e = multiply %a, %m : f32[B, 2, M, N]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %w = broadcast %z {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = divide %e, %w : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "guarded sum", says: ["a softmax written out"],
      """
      \(product)
      \(causal)
      %a = exp %s : f32[B, 2, M, N]
      %e = select %live, %a, 0.0 : f32[B, 2, M, N]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %empty = equal %z, 0.0 : bool[B, 2, M]
      %y = select %empty, 1.0, %z : f32[B, 2, M]
      %w = broadcast %y {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = divide %e, %w : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "divided after the weighted sum", says: ["a softmax before it"],
      """
      \(product)
      %m = reduce %s {dims = [3], kind = maximum} : f32[B, 2, M]
      %c = broadcast %m {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %d = subtract %s, %c : f32[B, 2, M, N]
      %e = exp %d : f32[B, 2, M, N]
      %u = contract %e, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %w = broadcast %z {dims = [0, 1, 2]} : f32[B, 2, M, 5]
      %o = divide %u, %w : f32[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "logarithm of the sum", says: ["a softmax written out"],
      """
      \(product)
      %m = reduce %s {dims = [3], kind = maximum} : f32[B, 2, M]
      %c = broadcast %m {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %d = subtract %s, %c : f32[B, 2, M, N]
      %e = exp %d : f32[B, 2, M, N]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %l = log %z : f32[B, 2, M]
      %t = add %m, %l : f32[B, 2, M]
      %w = broadcast %t {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %y = subtract %s, %w : f32[B, 2, M, N]
      %p = exp %y : f32[B, 2, M, N]
      \(sum)
      """),
  ]

  /// Layouts.
  static let layouts: [Spelling] = [
    Spelling(
      "transposed keys",
      """
      %t = transpose %k {permutation = [0, 1, 3, 2]} : f32[B, 2, 4, N]
      %x = contract %q, %t {subscripts = "bhid,bhdj->bhij"} : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "keys given transposed", arguments: "%q: f32[B, 2, M, 4], %k: f32[B, 2, 4, N], %v: f32[B, 2, N, 5]",
      """
      %x = contract %q, %k {subscripts = "wxyz,wxzu->wxyu"} : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "keys times queries", says: ["the mask depends on indices only"],
      """
      %s = contract %k, %q {subscripts = "bhjd,bhid->bhji"} : f32[B, 2, N, M]
      %j = iota {dim = 2} : i32[B, 2, N, M]
      %i = iota {dim = 3} : i32[B, 2, N, M]
      %live = less_equal %j, %i : bool[B, 2, N, M]
      %t = select %live, %s, -inf : f32[B, 2, N, M]
      %x = transpose %t {permutation = [0, 1, 3, 2]} : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "softmax over the second dimension",
      """
      %s = contract %k, %q {subscripts = "bhjd,bhid->bhji"} : f32[B, 2, N, M]
      %p = softmax %s {dim = 2} : f32[B, 2, N, M]
      %o = contract %v, %p {subscripts = "bhje,bhji->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "heads inside", arguments: "%q: f32[B, M, 2, 4], %k: f32[B, N, 2, 4], %v: f32[B, N, 2, 5]",
      """
      %x = contract %q, %k {subscripts = "bihd,bjhd->bhij"} : f32[B, 2, M, N]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bjhe->bihe"} : f32[B, M, 2, 5]
      return %o
      """),
    Spelling(
      "head split and merge", arguments: "%q: f32[B, M, 8], %k: f32[B, N, 8], %v: f32[B, N, 10]",
      """
      %q1 = reshape %q : f32[B, M, 2, 4]
      %q2 = transpose %q1 {permutation = [0, 2, 1, 3]} : f32[B, 2, M, 4]
      %k1 = reshape %k : f32[B, N, 2, 4]
      %k2 = transpose %k1 {permutation = [0, 2, 3, 1]} : f32[B, 2, 4, N]
      %v1 = reshape %v : f32[B, N, 2, 5]
      %v2 = transpose %v1 {permutation = [0, 2, 1, 3]} : f32[B, 2, N, 5]
      %x = contract %q2, %k2 {subscripts = "bhid,bhdj->bhij"} : f32[B, 2, M, N]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      %o = contract %p, %v2 {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      %o1 = transpose %o {permutation = [0, 2, 1, 3]} : f32[B, M, 2, 5]
      %o2 = reshape %o1 : f32[B, M, 10]
      return %o2
      """),
    Spelling(
      "one head without batch", arguments: "%q: f32[M, 4], %k: f32[N, 4], %v: f32[N, 5]",
      """
      %x = contract %q, %k {subscripts = "id,jd->ij"} : f32[M, N]
      %p = softmax %x {dim = 1} : f32[M, N]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[M, 5]
      return %o
      """),
    Spelling(
      "one query", arguments: "%q: f32[B, 2, 4], %k: f32[B, N, 2, 4], %v: f32[B, N, 2, 5]",
      """
      %x = contract %q, %k {subscripts = "bhd,bjhd->bhj"} : f32[B, 2, N]
      %p = softmax %x {dim = 2} : f32[B, 2, N]
      %o = contract %p, %v {subscripts = "bhj,bjhe->bhe"} : f32[B, 2, 5]
      return %o
      """),
    Spelling(
      "keys shared by all heads", arguments: "%q: f32[B, 2, M, 4], %k: f32[B, N, 4], %v: f32[B, N, 5]",
      """
      %x = contract %q, %k {subscripts = "bhid,bjd->bhij"} : f32[B, 2, M, N]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "grouped heads", arguments: "%q: f32[B, 2, 3, M, 4], %k: f32[B, 2, N, 4], %v: f32[B, 2, N, 5]",
      """
      %x = contract %q, %k {subscripts = "bkgid,bkjd->bkgij"} : f32[B, 2, 3, M, N]
      %p = softmax %x {dim = 4} : f32[B, 2, 3, M, N]
      %o = contract %p, %v {subscripts = "bkgij,bkje->bkgie"} : f32[B, 2, 3, M, 5]
      return %o
      """),
    Spelling(
      "repeated heads", arguments: "%q: f32[B, 6, M, 4], %k: f32[B, 2, N, 4], %v: f32[B, 2, N, 5]",
      """
      %k1 = broadcast %k {dims = [0, 1, 3, 4]} : f32[B, 2, 3, N, 4]
      %k2 = reshape %k1 : f32[B, 6, N, 4]
      %v1 = broadcast %v {dims = [0, 1, 3, 4]} : f32[B, 2, 3, N, 5]
      %v2 = reshape %v1 : f32[B, 6, N, 5]
      %x = contract %q, %k2 {subscripts = "bhid,bhjd->bhij"} : f32[B, 6, M, N]
      %p = softmax %x {dim = 3} : f32[B, 6, M, N]
      %o = contract %p, %v2 {subscripts = "bhij,bhje->bhie"} : f32[B, 6, M, 5]
      return %o
      """),
    Spelling(
      "repeated heads with slopes", says: ["the score reads %slopes", "the mask depends on indices only"],
      arguments: "%q: f32[B, 6, M, 4], %k: f32[B, 2, N, 4], %v: f32[B, 2, N, 5], %slopes: f32[6]",
      """
      %k1 = reshape %k : f32[B, 2, 1, N, 4]
      %k2 = broadcast %k1 {dims = [0, 1, 2, 3, 4]} : f32[B, 2, 3, N, 4]
      %k3 = reshape %k2 : f32[B, 6, N, 4]
      %k4 = transpose %k3 {permutation = [0, 1, 3, 2]} : f32[B, 6, 4, N]
      %s = contract %q, %k4 {subscripts = "bhid,bhdj->bhij"} : f32[B, 6, M, N]
      %i = iota {dim = 2} : i32[B, 6, M, N]
      %j = iota {dim = 3} : i32[B, 6, M, N]
      %live = less_equal %j, %i : bool[B, 6, M, N]
      %d = subtract %j, %i : i32[B, 6, M, N]
      %f = convert %d : f32[B, 6, M, N]
      %m = broadcast %slopes {dims = [1]} : f32[B, 6, M, N]
      %bias = multiply %m, %f : f32[B, 6, M, N]
      %t = add %s, %bias : f32[B, 6, M, N]
      %x = select %live, %t, -inf : f32[B, 6, M, N]
      %p = softmax %x {dim = 3} : f32[B, 6, M, N]
      %v1 = broadcast %v {dims = [0, 1, 3, 4]} : f32[B, 2, 3, N, 5]
      %v2 = reshape %v1 : f32[B, 6, N, 5]
      %o = contract %p, %v2 {subscripts = "bhij,bhje->bhie"} : f32[B, 6, M, 5]
      return %o
      """),
    Spelling(
      "batch and heads merged for the products", says: ["the mask reads %keep"],
      arguments: "%q: f32[B*2, M, 4], %k: f32[B*2, N, 4], %v: f32[B*2, N, 5], %keep: bool[B, N]",
      """
      %s = contract %q, %k {subscripts = "xid,xjd->xij"} : f32[2*B, M, N]
      %t = reshape %s : f32[B, 2, M, N]
      %live = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N]
      %x = select %live, %t, -inf : f32[B, 2, M, N]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N]
      %p = reshape %y : f32[2*B, M, N]
      %o = contract %p, %v {subscripts = "xij,xje->xie"} : f32[2*B, M, 5]
      return %o
      """),
    Spelling(
      "computed in half precision", arguments: "%q: f16[B, 2, M, 4], %k: f16[B, 2, N, 4], %v: f16[B, 2, N, 5]",
      """
      %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f16[B, 2, M, N]
      %x = convert %s : f32[B, 2, M, N]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N]
      %p = convert %y : f16[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f16[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "image in two dimensions", says: ["the mask depends on indices and W"],
      arguments: "%q: f32[H, W, 4], %k: f32[H, W, 4], %v: f32[H, W, 5]",
      """
      %q1 = reshape %q : f32[H*W, 4]
      %k1 = reshape %k : f32[H*W, 4]
      %v1 = reshape %v : f32[H*W, 5]
      %s = contract %q1, %k1 {subscripts = "id,jd->ij"} : f32[H*W, H*W]
      %r = iota {dim = 0} : i32[H, W]
      %row = reshape %r : i32[H*W]
      %a = broadcast %row {dims = [0]} : i32[H*W, H*W]
      %b = broadcast %row {dims = [1]} : i32[H*W, H*W]
      %live = equal %a, %b : bool[H*W, H*W]
      %x = select %live, %s, -inf : f32[H*W, H*W]
      %p = softmax %x {dim = 1} : f32[H*W, H*W]
      %o = contract %p, %v1 {subscripts = "ij,je->ie"} : f32[H*W, 5]
      %o1 = reshape %o : f32[H, W, 5]
      return %o1
      """),
    Spelling(
      "lengths equal by a fact", arguments: "%q: f32[H, W, 4], %k: f32[N, 4], %v: f32[N, 5]", facts: "N == H*W",
      """
      %q1 = reshape %q : f32[N, 4]
      %s = contract %q1, %k {subscripts = "id,jd->ij"} : f32[N, N]
      %p = softmax %s {dim = 1} : f32[N, N]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[N, 5]
      %o1 = reshape %o : f32[H, W, 5]
      return %o1
      """),
  ]

  /// Biases.
  static let biases: [Spelling] = [
    Spelling(
      "dense bias", says: ["the score reads %bias"], arguments: qkv + ", %bias: f32[B, 2, M, N]",
      """
      \(product)
      %x = add %s, %bias : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "bias per key", says: ["the score reads %bias"], arguments: qkv + ", %bias: f32[B, 1, 1, N]",
      """
      \(product)
      %t = multiply %s, 0.5 : f32[B, 2, M, N]
      %b = broadcast %bias {dims = [0, 1, 2, 3]} : f32[B, 2, M, N]
      %x = add %b, %t : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "transposed bias", says: ["the score reads %bias"], arguments: qkv + ", %bias: f32[N, M, 2]",
      """
      \(product)
      %t = transpose %bias {permutation = [2, 1, 0]} : f32[2, M, N]
      %b = broadcast %t {dims = [1, 2, 3]} : f32[B, 2, M, N]
      %x = add %s, %b : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "slopes by distance", says: ["the score reads %slopes", "the mask depends on indices only"],
      arguments: qkv + ", %slopes: f32[2]",
      """
      \(product)
      \(causal)
      %d = subtract %j, %i : i32[B, 2, M, N]
      %f = convert %d : f32[B, 2, M, N]
      %m = broadcast %slopes {dims = [1]} : f32[B, 2, M, N]
      %bias = multiply %m, %f : f32[B, 2, M, N]
      %t = add %s, %bias : f32[B, 2, M, N]
      %x = select %live, %t, -inf : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "relative positions from a table", says: ["the score reads %table"], arguments: qkv + ", %table: f32[7, 2]",
      """
      \(product)
      %i = iota {dim = 0} : i32[M, N]
      %j = iota {dim = 1} : i32[M, N]
      %d = subtract %j, %i : i32[M, N]
      %low = maximum %d, -3 : i32[M, N]
      %near = minimum %low, 3 : i32[M, N]
      %at = add %near, 3 : i32[M, N]
      %r = gather %table, %at {dim = 0} : f32[M, N, 2]
      %t = transpose %r {permutation = [2, 0, 1]} : f32[2, M, N]
      %b = broadcast %t {dims = [1, 2, 3]} : f32[B, 2, M, N]
      %x = add %s, %b : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "positions as wide as the sequence", says: ["the score reads %table"],
      arguments: "%q: f32[S, 4], %k: f32[S, 4], %v: f32[S, 5], %table: f32[2*S - 1]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[S, S]
      %i = iota {dim = 0} : i32[S, S]
      %j = iota {dim = 1} : i32[S, S]
      %d = subtract %j, %i : i32[S, S]
      %n = extent {value = [S - 1]} : i32
      %at = add %d, %n : i32[S, S]
      %b = gather %table, %at {dim = 0} : f32[S, S]
      %x = add %s, %b : f32[S, S]
      %p = softmax %x {dim = 1} : f32[S, S]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[S, 5]
      return %o
      """),
    Spelling(
      "decay per key computed once", says: ["the score reads %g"], arguments: qkv + ", %decay: f32[B, N]",
      """
      \(product)
      %g = sigmoid %decay : f32[B, N]
      %b = broadcast %g {dims = [0, 3]} : f32[B, 2, M, N]
      %x = add %s, %b : f32[B, 2, M, N]
      \(ending)
      """),
  ]

  static let all = scales + masks + finiteMasks + writtenSoftmax + layouts + biases + ranks + axes + sinks + parts
}
