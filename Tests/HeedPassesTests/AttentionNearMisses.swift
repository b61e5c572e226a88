extension Spelling {
  /// What is nearly attention and must stay as it is written; the remarks say why.
  static let nearMisses: [Spelling] = [
    Spelling(
      "probabilities returned", says: ["%p: declined: not fused into attention: the probabilities %p are returned by the graph"],
      """
      %x = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o, %p
      """),
    Spelling(
      "probabilities used", says: ["the probabilities %p are used by %total as well: %total is made from the weights by scan"],
      """
      %x = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      %total = scan %p {dim = 3, kind = add} : f32[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o, %total
      """),
    Spelling(
      "scores used", says: ["the scores %s are used by %top as well"],
      """
      \(product)
      %top = reduce %s {dims = [3], kind = maximum} : f32[B, 2, M]
      %x = multiply %s, 0.5 : f32[B, 2, M, N]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o, %top
      """),
    Spelling(
      "softmax over the queries", says: ["it sums over j, not over the dimension of the softmax"],
      """
      \(product)
      %p = softmax %s {dim = 2} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "no product", says: ["%p: declined: not fused into attention: %x is not computed from a product of queries and keys"],
      arguments: "%x: f32[B, 2, M, N], %v: f32[B, 2, N, 5]",
      """
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "two widths", says: ["the product %s sums over 2 dimensions, expected one"],
      arguments: "%q: f32[B, 2, M, 4, 3], %k: f32[B, 2, N, 4, 3], %v: f32[B, 2, N, 5]",
      """
      %s = contract %q, %k {subscripts = "bhidc,bhjdc->bhij"} : f32[B, 2, M, N]
      %p = softmax %s {dim = 3} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "values of two widths", says: ["the values %v have more than one dimension of width"],
      arguments: "%q: f32[B, 2, M, 4], %k: f32[B, 2, N, 4], %v: f32[B, 2, N, 5, 3]",
      """
      \(product)
      %p = softmax %s {dim = 3} : f32[B, 2, M, N]
      %o = contract %p, %v {subscripts = "bhij,bhjef->bhief"} : f32[B, 2, M, 5, 3]
      return %o
      """),
    Spelling(
      "running sum of scores",
      says: [
        "%x is not computed from a product of queries and keys by elementwise ops and views: the scan %x needs whole rows of scores"
      ],
      """
      \(product)
      %x = scan %s {dim = 3, kind = add} : f32[B, 2, M, N]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "the greatest scores alone",
      says: ["%x is not computed from a product", "the top_k %best needs whole rows of scores, which no kernel has at once"],
      """
      \(product)
      %best, %at = top_k %s {count = 1} : f32[B, 2, M, 1], i32[B, 2, M, 1]
      %least = reshape %best : f32[B, 2, M]
      %x = broadcast %least {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "scores below the greatest few left out", says: ["the top_k %best is made from the scores, and not element by element"],
      """
      \(product)
      %best, %at = top_k %s {count = 1} : f32[B, 2, M, 1], i32[B, 2, M, 1]
      %least = reshape %best : f32[B, 2, M]
      %wide = broadcast %least {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %live = greater_equal %s, %wide : bool[B, 2, M, N]
      %x = select %live, %s, -inf : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "scores below the least of the sorted ones left out",
      says: ["the reduce %least is made from the scores, and not element by element"],
      """
      \(product)
      %sorted, %at = sort %s : f32[B, 2, M, N], i32[B, 2, M, N]
      %least = reduce %sorted {dims = [3], kind = minimum} : f32[B, 2, M]
      %wide = broadcast %least {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %live = greater %s, %wide : bool[B, 2, M, N]
      %x = select %live, %s, -inf : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "weights above the row's greatest few",
      says: ["the top_k %at is made from the scores", "a call for fewer queries stores less"],
      """
      \(product)
      %best, %at = top_k %s {count = 1} : f32[B, 2, M, 1], i32[B, 2, M, 1]
      %place = reshape %at : i32[B, 2, M]
      %wide = broadcast %place {dims = [0, 1, 2]} : i32[B, 2, M, N]
      %j = iota {dim = 3} : i32[B, 2, M, N]
      %live = equal %j, %wide : bool[B, 2, M, N]
      %x = select %live, %s, -inf : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "logarithm in the sum", says: ["%lse of its scores is needed before the sum itself"],
      """
      \(product)
      %p = softmax %s {dim = 3} : f32[B, 2, M, N]
      %lse = log_sum_exp %s {dim = 3} : f32[B, 2, M]
      %all = reduce %lse {dims = [2], kind = add} : f32[B, 2]
      %w = broadcast %all {dims = [0, 1]} : f32[B, 2, N, 5]
      %vw = multiply %v, %w : f32[B, 2, N, 5]
      %o = contract %p, %vw {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "linear attention", says: [],
      """
      \(product)
      %p = multiply %s, 0.25 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "centred scores", says: ["is made from the scores, and not element by element"],
      """
      \(product)
      %m = reduce %s {dims = [2], kind = add} : f32[B, 2, N]
      %c = broadcast %m {dims = [0, 1, 3]} : f32[B, 2, M, N]
      %x = subtract %s, %c : f32[B, 2, M, N]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "scores and their transpose", says: ["the scores %s are read at other places than their own"],
      arguments: "%q: f32[S, 4], %k: f32[S, 4], %v: f32[S, 5]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[S, S]
      %t = transpose %s {permutation = [1, 0]} : f32[S, S]
      %x = add %s, %t : f32[S, S]
      %p = softmax %x {dim = 1} : f32[S, S]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[S, 5]
      return %o
      """),
    Spelling(
      "values of another type", says: ["the values are f64, the scores f32"],
      arguments: "%q: f32[M, 4], %k: f32[N, 4], %v: f64[N, 5]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[M, N]
      %y = softmax %s {dim = 1} : f32[M, N]
      %p = convert %y : f64[M, N]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f64[M, 5]
      return %o
      """),
    Spelling(
      "scores read in part", says: ["the scores %s are read in part: 2 of 4 places of a dimension"],
      arguments: "%q: f32[M, 4], %k: f32[4, 4], %v: f32[2, 5]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[M, 4]
      %x = slice %s {start = [0, 0], stop = [M, 2]} : f32[M, 2]
      %p = softmax %x {dim = 1} : f32[M, 2]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[M, 5]
      return %o
      """),
    Spelling(
      "symbolic head width", says: ["%o: declined: not fused into attention: the width H of queries and keys is not a constant"],
      arguments: "%q: f32[M, H], %k: f32[N, H], %v: f32[N, 5]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[M, N]
      %p = softmax %s {dim = 1} : f32[M, N]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[M, 5]
      return %o
      """),
    Spelling(
      "symbolic width of values", says: ["%o: declined: not fused into attention: the width W of values is not a constant"],
      arguments: "%q: f32[M, 4], %k: f32[N, 4], %v: f32[N, W]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[M, N]
      %p = softmax %s {dim = 1} : f32[M, N]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[M, W]
      return %o
      """),
  ]
}

extension Spelling {
  /// What is near attention at several ranks, or with columns beside the scores.
  static let nearMissesOfRanks: [Spelling] = [
    Spelling(
      "softmax over heads and keys", says: ["not fused into attention"],
      """
      %s = contract %q, %k {subscripts = "bhid,bhjd->bihj"} : f32[B, M, 2, N]
      %x = reshape %s : f32[B, M, 2*N]
      %y = softmax %x {dim = 2} : f32[B, M, 2*N]
      %p = reshape %y : f32[B, M, 2, N]
      %o = contract %p, %v {subscripts = "bihj,bhje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "sum over one of two axes", says: ["not fused into attention"],
      arguments: "%q: f32[M, 4], %k: f32[H, W, 4], %v: f32[H, W, 5]",
      """
      %s = contract %q, %k {subscripts = "id,tsd->its"} : f32[M, H, W]
      %x = reshape %s : f32[M, H*W]
      %y = softmax %x {dim = 1} : f32[M, H*W]
      %p = reshape %y : f32[M, H, W]
      %o = contract %p, %v {subscripts = "its,tse->ite"} : f32[M, H, 5]
      return %o
      """),
    Spelling(
      "dimensions reshaped into others", says: ["not fused into attention"],
      arguments: "%q: f32[6, M, 4], %k: f32[6, 8, 4], %v: f32[4, 12, 5]",
      """
      %s = contract %q, %k {subscripts = "hid,hjd->ihj"} : f32[M, 6, 8]
      %x = reshape %s : f32[M, 4, 12]
      %p = softmax %x {dim = 2} : f32[M, 4, 12]
      %o = contract %p, %v {subscripts = "ihj,hje->hie"} : f32[4, M, 5]
      return %o
      """),
    Spelling(
      "a slice that takes a column of the pad", says: ["not fused into attention"],
      arguments: "%q: f32[B, 2, M, 4], %k: f32[B, 2, N, 4], %v: f32[B, 2, N + 1, 5]",
      """
      \(product)
      %x = pad %s {high = [0, 0, 0, 2], low = [0, 0, 0, 0], value = 0.0} : f32[B, 2, M, N + 2]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N + 2]
      %p = slice %y {start = [0, 0, 0, 0], stop = [B, 2, M, N + 1]} : f32[B, 2, M, N + 1]
      \(sum)
      """),
    Spelling(
      "a pad whose values are not 0", says: ["not fused into attention"],
      """
      \(product)
      %x = pad %s {high = [0, 0, 0, 1], low = [0, 0, 0, 0], value = 0.0} : f32[B, 2, M, N + 1]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N + 1]
      %w = pad %v {high = [0, 0, 1, 0], low = [0, 0, 0, 0], value = 1.0} : f32[B, 2, N + 1, 5]
      %o = contract %p, %w {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
      return %o
      """),
    Spelling(
      "the logarithm of other scores and one",
      """
      \(product)
      %t = multiply %s, 2.0 : f32[B, 2, M, N]
      %l = log_sum_exp %t {dim = 3} : f32[B, 2, M]
      %e = exp %l : f32[B, 2, M]
      %a = add %e, 1.0 : f32[B, 2, M]
      %m = log %a : f32[B, 2, M]
      %w = broadcast %m {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %d = subtract %s, %w : f32[B, 2, M, N]
      %p = exp %d : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "exponentials divided by sums over one of two axes",
      arguments: "%q: f32[M, 4], %k: f32[H, W, 4], %v: f32[H, W, 5]",
      """
      %s = contract %q, %k {subscripts = "id,tsd->its"} : f32[M, H, W]
      %e = exp %s : f32[M, H, W]
      %z = reduce %e {dims = [2], kind = add} : f32[M, H]
      %w = broadcast %z {dims = [0, 1]} : f32[M, H, W]
      %p = divide %e, %w : f32[M, H, W]
      %o = contract %p, %v {subscripts = "its,tse->ie"} : f32[M, 5]
      return %o
      """),
  ]
}
