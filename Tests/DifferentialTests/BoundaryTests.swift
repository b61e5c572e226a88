import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Graphs at the edges of what the lowering may assume: facts, computed offsets, captured tables, wrapping indices, huge scores.
@Suite struct BoundaryTests {
  @Test func anExtentThatIsEqualByAFactIsNotRepeated() throws {
    let graph = try graph(
      "%x: f32[N], %y: f32[H*W, 2], %z: f32[H, W]",
      "%b = broadcast %x {dims = [0]} : f32[H*W, 2]\n%e = add %b, %y : f32[H*W, 2]\nreturn %e", facts: "N == H*W")
    try expectAgreement(graph, at: [["N": 6, "H": 2, "W": 3], ["N": 1, "H": 1, "W": 1]])
  }

  @Test func aParameterSlicedAtALengthIsReadAtTheCall() throws {
    let graph = try graph(
      "parameter %w: f32[16, 4], %x: f32[S, 4]",
      """
      %s = slice %w {start = [S, 0], stop = [S + 2, 4]}
      %d = softmax %s {dim = 1}
      %e = softmax %d {dim = 1}
      return %e
      """)
    try expectAgreement(graph, at: [["S": 3], ["S": 14]])
  }

  @Test func segmentOffsetsMayBeComputed() throws {
    let attention = try graph(
      "%q: f32[T, 8], %base: i32[B + 1]",
      """
      %offsets = maximum %base, -1000
      %ids = segment_ids %offsets : i32[T]
      %i = broadcast %ids {dims = [0]} : i32[T, T]
      %j = broadcast %ids {dims = [1]} : i32[T, T]
      %same = equal %i, %j
      %s = contract %q, %q {subscripts = "id,jd->ij"}
      %m = select %same, %s, -inf
      %p = softmax %m {dim = 1}
      %o = contract %p, %q {subscripts = "ij,jd->id"}
      %sum = segment_sum %o, %offsets
      return %o, %sum
      """)
    for (offsets, rows) in [([0, 2, 3], 3), ([0, 100, 100, 250], 250), ([0, 0], 0)] {
      let base = ReferenceArray(.i32, [offsets.count], integers: offsets.map { Int64($0) })
      try expectAgreement(attention, [randomInputs(attention, ["T": rows, "B": offsets.count - 1], given: ["base": base])])
    }
    // Offsets that do not cover the rows are the reference's error; compiled code must only stay inside its memory.
    let compiled = try attention.compile(options())
    for offsets in [[0, 2, 3], [5, 9, 2], [-7, 1 << 30, 3]] as [[Int32]] {
      let q = try NDArray([Float](repeating: 0.5, count: 300 * 8), [300, 8])
      _ = try compiled.run([("q", q), ("base", NDArray(offsets, [3]))], guarding: .ends)
    }
  }

  /// A table that is shorter than the sequence reads as NaN beyond its end, as the gather that it came from does.
  @Test func captureOutsideATableIsNotRead() throws {
    let graph = try graph(
      "%q: f32[S, 8], %t: f32[T]",
      """
      %o = attention %q, %q, %q, %t score (%s: f32, %i: i32, %j: i32) {
        %e = element %t[%j] : f32
        %r = add %s, %e : f32
        yield %r
      } where (%i: i32, %j: i32) {
        yield true
      } : f32[S, 8]
      return %o
      """)
    try expectAgreement(graph, at: [["S": 5, "T": 5], ["S": 100, "T": 700]])
    let inputs = try randomInputs(graph, ["S": 700, "T": 4])
    let results = try graph.compile(options()).run(graph, inputs, guarding: .ends)
    let areNaN = ReferenceArray(results[0]).reals.allSatisfy { $0.isNaN }
    #expect(areNaN)
  }

  /// Index arithmetic that wraps in 32 bits, and a conversion that changes the sign: no live tile may be skipped.
  @Test(arguments: [
    "%h = divide %i, 2 : i32\n%a = add %h, 1073741824 : i32\n%b = add %a, %a : i32\n%l = less %b, %j : bool",
    "%z = subtract %i, %i : i32\n%m = subtract %z, 1 : i32\n%c = convert %m : i8\n%u = convert %c : u8\n%w = convert %u : i32\n%l = less_equal %j, %w : bool",
    "%a = multiply %i, 1000000 : i32\n%b = multiply %a, 1000000 : i32\n%l = less %b, %j : bool",
    "%a = subtract %i, %j : i32\n%b = convert %a : i8\n%c = convert %b : i32\n%l = less %c, 0 : bool",
  ]) func indicesThatWrap(_ condition: String) throws {
    let graph = try graph(
      "%q: f32[S, 8]",
      """
      %o = attention %q, %q, %q score (%s: f32, %i: i32, %j: i32) {
        yield %s
      } where (%i: i32, %j: i32) {
      \(condition)
        yield %l
      } : f32[S, 8]
      return %o
      """)
    try expectAgreement(graph, at: [["S": 450]], targets: [.host])
  }

  @Test func hugeScoresKeepTheirOrder() throws {
    let graph = try graph(
      "%q: f32[S, 8], %b: f32[S, S]",
      """
      %s = contract %q, %q {subscripts = "id,jd->ij"}
      %t = add %s, %b
      %p = softmax %t {dim = 1}
      %o = contract %p, %q {subscripts = "ij,jd->id"}
      return %o
      """)
    let least = Double(-Float.greatestFiniteMagnitude)
    var bias = ReferenceArray(.f32, [5, 5], reals: Array(repeating: least, count: 25))
    try expectAgreement(graph, [randomInputs(graph, ["S": 5], given: ["b": bias])], attentions: 1)
    bias = ReferenceArray(.f32, [5, 5])
    bias.reals[10] = 3.3e38
    try expectAgreement(graph, [randomInputs(graph, ["S": 5], given: ["b": bias])], attentions: 1)
  }

  @Test(arguments: ["[0, 0]", "[5]", "[]", "[-8, -100]", "[9223372036854775807, 1]"]) func tilesOfNoUse(_ tile: String) {
    #expect(throws: HeedError.self) {
      _ = try graph(
        "%x: f32[S, 8], %w: f32[8, 8]",
        "%y = linear %x, %w epilogue (%a: f32) {\n  yield %a\n} {subscripts = \"sk,kn->sn\", tile = \(tile)}\nreturn %y")
    }
  }
}
