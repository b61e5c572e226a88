import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Extents of 0, known or not: they compile, agree with the reference, and cost nothing beside huge ones.
@Suite struct ZeroExtentTests {
  /// Products in several subscripts, with every combination of extents known and not.
  @Test(arguments: ["ik,kj->ij", "ik,jk->ij", "ki,kj->ij", "bik,bkj->bij"])
  func products(subscripts: String) throws {
    let letters = Array(subscripts)
    for (rows, depth, columns) in [0, 1, 2, 16, 17].flatMap({ i in [0, 1, 300].flatMap { k in [0, 1, 5].map { (i, k, $0) } } }) {
      let sizes: [Character: Int] = ["i": rows, "k": depth, "j": columns, "b": 2]
      func type(_ letters: some Sequence<Character>) -> String {
        "f32[" + letters.map { "\(sizes[$0]!)" }.joined(separator: ", ") + "]"
      }
      let parts = subscripts.split { ",->".contains($0) }
      let graph = try graph(
        "%x: \(type(parts[0])), %y: \(type(parts[1]))",
        "%r = contract %x, %y {subscripts = \"\(subscripts)\"} : \(type(parts[2])) return %r")
      try expectAgreement(graph, at: [[:]], targets: [.host], note: "\(letters) \(rows) \(depth) \(columns) ")
    }
  }

  /// An op of each kind of kernel, its extents 0 in turn: written as numbers, and as symbols.
  @Test(arguments: [
    "%r = softmax %x {dim = 1} : f32[M, N]", "%r = softmax %x {dim = 0} : f32[M, N]", "%r = log_sum_exp %x {dim = 1} : f32[M]",
    "%r = reduce %x {dims = [0], kind = add} : f32[N]", "%r = reduce %x {dims = [1], kind = maximum} : f32[M]",
    "%r = reduce %x {dims = [0, 1], kind = add} : f32", "%r = scan %x {dim = 1, kind = add} : f32[M, N]",
    "%r = transpose %x {permutation = [1, 0]} : f32[N, M]", "%r = concatenate %x, %x {dim = 1} : f32[M, 2*N]",
    "%r = pad %x {low = [0, 1], high = [0, 0], value = 2.0} : f32[M, N + 1]", "%r = multiply %x, 2.0 : f32[M, N]",
    "%r = broadcast %x {dims = [0, 1]} : f32[M, N, 3]", "%r = exp %x : f32[M, N]",
  ])
  func ops(line: String) throws {
    let symbolic = try graph("%x: f32[M, N]", line + " return %r")
    let shapes = [(0, 0), (0, 3), (3, 0), (2, 3), (17, 0), (0, 40)]
    try expectAgreement(symbolic, at: shapes.map { ["M": $0.0, "N": $0.1] }, targets: [.host])
    for (m, n) in shapes {
      let known = line.replacing("N + 1", with: "\(n + 1)").replacing("2*N", with: "\(2 * n)").replacing("M", with: "\(m)")
        .replacing("N", with: "\(n)")
      try expectAgreement(graph("%x: f32[\(m), \(n)]", known + " return %r"), at: [[:]], targets: [.host])
    }
  }

  /// Attention, fused, with nothing in one dimension or another.
  @Test func attention() throws {
    let text = """
      %s = contract %q, %k {subscripts = "hid,hjd->hij"} : f32[H, M, N]
      %p = softmax %s {dim = 2} : f32[H, M, N]
      %o = contract %p, %v {subscripts = "hij,hje->hie"} : f32[H, M, 4]
      return %o
      """
    let fused = try graph("%q: f32[H, M, 4], %k: f32[H, N, 4], %v: f32[H, N, 4]", text)
    let sizes = [(0, 5, 5), (2, 0, 5), (2, 5, 0), (2, 1, 0), (0, 0, 0)]
    let bindings: [[Name: Int]] = sizes.map { ["H": $0.0, "M": $0.1, "N": $0.2] }
    try expectAgreement(fused, at: bindings, attentions: 1, targets: [.host])
    // No components, known: every score is 0; no values.
    for (d, e) in [(0, 4), (4, 0), (0, 0)] {
      let known = text.replacing("f32[H, M, 4]", with: "f32[H, M, \(e)]")
      let graph = try graph("%q: f32[H, M, \(d)], %k: f32[H, N, \(d)], %v: f32[H, N, \(e)]", known)
      try expectAgreement(graph, at: [["H": 2, "M": 5, "N": 7], ["H": 1, "M": 30, "N": 30]], targets: [.host])
    }
  }

  private static let huge = 4_294_967_296

  /// Arrays without elements whose other extents are huge: nothing walks along these.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      "%r = contract %x, %y {subscripts = \"id,jd->ij\"} : f32[M, (4294967296)]", "%r = multiply %y, 2.0 : f32[(4294967296), D]",
      "%r = softmax %y {dim = 1} : f32[(4294967296), D]", "%r = transpose %y {permutation = [1, 0]} : f32[D, (4294967296)]",
      """
      %s = contract %x, %y {subscripts = "id,jd->ij"} : f32[M, (4294967296)]
      %p = softmax %s {dim = 0} : f32[M, (4294967296)]
      %r = contract %p, %y {subscripts = "ij,je->ie"} : f32[M, D]
      """,
    ])
  func hugeExtentsBesideZero(body: String) throws {
    let graph = try graph("%x: f32[M, D], %y: f32[(4294967296), D]", body + " return %r")
    let inputs = ["x": try NDArray(zeros: .f32, [0, 0]), "y": try NDArray(zeros: .f32, [Self.huge, 0])]
    let named = Dictionary(uniqueKeysWithValues: inputs.map { (Name($0.key), $0.value) })
    let expected = try GraphInterpreter.evaluate(graph, inputs: named)[0].array
    let program = try graph.compile(options())
    let (outputs, timings) = try program.timed(inputs)
    #expect(outputs[0].shape == expected.shape && outputs[0].count == 0)
    #expect(timings.allSatisfy { $0.phases.isEmpty })
    #expect(try program(inputs)[0].shape == expected.shape)
  }

  /// A product of extents that leaves 64 bits is an error wherever the 0 stands, and a cost that does is 0.
  @Test func productsBesideZero() throws {
    #expect(throws: HeedError.self) { try Shape.elementCount(of: [0, Self.huge, Self.huge]) }
    #expect(throws: HeedError.self) { try Shape.elementCount(of: [Self.huge, Self.huge, 0]) }
    #expect(try Shape.elementCount(of: [Self.huge, 0, 2]) == 0)
    #expect(throws: HeedError.self) { try Shape.elementCount(of: Array(repeating: 1, count: 65)) }
    let extent = try Extent(parsing: "A*B*C")
    #expect(try extent.evaluate { ["A": Self.huge, "B": Self.huge, "C": 0][$0.text] } == 0)
    #expect(throws: HeedError.self) { try extent.evaluate { ["A": Self.huge, "B": Self.huge, "C": 1][$0.text] } }
    let scores = try graph(
      "%q: f32[H, S, 4], %k: f32[H, N, 4]", "%s = contract %q, %k {subscripts = \"hid,hjd->hij\"} : f32[H, S, N] return %s")
    let empty = try NDArray(zeros: .f32, [0, Self.huge, 4])
    #expect(throws: HeedError.self) { try GraphInterpreter.evaluate(scores, inputs: ["q": empty, "k": empty]) }
    #expect(throws: HeedError.self) { try scores.compile(options())(["q": empty, "k": empty]) }
  }

  /// More than the memory there is: an error of the reference, as of a call.
  @Test func resultsThatDoNotFit() throws {
    let rows = try graph("%x: f32[A, B]", "%s = reduce %x {dims = [1], kind = add} : f32[A] return %s")
    let empty = try NDArray(zeros: .f32, [1 << 40, 0])
    #expect(throws: HeedError.self) { try GraphInterpreter.evaluate(rows, inputs: ["x": empty]) }
    #expect(throws: HeedError.self) { try rows.compile(options())(["x": empty]) }
    #expect(throws: HeedError.self) { try NDArray(zeros: .u8, [1 << 50]) }
  }
}
