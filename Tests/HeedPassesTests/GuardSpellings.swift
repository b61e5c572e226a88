/// Guards behind the softmax, against rows without a live pair and NaN: `%p` becomes one attention op.
extension Spelling {
  private static let maskTable = """
    \(product)
    %allowed = broadcast %mask {dims = [2, 3]} : bool[B, 2, M, N]
    %x = select %allowed, %s, -inf : f32[B, 2, M, N]
    %y = softmax %x {dim = 3} : f32[B, 2, M, N]
    """
  private static let withMask = qkv + ", %mask: bool[M, N]"
  private static let asksRow = "is NaN in a whole row: the logarithm of its sum is asked"
  private static let byItself = "a row whose scores are all -inf has the probabilities 0 without the choice"

  /// Guards behind the softmax: rows may be empty, and NaN.
  static let guards: [Spelling] = [
    Spelling(
      "not equal to itself", says: [asksRow], arguments: withMask,
      """
      \(maskTable)
      %n = not_equal %y, %y : bool[B, 2, M, N]
      %p = select %n, 0.0, %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "equal to itself", says: [asksRow], arguments: withMask,
      """
      \(maskTable)
      %n = equal %y, %y : bool[B, 2, M, N]
      %p = select %n, %y, 0.0 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "asked in a flat copy of another type", says: [asksRow], arguments: withMask,
      """
      \(maskTable)
      %flat = reshape %y : f32[B, 2, M * N]
      %wide = convert %flat : f64[B, 2, M * N]
      %n = not_equal %wide, %wide : bool[B, 2, M * N]
      %c = reshape %n : bool[B, 2, M, N]
      %p = select %c, 0.0, %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "NaN and infinities replaced", says: [asksRow], arguments: withMask,
      """
      \(maskTable)
      %n = not_equal %y, %y : bool[B, 2, M, N]
      %a = select %n, 0.0, %y : f32[B, 2, M, N]
      %high = equal %a, inf : bool[B, 2, M, N]
      %b = select %high, 3.4028235e+38, %a : f32[B, 2, M, N]
      %low = equal %b, -inf : bool[B, 2, M, N]
      %p = select %low, -3.4028235e+38, %b : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "finite", says: [asksRow], arguments: withMask,
      """
      \(maskTable)
      %size = absolute %y : f32[B, 2, M, N]
      %n = less %size, inf : bool[B, 2, M, N]
      %p = select %n, %y, 0.0 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "greatest score is -inf", says: [byItself], arguments: withMask,
      """
      \(maskTable)
      %top = reduce %x {dims = [3], kind = maximum} : f32[B, 2, M]
      %column = reshape %top : f32[B, 2, M, 1]
      %none = equal %column, -inf : bool[B, 2, M, 1]
      %c0 = reshape %none : bool[B, 2, M]
      %c = broadcast %c0 {dims = [0, 1, 2]} : bool[B, 2, M, N]
      %p = select %c, 0.0, %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "any pair of the mask", says: [byItself], arguments: withMask,
      """
      \(maskTable)
      %any = reduce %mask {dims = [1], kind = or} : bool[M]
      %c = broadcast %any {dims = [2]} : bool[B, 2, M, N]
      %p = select %c, %y, 0.0 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "all pairs masked", says: [byItself], arguments: withMask,
      """
      \(maskTable)
      %dead = not %mask : bool[M, N]
      %all = reduce %dead {dims = [1], kind = and} : bool[M]
      %c = broadcast %all {dims = [2]} : bool[B, 2, M, N]
      %p = select %c, 0.0, %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "number of pairs of the mask", says: [byItself], arguments: withMask,
      """
      \(maskTable)
      %numbers = convert %mask : f32[M, N]
      %count = reduce %numbers {dims = [1], kind = add} : f32[M]
      %some = greater %count, 0.0 : bool[M]
      %c = broadcast %some {dims = [2]} : bool[B, 2, M, N]
      %p = select %c, %y, 0.0 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "any pair of another mask", says: ["a condition on rows, moved behind the weighted sum"],
      arguments: withMask + ", %rows: bool[M, N]",
      """
      \(maskTable)
      %any = reduce %rows {dims = [1], kind = or} : bool[M]
      %c = broadcast %any {dims = [2]} : bool[B, 2, M, N]
      %p = select %c, %y, 0.0 : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "sum of a row is NaN", says: ["a condition on rows, moved behind the weighted sum"], arguments: withMask,
      """
      \(maskTable)
      %total = reduce %y {dims = [3], kind = add} : f32[B, 2, M]
      %n = not_equal %total, %total : bool[B, 2, M]
      %c = broadcast %n {dims = [0, 1, 2]} : bool[B, 2, M, N]
      %p = select %c, 0.0, %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "behind a softmax written out", says: [asksRow], arguments: withMask,
      """
      \(product)
      %allowed = broadcast %mask {dims = [2, 3]} : bool[B, 2, M, N]
      %x = select %allowed, %s, -inf : f32[B, 2, M, N]
      %top = reduce %x {dims = [3], kind = maximum} : f32[B, 2, M]
      %t = broadcast %top {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %d = subtract %x, %t : f32[B, 2, M, N]
      %e = exp %d : f32[B, 2, M, N]
      %z = reduce %e {dims = [3], kind = add} : f32[B, 2, M]
      %b = broadcast %z {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %y = divide %e, %b : f32[B, 2, M, N]
      %n = not_equal %y, %y : bool[B, 2, M, N]
      %p = select %n, 0.0, %y : f32[B, 2, M, N]
      \(sum)
      """),
  ]
}
