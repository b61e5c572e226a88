import HeedIR
import HeedInterpreter
import HeedTestSupport
import Testing

/// An op with a decomposition, in a graph, with the values of the symbols to run it at.
private struct DecompositionCase: Sendable {
  var mnemonic: String
  var text: String
  var sizes: [[Name: Int]]
  /// Replaces what is drawn at random for an input.
  var special: @Sendable (Name, inout ReferenceArray) -> Void = { _, _ in }
}

/// Offsets that end at the number of rows, with an empty segment among them.
private let segments: @Sendable (Name, inout ReferenceArray) -> Void = { name, array in
  guard name == "o" else { return }
  array.integers = array.shape[0] == 2 ? [0, 0] : [0, 2, 2, 7]
}

/// Sums over pairs: the graphs of which the gradients are checked.
private let pairCases = gradientCases.filter { ["pair_scatter", "pair_sums"].contains($0.mnemonic) }.map { test in
  DecompositionCase(
    mnemonic: test.mnemonic, text: test.text.replacing("wide", with: "f64"), sizes: test.sizes, special: test.prepare)
}

private let decompositionCases: [DecompositionCase] =
  pairCases + [
    DecompositionCase(
      mnemonic: "softmax", text: "graph @f(%x: f64[A, B, C]) { %r = softmax %x {dim = 1} return %r }",
      sizes: [["A": 2, "B": 3, "C": 2], ["A": 2, "B": 0, "C": 2], ["A": 1, "B": 1, "C": 1]],
      special: { _, array in
        guard array.shape == [2, 3, 2] else { return }
        // A column of -inf, and one with a NaN.
        for row in 0..<3 { array.reals[2 * row] = -.infinity }
        array.reals[9] = .nan
      }),
    DecompositionCase(
      mnemonic: "layer_norm",
      text: "graph @f(%x: f64[A, D], %s: f64[D], %b: f64[D]) { %r = layer_norm %x, %s, %b {epsilon = 1e-05} return %r }",
      sizes: [["A": 3, "D": 5], ["A": 0, "D": 5], ["A": 2, "D": 1]]),
    DecompositionCase(
      mnemonic: "layer_norm",
      text: "graph @f(%x: f64[A, 4], %s: f64[4], %b: f64[4]) { %r = layer_norm %x, %s, %b {epsilon = 1e-05} return %r }",
      sizes: [["A": 3]]),
    DecompositionCase(
      mnemonic: "rms_norm", text: "graph @f(%x: f64[A, 2, D], %s: f64[D]) { %r = rms_norm %x, %s {epsilon = 1e-05} return %r }",
      sizes: [["A": 3, "D": 5], ["A": 2, "D": 0]]),
    DecompositionCase(
      mnemonic: "norm_gradient",
      text: """
        graph @f(%x: f64[A, 2, D], %s: f64[D], %c: f64[A, 2, D]) {
          %r, %a, %b = norm_gradient %x, %s, %c {centered = true, epsilon = 1e-05} return %r, %a, %b
        }
        """,
      sizes: [["A": 3, "D": 5], ["A": 0, "D": 5], ["A": 2, "D": 1]]),
    DecompositionCase(
      mnemonic: "norm_gradient",
      text: "graph @f(%x: f64[D], %s: f64[D], %c: f64[D]) { %r, %a = norm_gradient %x, %s, %c {epsilon = 1e-05} return %r, %a }",
      sizes: [["D": 5], ["D": 1]]),
    DecompositionCase(
      mnemonic: "log_sum_exp", text: "graph @f(%x: f64[A, B, C]) { %r = log_sum_exp %x {dim = 1} return %r }",
      sizes: [["A": 2, "B": 3, "C": 4], ["A": 1, "B": 0, "C": 2]],
      special: { _, array in array.reals = array.reals.map { $0 > 1 ? -.infinity : $0 } }),
    DecompositionCase(
      mnemonic: "relative_log_sum_exp", text: "graph @f(%x: f64[A, B, C]) { %r = relative_log_sum_exp %x {dim = 1} return %r }",
      sizes: [["A": 2, "B": 3, "C": 4], ["A": 1, "B": 0, "C": 2]],
      special: { _, array in array.reals = array.reals.map { $0 > 1 ? -.infinity : $0 } }),
    DecompositionCase(
      mnemonic: "rotary", text: "graph @f(%x: f64[A, S, 6], %c: f64[S, 3], %s: f64[S, 3]) { %r = rotary %x, %c, %s return %r }",
      sizes: [["A": 2, "S": 3], ["A": 2, "S": 0]]),
    DecompositionCase(
      mnemonic: "rotary",
      text: "graph @f(%x: f64[A, S, 2*H], %c: f64[S, H], %s: f64[S, H]) { %r = rotary %x, %c, %s {interleaved = true} return %r }",
      sizes: [["A": 2, "S": 3, "H": 2], ["A": 1, "S": 1, "H": 1]]),
    DecompositionCase(
      mnemonic: "identity", text: "graph @f(%x: f64[A]) { %r = identity %x return %r }", sizes: [["A": 3], ["A": 0]]),
    DecompositionCase(
      mnemonic: "segment_sum", text: "graph @f(%x: f64[T, 2], %o: i32[B + 1]) { %r = segment_sum %x, %o return %r }",
      sizes: [["T": 7, "B": 3], ["T": 0, "B": 1]], special: segments),
    DecompositionCase(
      mnemonic: "linear_attention",
      text: "graph @f(%q: f64[B, N, 3], %k: f64[B, N, 3], %v: f64[B, N, E]) { %r = linear_attention %q, %k, %v return %r }",
      sizes: [["B": 2, "N": 4, "E": 2], ["B": 1, "N": 0, "E": 1], ["B": 2, "N": 1, "E": 0]]),
    DecompositionCase(
      mnemonic: "linear_attention",
      text: """
        graph @f(%q: f64[B, N, 2], %k: f64[B, N, 2], %v: f64[B, N, 3], %z: f64[B, 2], %s: f64[B, 2, 3], %d: f64[B, N]) {
          %r, %t, %y = linear_attention %q, %k, %v, %z, %s, %d {decay = 2, epsilon = 0.5, final_state = true, key_sum = 0, state = 1}
          return %r, %t, %y
        }
        """, sizes: [["B": 2, "N": 5], ["B": 1, "N": 0]]),
    DecompositionCase(
      mnemonic: "linear_attention",
      text: """
        graph @f(%q: f64[T, 2], %k: f64[T, 2], %v: f64[T, 2], %d: f64[T], %o: i32[B + 1]) {
          %r = linear_attention %q, %k, %v, %d, %o {decay = 0, ragged = 1}
          return %r
        }
        """, sizes: [["T": 7, "B": 3], ["T": 0, "B": 1]], special: segments),
    DecompositionCase(
      mnemonic: "linear_attention",
      text: """
        graph @f(%q: f64[B, N, 2], %k: f64[B, N, 2], %v: f64[B, N, 3], %s: f64[B, 2, 3], %d: f64[B, N]) {
          %r, %t = linear_attention %q, %k, %v, %s, %d {decay = 1, final_state = true, reverse = true, state = 0}
          return %r, %t
        }
        """, sizes: [["B": 2, "N": 5], ["B": 1, "N": 0]]),
    DecompositionCase(
      mnemonic: "linear_attention",
      text: """
        graph @f(%q: f64[T, 2], %k: f64[T, 2], %v: f64[T, 2], %d: f64[T], %o: i32[B + 1]) {
          %r = linear_attention %q, %k, %v, %d, %o {decay = 0, ragged = 1, reverse = true}
          %e = linear_attention %q, %k, %v, %d, %o {decay = 0, exclusive = true, ragged = 1}
          return %r, %e
        }
        """, sizes: [["T": 7, "B": 3], ["T": 0, "B": 1]], special: segments),
    DecompositionCase(
      mnemonic: "linear_attention",
      text: """
        graph @f(%q: f64[N, 2], %k: f64[N, 2], %v: f64[N, 1], %z: f64[2], %s: f64[2, 1], %d: f64[N]) {
          %r, %t, %y = linear_attention %q, %k, %v, %z, %s, %d \
          {decay = 2, epsilon = 0.5, exclusive = true, final_state = true, key_sum = 0, reverse = true, state = 1}
          return %r, %t, %y
        }
        """, sizes: [["N": 5], ["N": 1]]),
    DecompositionCase(
      mnemonic: "map",
      text: """
        graph @f(%x: f64[N, 2], %s: f64) {
          %a, %b, %c = map %x, %s (%e: f64, %f: f64) {
            %p = multiply %e, %f : f64
            %l = less %p, 0.5 : bool
            %i = convert %p : i32
            %k = constant 3.0 : f64
            yield %i, %l, %k
          }
          return %a, %b, %c
        }
        """, sizes: [["N": 3], ["N": 0]]),
    DecompositionCase(
      mnemonic: "linear",
      text: """
        graph @f(%x: f64[N, D], %w: f64[3, D], %b: f64[N, 3], %s: f64) {
          %r = linear %x, %w, %b, %s epilogue (%a: f64, %e: f64, %f: f64) {
            %y = fused_multiply_add %a, %f, %e : f64
            %z = gelu %y : f64
            yield %z
          } {subscripts = "nd,ed->ne", tile = [1, 2]}
          return %r
        }
        """, sizes: [["N": 3, "D": 4], ["N": 0, "D": 4], ["N": 2, "D": 0]]),
    // Tables by all indices (a broadcast), by index arithmetic (a gather), and a scalar; i64 and i32 indices.
    DecompositionCase(
      mnemonic: "attention",
      text: """
        graph @f(%q: f64[B, 2, M, D], %k: f64[B, 2, N, D], %v: f64[B, 2, N, 3], %bias: f64[2, M, N], %far: f64[M + N], %scale: f64) {
          %r = attention %q, %k, %v, %bias, %far, %scale score (%s: f64, %b: i32, %h: i32, %i: i64, %j: i64) {
            %z = element %scale[] : f64
            %x = element %bias[%h, %i, %j] : f64
            %w = add %i, %j : i64
            %y = element %far[%w] : f64
            %t = multiply %s, %z : f64
            %u = add %t, %x : f64
            %a = add %u, %y : f64
            yield %a
          } where (%b: i32, %h: i32, %i: i32, %j: i32) {
            %w = add %j, %h : i32
            %l = less %w, %i : bool
            yield %l
          } {tile = [2, 2]}
          return %r
        }
        """,
      sizes: [
        ["B": 2, "M": 4, "N": 3, "D": 2], ["B": 1, "M": 3, "N": 0, "D": 2], ["B": 1, "M": 1, "N": 1, "D": 0],
        ["B": 0, "M": 2, "N": 2, "D": 1],
      ]),
    DecompositionCase(
      mnemonic: "attention",
      text: """
        graph @f(%q: f64[H, T, 2], %k: f64[H, T, 2], %v: f64[H, T, 2], %o: i32[B + 1]) {
          %r = attention %q, %k, %v, %o score (%s: f64, %h: i32, %i: i32, %j: i32) {
            %odd = remainder %j, 2 : i32
            %e = equal %odd, 1 : bool
            %y = select %e, -inf, %s : f64
            yield %y
          } where (%h: i32, %i: i32, %j: i32) { yield true } {ragged = 0}
          return %r
        }
        """, sizes: [["H": 2, "T": 7, "B": 3], ["H": 1, "T": 0, "B": 1]], special: segments),
    // Further results and a sink; rows without a live pair.
    DecompositionCase(
      mnemonic: "attention",
      text: """
        graph @f(%q: f64[H, M, 2], %k: f64[H, N, 2], %v: f64[H, N, 2], %sink: f64[H, M]) {
          %r, %l, %m = attention %q, %k, %v, %sink score (%s: f64, %h: i32, %i: i32, %j: i32) { yield %s } where (
              %h: i32, %i: i32, %j: i32) {
            %live = less %j, %i : bool
            yield %live
          } {log_sum_exp = true, maximum = true, sink = 0}
          return %r, %l, %m
        }
        """, sizes: [["H": 2, "M": 4, "N": 3], ["H": 1, "M": 2, "N": 0]]),
    DecompositionCase(
      mnemonic: "attention",
      text: """
        graph @f(%q: f64[M, 2], %k: f64[N, 2], %v: f64[N, 2]) {
          %r = attention %q, %k, %v score (%s: f64, %i: i32, %j: i32) {
            %y = sigmoid %s : f64
            yield %y
          } where (%i: i32, %j: i32) {
            %live = less %j, %i : bool
            yield %live
          } {weights = score}
          return %r
        }
        """, sizes: [["M": 4, "N": 3], ["M": 2, "N": 0]]),
    // Scores of dead pairs, which a row without a live pair has.
    DecompositionCase(
      mnemonic: "attention",
      text: """
        graph @f(%q: f64[H, M, 2], %k: f64[H, N, 2], %v: f64[H, N, 2]) {
          %r, %l, %d, %m = attention %q, %k, %v score (%s: f64, %h: i32, %i: i32, %j: i32) {
            %two = multiply %s, 2.0 : f64
            %less = subtract %s, 5.0 : f64
            yield %two, %less
          } where (%h: i32, %i: i32, %j: i32) {
            %live = less %j, %i : bool
            yield %live
          } {log_sum_exp = true, maximum = true, relative_log_sum_exp = true}
          return %r, %l, %d, %m
        }
        """, sizes: [["H": 2, "M": 4, "N": 3], ["H": 1, "M": 2, "N": 0]]),
    DecompositionCase(
      mnemonic: "attention_reduce",
      text: """
        graph @f(%q: f64[B, H, M, 2], %k: f64[B, H, N, 2], %l: f64[B, H, M]) {
          %r = attention_reduce %q, %k, %l score (%s: f64, %b: i32, %h: i32, %i: i32, %j: i32) { yield %s } where (
              %b: i32, %h: i32, %i: i32, %j: i32) {
            %live = less %j, %i : bool
            yield %live
          } value (%p: f64, %b: i32, %h: i32, %i: i32, %j: i32) {
            %x = convert %h : f64
            %y = multiply %p, %x : f64
            yield %y
          } {block = [1, 1], dims = [1], kind = add}
          %t = attention_reduce %q, %k, %l score (%s: f64, %b: i32, %h: i32, %i: i32, %j: i32) { yield %s } where (
              %b: i32, %h: i32, %i: i32, %j: i32) {
            yield true
          } value (%p: f64, %b: i32, %h: i32, %i: i32, %j: i32) {
            yield %p
          } {block = [2, 0], dims = [0, 1], kind = maximum}
          return %r, %t
        }
        """, sizes: [["B": 2, "H": 3, "M": 4, "N": 5], ["B": 1, "H": 0, "M": 1, "N": 1]]),
    // Factors, whose numbers for dead pairs do not count, beside a sink; sums of weights.
    DecompositionCase(
      mnemonic: "attention",
      text: """
        graph @f(%q: f64[H, M, 2], %k: f64[H, N, 2], %v: f64[H, N, 2], %sink: f64[H, M], %g: f64[M, N]) {
          %r, %l, %t = attention %q, %k, %v, %sink, %g score (%s: f64, %h: i32, %i: i32, %j: i32) { yield %s } where (
              %h: i32, %i: i32, %j: i32) {
            %live = less %j, %i : bool
            yield %live
          } factor (%h: i32, %i: i32, %j: i32) {
            %live = less %j, %i : bool
            %x = element %g[%i, %j] : f64
            %y = select %live, %x, nan : f64
            yield %y
          } {log_sum_exp = true, sink = 0, weight_sum = true}
          %u, %w = attention %q, %k, %v score (%s: f64, %h: i32, %i: i32, %j: i32) {
            %y = sigmoid %s : f64
            yield %y
          } where (%h: i32, %i: i32, %j: i32) {
            %live = less %j, %i : bool
            yield %live
          } {weight_sum = true, weights = score}
          return %r, %l, %t, %u, %w
        }
        """, sizes: [["H": 2, "M": 4, "N": 3], ["H": 1, "M": 2, "N": 0]]),
    DecompositionCase(
      mnemonic: "attention_reduce",
      text: """
        graph @f(%q: f64[H, M, 2], %k: f64[H, N, 2], %l: f64[H, M], %w: f64[N]) {
          %r = attention_reduce %q, %k, %l, %w score (%s: f64, %h: i32, %i: i32, %j: i32) { yield %s } where (
              %h: i32, %i: i32, %j: i32) {
            %live = less %j, %i : bool
            yield %live
          } value (%p: f64, %h: i32, %i: i32, %j: i32) {
            %x = element %w[%j] : f64
            %y = add %p, %x : f64
            yield %y
          } {block = [2, 3], columns = [1, N], kind = add, rows = [0, M - 1]}
          %t = attention_reduce %q, %k, %l, %w score (%s: f64, %h: i32, %i: i32, %j: i32) { yield %s } where (
              %h: i32, %i: i32, %j: i32) {
            yield true
          } value (%p: f64, %h: i32, %i: i32, %j: i32) {
            yield %p
          } {block = [0, 1], kind = maximum}
          return %r, %t
        }
        """, sizes: [["H": 2, "M": 4, "N": 5], ["H": 1, "M": 1, "N": 1]]),
    // Coarse logarithms, beside a sink, and rows whose dead pairs have scores.
    DecompositionCase(
      mnemonic: "attention_reduce",
      text: """
        graph @f(%q: f64[H, M, 2], %k: f64[H, N, 2], %l: f64[H, M], %w: f64[N], %sink: f64[H, M]) {
          %r = attention_reduce %q, %k, %l, %w, %sink score (%s: f64, %h: i32, %i: i32, %j: i32) {
            %x = element %w[%j] : f64
            yield %s, %x
          } where (%h: i32, %i: i32, %j: i32) {
            %live = less %j, %i : bool
            yield %live
          } value (%p: f64, %h: i32, %i: i32, %j: i32) {
            yield %p
          } {block = [1, 1], dims = [0], kind = add, sink = 1}
          return %r
        }
        """, sizes: [["H": 2, "M": 4, "N": 5], ["H": 1, "M": 1, "N": 1]],
      special: { name, array in if name == "l" { array.reals = array.reals.map { $0 > 0 ? $0 : -500 } } }),
    DecompositionCase(
      mnemonic: "attention_top_k",
      text: """
        graph @f(%q: f64[H, M, 2], %k: f64[H, N, 2], %l: f64[H, M]) {
          %r, %n = attention_top_k %q, %k, %l score (%s: f64, %h: i32, %i: i32, %j: i32) { yield %s } where (
              %h: i32, %i: i32, %j: i32) {
            %live = less %j, %i : bool
            yield %live
          } {count = 3}
          %m = convert %n : f64[H, M, 3]
          return %r, %m
        }
        """, sizes: [["H": 2, "M": 4, "N": 5], ["H": 1, "M": 2, "N": 3]]),
  ]

@Suite struct DecompositionTests {
  @Test("A decomposition agrees with the op", arguments: decompositionCases.indices)
  func agreement(number: Int) throws {
    let test = decompositionCases[number]
    let graph = try #require(try Graph.parse(test.text).first)
    let decomposed = try Self.decomposed(graph)
    for node in decomposed.body {
      #expect(decomposed.op(node).mnemonic != test.mnemonic)
      #expect(!decomposed.op(node).has(.fused))
    }
    // What the decomposition makes is well formed as text, too.
    #expect(try Graph.parse(decomposed.text)[0].text == decomposed.text)
    var generator = SeededGenerator(seed: 7)
    for size in test.sizes {
      var inputs: [Name: ReferenceArray] = [:]
      for argument in graph.arguments {
        let (name, type) = (graph.name(argument.value), graph.type(argument.value))
        var array = ReferenceArray.random(type.element, try type.shape.evaluate { size[$0] }, using: &generator)
        test.special(name, &array)
        inputs[name] = array
      }
      let whole = try GraphInterpreter.evaluate(graph, inputs: inputs)
      let parts = try GraphInterpreter.evaluate(decomposed, inputs: inputs)
      for (left, right) in zip(parts, whole) {
        #expect(areClose(left.array, right.array), "\(test.mnemonic) at \(size): got \(left.array), expected \(right.array)")
      }
    }
  }

  @Test func everyDecompositionIsTested() {
    let missing = Op.all.filter { op in op.canDecompose && !decompositionCases.contains { $0.mnemonic == op.mnemonic } }
    #expect(missing.isEmpty, "no case of \(missing.map(\.mnemonic).joined(separator: ", "))")
    for op in Op.all where op.has(.fused) || op.has(.composite) { #expect(op.canDecompose, "\(op.mnemonic)") }
  }

  /// A weight of 0 and a dead pair add nothing to a sum over pairs, whatever they weigh.
  @Test func zeroWeightsHaveNoInfluence() throws {
    let text = """
      graph @f(%x: f64[M, 1], %y: f64[N, 1]) {
        %a, %b = pair_sums %x, %y weights (%i: i32, %j: i32) {
          %w = minimum %j, %i : i32
          %z = convert %w : f64
          yield %z
        } where (%i: i32, %j: i32) {
          %l = less_equal %j, %i : bool
          yield %l
        } {column_sums = [0, 0], pairs = [M, N], row_sums = [0, 1]} : f64[M, 1], f64[N, 1]
        return %a, %b
      }
      """
    let graph = try Graph.parse(text)[0]
    let inputs: [Name: ReferenceArray] = ["x": f64([3, 1], .nan, 2, 3), "y": f64([4, 1], .infinity, 5, 7, .nan)]
    for graph in [graph, try Self.decomposed(graph)] {
      let results = try GraphInterpreter.evaluate(graph, inputs: inputs).map(\.array)
      #expect(results[0] == f64([3, 1], 0, 5, 19), "\(results[0])")
      #expect(results[1] == f64([4, 1], 0, 5, 6, 0), "\(results[1])")
    }
  }

  /// Rows without a live pair are 0, whatever stands in values that no live pair reaches.
  @Test func deadPairsHaveNoInfluence() throws {
    let text = """
      graph @f(%q: f64[S, 1], %k: f64[S, 1], %v: f64[S, 1]) {
        %r = attention %q, %k, %v score (%s: f64, %i: i32, %j: i32) { yield %s } where (%i: i32, %j: i32) {
          %l = less %j, %i : bool
          yield %l
        }
        return %r
      }
      """
    let ones = f64([2, 1], 1, 1)
    #expect(try evaluate(text, ["q": ones, "k": f64([2, 1], 1, .nan), "v": f64([2, 1], 3, .nan)]) == [f64([2, 1], 0, 3)])
  }

  /// The graph with every op that can be decomposed so.
  private static func decomposed(_ graph: Graph) throws -> Graph {
    var graph = graph
    while graph.body.contains(where: { graph.op($0).canDecompose }) {
      var rewriter = GraphRewriter(graph)
      for node in graph.body {
        if graph.op(node).canDecompose { try rewriter.decompose(node) } else { rewriter.copy(node) }
      }
      graph = rewriter.finish()
    }
    return graph
  }
}
