import HeedIR
import HeedPasses
import Testing

/// Passes walk graphs whose values share what they are made from, or that are deep, in time that grows with the number of nodes.
@Suite struct LargeGraphTests {
  /// `count` lines that each use the one before twice: %first0, %first1, ...
  private func doublings(_ count: Int, of value: String, _ type: String, _ op: String = "add") -> String {
    (1...count).map { "  %\(value)\($0) = \(op) %\(value)\($0 - 1), %\(value)\($0 - 1) : \(type)" }.joined(separator: "\n")
  }

  private func remarks(_ text: String, passes: String? = nil) throws -> String {
    let pipeline = try passes.map { try PassPipeline(parsing: $0) } ?? PassPipeline()
    return try pipeline.run(parse(text)).remarks.map(\.description).joined(separator: "\n")
  }

  @Test(.timeLimit(.minutes(15))) func sharedOperandsOfProducts() throws {
    let said = try remarks(
      """
      graph @g(parameter %x0: f32[8, 8], %y: f32[S, 8]) {
      \(doublings(40, of: "x", "f32[8, 8]"))
        %z = contract %x40, %y {subscripts = "ij,sj->si"} : f32[S, 8]
        %r = exp %z : f32[S, 8]
        return %r
      }
      """)
    #expect(said.contains("exp done in the epilogue of"), "\(said)")
  }

  @Test(.timeLimit(.minutes(15))) func sharedScores() throws {
    let said = try remarks(
      """
      graph @g(%q: f32[S, 8], %k: f32[S, 8], %v: f32[S, 8], %b: f32[S, S], %m0: bool[S, S]) {
      \(doublings(40, of: "m", "bool[S, S]", "and"))
        %c = contract %q, %k {subscripts = "id,jd->ij"} : f32[S, S]
        %x0 = multiply %c, %b : f32[S, S]
      \(doublings(40, of: "x", "f32[S, S]"))
        %s = select %m40, %x40, -inf : f32[S, S]
        %p = softmax %s {dim = 1} : f32[S, S]
        %r = select %m40, %p, 0.0 : f32[S, S]
        %o = contract %r, %v {subscripts = "ij,je->ie"} : f32[S, 8]
        return %o
      }
      """, passes: "canonicalize-attention,fuse-attention")
    #expect(said.contains("masked probabilities are those of masked scores already"), "\(said)")
    #expect(said.contains("fused into attention"), "\(said)")
  }

  @Test(.timeLimit(.minutes(15))) func sharedFactorsOfValues() throws {
    let said = try remarks(
      """
      graph @g(%q: f32[S, 8], %x0: f32[S, S]) {
      \(doublings(40, of: "x", "f32[S, S]"))
        %o = contract %x40, %q {subscripts = "ij,je->ie"} : f32[S, 8]
        return %o
      }
      """, passes: "fuse-attention")
    #expect(said.isEmpty, "\(said)")
  }

  /// More ops than a stack holds frames; scores that far from their product are not written as scalar code.
  @Test(.timeLimit(.minutes(15))) func longChains() throws {
    let count = 5000
    let chain = (1...count).map { "  %x\($0) = tanh %x\($0 - 1) : f32[S, S]" }.joined(separator: "\n")
    let masks = (1...count).map { "  %m\($0) = xor %m\($0 - 1), %b : i32[S, S]" }.joined(separator: "\n")
    func text(_ score: String) -> String {
      """
      graph @g(%q: f32[S, 8], %k: f32[S, 8], %v: f32[S, 8], %m0: i32[S, S], %b: i32[S, S]) {
        %x0 = contract %q, %k {subscripts = "id,jd->ij"} : f32[S, S]
      \(chain)
      \(masks)
        %m = convert %m\(count) : f32[S, S]
        %s = add \(score), %m : f32[S, S]
        %p = softmax %s {dim = 1} : f32[S, S]
        %o = contract %p, %v {subscripts = "ij,je->ie"} : f32[S, 8]
        return %o
      }
      """
    }
    let far = try remarks(text("%x\(count)"), passes: "canonicalize-attention,fuse-attention")
    #expect(far.contains("not fused into attention: %s is more than 128 ops away from the scores"), "\(far)")
    // A tensor beside the scores is computed before and read.
    let near = try remarks(text("%x0"), passes: "canonicalize-attention,fuse-attention")
    #expect(near.contains("fused into attention"), "\(near)")
  }

  /// The first node's group has to wait for a chain of thousands of others.
  @Test(.timeLimit(.minutes(15))) func groupsAfterLongChains() throws {
    let count = 5000
    let rows = (1...count).map { "  %x\($0) = softmax %x\($0 - 1) {dim = 1} : f32[S, 8]" }.joined(separator: "\n")
    let said = try remarks(
      """
      graph @g(%x0: f32[S, 8]) {
        %a = exp %x0 : f32[S, 8]
      \(rows)
        %r = add %a, %x\(count) : f32[S, 8]
        return %r
      }
      """, passes: "fuse-elementwise")
    #expect(said.contains("exp, add done in one pass over memory"), "\(said)")
  }

  @Test(.timeLimit(.minutes(15))) func longGroups() throws {
    let count = 20000
    let ops = (1...count).map { "  %x\($0) = tanh %x\($0 - 1) : f32[S, 8]" }.joined(separator: "\n")
    let graph = try parse("graph @g(%x0: f32[S, 8]) {\n\(ops)\n  return %x\(count)\n}")
    #expect(try PassPipeline([.fuseElementwise]).run(graph).graph.ir.body.count == 1)
  }

  /// Nothing between a product and the end of its epilogue is looked at more than a few times.
  @Test(.timeLimit(.minutes(15))) func longEpilogues() throws {
    let count = 5000
    let ops = (1...count).map { "  %x\($0) = tanh %x\($0 - 1) : f32[S, 8]" }.joined(separator: "\n")
    let said = try remarks(
      """
      graph @g(%x: f32[S, 8], parameter %w: f32[8, 8]) {
        %x0 = contract %x, %w {subscripts = "sd,de->se"} : f32[S, 8]
      \(ops)
        return %x\(count)
      }
      """, passes: "fuse-linear")
    #expect(said.contains("tanh done in the epilogue of %x0"), "\(said.suffix(200))")
  }
}
