import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Loops, compiled and as programs, against the interpreter.
@Suite struct LoopTests {
  /// Steps over two states, a row of a sequence and a matrix that every step reads.
  static let bodies = [
    "%n = add %a, %x update %a = %n return %n",
    "%n = multiply %a, 2.0 update %a = %n return %a as %old, %n",
    "%n = add %a, %b %m = subtract %a, %b update %a = %n update %b = %m return %x",
    "update %a = %b update %b = %a return %a as %old, %x",
    "%t = transpose %a {permutation = [1, 0]} update %a = %t return",
    "%t = transpose %a {permutation = [1, 0]} %n = add %t, %x update %a = %n return %t, %n",
    "%p = contract %a, %w {subscripts = \"ij,jk->ik\"} %q = multiply %p, 0.05 %s = add %q, %x %n = tanh %s update %a = %n return %n",
    "%p = contract %w, %x {subscripts = \"ij,jk->ik\"} %n = add %p, %a %m = multiply %a, %b update %a = %n update %b = %m return %p",
    "%v = exp %w %u = contract %v, %v {subscripts = \"ij,jk->ik\"} %n = add %a, %u update %a = %n return %u",
    "%n = softmax %a {dim = 1} %m = add %n, %x update %a = %m return %n",
    "%s = scan %x {dim = 0, kind = add} update %a = %s update %b = %x return",
    "%r = reshape %a : f32[N*N] %m = multiply %r, %r %n = reshape %m : f32[N, N] update %a = %n return %r",
    "%h = slice %x {start = [1, 0], stop = [N, N]} %p = pad %h {low = [0, 0], high = [1, 0], value = 0.0} update %a = %p return %p, %b as %old",
    "%i = convert %x : i32[N, N] %j = reduce %i {dims = [1], kind = maximum} %n = scatter %a, %j, %w {dim = 0} update %a = %n return %j",
    "%i = convert %x : i32[N, N] %j = reduce %i {dims = [1], kind = maximum} %n = scatter_add %a, %j, %w {dim = 1} update %b = %n return",
    "%j = iota {dim = 0} : i32[N] %k = subtract %j, 1 %y = gather %x, %k {dim = 0} %n = add %y, %a update %a = %n return %w",
    "%c = concatenate %a, %w {dim = 0} %n = slice %c {start = [1, 0], stop = [N + 1, N]} update %a = %n return %c",
    "%c = concatenate %w, %w {dim = 1} %s = reduce %c {dims = [1], kind = add} %d = broadcast %s {dims = [0]} : f32[N, N] "
      + "%n = add %d, %a update %a = %n return %c",
    "%t = extent {value = [t]} : f32 %n = multiply %x, %t update %a = %n return %t, %n",
    "%z = constant {value = [1.5]} : f32 %n = broadcast %z {dims = []} : f32[N, N] update %a = %n return %n, %z",
    "%h = convert %a : bf16[N, N] %n = convert %h : f32[N, N] %m = add %n, %x update %a = %m return %h",
    "%q = contract %a, %b {subscripts = \"id,jd->ij\"} %z = multiply %q, 0.05 %p = softmax %z {dim = 1} %o = contract %p, %x {subscripts = \"ij,jd->id\"} "
      + "update %b = %o return %o",
    "return %x, %w, %a as %old",
    "update %a = %a return %w",
  ]

  static func graph(_ body: String, attributes: String = "") throws -> Graph {
    let text = """
      graph @loop(%x: f32[T, N, N], %a: f32[N, N], %b: f32[N, N], parameter %w: f32[N, N]) {
        %results = loop %a, %b, %x, %w body (state %a: f32[N, N], state %b: f32[N, N], %x: f32[N, N], parameter %w: f32[N, N]) {
          \(body)
        } {steps = [T], index = [t]\(attributes)}
        return %results
      }
      """
    // The number of results follows from the body.
    let count = 2 + (body.hasSuffix("return") ? 0 : body.split(separator: "return ").last!.split(separator: ",").count)
    let hasHistory = attributes.contains("history")
    let names = (0..<count + (hasHistory ? 2 : 0)).map { "%r\($0)" }.joined(separator: ", ")
    return try parse(text.replacing("%results", with: names))
  }

  @Test(arguments: bodies) func everyBody(_ body: String) throws {
    for attributes in ["", ", reverse = true", ", history = true", ", step_count = [T - 2], history = true, reverse = true"] {
      let graph = try Self.graph(body, attributes: attributes)
      #expect(try Graph.parse(graph.text)[0].text == graph.text)
      let bindings: [[Name: Int]] = [["T": 0, "N": 3], ["T": 1, "N": 1], ["T": 3, "N": 5], ["T": 6, "N": 20]]
      try expectAgreement(graph, at: bindings, note: "\(attributes) ")
      let inputs = try randomInputs(graph, ["T": 4, "N": 3], seed: 1)
      let lowered = try graph.compile(options()).program
      #expect(try Program.parse(lowered.text)[0].text == lowered.text)
      let reference = try GraphInterpreter.evaluate(graph, inputs: inputs, rounding: .toComputed)
      for (got, expected) in zip(try ProgramEvaluator.evaluate(Verified(lowered), inputs: inputs), reference) {
        let difference = try difference(NDArray(got.array), expected.array, .sums)
        #expect(difference == nil, "%\(got.name): \(difference ?? "")\n\(lowered.text)")
      }
    }
  }

  /// The gradients, as the interpreter has them, fused and compiled, and those of the gradients.
  @Test(arguments: bodies) func everyGradient(_ body: String) throws {
    for attributes in ["", ", step_count = [T - 1], history = true, reverse = true"] {
      let reverse = try Self.graph(body, attributes: attributes).reverseGraph("cotangent_")
      try expectAgreement(
        reverse, at: [["T": 0, "N": 2], ["T": 1, "N": 3], ["T": 4, "N": 3]], .loose, note: "gradient\(attributes) ")
      let second = try reverse.expandingDerivatives()
      guard !second.differentiableResults.isEmpty else { continue }
      try expectAgreement(
        try second.reverseGraph("cotangent_2_"), at: [["T": 3, "N": 2]], .loose, targets: [.host],
        note: "second order\(attributes) ")
    }
  }

  @Test func sameBits() throws {
    let body = Self.bodies[6]
    for graph in [try Self.graph(body), try Self.graph(body).reverseGraph("cotangent_")] {
      try expectSameBits(graph, [try randomInputs(graph, ["T": 9, "N": 40], seed: 3)])
    }
  }

  /// A loop in a loop, whose number of steps depends on the outer step.
  private static let nested = """
    graph @nested(%x: f32[K, K, N], %h: f32[N], parameter %w: f32[N, N]) {
      %last, %ys = loop %h, %x, %w body (state %h: f32[N], %x: f32[K, N], parameter %w: f32[N, N]) {
        %v = exp %w : f32[N, N]
        %h1, %ys = loop %h, %x, %v body (state %h: f32[N], %x: f32[N], parameter %v: f32[N, N]) {
          %p = contract %h, %v {subscripts = "i,ij->j"} : f32[N]
          %s = add %p, %x : f32[N]
          %i = extent {value = [s + 2*t]} : f32
          %m = add %s, %i : f32[N]
          %n = tanh %m : f32[N]
          update %h = %n
          return %n
        } {steps = [K], step_count = [2*s], index = [t]} : f32[N], f32[K, N]
        update %h = %h1
        return %ys
      } {steps = [K], index = [s]} : f32[N], f32[K, K, N]
      return %last, %ys
    }
    """

  @Test func nestedLoops() throws {
    let graph = try parse(Self.nested)
    #expect(try Graph.parse(graph.text)[0].text == graph.text)
    let bindings: [[Name: Int]] = [["K": 0, "N": 3], ["K": 1, "N": 2], ["K": 4, "N": 5]]
    try expectAgreement(graph, at: bindings)
    try expectAgreement(graph.reverseGraph("cotangent_"), at: bindings, .loose)
    let program = try graph.compile(options()).program
    #expect(program.loops.count == 2)
    // What no step changes is computed before the loops, or at load.
    for loop in program.loops {
      let inside = program.steps[loop.steps].map { program.kernels[$0.kernel].name.text }
      #expect(!inside.contains { $0.hasPrefix("exp") || $0.hasPrefix("pack") }, "\(program.text)")
    }
  }

  /// Weights that are parameters are packed at load, and those that are inputs once a call.
  @Test(arguments: ["parameter ", ""]) func packsOnce(_ role: String) throws {
    let text = """
      graph @packs(%x: f32[T, 64, 96], %h: f32[64, 96], \(role)%w: f32[96, 96]) {
        %r = loop %h, %x, %w body (state %h: f32[64, 96], %x: f32[64, 96], parameter %w: f32[96, 96]) {
          %p = contract %h, %w {subscripts = "bi,io->bo"} : f32[64, 96]
          %n = add %p, %x : f32[64, 96]
          update %h = %n
          return
        } {steps = [T]} : f32[64, 96]
        return %r
      }
      """
    let program = try parse(text).compile(options()).program
    let packs = program.steps.indices.filter { program.kernels[program.steps[$0].kernel].name.text.hasPrefix("pack") }
    #expect(packs.allSatisfy { program.loops(around: $0).isEmpty } && packs.isEmpty == !role.isEmpty, "\(program.text)")
  }

  /// Fewer steps than none are none.
  @Test func negativeSteps() throws {
    let text = """
      graph @few(%h: f32[S]) {
        %r = loop %h body (state %h: f32[S]) {
          %n = add %h, 1.0 : f32[S]
          update %h = %n
          return
        } {steps = [S - 5]} : f32[S]
        return %r
      }
      """
    try expectAgreement(parse(text), at: [["S": 2], ["S": 5], ["S": 7]])
  }

  /// Text that nests without end is an error, not a full stack.
  @Test func nestingHasALimit() {
    let count = 20_000
    let graph =
      "graph @deep(%x: f32) {\n" + String(repeating: "%r = loop %x body (state %x: f32) {\n", count: count) + "return\n"
      + String(repeating: "} {steps = [1]} return %r\n", count: count) + "}"
    let program = "program @deep {\nsteps {\n" + String(repeating: "loop %t below 1 {\n", count: count)
    for parse in [{ _ = try Graph.parse(graph) }, { _ = try Program.parse(program) }] {
      #expect { try parse() } throws: { "\($0)".contains("got text nested more than 100 levels deep") }
    }
  }

  /// Wrong loops, and what is said of them.
  @Test(arguments: [
    ("{steps = [T]}", "{steps = [T + 1]}", "expected f32[T + 1, N]"),
    (
      "%n = add %h, %x", "%n = slice %h {start = [0], stop = [1]}",
      "got an update of %h of type f32[1], expected the state's type f32[N]"
    ),
    ("loop %h, %x", "loop %h, %x, %x", "got 3 operands for a body of 2 arguments"),
    ("{steps = [T]}", "{steps = [T], index = [N]}", "got the index N, expected a name that is not a symbol yet"),
    ("{steps = [T]}", "{steps = [T], index = [2*t]}", "got index = 2*t, expected a symbol"),
    ("{steps = [T]}", "{steps = [T, T]}", "got steps of 2 extents, expected one"),
    ("{steps = [T]}", "{steps = [T], step_count = [U]}", "got the symbol U in the attribute step_count"),
    ("%n = add %h, %x", "%z = constant {value = [0.0]} : f32 %n = broadcast %z {dims = []} : f32[t]", "got the symbol t"),
    ("state %h: f32[N],", "state %h: f32[N] = 0.0,", "got a number to begin %h with, expected its operand alone"),
  ]) func mistakes(_ old: String, _ new: String, _ message: String) throws {
    let text = """
      graph @wrong(%x: f32[T, N], %h: f32[N]) {
        %r = loop %h, %x body (state %h: f32[N], %x: f32[N]) {
          %n = add %h, %x
          update %h = %n
          return
        } {steps = [T]}
        return %r
      }
      """
    #expect(throws: Never.self) { try Verified(Graph.parse(text)[0]) }
    #expect("the rule") {
      _ = try Verified(Graph.parse(text.replacing(old, with: new))[0])
    } throws: { error in
      let said = (error as? HeedError)?.message ?? ""
      return said.contains(message)
        ? true
        : {
          Issue.record("got: \(said)"); return false
        }()
    }
  }
}
