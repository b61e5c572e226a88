import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

@Suite struct IndexingTests {
  /// Indices inside are inputs, which are checked; those outside are computed.
  @Test(arguments: compiledTypes, [ElementType.i64, .i32, .i8, .u8]) func gather(_ element: ElementType, _ index: ElementType)
    throws
  {
    let graph = try graph(
      "%t: \(element)[N, 3, M], %i: \(index)[K], %j: \(index)[2, K]",
      """
      %far = multiply %j, 2
      %out = subtract %far, 3
      %a = gather %t, %i {dim = 0}
      %b = gather %t, %out {dim = 0}
      %c = gather %t, %out {dim = 1}
      %d = gather %t, %out {dim = 2}
      %u = transpose %t {permutation = [2, 1, 0]}
      %e = gather %u, %out {dim = 2}
      return %a, %b, %c, %d, %e
      """)
    try expectAgreement(graph, at: [["N": 6, "M": 5, "K": 4], ["N": 6, "M": 0, "K": 3], ["N": 7, "M": 1, "K": 0]], .exact)
  }

  @Test func inputIndicesAreChecked() throws {
    let compiled = try graph("%t: f32[N], %i: i32[K]", "%r = gather %t, %i {dim = 0}\nreturn %r").compile(options())
    for index in [-1, 2] as [Int32] {
      #expect(throws: HeedError.self) { _ = try compiled(["t": NDArray([1, 2] as [Float], [2]), "i": NDArray([0, index], [2])]) }
    }
  }

  @Test(arguments: compiledTypes, [ElementType.i64, .i32, .u8])
  func scatter(_ element: ElementType, _ index: ElementType) throws {
    let graph = try graph(
      "%b: \(element)[N, 3, M], %i: \(index)[K], %u: \(element)[K, 3, M], %v: \(element)[N, 3, K], %w: \(element)[N, K, M]",
      """
      %far = multiply %i, 3
      %out = subtract %far, 4
      %a = scatter %b, %i, %u {dim = 0}
      %c = scatter %b, %out, %u {dim = 0}
      %d = scatter %c, %out, %v {dim = 2}
      %e = scatter %d, %out, %w {dim = 1}
      %t = transpose %b {permutation = [2, 1, 0]}
      %x = transpose %u {permutation = [2, 1, 0]}
      %f = scatter %t, %i, %x {dim = 2}
      return %a, %c, %e, %f
      """)
    try expectAgreement(
      graph, at: [["N": 6, "M": 5, "K": 9], ["N": 2, "M": 17, "K": 3], ["N": 7, "M": 1, "K": 0], ["N": 0, "M": 2, "K": 2]], .exact)
  }

  @Test(arguments: floatTypes + [.i64, .i32, .i8, .u8], [ElementType.i64, .i32, .u8])
  func scatterAdd(_ element: ElementType, _ index: ElementType) throws {
    let graph = try graph(
      "%b: \(element)[N, 3, M], %i: \(index)[K], %u: \(element)[K, 3, M], %v: \(element)[N, 3, K], %w: \(element)[N, K, M]",
      """
      %far = multiply %i, 3
      %out = subtract %far, 4
      %a = scatter_add %b, %i, %u {dim = 0}
      %c = scatter_add %b, %out, %u {dim = 0}
      %d = scatter_add %c, %out, %v {dim = 2}
      %e = scatter_add %d, %out, %w {dim = 1}
      %t = transpose %b {permutation = [2, 1, 0]}
      %x = transpose %u {permutation = [2, 1, 0]}
      %f = scatter_add %t, %i, %x {dim = 2}
      return %a, %c, %e, %f
      """)
    try expectAgreement(
      graph, at: [["N": 6, "M": 5, "K": 9], ["N": 2, "M": 17, "K": 3], ["N": 7, "M": 1, "K": 0], ["N": 0, "M": 2, "K": 2]])
  }

  @Test(arguments: compiledTypes) func arrangements(_ element: ElementType) throws {
    let value = element == .bool ? "true" : element.isFloat ? "-inf" : "7"
    let graph = try graph(
      "%x: \(element)[A, B, 6], %y: \(element)[A, 2, 6]",
      """
      %a = concatenate %x, %y, %x {dim = 1}
      %t = transpose %x {permutation = [2, 0, 1]}
      %b = concatenate %t, %t {dim = 0}
      %c = pad %t {low = [1, 0, B], high = [0, 2, 0], value = \(value)}
      %d = reshape %t : \(element)[6*A*B]
      %e = reshape %x : \(element)[A*B, 2, 3]
      %f = transpose %e {permutation = [1, 0, 2]}
      %g = reshape %f : \(element)[2, 3*A*B]
      %s = slice %x {start = [0, 0, 1], stop = [A, B, 6], step = [1, 2, 4]}
      %h = reshape %s : \(element)[A*ceil(B/2)*2]
      %w = broadcast %s {dims = [1, 2, 3]} : \(element)[3, A, ceil(B/2), 2]
      %k = transpose %w {permutation = [3, 0, 1, 2]}
      return %a, %b, %c, %d, %f, %g, %h, %k
      """)
    let sizes: [[Name: Int]] = [["A": 2, "B": 3], ["A": 1, "B": 1], ["A": 5, "B": 33], ["A": 0, "B": 2], ["A": 2, "B": 0]]
    try expectAgreement(graph, at: sizes, .exact)
    try expectAgreement(graph, at: [["A": 3, "B": 4]], .exact, pipeline: PassPipeline([]))
  }
}
