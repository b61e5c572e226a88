extension Spelling {
  /// `%at`: the distance of key and query, clipped, as a place in a table of 7.
  private static let clipped = """
    %i = iota {dim = 0} : i32[M, N]
    %j = iota {dim = 1} : i32[M, N]
    %d = subtract %i, %j : i32[M, N]
    %c = add %d, 3 : i32[M, N]
    %low = maximum %c, 0 : i32[M, N]
    %at = minimum %low, 6 : i32[M, N]
    """
  private static let gathered = "gathered from the product with the table"

  /// Relative keys by rows of a table that are picked pair by pair. What is left beside attention is products with the table.
  static let relativePositions: [Spelling] = [
    Spelling(
      "queries times relative keys", says: [gathered], arguments: qkv + ", %table: f32[7, 4]",
      """
      \(product)
      \(clipped)
      %e = gather %table, %at {dim = 0} : f32[M, N, 4]
      %r = contract %q, %e {subscripts = "bhid,ijd->bhij"} : f32[B, 2, M, N]
      %t = add %s, %r : f32[B, 2, M, N]
      %x = multiply %t, 0.5 : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "keys times relative queries", says: [gathered], arguments: qkv + ", %table: f32[7, 4]",
      """
      \(product)
      \(clipped)
      %e = gather %table, %at {dim = 0} : f32[M, N, 4]
      %r = contract %k, %e {subscripts = "bhjd,ijd->bhij"} : f32[B, 2, M, N]
      %x = add %s, %r : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "both, masked", says: [gathered, "the mask depends on indices only"], arguments: qkv + ", %table: f32[7, 4]",
      """
      \(product)
      \(clipped)
      %e = gather %table, %at {dim = 0} : f32[M, N, 4]
      %a = contract %q, %e {subscripts = "bhid,ijd->bhij"} : f32[B, 2, M, N]
      %b = contract %k, %e {subscripts = "bhjd,ijd->bhij"} : f32[B, 2, M, N]
      %t = add %a, %b : f32[B, 2, M, N]
      %u = add %t, %s : f32[B, 2, M, N]
      %live1 = greater_equal %i, %j : bool[M, N]
      %live = broadcast %live1 {dims = [2, 3]} : bool[B, 2, M, N]
      %x = select %live, %u, -inf : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "a table per head", says: [gathered], arguments: qkv + ", %table: f32[2, 7, 4]",
      """
      \(product)
      \(clipped)
      %e = gather %table, %at {dim = 1} : f32[2, M, N, 4]
      %r = contract %q, %e {subscripts = "bhid,hijd->bhij"} : f32[B, 2, M, N]
      %x = add %s, %r : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "the table scaled and picked in one dimension", says: [gathered, "the score reads"], arguments: qkv + ", %table: f32[7, 4]",
      """
      \(product)
      \(clipped)
      %flat = reshape %at : i32[M*N]
      %f = gather %table, %flat {dim = 0} : f32[M*N, 4]
      %e = reshape %f : f32[M, N, 4]
      %r = contract %q, %e {subscripts = "bhid,ijd->bhij"} : f32[B, 2, M, N]
      %x = add %s, %r : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "positions of each sequence", says: [gathered], arguments: qkv + ", %table: f32[7, 4], %a: i32[B, M], %b: i32[B, N]",
      """
      \(product)
      %i = broadcast %a {dims = [0, 1]} : i32[B, M, N]
      %j = broadcast %b {dims = [0, 2]} : i32[B, M, N]
      %d = subtract %i, %j : i32[B, M, N]
      %low = maximum %d, -3 : i32[B, M, N]
      %high = minimum %low, 3 : i32[B, M, N]
      %at = add %high, 3 : i32[B, M, N]
      %e = gather %table, %at {dim = 0} : f32[B, M, N, 4]
      %r = contract %q, %e {subscripts = "bhid,bijd->bhij"} : f32[B, 2, M, N]
      %x = add %s, %r : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "clipped by a choice, in 64 bits", says: [gathered], arguments: qkv + ", %table: f32[7, 4]",
      """
      \(product)
      %i = iota {dim = 0} : i64[M, N]
      %j = iota {dim = 1} : i64[M, N]
      %d = subtract %i, %j : i64[M, N]
      %near = less %d, 6 : bool[M, N]
      %most = constant {value = [6]} : i64
      %high = select %near, %d, %most : i64[M, N]
      %far = less %high, 0 : bool[M, N]
      %none = constant {value = [0]} : i64
      %at = select %far, %none, %high : i64[M, N]
      %e = gather %table, %at {dim = 0} : f32[M, N, 4]
      %r = contract %q, %e {subscripts = "bhid,ijd->bhij"} : f32[B, 2, M, N]
      %x = add %s, %r : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "a table as wide as the sequences", says: [gathered],
      arguments: "%q: f32[S, 4], %k: f32[S, 4], %v: f32[S, 5], %table: f32[2*S - 1, 4]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[S, S]
      %i = iota {dim = 0} : i32[S, S]
      %j = iota {dim = 1} : i32[S, S]
      %d = subtract %i, %j : i32[S, S]
      %n = extent {value = [S - 1]} : i32
      %at = add %d, %n : i32[S, S]
      %e = gather %table, %at {dim = 0} : f32[S, S, 4]
      %r = contract %e, %q {subscripts = "ijd,id->ij"} : f32[S, S]
      %x = add %r, %s : f32[S, S]
      %p = softmax %x {dim = 1} : f32[S, S]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[S, 5]
      return %o
      """),
  ]

  /// Parts of a mask or a bias that stand beside each other, read pair by pair.
  static let parts: [Spelling] = [
    Spelling(
      "a causal mask behind keys of the past", says: ["the mask depends on indices"],
      arguments: "%q: f32[M, 4], %k: f32[N + M, 4], %v: f32[N + M, 5]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[M, N + M]
      %i = iota {dim = 0} : i32[M, M]
      %j = iota {dim = 1} : i32[M, M]
      %past = less_equal %j, %i : bool[M, M]
      %live = pad %past {high = [0, 0], low = [0, N], value = true} : bool[M, N + M]
      %x = select %live, %s, -inf : f32[M, N + M]
      %p = softmax %x {dim = 1} : f32[M, N + M]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[M, 5]
      return %o
      """),
    Spelling(
      "two masks beside each other", says: ["the mask depends on indices"],
      arguments: "%q: f32[M, 4], %k: f32[N + M, 4], %v: f32[N + M, 5]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[M, N + M]
      %i = iota {dim = 0} : i32[M, M]
      %j = iota {dim = 1} : i32[M, M]
      %past = less_equal %j, %i : bool[M, M]
      %t = constant {value = [true]} : bool
      %all = broadcast %t {dims = []} : bool[M, N]
      %live = concatenate %all, %past {dim = 1} : bool[M, N + M]
      %x = select %live, %s, -inf : f32[M, N + M]
      %p = softmax %x {dim = 1} : f32[M, N + M]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[M, 5]
      return %o
      """),
    Spelling(
      "a bias without one for the first key", says: ["the score reads %bias"],
      arguments: "%q: f32[M, 4], %k: f32[8, 4], %v: f32[8, 5], %bias: f32[M, 7]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[M, 8]
      %b = pad %bias {high = [0, 0], low = [0, 1], value = 0.0} : f32[M, 8]
      %x = add %s, %b : f32[M, 8]
      %p = softmax %x {dim = 1} : f32[M, 8]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[M, 5]
      return %o
      """),
  ]
}
