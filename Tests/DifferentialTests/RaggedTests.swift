import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Ragged batches: sequences one after the other, with offsets.
@Suite struct RaggedTests {
  private static let offsets: [[Int64]] = [
    [0, 3, 3, 10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 130], [0, 0, 0], [0], [0, 96, 192, 193], [0, 47, 48, 97, 97, 146, 146],
  ]

  static func graph(isCausal: Bool, bias: Bool = false, index: ElementType = .i32) throws -> Graph {
    try DifferentialTests.graph(
      "%q: f32[T, 2, 4], %k: f32[T, 2, 4], %v: f32[T, 2, 5], %offsets: \(index)[B + 1]" + (bias ? ", %b: f32[2, T]" : ""),
      """
      %s = contract %q, %k {subscripts = "ihd,jhd->hij"}
      %id = segment_ids %offsets : i32[T]
      %a = broadcast %id {dims = [1]} : i32[2, T, T]
      %c = broadcast %id {dims = [2]} : i32[2, T, T]
      %same = equal %a, %c
      %i = iota {dim = 1} : i32[2, T, T]
      %j = iota {dim = 2} : i32[2, T, T]
      %past = less_equal %j, %i
      %both = and %same, %past
      %live = \(isCausal ? "or %both, %both" : "or %same, %same")
      \(bias ? "%w = broadcast %b {dims = [0, 2]} : f32[2, T, T]\n%y = add %s, %w" : "%y = multiply %s, 0.5")
      %x = select %live, %y, -inf
      %p = softmax %x {dim = 2}
      %o = contract %p, %v {subscripts = "hij,jhe->ihe"}
      return %o
      """)
  }

  private static func inputs(_ graph: Graph, _ index: ElementType = .i32) throws -> [[Name: ReferenceArray]] {
    try offsets.filter { index != .u8 || $0.last! < 256 }.map { list in
      try randomInputs(
        graph, ["T": Int(list.last!), "B": list.count - 1],
        given: ["offsets": ReferenceArray(index, [list.count], integers: list)])
    }
  }

  @Test(arguments: [(false, false), (true, false), (false, true)]) func sequencesAttendToThemselves(_ isCausal: Bool, _ bias: Bool)
    throws
  {
    let graph = try Self.graph(isCausal: isCausal, bias: bias)
    try expectAgreement(graph, Self.inputs(graph), attentions: 1)
  }

  @Test(arguments: [ElementType.i64, .u8]) func offsetsOfOtherTypes(_ index: ElementType) throws {
    let graph = try Self.graph(isCausal: true, index: index)
    try expectAgreement(graph, Self.inputs(graph, index), attentions: 1, targets: [hostTargets.last!])
  }

  /// The bits of a sequence do not depend on the sequences beside it.
  @Test(arguments: hostTargets) func neighboursDoNotMatter(_ target: Target) throws {
    let graph = try Self.graph(isCausal: false)
    let compiled = try graph.compile(options(target))
    for (list, inputs) in zip(Self.offsets, try Self.inputs(graph)) {
      let together = try compiled.run(graph, inputs, guarding: .ends)[0].values(as: Float.self)
      for (start, stop) in zip(list, list.dropFirst()) {
        func part(_ name: Name, _ width: Int) -> ReferenceArray {
          ReferenceArray(
            .f32, [Int(stop - start), 2, width / 2], reals: Array(inputs[name]!.reals[(Int(start) * width)..<(Int(stop) * width)]))
        }
        let alone = try compiled.run(
          graph,
          [
            "q": part("q", 8), "k": part("k", 8), "v": part("v", 10),
            "offsets": ReferenceArray(.i32, [2], integers: [0, stop - start]),
          ], guarding: .begins)[0]
        #expect(alone.values(as: Float.self).map(\.bitPattern) == together[(Int(start) * 10)..<(Int(stop) * 10)].map(\.bitPattern))
      }
    }
  }

  @Test(arguments: [[1, 3], [0, 2], [0, 3, 2, 3], [0, 5]] as [[Int64]]) func wrongOffsetsAreErrors(_ list: [Int64]) throws {
    let graph = try Self.graph(isCausal: false)
    let inputs = try randomInputs(
      graph, ["T": 3, "B": list.count - 1], given: ["offsets": ReferenceArray(.i32, [list.count], integers: list)])
    let compiled = try graph.compile(options())
    #expect(throws: HeedError.self) { _ = try compiled.run(graph, inputs, guarding: .ends) }
  }
}
