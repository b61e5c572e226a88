import HeedIR
import HeedPasses
import Testing

/// What looks like attention and is not fused gets one remark, with the reason and what is stored; what is none gets no remark.
@Suite struct UnfusedAttentionTests {
  private static let looksLikeIt: [Spelling] = [
    Spelling(
      "scan in place of a softmax",
      says: [
        "the scan %c needs whole rows of scores, which no kernel has at once; weights",
        "stores 8*B*M*N bytes",
      ],
      """
      \(Spelling.product)
      %c = scan %s {dim = 3, kind = add} : f32[B, 2, M, N]
      %p = exp %c : f32[B, 2, M, N]
      \(Spelling.sum)
      """),
    Spelling(
      "each row divided by its greatest score, squared",
      says: [
        "the reduce %m needs whole rows of scores, which no kernel has at once; weights that are each made from their own score fuse",
        "stores 8*B*M*N bytes",
      ],
      """
      \(Spelling.product)
      %m = reduce %s {dims = [3], kind = maximum} : f32[B, 2, M]
      %w = broadcast %m {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %d = divide %s, %w : f32[B, 2, M, N]
      %p = multiply %d, %d : f32[B, 2, M, N]
      \(Spelling.sum)
      """),
    Spelling(
      "rows normalised to unit variance", says: ["the rms_norm %p needs whole rows of scores", "stores 128*B*M bytes"],
      arguments: "%q: f32[B, 2, M, 4], %k: f32[B, 2, 16, 4], %v: f32[B, 2, 16, 5], %w: f32[16]",
      """
      %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, 16]
      %p = rms_norm %s, %w {epsilon = 1e-06} : f32[B, 2, M, 16]
      \(Spelling.sum)
      """),
    Spelling(
      "softmax of a scan", says: ["the scan %x needs whole rows of scores", "stores 8*B*M*N bytes"],
      """
      \(Spelling.product)
      %x = scan %s {dim = 3, kind = maximum} : f32[B, 2, M, N]
      %p = softmax %x {dim = 3} : f32[B, 2, M, N]
      \(Spelling.sum)
      """),
    Spelling(
      "scores divided by the sum of their sizes",
      says: ["the reduce %z needs whole rows of scores", "ones divided by their own sum"],
      """
      \(Spelling.product)
      %a = absolute %s : f32[B, 2, M, N]
      %z = reduce %a {dims = [3], kind = add} : f32[B, 2, M]
      %w = broadcast %z {dims = [0, 1, 2]} : f32[B, 2, M, N]
      %p = divide %s, %w : f32[B, 2, M, N]
      \(Spelling.sum)
      """),
    Spelling(
      "a function of the pair that a scan makes", says: ["%t is as large as the scores", "stores 8*B*M*N bytes"],
      """
      \(Spelling.product)
      %i = iota {dim = 2} : i32[B, 2, M, N]
      %j = iota {dim = 3} : i32[B, 2, M, N]
      %d = subtract %i, %j : i32[B, 2, M, N]
      %f = convert %d : f32[B, 2, M, N]
      %t = scan %f {dim = 3, kind = maximum} : f32[B, 2, M, N]
      %p = multiply %s, %t : f32[B, 2, M, N]
      \(Spelling.sum)
      """),
    Spelling(
      "16-bit scores", says: ["the scan %x needs whole rows of scores", "stores 2*M*N bytes"],
      arguments: "%q: bf16[M, 4], %k: bf16[N, 4], %v: bf16[N, 5]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : bf16[M, N]
      %x = scan %s {dim = 1, kind = maximum} : bf16[M, N]
      %p = softmax %x {dim = 1} : bf16[M, N]
      %o = contract %p, %v {subscripts = "ij,je->ie"} : bf16[M, 5]
      return %o
      """),
  ]

  private static let isNone: [Spelling] = [
    Spelling(
      "feed-forward layer", arguments: "%x: f32[S, 4], parameter %u: f32[4, 16], parameter %w: f32[16, 4]",
      """
      %h = contract %x, %u {subscripts = "id,dj->ij"} : f32[S, 16]
      %g = gelu %h : f32[S, 16]
      %o = contract %g, %w {subscripts = "ij,je->ie"} : f32[S, 4]
      return %o
      """),
    Spelling(
      "a chain of products",
      """
      \(Spelling.product)
      %p = multiply %s, 0.25 : f32[B, 2, M, N]
      \(Spelling.sum)
      """),
    Spelling(
      "a chain of products with a factor of rows",
      """
      \(Spelling.product)
      %i = iota {dim = 2} : i32[B, 2, M, N]
      %f = convert %i : f32[B, 2, M, N]
      %p = multiply %s, %f : f32[B, 2, M, N]
      \(Spelling.sum)
      """),
    Spelling(
      "two products side by side",
      """
      \(Spelling.product)
      %p = tanh %s : f32[B, 2, M, N]
      %o = contract %q, %q {subscripts = "bhid,bhie->bhde"} : f32[B, 2, 4, 4]
      return %p, %o
      """),
    Spelling(
      "a product of what is not as large as the scores",
      """
      \(Spelling.product)
      %m = reduce %s {dims = [2], kind = maximum} : f32[B, 2, N]
      %o = contract %m, %v {subscripts = "bhj,bhje->bhe"} : f32[B, 2, 5]
      return %o
      """),
  ]

  private func remarks(_ spelling: Spelling) throws -> [Remark] {
    try PassPipeline().run(parse(spelling.text)).remarks.filter { $0.message.contains("not fused into attention") }
  }

  @Test(arguments: looksLikeIt) func saysWhy(_ spelling: Spelling) throws {
    let found = try remarks(spelling)
    #expect(found.count == 1)
    for words in spelling.says { #expect(found.first?.description.contains(words) ?? false, "\(found)") }
  }

  @Test(arguments: isNone) func saysNothing(_ spelling: Spelling) throws {
    #expect(try remarks(spelling).isEmpty)
  }

  /// A float table that is added hides its mask; bools that choose do not.
  @Test func namesFloatMasks() throws {
    func notes(_ body: String, _ mask: String) throws -> [String] {
      let spelling = Spelling("mask", arguments: Spelling.qkv + ", \(mask)", "\(Spelling.product)\n\(body)\n\(Spelling.ending)")
      return try PassPipeline().run(parse(spelling.text)).remarks.map(\.description)
    }
    let added = try notes(
      """
      %b = broadcast %mask {dims = [0, 2, 3]} : f32[B, 2, M, N]
      %x = add %s, %b : f32[B, 2, M, N]
      """, "%mask: f32[B, M, N]")
    #expect(added.contains { $0.contains("%mask is added as floats") && $0.contains("give bools") }, "\(added)")
    let scaled = try notes(
      """
      %d = subtract 1.0, %mask : f32[B, N]
      %t = multiply %d, -10000.0 : f32[B, N]
      %b = broadcast %t {dims = [0, 3]} : f32[B, 2, M, N]
      %x = add %s, %b : f32[B, 2, M, N]
      """, "%mask: f32[B, N]")
    #expect(scaled.contains { $0.contains("%mask is added as floats") && $0.contains("give bools") }, "\(scaled)")
    let logarithm = try notes(
      """
      %t = log %mask : f32[B, N]
      %b = broadcast %t {dims = [0, 3]} : f32[B, 2, M, N]
      %x = add %s, %b : f32[B, 2, M, N]
      """, "%mask: f32[B, N]")
    #expect(logarithm.contains { $0.contains("%mask is added as floats") }, "\(logarithm)")
    let chosen = try notes(
      """
      %b = broadcast %mask {dims = [0, 2, 3]} : bool[B, 2, M, N]
      %x = select %b, %s, -inf : f32[B, 2, M, N]
      """, "%mask: bool[B, M, N]")
    #expect(!chosen.contains { $0.contains("added as floats") }, "\(chosen)")
    let perRow = try notes(
      """
      %b = broadcast %mask {dims = [0, 2]} : f32[B, 2, M, N]
      %x = add %s, %b : f32[B, 2, M, N]
      """, "%mask: f32[B, M]")
    #expect(!perRow.contains { $0.contains("added as floats") }, "\(perRow)")
  }
}
