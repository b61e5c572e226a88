import HeedDSL
import HeedIR
import HeedInterpreter
import Testing

/// Each mistake is reported in one line that says what was got and what was expected, with the line of the caller.
@Suite struct MistakeTests {
  /// Checks the message, and that the line is one of the closure, which stands on the line of the call or the next two.
  private func check(
    _ expected: String, line: Int = #line, location: Testing.SourceLocation = #_sourceLocation,
    _ build: (_ g: GraphBuilder, _ x: Tensor, _ i: Tensor) -> Tensor
  ) {
    let error = mistake { g in
      let (x, i) = (g.input("x", .f32, ["B", 8]), g.input("i", .i32, ["B"]))
      // What follows a mistake does not crash.
      let wrong = build(g, x, i)
      return [matmul(wrong, wrong.transposed()) + wrong[0, 1] - softmax(wrong.sum(5) * 2), wrong.index(3).named("late")]
    }
    #expect(error?.message == expected, sourceLocation: location)
    #expect(error?.location?.file.hasSuffix("Tests/HeedDSLTests/MistakeTests.swift") == true, sourceLocation: location)
    #expect((line...line + 2).contains(error?.location?.line ?? 0), sourceLocation: location)
  }

  @Test func operators() {
    check("add: got %x: f32[B, 8] and %i: i32[B], expected one element type; cast(to:) converts") { _, x, i in x + i }
    check("less: got %x: f32[B, 8] and f32[8, B], expected shapes that broadcast, but the extents B and 8 differ") { g, x, i in
      x < x.transposed()
    }
    check("got the number 1.5, expected one of type i32") { _, _, i in i * 1.5 }
    check("&&: got %x: f32[B, 8] and bool[B, 8], expected bools") { _, x, _ in x && x > 0 }
    check("!: got %i: i32[B], expected bools") { _, _, i in !i }
    check("and: got operands of type f32, expected an integer type") { _, x, _ in x & x }
  }

  @Test func losses() {
    check("crossEntropy: got logits %x: f32[B, 8] and labels %x: f32[B, 8], expected floats [..., classes] and integers [...]") {
      _, x, _ in crossEntropy(x, x)
    }
    check("crossEntropy: got the label smoothing 1.5, expected one from 0 to 1") { _, x, i in
      crossEntropy(x, i, labelSmoothing: 1.5)
    }
    check("crossEntropy: got weights %x: f32[B, 8] for logits %x: f32[B, 8], expected floats [8]") { _, x, i in
      crossEntropy(x, i, weights: x)
    }
    check("binaryCrossEntropy: got %x: f32[B, 8], %i: i32[B], expected floats of one type") { _, x, i in
      binaryCrossEntropy(logits: x, i)
    }
    check("meanSquaredError: got %x: f32[B, 8] and %i: i32[B], expected floats of one type") { _, x, i in meanSquaredError(x, i) }
    check("infoNCE: got %x: f32[B, 8] and f32[8, B], expected floats [B, D] and [N, D] of one type, N at least B") { _, x, _ in
      infoNCE(x, x.transposed())
    }
    check("infoNCE: got the temperature 0.0, expected one above 0") { _, x, _ in infoNCE(x, x, temperature: 0) }
    check("infoNCE: got the temperature %x: f32[B, 8], expected a scalar f32") { _, x, _ in infoNCE(x, x, temperature: x) }
  }

  @Test func linearAttentions() {
    check("linearAttention: got %x: f32[B, 8], %x: f32[B, 8] and f32[8, B], expected as many keys as values") { _, x, _ in
      linearAttention(x, x, x.transposed())
    }
    check("linearAttention: got a decay, expected causal attention with it") { _, x, _ in
      linearAttention(x, x, x, logDecay: x.sum(1))
    }
  }

  @Test func masksAndScores() {
    check("causal: got B queries and 8 keys, expected an alignment: .topLeft, .bottomRight or .past(lengths)") { _, x, _ in
      x.where(.causal() & .slidingWindow(before: 3, after: 0), else: -.infinity)
    }
    check("slidingTile: got the sizes [4, 9, 2, 3] and the tile [2, 2, 2, 2], expected multiples: 9 is none of 2") { _, x, _ in
      x.where(.slidingTile(grid: (4, 9), kernel: (2, 3), tile: (2, 2)), else: 0)
    }
    check("chosenBlocks: got the lists %i: i32[B], expected [blocks, count] with a number up to 1024 as count") { _, x, i in
      x.where(.chosenBlocks(i, blockSize: 16), else: -.infinity)
    }
    check("alibi: got scores [B, 8], expected a known number of heads: [batch, heads, queries, keys]") { _, x, _ in
      x.applying(.softCap(5), .alibi())
    }
    check("less_equal: got i32[1, 8] and %x: f32[B, 8], expected one element type; cast(to:) converts") { _, x, _ in
      x.where(Mask { $0.key <= x }, else: -.infinity)
    }
    check("attendingByResidue: got %x: f32[B, 8] for 3 classes, expected rows of a multiple") { _, x, _ in
      attendingByResidue(x, x, x, count: 3) { q, _, _ in q }
    }
  }

  @Test func functions() {
    check("exp: got operands of type i32, expected a float type") { g, x, i in exp(i) }
    check("select: got a condition of type f32, expected bool") { g, x, i in select(x, x, x) }
    check("select: got %x: f32[B, 8] and %i: i32[B], expected one element type; cast(to:) converts") { g, x, i in
      x.where(x > 0, else: i)
    }
    check("mean: got %i: i32[B], expected a float type") { g, x, i in i.mean() }
    check("softmax: got i32[B], expected a float type") { g, x, i in softmax(i) }
    check("gather: got indices of type f32[B, 8], expected an integer type") { g, x, i in x.gather(x) }
    check("matmul: got %i: i32[B] and %i: i32[B], expected one float type; cast(to:) converts") { _, _, i in matmul(i, i) }
    check("matmul: got f32[8, B] and %i: i32[B], expected one float type; cast(to:) converts") { _, x, i in
      matmul(x.transposed(), i)
    }
    check("einsum: got %i: i32[B] and %x: f32[B, 8], expected one float type; cast(to:) converts") { _, x, i in
      einsum("i,ij->j", i, x)
    }
    check("argMax: got f32[8, 0], expected at least 1 element along dimension -1") { g, _, _ in g.full([8, 0], 1.0).argMax() }
    check("batchNorm: got %i: i32[B] for the channels of %x: f32[B, 8], expected f32[B]") { _, x, i in
      batchNorm(x, mean: i, variance: i, scale: i, bias: i, dimension: 0)
    }
    check("alibiSlopes: got 65537 heads, expected up to 65536") { g, _, _ in g.constant(alibiSlopes(headCount: 65537)) }
    check("top_k: got count = 9, expected one in 0 ... 8") { g, x, i in x.topK(9).values }
  }

  @Test func dimensions() {
    check("got dimension 2 of %x: f32[B, 8], expected one in -2 ..< 2") { g, x, i in x.sum(2) }
    check("got dimension -3 of %x: f32[B, 8], expected one in -2 ..< 2") { g, x, i in x.index(-3) }
    check("got dimension 0 of f32, expected a tensor of rank 1 or more") { g, x, i in softmax(x.sum(), dimension: 0) }
    check("got the dimensions [0, -2] of %x: f32[B, 8], expected distinct ones") { g, x, i in x.max(0, -2) }
    check("transposed: got %i: i32[B], expected a tensor of rank 2 or more") { g, x, i in i.transposed() }
    check("transposed: got the permutation [0, 0] of %x: f32[B, 8], expected each dimension once") { g, x, i in x.transposed(0, 0) }
    check("squeezingDimension: got dimension 1 of %x: f32[B, 8], expected one of extent 1") { g, x, i in x.squeezingDimension(1) }
    check("expandingDimension: got 4 for %x: f32[B, 8], expected one in -3 ... 2") { g, x, i in x.expandingDimension(4) }
  }

  @Test func shapes() {
    check("reshape: got [B, 9] of 9*B elements for %x: f32[B, 8], expected 8*B elements") { g, x, i in x.reshape(["B", 9]) }
    check("reshape: got [3, -1] for %x: f32[B, 8], expected extents that divide 8*B") { g, x, i in x.reshape([3, -1]) }
    check("got %x: f32[B, 8], expected a shape that broadcasts to [4, B, 7]") { g, x, i in x.broadcast(to: [4, "B", 7]) }
    check("got 3 indices for %x: f32[B, 8], expected at most 2, and .rest once") { g, x, i in x[0, 0, 0] }
    check("slice: got the range 3 ..< 12, expected one inside 0 ..< 8") { g, x, i in x[.all, 3..<12] }
    check("matmul: got %x: f32[B, 8] and f32, expected tensors of rank 1 or more") { g, x, i in matmul(x, x.sum()) }
    check("matmul: got f32[1, B, 2, 4] and f32[3, 8, 4, B], expected leading shapes that broadcast, not extents B and 8") {
      g, x, i in
      matmul(x.reshape([1, "B", 2, 4]), g.full([3, 8, 4, "B"], 1))
    }
    check("concatenate: got no tensors, expected at least one") { _, _, _ in concatenate([]) }
    check("stack: got no tensors, expected at least one") { _, _, _ in stack([]) }
    check("einsum: got no tensors, expected at least one") { _, _, _ in einsum("->") }
    check("split: got 3 parts of dimension -1 of %x: f32[B, 8], expected a number that divides 8") { _, x, _ in x.split(3)[2] }
    check("split: got the sizes [4, 3] for dimension 1 of %x: f32[B, 8], expected a sum of 8") { _, x, _ in
      x.split(sizes: [4, 3], dimension: 1)[1]
    }
    check("takeAlong: got %x: f32[B, 8] at %i: i32[B], expected integers of its shape but for dimension -1") { _, x, i in
      x.takeAlong(i)
    }
    let form = "[outputs, channels / groups, kernel]"
    check("convolution1D: got %x: f32[B, 8] and the weight %x: f32[B, 8] in 1 groups, expected \(form)") { _, x, _ in
      convolution1D(x, x)
    }
    check("convolution1D: got %a: f16[1, 2, 9] and %w: f32[3, 2, 1], expected one float type; cast(to:) converts") { g, _, _ in
      convolution1D(g.input("a", .f16, [1, 2, 9]), g.input("w", .f32, [3, 2, 1]))
    }
    check("segment_matmul: got f32[B, 8] and f32[B, 8], expected rows [T, K] and matrices [B, K, N]") { _, x, i in
      x.segmentMatmul(x, i)
    }
    check("einsum: got the subscripts \"ij\", expected a form such as \"bij->ji\"") { g, x, i in einsum("ij", x) }
    check("einsum: got the subscripts \"ijk\" for %x: f32[B, 8], expected 2 letters") { g, x, i in einsum("ijk->k", x) }
    check("einsum: got the subscripts \"ij->ii\" with a letter twice in the result \"ii\", expected each once") { g, x, i in
      einsum("ij->ii", x)
    }
    check("einsum: got the extents B and 8 for the letter i of \"ii->i\", expected equal ones") { g, x, i in einsum("ii->i", x) }
    check("einsum: got the letter z in the result of \"ij,jk->iz\" alone, expected it in an operand") { g, x, i in
      einsum("ij,jk->iz", x, x)
    }
  }

  @Test func arguments() {
    check("got a second argument called x, expected another name") { g, _, _ in g.input("x", .f32, [1]) }
    check("got the parameter x of type f32[2], but x is already an input of type f32[B, 8]") { g, _, _ in
      g.parameter("x", .f32, [2])
    }
    check("got the name y for the argument %x: f32[B, 8], expected a computed value") { g, x, i in x.named("y") }
    check("got the number 300, expected one of type u8") { g, _, _ in g.constant(300, .u8) }
    check("constant: got 3 values, expected 4 for f32[4]") { g, _, _ in g.constant([1, 2, 3], .f32, shape: [4]) }
  }

  @Test func otherGraphs() {
    var stray: Tensor?
    _ = Graph("first") { g -> Tensor in
      stray = g.input("a", .f32, [2])
      return stray!
    }
    check("add: got %a: f32[2] of the graph first, expected a tensor of g") { g, _, _ in g.input("b", .f32, [2]) + stray! }
    #expect(mistake { _ in stray! }?.message == "got the result %a: f32[2] of another graph, expected tensors of g")
    // Wherever it stands.
    check("subtract: got %a: f32[2] of the graph first, expected a tensor of g") { g, _, _ in stray! - g.input("b", .f32, [2]) }
    check("multiply: got %a: f32[2] of the graph first, expected a tensor of g") { _, _, _ in stray! * 2 }
    check("concatenate: got %a: f32[2] of the graph first, expected a tensor of g") { g, _, _ in
      concatenate([stray!, g.input("b", .f32, [2])])
    }
    check("contract: got %a: f32[2] of the graph first, expected a tensor of g") { g, _, _ in
      matmul(stray!, g.input("b", .f32, [2]))
    }
    check("got dimension 3 of %a: f32[2], expected one in -1 ..< 1") { _, _, _ in stray!.sum(3) }
    // A graph in the closure of another has its own mistakes.
    let outer = Graph("outer") { g in
      let inner = Graph("inner") { $0.input("a", .f32, [2]).sum(4) }
      #expect(inner.failure != nil)
      return g.input("b", .f32, [2])
    }
    #expect(outer.failure == nil)
  }

  /// Results are returned by name, so two of one name are a mistake: at the line of the second name, or at that of the graph.
  @Test func twoResultsOfOneName() {
    var line = 0
    let error = mistake { g in
      let x = g.input("x", .f32, [2])
      line = #line + 1
      return [(x + 1).named("y"), (x + 2).named("y")]
    }
    let form = "expected different names: results are returned by name"
    #expect(error?.message == "got the results 0 and 1 of the name y, \(form)")
    #expect(error?.location == HeedIR.SourceLocation(file: #filePath, line: line))
    let unnamed = Graph("g") { g in
      let x = g.input("x", .f32, [2])
      return [x + 1, (x + 2).named("result0")]
    }
    #expect(unnamed.failure?.message == "got the results 0 and 1 of the name result0, \(form)")
    let twice = Graph("g") { g in [g.input("x", .f32, [2]), g.input("y", .f32, [2])] + [g.constant(1), g.constant(2)] }
    #expect(twice.failure == nil)
  }

  @Test func onlyTheFirstIsKept() throws {
    let graph = Graph("g") { g in
      let x = g.input("x", .f32, [2])
      let first = x.sum(7)
      return first + x.sum(8)
    }
    let failure = try #require(graph.failure)
    let message = "got dimension 7 of %x: f32[2], expected one in -1 ..< 1"
    #expect(failure.message == message)
    #expect(throws: failure) { try graph.verify() }
    #expect(throws: failure) { try GraphInterpreter.evaluate(graph, inputs: [:] as [Name: ReferenceArray]) }
    #expect(graph.text.contains("error: " + message))
  }

  @Test func whatTheClosureThrowsIsKept() {
    let graph = Graph("g") { g -> Tensor in
      if g.input("x", .f32, [2]).rank == 1 { throw HeedError("no such model") }
      return g.constant(1)
    }
    #expect(graph.failure?.message == "no such model")
  }

  @Test func layersReportTheLineOfTheirCaller() {
    check("Linear: got %x: f32[B, 8] for the weight %p.weight: f32[3, 9], expected rows of 9") { g, x, i in
      Linear("p", in: g, inputs: 9, outputs: 3)(x)
    }
    check("MultiHeadAttention: got f32[B, 8] for 3 heads, expected rows of a multiple of 3") { g, x, _ in
      let map = Linear("m", in: g, inputs: 8, outputs: 8)
      return MultiHeadAttention(query: map, key: map, value: map, output: map, headCount: 3)(x)
    }
    func attention(_ g: GraphBuilder, heads: Int = 2, gates: Tensor? = nil) -> MultiHeadAttention {
      let map = Linear("m", in: g, inputs: 8, outputs: 8)
      var attention = MultiHeadAttention(query: map, key: map, value: map, output: map, headCount: heads)
      attention.headGates = gates
      return attention
    }
    check("MultiHeadAttention: got the gates f32[3] for 2 heads, expected [..., 2]") { g, x, _ in
      attention(g, gates: g.full([3], 1.0))(x)
    }
    check("headOutputs: got f32[B, 8] for 3 heads, expected rows of a multiple of 3") { g, x, _ in
      attention(g, heads: 3).headOutputs(of: x)
    }
    check("KeyValueCache c: got 8 features and 3 heads, expected a multiple") { g, x, i in
      attention(g)(x, cache: KeyValueCache("c", in: g, for: attention(g, heads: 3), capacity: 4), at: i[0])
    }
    check("MultiHeadAttention: got the position f32[B, 8], expected one integer") { g, x, _ in
      attention(g)(x, cache: KeyValueCache("c", in: g, for: attention(g), capacity: 4), at: x * 1)
    }
    check("less: got i32[2, B, B] and %scores: f32[2, B, B], expected one element type; cast(to:) converts") { g, x, _ in
      MultiHeadAttention("a", in: g, size: 8, headCount: 2)(x, mask: { $0.index(1) < $0 })
    }
  }

  @Test func closuresGivenToLayersReportTheirOwnLine() {
    var line = 0
    let error = mistake { g in
      let x = g.input("x", .f32, ["B", 8])
      return MultiHeadAttention("a", in: g, size: 8, headCount: 2)(
        x,
        mask: { scores in
          line = #line + 1
          return scores.sum(3)
        })
    }
    #expect(error?.location == HeedIR.SourceLocation(file: #filePath, line: line))
  }
}
