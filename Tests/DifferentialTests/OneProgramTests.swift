import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// One compilation serves every length, batch and layout of documents: the tables of a mask change from call to call, and nothing is
/// compiled or prepared for them but the bounds that a call takes of them.
@Suite struct OneProgramTests {
  private static let calls = 50

  /// Documents by their numbers, in runs or in any order, lengths for each sequence and a table of blocks.
  @Test(arguments: hostTargets.suffix(1)) func tablesChangeBetweenCalls(_ target: Target) throws {
    let graph = try DifferentialTests.graph(
      """
      %q: f32[B, 2, S, 4], %k: f32[B, 2, S, 4], %v: f32[B, 2, S, 3], %documents: i32[B, S], %lengths: i64[B], \
      %blocks: bool[2, 8, 8]
      """,
      """
      %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"}
      %ofQuery = broadcast %documents {dims = [0, 2]} : i32[B, 2, S, S]
      %ofKey = broadcast %documents {dims = [0, 3]} : i32[B, 2, S, S]
      %same = equal %ofQuery, %ofKey
      %i = iota {dim = 2} : i64[B, 2, S, S]
      %j = iota {dim = 3} : i64[B, 2, S, S]
      %past = less_equal %j, %i
      %all = broadcast %lengths {dims = [0]} : i64[B, 2, S, S]
      %inside = less %j, %all
      %t = iota {dim = 0} : i64[S]
      %block = divide %t, 32
      %place = remainder %block, 8
      %rows = gather %blocks, %place {dim = 1}
      %pairs = gather %rows, %place {dim = 2}
      %chosen = broadcast %pairs {dims = [1, 2, 3]} : bool[B, 2, S, S]
      %m = and %past, %inside
      %n = or %same, %chosen
      %live = and %m, %n
      %x = select %live, %s, -inf
      %p = softmax %x {dim = 3}
      %o = contract %p, %v {subscripts = "bhij,bhje->bhie"}
      return %o
      """)
    var numbers = SeededGenerator(seed: 11)
    func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &numbers) }
    let inputs = try (0..<Self.calls).map { call in
      let (batch, length) = (below(4), call == 0 ? 0 : call < 40 ? 1 + below(120) : 300 + below(200))
      var (documents, document) = ([Int64](), 0)
      for _ in 0..<batch * length {
        if call % 3 == 0 { document = below(5) } else if below(40) == 0 { document += 1 }
        documents.append(Int64(document))
      }
      return try randomInputs(
        graph, ["B": batch, "S": length], seed: UInt64(call),
        given: [
          "documents": ReferenceArray(.i32, [batch, length], integers: documents),
          "lengths": ReferenceArray(.i64, [batch], integers: (0..<batch).map { _ in Int64(below(length + 2) - 1) }),
          "blocks": ReferenceArray(.bool, [2, 8, 8], integers: (0..<128).map { _ in Int64(below(3) / 2) }),
        ])
    }
    try expectAgreement(graph, inputs, attentions: 1, targets: [target])
  }

  /// Documents by offsets into a ragged batch.
  @Test(arguments: hostTargets.suffix(1)) func offsetsChangeBetweenCalls(_ target: Target) throws {
    let graph = try RaggedTests.graph(isCausal: true)
    var numbers = SeededGenerator(seed: 12)
    let inputs = try (0..<Self.calls).map { call in
      var offsets: [Int64] = [0]
      for _ in 0..<Int.random(in: 0..<6, using: &numbers) {
        offsets.append(offsets.last! + Int64.random(in: 0..<(call % 5 == 0 ? 120 : 20), using: &numbers))
      }
      return try randomInputs(
        graph, ["T": Int(offsets.last!), "B": offsets.count - 1], seed: UInt64(call),
        given: ["offsets": ReferenceArray(.i32, [offsets.count], integers: offsets)])
    }
    try expectAgreement(graph, inputs, attentions: 1, targets: [target])
  }
}
