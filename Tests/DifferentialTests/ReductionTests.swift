import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Element types that have kernels.
let compiledTypes: [ElementType] = floatTypes + [.i64, .i32, .i8, .u8, .bool]

/// The kinds of reduction that take elements of a type.
private func kinds(_ element: ElementType) -> [String] {
  if element.isFloat { return ["add", "multiply", "minimum", "maximum"] }
  return element == .bool ? ["and", "or"] : ["add", "multiply", "minimum", "maximum", "and", "or"]
}

@Suite struct ReductionTests {
  /// Sums, products, extrema, and and or over each subset of three dimensions, of empty dimensions too.
  @Test(arguments: compiledTypes) func everySubsetOfDimensions(_ element: ElementType) throws {
    for kind in kinds(element) {
      let lines = (0..<8).map { bits in
        let dims = (0..<3).filter { bits >> $0 & 1 == 1 }
        return "  %r\(bits) = reduce %x {dims = \(dims), kind = \(kind)}"
      }
      let graph = try graph(
        "%x: \(element)[A, B, C]", lines.joined(separator: "\n") + "\n  return " + (0..<8).map { "%r\($0)" }.joined(separator: ", ")
      )
      try expectAgreement(
        graph, at: [["A": 2, "B": 3, "C": 5], ["A": 1, "B": 17, "C": 33], ["A": 3, "B": 0, "C": 2], ["A": 1, "B": 1, "C": 1]],
        Tolerance(f32: 4e-6, f64: 1e-12, roundings: 1), note: "\(element) \(kind) ")
    }
  }

  @Test(arguments: [ElementType.f32, .bf16, .i32, .u8, .bool]) func transposedAndSlicedOperands(_ element: ElementType) throws {
    let kind = element == .bool ? "or" : "add"
    let graph = try graph(
      "%x: \(element)[A, B, 8]",
      """
      %t = transpose %x {permutation = [2, 0, 1]}
      %s = slice %t {start = [1, 0, 0], stop = [8, A, B], step = [3, 1, 1]}
      %a = reduce %s {dims = [0], kind = \(kind)}
      %b = reduce %s {dims = [1, 2], kind = \(kind)}
      %w = broadcast %a {dims = [0, 2]} : \(element)[A, 4, B]
      %c = reduce %w {dims = [0, 1], kind = \(kind)}
      return %a, %b, %c
      """)
    try expectAgreement(graph, at: [["A": 3, "B": 5], ["A": 1, "B": 1], ["A": 2, "B": 40], ["A": 0, "B": 4]])
  }

  @Test(arguments: compiledTypes) func scans(_ element: ElementType) throws {
    for kind in kinds(element) {
      var lines: [String] = []
      for dim in 0..<3 {
        for mode in ["", ", exclusive = true", ", reverse = true", ", exclusive = true, reverse = true"] {
          lines.append("%r\(lines.count) = scan %x {dim = \(dim), kind = \(kind)\(mode)}")
        }
      }
      let names = lines.indices.map { "%r\($0)" }.joined(separator: ", ")
      let graph = try graph("%x: \(element)[A, B, C]", (lines + ["return \(names)"]).joined(separator: "\n"))
      try expectAgreement(
        graph, at: [["A": 2, "B": 3, "C": 19], ["A": 0, "B": 2, "C": 2], ["A": 1, "B": 1, "C": 1]],
        Tolerance(f32: 4e-6, f64: 1e-12, roundings: 1),
        note: "\(element) \(kind) ")
    }
  }

  /// Values, indices and the order of equal elements; NaN and infinities.
  @Test(arguments: floatTypes + [.i64, .i32, .i8, .u8]) func greatestElements(_ element: ElementType) throws {
    let graph = try graph(
      "%x: \(element)[A, N]",
      """
      %v, %i = top_k %x {count = 3}
      %t = slice %x {start = [0, 0], stop = [A, N], step = [1, 2]}
      %w, %j = top_k %t {count = 1}
      %u, %k = top_k %x {count = 0}
      return %v, %i, %w, %j, %u, %k
      """)
    try expectAgreement(graph, at: [["A": 2, "N": 3], ["A": 3, "N": 50], ["A": 0, "N": 7]], .exact)
    guard element.isFloat else { return }
    let special = ReferenceArray(
      element, [3, 4],
      reals: [.nan, -.infinity, .infinity, .nan, -.infinity, -.infinity, -.infinity, -.infinity, .infinity, .infinity, -0.0, 0.0])
    try expectAgreement(graph, [["x": special]], .exact)
  }

  @Test func tooManyOfTheGreatest() throws {
    let compiled = try graph("%x: f32[N]", "%v, %i = top_k %x {count = 3}\nreturn %v, %i").compile(options())
    #expect(throws: HeedError.self) { _ = try compiled(["x": NDArray([1, 2] as [Float], [2])]) }
  }

  @Test(arguments: floatTypes + [.i64, .i32, .i8, .u8]) func segmentSums(_ element: ElementType) throws {
    let graph = try graph(
      "%x: \(element)[T, 3], %y: \(element)[T], %offsets: i32[B + 1]",
      """
      %a = segment_sum %x, %offsets
      %b = segment_sum %y, %offsets
      %t = transpose %x {permutation = [1, 0]}
      %s = slice %t {start = [0, 0], stop = [1, T]}
      %u = transpose %s {permutation = [1, 0]}
      %c = segment_sum %u, %offsets
      %i = segment_ids %offsets : \(element.isFloat ? "i32" : element.name)[T]
      return %a, %b, %c, %i
      """)
    let offsets: [[Int64]] = [[0, 0, 3, 3, 7, 7], [0, 0], [0, 1, 2, 3], [0, 0, 0, 130], [0]]
    let inputs = try offsets.map { list in
      try randomInputs(
        graph, ["T": Int(list.last!), "B": list.count - 1],
        given: ["offsets": ReferenceArray(.i32, [list.count], integers: list)])
    }
    try expectAgreement(graph, inputs)
  }

  /// The greatest elements of segments whose offsets are an input, and of segments whose offsets are computed.
  @Test(arguments: floatTypes + [.i64, .i32, .i8, .u8]) func segmentMaxima(_ element: ElementType) throws {
    let graph = try graph(
      "%x: \(element)[T, 3], %y: \(element)[T], %offsets: i32[B + 1]",
      """
      %a = segment_max %x, %offsets
      %b = segment_max %y, %offsets
      %same = add %offsets, 0
      %t = transpose %x {permutation = [1, 0]}
      %s = slice %t {start = [0, 0], stop = [1, T]}
      %u = transpose %s {permutation = [1, 0]}
      %c = segment_max %u, %same
      return %a, %b, %c
      """)
    try expectAgreement(graph, try segmentInputs(graph), .exact)
  }

  /// An extremum with a NaN is NaN wherever it stands, on every target: in rows, columns, segments and running extrema.
  @Test(arguments: floatTypes) func extremaOfNaN(_ element: ElementType) throws {
    let graph = try graph(
      "%x: \(element)[A, N], %offsets: i32[R]",
      """
      %a = reduce %x {dims = [1], kind = maximum}
      %b = reduce %x {dims = [0], kind = minimum}
      %c = reduce %x {dims = [0, 1], kind = maximum}
      %d = scan %x {dim = 1, kind = maximum}
      %e = scan %x {dim = 0, kind = minimum, reverse = true}
      %f = segment_max %x, %offsets
      return %a, %b, %c, %d, %e, %f
      """)
    for (rows, columns) in [(3, 53), (40, 7), (5, 300)] {
      let offsets = ReferenceArray(.i32, [3], integers: [0, 2, Int64(rows)])
      let plain = try randomInputs(graph, ["A": rows, "N": columns, "R": 3], given: ["offsets": offsets])
      let places = [[0], [columns / 2], [columns - 1], [columns + 1, rows * columns - 1]]
      let inputs = places.flatMap { places in
        [0.0, -.infinity].map { other in
          var inputs = plain
          if other != 0 { inputs["x"]!.reals = inputs["x"]!.reals.map { _ in other } }
          for place in places { inputs["x"]!.reals[place] = .nan }
          return inputs
        }
      }
      try expectAgreement(graph, inputs, .exact)
    }
  }

  /// Inputs of segments: empty ones, none, some longer than a block.
  private func segmentInputs(_ graph: Graph) throws -> [[Name: ReferenceArray]] {
    let offsets: [[Int64]] = [[0, 0, 3, 3, 7, 7], [0, 0], [0, 1, 2, 3], [0, 0, 0, 130], [0]]
    return try offsets.map { list in
      try randomInputs(
        graph, ["T": Int(list.last!), "B": list.count - 1],
        given: ["offsets": ReferenceArray(.i32, [list.count], integers: list)])
    }
  }

  /// Rows times the matrix of their segment: widths around blocks, transposed operands, offsets that the graph computes.
  @Test(arguments: floatTypes, [1, 17, 64, 70]) func segmentProducts(_ element: ElementType, _ width: Int) throws {
    let graph = try graph(
      "%x: \(element)[T, 5], %m: \(element)[B, 5, \(width)], %n: \(element)[B, \(width), 5], %offsets: i32[B + 1]",
      """
      %a = segment_matmul %x, %m, %offsets
      %t = transpose %n {permutation = [0, 2, 1]}
      %same = multiply %offsets, 1
      %sum = add %offsets, %same
      %half = divide %sum, 2
      %b = segment_matmul %x, %t, %half
      return %a, %b
      """)
    try expectAgreement(graph, try segmentInputs(graph))
  }

  /// Rows in order: lengths around powers of two, equal elements, NaN, rows with gaps, results that are rounded as they are stored.
  @Test(arguments: floatTypes + [.i64, .i32, .i8, .u8]) func sorts(_ element: ElementType) throws {
    let graph = try graph(
      "%x: \(element)[A, N]",
      """
      %v, %i = sort %x
      %t = transpose %x {permutation = [1, 0]}
      %w, %j = sort %t {descending = true}
      %s = slice %x {start = [0, 0], stop = [A, N], step = [1, 2]}
      %u, %k = sort %s {descending = true}
      %z = transpose %u {permutation = [1, 0]}
      return %v, %i, %w, %j, %z, %k
      """)
    try expectAgreement(
      graph,
      at: [["A": 2, "N": 3], ["A": 3, "N": 50], ["A": 0, "N": 7], ["A": 4, "N": 0], ["A": 5, "N": 1], ["A": 2, "N": 257]], .exact)
    guard element.isFloat else { return }
    let special = ReferenceArray(
      element, [3, 4],
      reals: [.nan, -.infinity, .infinity, .nan, -.infinity, -.infinity, -.infinity, -.infinity, .infinity, .infinity, -0.0, 0.0])
    try expectAgreement(graph, [["x": special]], .exact)
  }

  @Test func sortedNumbersAreComparedBeforeTheyAreRounded() throws {
    let graph = try graph("%x: f32[A, N]", "%v, %i = sort %x\n%r = convert %v : bf16[A, N]\nreturn %r, %i")
    try expectAgreement(graph, at: [["A": 2, "N": 100]], .exact)
  }
}
