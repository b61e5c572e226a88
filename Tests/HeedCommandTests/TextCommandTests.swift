import Heed
import Testing

/// The subcommands that print what the compiler makes.
@Suite struct TextCommandTests {
  @Test func dumpShowsOneAttention() throws {
    let result = try heed("dump", "-", input: causal)
    #expect(result.status == 0)
    #expect(result.output.components(separatedBy: " = attention ").count == 2)
    #expect(!result.output.contains("softmax"))
  }

  @Test func dumpOfEachForm() throws {
    #expect(try heed("dump", "-", "--after", "canonicalize-attention", input: causal).output.contains("= softmax"))
    let kernels = try heed("dump", "-", "--kernels", input: causal)
    #expect(kernels.output.contains("kernel @attention"))
    #expect(try heed("dump", "-", "--llvm", input: causal).output.contains("define void @attention.attend.run("))
    for (target, instruction) in [("aarch64-neon", "fmla"), ("x86-64", "mulps"), ("x86-64-avx512", "vfmadd231ps")] {
      let assembly = try heed("dump", "-", "--asm", "--target", target, input: causal)
      #expect(assembly.status == 0)
      #expect(assembly.output.contains(instruction))
    }
  }

  @Test func graphsAreChosenByName() throws {
    let two = causal + "\n" + causal.replacing("@causal", with: "@other")
    #expect(try heed("dump", "-", input: two).output.components(separatedBy: "graph @").count == 3)
    #expect(try heed("dump", "-", "--graph", "other", input: two).output.hasPrefix("graph @other("))
    expectFailure(
      try heed("dump", "-", "--graph", "third", input: two), "got the graph name 'third', expected one of @causal, @other")
    expectFailure(try heed("run", "-", input: two), "got the 2 graphs @causal, @other, expected --graph to say which")
  }

  @Test func optRunsTheNamedPasses() throws {
    #expect(try heed("opt", "-", "--passes", "simplify,eliminate-dead-nodes", input: causal).output.contains("= softmax"))
    let all = try heed("opt", "-", "--verify-each", "--time-passes", "--remarks", "--print-after", "simplify", input: causal)
    #expect(all.output.contains("// after simplify\n"))
    #expect(all.errors.contains("fuse-attention: %out: fused into attention"))
    #expect(all.errors.contains(" ms\n"))
    expectFailure(try heed("opt", "-", "--passes", "simplify,nonsense", input: causal), "got the pass 'nonsense', expected one of ")
  }

  @Test func explainPredicts() throws {
    let symbolic = try heed("explain", "-", input: causal)
    #expect(symbolic.output.contains("For times give the sizes: --size B=... --size S=..."))
    let sized = try heed("explain", "-", "--size", "B=1", "--size", "S=512", "--target", "aarch64-neon", input: causal)
    #expect(sized.status == 0)
    #expect(sized.output.contains("Predicted for B = 1, S = 512"))
    #expect(sized.output.contains("assumed: one core"))
    #expect(try heed("explain", "-", "--size", "B=1", "--size", "S=512", input: causal).output.contains("measured: "))
  }

  @Test func mistakesInGraphs() throws {
    let wrong = causal.replacing("f32[B, 2, S, 16]) {", with: "f32[B, 2, S, 8]) {")
    let result = try heed("dump", "-", input: wrong)
    #expect(result.status == 1)
    // The line, then the source line and a caret.
    #expect(result.errors.hasPrefix("<stdin>:9:"))
    #expect(result.errors.split(separator: "\n").count <= 3)
    expectFailure(try heed("dump", "/nonexistent.heed"), "/nonexistent.heed")
    expectFailure(try heed("dump", "-", "--target", "z80", input: causal), "got target 'z80', expected one of host, ")
  }

  @Test func usage() throws {
    for arguments in [["dump"], ["dump", "-", "--nonsense"], ["nonsense"], ["run", "-", "--input", "q"]] {
      let result =
        try arguments.count == 1 ? heed(arguments[0]) : heed(arguments[0], arguments[1], arguments.dropFirst(2).first ?? "")
      #expect(result.status == 64, "\(arguments)")
    }
    #expect(try heed("--help").status == 0)
    #expect(try heed("version").output.contains("llvm "))
  }
}
