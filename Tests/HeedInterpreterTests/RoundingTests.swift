import HeedIR
import HeedInterpreter
import HeedTestSupport
import Testing

/// A value holds numbers of its element type; inside one op sums are in double precision.
@Suite struct RoundingTests {
  private func f32(_ values: Double...) -> ReferenceArray { ReferenceArray(.f32, [values.count], reals: values) }

  private func results(_ arguments: String, _ body: String, _ inputs: [Name: ReferenceArray], rounding: Rounding = .toType) throws
    -> [ReferenceArray]
  {
    let graph = try #require(try Graph.parse("graph @g(\(arguments)) {\n\(body)\n}").first)
    return try GraphInterpreter.evaluate(graph, inputs: inputs, rounding: rounding).map(\.array)
  }

  @Test(arguments: [(ElementType.f64, 0x1p-53), (.f32, 0x1p-24), (.f16, 0x1p-11), (.bf16, 0x1p-8)])
  func resultsAreOfTheirType(_ element: ElementType, _ half: Double) throws {
    // 1 + half lies between two values of the type, 1 + 3 * half as well.
    let inputs: [Name: ReferenceArray] = [
      "x": ReferenceArray(element, [2], reals: [1, 1]), "y": ReferenceArray(element, [2], reals: [half, 3 * half]),
    ]
    let body = "%z = add %x, %y\n%one = subtract %z, 1.0\nreturn %z, %one"
    let rounded = try results("%x: \(element)[N], %y: \(element)[N]", body, inputs)
    #expect(rounded[0].reals == [1, 1 + 4 * half])
    #expect(rounded[1].reals == [0, 4 * half])
    guard element != .f64 else { return }
    // 16-bit floats may be held in f32.
    let held = try results("%x: \(element)[N], %y: \(element)[N]", body, inputs, rounding: .toComputed)
    #expect(held[1].reals == (element == .f32 ? rounded[1].reals : [half, 3 * half]))
    #expect(try results("%x: \(element)[N], %y: \(element)[N]", body, inputs, rounding: .none)[1].reals == [half, 3 * half])
  }

  @Test func inputsAndExtentsAreOfTheirType() throws {
    let inputs: [Name: ReferenceArray] = ["x": f32(1 + 0x1p-30), "n": ReferenceArray(.i8, [2049, 0])]
    let rounded = try results(
      "%x: f32[1], %n: i8[N, 0]",
      """
      %d = subtract %x, 1.0
      %n16 = extent {value = [N]} : f16
      %m = map %n16 (%s: f16) { %e = extent {value = [N]} : f16 yield %e } : f16
      return %d, %n16, %m
      """, inputs)
    #expect(rounded.map(\.reals) == [[0], [2048], [2048]])
  }

  @Test func functionsAreRounded() throws {
    let logarithms = try results(
      "%x: f32[2]", "%l = log %x\n%b = multiply %l, 2.8853900817779268\n%i = convert %b : i32[2]\nreturn %l, %b, %i",
      ["x": f32(2, 4)])
    #expect(logarithms[0].reals == [0.6931471824645996, 1.3862943649291992])
    #expect(logarithms[1].reals == [2, 4])
    #expect(logarithms[2].integers == [2, 4])
  }

  @Test func sumsInsideAnOpAreNot() throws {
    let sums = try results(
      "%x: f32[3], %o: f32[3], %i: i32[3], %b: f32[1]",
      """
      %reduced = reduce %x {dims = [0], kind = add}
      %running = scan %x {dim = 0, kind = add}
      %product = contract %x, %o {subscripts = "i,i->"}
      %scattered = scatter_add %b, %i, %x {dim = 0}
      return %reduced, %running, %product, %scattered
      """,
      ["x": f32(0x1p24, 1, 1), "o": f32(1, 1, 1), "i": ReferenceArray(.i32, [3], integers: [0, 0, 0]), "b": f32(0)])
    let sum = 0x1p24 + 2
    #expect(sums.map(\.reals) == [[sum], [0x1p24, 0x1p24, sum], [sum], [sum]])
  }

  @Test func fusedMultiplyAddRoundsOnce() throws {
    // The product is a tie, and the addend, which a double cannot hold beside it, breaks it.
    let x = 1 + 0x1p-12
    let inputs: [Name: ReferenceArray] = ["x": f32(x, x), "c": f32(0x1p-60, -0x1p-60)]
    let sums = try results("%x: f32[2], %c: f32[2]", "%r = fused_multiply_add %x, %x, %c\nreturn %r", inputs)
    #expect(sums[0].reals == [1 + 0x1p-11 + 0x1p-23, 1 + 0x1p-11])
  }

  @Test(arguments: [ElementType.i32, .i64])
  func integersBecomeFloatsByOneRounding(_ element: ElementType) throws {
    // A tie of f32, and a number above it by what a double drops where there are more than 53 bits.
    let shift = element == .i64 ? 54 : 24
    let tie = Int64(1) << shift + Int64(1) << (shift - 24)
    let numbers = [tie, tie + 1]
    let floats = try results(
      "%n: \(element)[2]", "%x = convert %n : f32[2]\nreturn %x", ["n": ReferenceArray(element, [2], integers: numbers)])
    #expect(floats[0].reals == [Double(Int64(1) << shift), Double(Int64(1) << shift + Int64(1) << (shift - 23))])
  }

  // MARK: Regions

  private static let chain = """
    %a = add %X, %Y
    %b = subtract %a, %X
    %c = multiply %b, 1000000.0
    """

  /// The same steps in a region and as ops.
  @Test(arguments: [ElementType.f32, .f16, .bf16]) func regionsRoundAsOpsDo(_ element: ElementType) throws {
    var numbers = SeededGenerator(seed: 11)
    func array() -> ReferenceArray { numbers.array(element, [50]) }
    let inputs: [Name: ReferenceArray] = ["x": array(), "y": array(), "one": array()]
    let ops = Self.chain.replacing("%X", with: "%x").replacing("%Y", with: "%y")
    let type = "\(element)[N]"
    let results = try results(
      "%x: \(type), %y: \(type), %one: \(type)",
      """
      \(ops)
      %whole = convert %c : i32[N]
      %fused, %other = map %x, %y (%X: \(element), %Y: \(element)) {
      \(Self.chain)
      %w = convert %c : i32
      yield %c, %w
      } : \(type), i32[N]
      %sum = contract %x, %one {subscripts = "i,i->i"}
      %d = subtract %sum, %x
      %linear = linear %x, %one, %x epilogue (%acc: \(element), %e: \(element)) {
      %d = subtract %acc, %e
      yield %d
      } {subscripts = "i,i->i"} : \(type)
      return %c, %whole, %fused, %other, %d, %linear
      """, inputs)
    #expect(results[0] == results[2])
    #expect(results[1] == results[3])
    #expect(results[4] == results[5])
  }

  /// A mask by f32 arithmetic and a score in steps: attention and its decomposition see the same pairs.
  @Test func regionsOfAttentionRound() throws {
    let graph = try #require(
      try Graph.parse(
        """
        graph @g(%q: f32[N, 2], %k: f32[N, 2], %v: f32[N, 2]) {
          %out = attention %q, %k, %v score (%s: f32, %i: i32, %j: i32) {
            %t = add %s, 16777216.0 : f32
            %u = subtract %t, 16777216.0 : f32
            yield %u
          } where (%i: i32, %j: i32) {
            %x = convert %i : f32
            %y = convert %j : f32
            %a = multiply %x, 0.1 : f32
            %b = multiply %y, 0.1 : f32
            %d = subtract %a, %b : f32
            %live = less_equal %d, 0.3 : bool
            yield %live
          } : f32[N, 2]
          return %out
        }
        """
      ).first)
    var numbers = SeededGenerator(seed: 11)
    func array() -> ReferenceArray { numbers.array(.f32, [40, 2]) }
    let inputs: [Name: ReferenceArray] = ["q": array(), "k": array(), "v": array()]
    var rewriter = GraphRewriter(graph)
    for node in graph.body { try rewriter.decompose(node) }
    let plain = rewriter.finish()
    let whole = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array
    let parts = try GraphInterpreter.evaluate(plain, inputs: inputs)[0].array
    #expect(areClose(whole, parts, tolerance: 1e-6))
    // The products are not whole numbers: without rounding the scores are others.
    #expect(!areClose(whole, try GraphInterpreter.evaluate(graph, inputs: inputs, rounding: .none)[0].array, tolerance: 1e-3))
  }
}
