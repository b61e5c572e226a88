import Heed
import Testing

/// Calls and loading that would take more memory than they may, or than there is.
@Suite struct CallMemoryTests {
  /// A product of an input with a parameter, and a table of pairs that is stored.
  private func graph() throws -> Graph {
    try Graph.parse(
      """
      graph @pairs(%x: f32[S, 64], parameter %w: f32[64, 64]) {
        %y = contract %x, %w {subscripts = "si,io->so"} : f32[S, 64]
        %p = contract %y, %x {subscripts = "io,jo->ij"} : f32[S, S]
        %q = contract %p, %p {subscripts = "ij,jk->ik"} : f32[S, S]
        %z = contract %q, %y {subscripts = "ij,jo->io"} : f32[S, 64]
        return %z
      }
      """, file: "<test>")[0]
  }

  private let weight = NDArray.random([64, 64], seed: 1)

  private func message(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch { return (error as? HeedError)?.message ?? "\(error)" }
  }

  /// Without sizes a limit holds for calls of every length: to the byte.
  @Test func aLimitForAllCalls() throws {
    let graph = try graph()
    let free = try graph.compile().load(parameters: ["w": weight])
    for rows in [100, 300] {
      let plan = try free.memoryPlan(sizes: ["S": rows])
      let x = NDArray.random([rows, 64], seed: 2)
      let expected = try free(["x": x]).floats()
      let limited = try graph.compile(CompileOptions(memoryLimit: MemoryLimit(plan.total))).load(parameters: ["w": weight])
      #expect(try limited(["x": x]).floats() == expected)
      #expect(limited.program == free.program, "nothing else changes")
      // Fewer rows take less, more rows more.
      _ = try limited(["x": NDArray.random([rows / 2, 64], seed: 2)]) as Outputs
      for (limit, rows) in [(plan.total - 1, rows), (plan.total, rows + 1)] {
        let small = try graph.compile(CompileOptions(memoryLimit: MemoryLimit(limit))).load(parameters: ["w": weight])
        let x = NDArray.random([rows, 64], seed: 2)
        let total = try free.memoryPlan(sizes: ["S": rows]).total
        let text = try #require(message { _ = try small(["x": x]) as Outputs })
        #expect(
          text.hasPrefix(
            "@pairs: got a call at S = \(rows) that takes \(total) bytes, expected at most the memory limit of \(limit): "),
          "\(text)")
        #expect(!text.contains("\n"))
        // And again: a call that failed leaves nothing that lets the next one pass.
        #expect(message { _ = try small(["x": x]) as Outputs } == text)
      }
    }
  }

  /// The error names what is largest, with type and bytes, whatever it is.
  @Test func theLargestAreNamed() throws {
    let graph = try graph()
    let limited = try graph.compile(CompileOptions(memoryLimit: MemoryLimit(1 << 20))).load(parameters: ["w": weight])
    let text = try #require(message { _ = try limited(["x": NDArray.random([1000, 64], seed: 2)]) as Outputs })
    #expect(text.contains("of workspace, the largest "), "\(text)")
    #expect(text.contains(": f32[1000, 1000] (4000000), "), "\(text)")
    let copy = try Graph.parse("graph @twice(%x: f32[S]) {\n  %y = add %x, %x : f32[S]\n  return %y\n}", file: "<test>")[0]
    let twice = try copy.compile(CompileOptions(memoryLimit: MemoryLimit(100)))
    #expect(
      message { _ = try twice(["x": NDArray.random([100], seed: 1)]) as Outputs }
        == "@twice: got a call at S = 100 that takes 800 bytes, expected at most the memory limit of 100: 800 of arguments and results, "
        + "0 of workspace, the largest %x: f32[100] (400), %y: f32[100] (400)")
  }

  @Test func loadingCounts() throws {
    let graph = try graph()
    let loading = try graph.compile().memoryPlan(sizes: ["S": 1]).loading
    #expect(loading >= 64 * 64 * 4)
    _ = try graph.compile(CompileOptions(memoryLimit: MemoryLimit(loading))).load(parameters: ["w": weight])
    let text = try #require(
      message { _ = try graph.compile(CompileOptions(memoryLimit: MemoryLimit(1000))).load(parameters: ["w": weight]) })
    #expect(
      text.hasPrefix("@pairs: got parameters whose loading takes ") && text.contains("expected at most the memory limit of 1000: "),
      "\(text)")
  }

  /// Far more than any machine has: an error at once, of compiled calls and of plans.
  @Test(.timeLimit(.minutes(1))) func moreThanThereIs() throws {
    let graph = try Graph.parse(
      """
      graph @table(%x: f32[S]) {
        %a = broadcast %x {dims = [0]} : f32[S, S]
        %b = broadcast %x {dims = [1]} : f32[S, S]
        %t = multiply %a, %b : f32[S, S]
        return %t
      }
      """, file: "<test>")[0]
    let program = try graph.compile()
    let text = try #require(message { _ = try program(["x": NDArray(zeros: .f32, [4 << 20])]) as Outputs })
    #expect(text.hasPrefix("@table: got a call at S = 4194304 that takes 70368760954880 bytes, expected at most "), "\(text)")
    #expect(text.contains(" more than its arguments, which is what is left: "), "\(text)")
    #expect(text.contains("the largest %t: f32[4194304, 4194304] (70368744177664), %x: f32[4194304] (16777216)"), "\(text)")
    // Bytes that 63 bits do not count, of inputs, results and sums of them.
    for rows in [1 << 31, 1 << 40, (1 << 61) - 1, 1 << 62, Int.max] {
      #expect(message { _ = try program.memoryPlan(sizes: ["S": rows]) } != nil, "\(rows)")
    }
    let inputs = try Graph.parse(
      "graph @sum(%x: f32[S], %y: f32[S], %z: f32[S]) {\n  %s = reduce %x {dims = [0], kind = add} : f32\n  return %s\n}",
      file: "<test>")[0]
    for rows in [1 << 60, (1 << 61) - 1, 1 << 62, Int.max] {
      #expect(message { _ = try inputs.lowered().memoryPlan(sizes: ["S": rows]) } != nil, "\(rows)")
    }
    #expect(try inputs.lowered().memoryPlan(sizes: ["S": 1 << 58]).inputs == 3 << 60)
  }

  /// A call that fails for its memory leaves states as they are.
  @Test func statesStay() throws {
    let graph = try Graph.parse(
      """
      graph @count(%x: f32[S], state %n: f32[S]) {
        %m = add %n, %x : f32[S]
        update %n = %m
        return %m
      }
      """, file: "<test>")[0]
    let program = try graph.compile(CompileOptions(memoryLimit: MemoryLimit(100)))
    var state = GraphState(["n": NDArray.random([100], seed: 3)])
    let before = try state["n"]!.floats()
    let text = message { _ = try program(["x": NDArray.random([100], seed: 1)], updating: &state) as Outputs }
    #expect(text?.contains("expected at most the memory limit of 100") == true, "\(text ?? "")")
    #expect(try state["n"]?.floats() == before)
  }

  /// What loaded parameters decide need not be said again.
  @Test func parametersDecideSizes() throws {
    let graph = try Graph.parse(
      "graph @map(%x: f32[S, D], parameter %w: f32[D, D]) {\n  %y = contract %x, %w {subscripts = \"si,io->so\"} : f32[S, D]\n  return %y\n}",
      file: "<test>")[0]
    let program = try graph.compile()
    #expect(message { _ = try program.memoryPlan(sizes: ["S": 2]) }?.contains("got no size of D") == true)
    let loaded = try program.load(parameters: ["w": weight])
    #expect(try loaded.memoryPlan(sizes: ["S": 2]).total == program.memoryPlan(sizes: ["S": 2, "D": 64]).total)
  }
}
