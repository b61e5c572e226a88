extension Spelling {
  private static let merged = "%q: f32[B*2, M, 4], %k: f32[B*2, N, 4], %v: f32[B*2, N, 5]"
  private static let mergedProduct = #"%s = contract %q, %k {subscripts = "xid,xjd->xij"} : f32[B*2, M, N]"#
  private static let mergedSum = """
    %o = contract %p, %v {subscripts = "xij,xje->xie"} : f32[B*2, M, 5]
    return %o
    """

  /// Products, masks, softmax and weighted sum at different ranks.
  static let ranks: [Spelling] = [
    Spelling(
      "merged heads with a mask in four dimensions", says: ["the score reads %mask"],
      arguments: merged + ", %mask: f32[B, 1, M, N]",
      """
      \(mergedProduct)
      %t = reshape %s : f32[B, 2, M, N]
      %m = broadcast %mask {dims = [0, 1, 2, 3]} : f32[B, 2, M, N]
      %u = add %t, %m : f32[B, 2, M, N]
      %x = reshape %u : f32[B*2, M, N]
      %p = softmax %x {dim = 2} : f32[B*2, M, N]
      \(mergedSum)
      """),
    Spelling(
      "merged heads, scaled before the reshape", says: ["scale 0.5 folded", "the mask reads %keep"],
      arguments: merged + ", %keep: bool[B, N]",
      """
      \(mergedProduct)
      %t = multiply %s, 0.5 : f32[B*2, M, N]
      %u = reshape %t : f32[B, 2, M, N]
      %live = broadcast %keep {dims = [0, 3]} : bool[B, 2, M, N]
      %x = select %live, %u, -inf : f32[B, 2, M, N]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N]
      %p = reshape %y : f32[B*2, M, N]
      \(mergedSum)
      """),
    Spelling(
      "merged heads, softmax in four dimensions and the sum too", says: ["brought to one shape, [B, 2, M, N]"],
      arguments: "%q: f32[B*2, M, 4], %k: f32[B*2, N, 4], %v: f32[B, 2, N, 5], %bias: f32[B*2, M, N]",
      """
      \(mergedProduct)
      %t = add %s, %bias : f32[B*2, M, N]
      %u = tanh %t : f32[B*2, M, N]
      %x = reshape %u : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "merged for the softmax alone", says: ["brought to one shape, [B, 2, M, N]", "the mask depends on indices only"],
      """
      \(product)
      %t = reshape %s : f32[B*2, M, N]
      %i = iota {dim = 1} : i32[B*2, M, N]
      %j = iota {dim = 2} : i32[B*2, M, N]
      %live = less_equal %j, %i : bool[B*2, M, N]
      %x = select %live, %t, -inf : f32[B*2, M, N]
      %y = softmax %x {dim = 2} : f32[B*2, M, N]
      %p = reshape %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "merged for the sum alone", says: ["the mask depends on indices only"],
      arguments: "%q: f32[B, 2, M, 4], %k: f32[B, 2, N, 4], %v: f32[B*2, N, 5]",
      """
      \(product)
      \(causal)
      %x = select %live, %s, -inf : f32[B, 2, M, N]
      %y = softmax %x {dim = 3} : f32[B, 2, M, N]
      %p = reshape %y : f32[B*2, M, N]
      \(mergedSum)
      """),
    Spelling(
      "merged for a softmax written out", says: ["a softmax written out", "brought to one shape, [B, 2, M, N]"],
      """
      \(product)
      %t = reshape %s : f32[B*2, M, N]
      %m = reduce %t {dims = [2], kind = maximum} : f32[B*2, M]
      %c = broadcast %m {dims = [0, 1]} : f32[B*2, M, N]
      %d = subtract %t, %c : f32[B*2, M, N]
      %e = exp %d : f32[B*2, M, N]
      %z = reduce %e {dims = [2], kind = add} : f32[B*2, M]
      %w = broadcast %z {dims = [0, 1]} : f32[B*2, M, N]
      %y = divide %e, %w : f32[B*2, M, N]
      %p = reshape %y : f32[B, 2, M, N]
      \(sum)
      """),
    Spelling(
      "windows with a mask per window", says: ["the score reads %bias, %mask"],
      arguments: "%q: f32[B*3, 2, 4, 4], %k: f32[B*3, 2, 4, 4], %v: f32[B*3, 2, 4, 5], %bias: f32[2, 4, 4], %mask: f32[3, 4, 4]",
      """
      %s = contract %q, %k {subscripts = "whid,whjd->whij"} : f32[B*3, 2, 4, 4]
      %b = broadcast %bias {dims = [1, 2, 3]} : f32[B*3, 2, 4, 4]
      %t = add %s, %b : f32[B*3, 2, 4, 4]
      %u = reshape %t : f32[B, 3, 2, 4, 4]
      %m = broadcast %mask {dims = [1, 3, 4]} : f32[B, 3, 2, 4, 4]
      %y = add %u, %m : f32[B, 3, 2, 4, 4]
      %x = reshape %y : f32[B*3, 2, 4, 4]
      %p = softmax %x {dim = 3} : f32[B*3, 2, 4, 4]
      %o = contract %p, %v {subscripts = "whij,whje->whie"} : f32[B*3, 2, 4, 5]
      return %o
      """),
    Spelling(
      "windows, softmax with the mask in five dimensions", says: ["brought to one shape, [B, 3, 2, 4, 4]"],
      arguments: "%q: f32[B*3, 2, 4, 4], %k: f32[B*3, 2, 4, 4], %v: f32[B*3, 2, 4, 5], %mask: bool[3, 4, 4]",
      """
      %s = contract %q, %k {subscripts = "whid,whjd->whij"} : f32[B*3, 2, 4, 4]
      %t = multiply %s, 0.5 : f32[B*3, 2, 4, 4]
      %u = reshape %t : f32[B, 3, 2, 4, 4]
      %m = broadcast %mask {dims = [1, 3, 4]} : bool[B, 3, 2, 4, 4]
      %x = select %m, %u, -inf : f32[B, 3, 2, 4, 4]
      %y = softmax %x {dim = 4} : f32[B, 3, 2, 4, 4]
      %p = reshape %y : f32[B*3, 2, 4, 4]
      %o = contract %p, %v {subscripts = "whij,whje->whie"} : f32[B*3, 2, 4, 5]
      return %o
      """),
    Spelling(
      "logarithm and maximum of merged scores", says: ["it gives"],
      arguments: "%q: f32[B, 2, M, 4], %k: f32[B, 2, N, 4], %v: f32[B*2, N, 5]",
      """
      \(product)
      %x = reshape %s : f32[B*2, M, N]
      %p = softmax %x {dim = 2} : f32[B*2, M, N]
      %lse = log_sum_exp %x {dim = 2} : f32[B*2, M]
      %top = reduce %x {dims = [2], kind = maximum} : f32[B*2, M]
      %o = contract %p, %v {subscripts = "xij,xje->xie"} : f32[B*2, M, 5]
      return %o, %lse, %top
      """),
  ]

  private static let image = "%q: f32[B, H, W, 2, 4], %k: f32[B, H, W, 2, 4], %v: f32[B, H, W, 2, 5]"
  private static let imageProduct = #"%s = contract %q, %k {subscripts = "byxhd,btshd->bhyxts"} : f32[B, 2, H, W, H, W]"#
  private static let imageSum = """
    %o = contract %p, %v {subscripts = "bhyxts,btshe->byxhe"} : f32[B, H, W, 2, 5]
    return %o
    """

  /// A softmax over several axes at once.
  static let axes: [Spelling] = [
    Spelling(
      "two axes by a reshape", says: ["brought to one shape, [B, 2, H*W, H*W]"], arguments: image,
      """
      \(imageProduct)
      %x = reshape %s : f32[B, 2, H, W, H*W]
      %y = softmax %x {dim = 4} : f32[B, 2, H, W, H*W]
      %p = reshape %y : f32[B, 2, H, W, H, W]
      \(imageSum)
      """),
    Spelling(
      "two axes written out", says: ["a softmax written out", "brought to one shape, [B, 2, H*W, H*W]"], arguments: image,
      """
      \(imageProduct)
      %m = reduce %s {dims = [4, 5], kind = maximum} : f32[B, 2, H, W]
      %c = broadcast %m {dims = [0, 1, 2, 3]} : f32[B, 2, H, W, H, W]
      %d = subtract %s, %c : f32[B, 2, H, W, H, W]
      %e = exp %d : f32[B, 2, H, W, H, W]
      %z = reduce %e {dims = [4, 5], kind = add} : f32[B, 2, H, W]
      %w = broadcast %z {dims = [0, 1, 2, 3]} : f32[B, 2, H, W, H, W]
      %p = divide %e, %w : f32[B, 2, H, W, H, W]
      \(imageSum)
      """),
    Spelling(
      "two axes summed one after the other", says: ["a softmax written out", "brought to one shape, [B, 2, H*W, H*W]"],
      arguments: image,
      """
      \(imageProduct)
      %e = exp %s : f32[B, 2, H, W, H, W]
      %y = reduce %e {dims = [5], kind = add} : f32[B, 2, H, W, H]
      %z = reduce %y {dims = [4], kind = add} : f32[B, 2, H, W]
      %r = reciprocal %z : f32[B, 2, H, W]
      %w = broadcast %r {dims = [0, 1, 2, 3]} : f32[B, 2, H, W, H, W]
      %p = multiply %e, %w : f32[B, 2, H, W, H, W]
      \(imageSum)
      """),
    Spelling(
      "two axes divided after the sum", says: ["a softmax before it", "brought to one shape, [B, 2, H*W, H*W]"], arguments: image,
      """
      \(imageProduct)
      %e = exp %s : f32[B, 2, H, W, H, W]
      %u = contract %e, %v {subscripts = "bhyxts,btshe->bhyxe"} : f32[B, 2, H, W, 5]
      %z = reduce %e {dims = [4, 5], kind = add} : f32[B, 2, H, W]
      %w = broadcast %z {dims = [0, 1, 2, 3]} : f32[B, 2, H, W, 5]
      %o = divide %u, %w : f32[B, 2, H, W, 5]
      return %o
      """),
    Spelling(
      "a neighbourhood of two axes", says: ["brought to one shape, [B, 2, H*W, H*W]", "the mask depends on indices and W"],
      arguments: image,
      """
      \(imageProduct)
      %y = iota {dim = 2} : i32[B, 2, H, W, H, W]
      %x = iota {dim = 3} : i32[B, 2, H, W, H, W]
      %t = iota {dim = 4} : i32[B, 2, H, W, H, W]
      %r = iota {dim = 5} : i32[B, 2, H, W, H, W]
      %dy = subtract %y, %t : i32[B, 2, H, W, H, W]
      %dx = subtract %x, %r : i32[B, 2, H, W, H, W]
      %ay = absolute %dy : i32[B, 2, H, W, H, W]
      %ax = absolute %dx : i32[B, 2, H, W, H, W]
      %near = maximum %ay, %ax : i32[B, 2, H, W, H, W]
      %live = less_equal %near, 1 : bool[B, 2, H, W, H, W]
      %a = select %live, %s, -inf : f32[B, 2, H, W, H, W]
      %f = reshape %a : f32[B, 2, H, W, H*W]
      %g = softmax %f {dim = 4} : f32[B, 2, H, W, H*W]
      %p = reshape %g : f32[B, 2, H, W, H, W]
      \(imageSum)
      """),
    Spelling(
      "two axes that are no neighbours", says: ["a softmax written out", "brought to one shape"],
      arguments: "%q: f32[H, W, 4], %k: f32[H, W, 4], %v: f32[H, W, 5]",
      """
      %s = contract %q, %k {subscripts = "yxd,tsd->ytxs"} : f32[H, H, W, W]
      %e = exp %s : f32[H, H, W, W]
      %z = reduce %e {dims = [1, 3], kind = add} : f32[H, W]
      %w = broadcast %z {dims = [0, 2]} : f32[H, H, W, W]
      %p = divide %e, %w : f32[H, H, W, W]
      %o = contract %p, %v {subscripts = "ytxs,tse->yxe"} : f32[H, W, 5]
      return %o
      """),
    Spelling(
      "frames and places of a video as keys", says: ["brought to one shape, [2, M, 3*H*W]"],
      arguments: "%q: f32[2, M, 4], %k: f32[3, H, W, 2, 4], %v: f32[3, H, W, 2, 5]",
      """
      %s = contract %q, %k {subscripts = "hid,ftshd->hifts"} : f32[2, M, 3, H, W]
      %x = reshape %s : f32[2, M, 3*H*W]
      %y = softmax %x {dim = 2} : f32[2, M, 3*H*W]
      %p = reshape %y : f32[2, M, 3, H, W]
      %o = contract %p, %v {subscripts = "hifts,ftshe->hie"} : f32[2, M, 5]
      return %o
      """),
    Spelling(
      "grouped heads over two axes", says: ["brought to one shape, [2, 3, H*W, H*W]"],
      arguments: "%q: f32[H, W, 2, 3, 4], %k: f32[H, W, 2, 4], %v: f32[H, W, 2, 5]",
      """
      %s = contract %q, %k {subscripts = "yxkgd,tskd->kgyxts"} : f32[2, 3, H, W, H, W]
      %x = reshape %s : f32[2, 3, H, W, H*W]
      %y = softmax %x {dim = 4} : f32[2, 3, H, W, H*W]
      %p = reshape %y : f32[2, 3, H, W, H, W]
      %o = contract %p, %v {subscripts = "kgyxts,tske->yxkge"} : f32[H, W, 2, 3, 5]
      return %o
      """),
  ]
}
