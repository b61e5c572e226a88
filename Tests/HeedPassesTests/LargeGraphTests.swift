import Foundation
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
    // No kernel's code grows without bound.
    let kernels = try PassPipeline([.fuseElementwise]).run(graph).graph.ir
    #expect((100...2000).contains(kernels.count(.map)) && kernels.count(.map) == kernels.body.count)
  }

  /// Blocks of three chains that end in one value: they are taken apart where they end.
  @Test func longGroupsAreCutWhereFewValuesLive() throws {
    var lines: [String] = []
    for block in 0..<20 {
      for (chain, op) in ["tanh", "sigmoid", "exp"].enumerated() {
        for step in 0..<6 {
          lines.append(
            "  %x\(block).\(chain).\(step) = \(op) %\(step == 0 ? "y\(block)" : "x\(block).\(chain).\(step - 1)") : f32[S, 8]")
        }
      }
      lines.append("  %s\(block) = add %x\(block).0.5, %x\(block).1.5 : f32[S, 8]")
      lines.append("  %y\(block + 1) = add %s\(block), %x\(block).2.5 : f32[S, 8]")
    }
    let graph = try parse("graph @g(%y0: f32[S, 8]) {\n\(lines.joined(separator: "\n"))\n  return %y20\n}")
    let kernels = try PassPipeline([.fuseElementwise]).run(graph).graph.ir
    #expect((2...20).contains(kernels.count(.map)))
    for node in kernels.body where kernels.op(node) == .map {
      #expect(kernels.operands(node).count == 1 && kernels.results(node).count == 1, "\(kernels.text)")
    }
  }

  // MARK: Many layers

  /// Attention without weights on a residual stream, from which every product of an earlier layer can be reached.
  private func residualAttentions(_ layers: Int) throws -> Graph {
    let body = (0..<layers).map { layer in
      """
        %s\(layer) = contract %x\(layer), %x\(layer) {subscripts = "id,jd->ij"} : f32[S, S]
        %p\(layer) = softmax %s\(layer) {dim = 1} : f32[S, S]
        %o\(layer) = contract %p\(layer), %x\(layer) {subscripts = "ij,je->ie"} : f32[S, 16]
        %x\(layer + 1) = add %x\(layer), %o\(layer) : f32[S, 16]
      """
    }
    return try parse("graph @g(%x0: f32[S, 16]) {\n\(body.joined(separator: "\n"))\n  return %x\(layers)\n}")
  }

  /// Layers of a transformer: norms, projections with biases, causal attention, a feed-forward layer.
  private func transformer(_ layers: Int) throws -> Graph {
    let body = (0..<layers).map { layer in
      func linear(_ result: String, _ operand: String, _ weight: String, _ width: Int) -> String {
        """
          %\(result).m = contract %\(operand), %\(weight) {subscripts = "si,io->so"} : f32[S, \(width)]
          %\(result).b = broadcast %bias\(width) {dims = [1]} : f32[S, \(width)]
          %\(result) = add %\(result).m, %\(result).b : f32[S, \(width)]
        """
      }
      let l = "\(layer)"
      return """
          %n\(l) = layer_norm %x\(l), %scale, %bias16 {epsilon = 1e-05} : f32[S, 16]
        \(linear("q" + l, "n" + l, "w", 16))
        \(linear("k" + l, "n" + l, "w", 16))
        \(linear("v" + l, "n" + l, "w", 16))
          %s\(l) = contract %q\(l), %k\(l) {subscripts = "id,jd->ij"} : f32[S, S]
          %t\(l) = multiply %s\(l), 0.25 : f32[S, S]
          %live\(l) = less_equal %j, %i : bool[S, S]
          %z\(l) = select %live\(l), %t\(l), -inf : f32[S, S]
          %p\(l) = softmax %z\(l) {dim = 1} : f32[S, S]
          %o\(l) = contract %p\(l), %v\(l) {subscripts = "ij,je->ie"} : f32[S, 16]
        \(linear("a" + l, "o" + l, "w", 16))
          %y\(l) = add %x\(l), %a\(l) : f32[S, 16]
          %h\(l) = layer_norm %y\(l), %scale, %bias16 {epsilon = 1e-05} : f32[S, 16]
        \(linear("u" + l, "h" + l, "up", 64))
          %g\(l) = gelu %u\(l) : f32[S, 64]
        \(linear("d" + l, "g" + l, "down", 16))
          %x\(layer + 1) = add %y\(l), %d\(l) : f32[S, 16]
        """
    }
    return try parse(
      """
      graph @g(%x0: f32[S, 16], parameter %w: f32[16, 16], parameter %up: f32[16, 64], parameter %down: f32[64, 16],
        parameter %scale: f32[16], parameter %bias16: f32[16], parameter %bias64: f32[64]) {
        %i = iota {dim = 0} : i32[S, S]
        %j = iota {dim = 1} : i32[S, S]
      \(body.joined(separator: "\n"))
        return %x\(layers)
      }
      """)
  }

  /// Seconds of processor that the calling thread takes for `body`: other threads do not lengthen it.
  private func processorSeconds(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    try body()
    return now() - start
  }

  /// Eight times the layers take the passes about eight times as long, where a quadratic pass would take 64 times.
  @Test(.timeLimit(.minutes(15)), arguments: [true, false]) func manyLayers(_ isResidual: Bool) throws {
    func measure(_ layers: Int) throws -> Double {
      let graph = try isResidual ? residualAttentions(layers) : transformer(layers)
      var seconds = Double.infinity
      for _ in 0..<2 {
        seconds = min(
          seconds,
          try processorSeconds {
            let fused = try PassPipeline().run(graph).graph.ir
            #expect(fused.count(.attention) == layers && fused.count(.softmax) == 0)
          })
      }
      return seconds
    }
    let (few, many) = (try measure(50), try measure(400))
    #expect(many < 24 * few, "50 layers took \(few) s, 400 took \(many) s")
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
