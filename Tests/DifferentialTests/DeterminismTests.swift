import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// The same bits, whatever the number of threads, the neighbours in a batch, or what else runs.
@Suite struct DeterminismTests {
  /// A layer of a sentence encoder over a ragged batch: products, attention, norms, pooling.
  private static func encoderLayer() throws -> Graph {
    try graph(
      """
      %ids: i32[T], %offsets: i32[B + 1], parameter %table: f32[50, 32], parameter %wqkv: f32[32, 96], parameter %bqkv: f32[96],
      parameter %wo: f32[32, 32], parameter %g: f32[32], parameter %b: f32[32], parameter %w1: f32[32, 80], parameter %w2: f32[80, 32]
      """,
      """
      %e = gather %table, %ids {dim = 0}
      %h = layer_norm %e, %g, %b {epsilon = 1.0e-5}
      %p = contract %h, %wqkv {subscripts = "ti,io->to"}
      %bb = broadcast %bqkv {dims = [1]} : f32[T, 96]
      %c = add %p, %bb
      %r = reshape %c : f32[T, 3, 4, 8]
      %t = transpose %r {permutation = [1, 2, 0, 3]}
      %q0 = slice %t {start = [0, 0, 0, 0], stop = [1, 4, T, 8]}
      %k0 = slice %t {start = [1, 0, 0, 0], stop = [2, 4, T, 8]}
      %v0 = slice %t {start = [2, 0, 0, 0], stop = [3, 4, T, 8]}
      %q = reshape %q0 : f32[4, T, 8]
      %k = reshape %k0 : f32[4, T, 8]
      %v = reshape %v0 : f32[4, T, 8]
      %s = contract %q, %k {subscripts = "hid,hjd->hij"}
      %sc = multiply %s, 0.3535
      %id = segment_ids %offsets : i32[T]
      %a = broadcast %id {dims = [1]} : i32[4, T, T]
      %d = broadcast %id {dims = [2]} : i32[4, T, T]
      %live = equal %a, %d
      %x = select %live, %sc, -inf
      %w = softmax %x {dim = 2}
      %o = contract %w, %v {subscripts = "hij,hje->hie"}
      %ot = transpose %o {permutation = [1, 0, 2]}
      %om = reshape %ot : f32[T, 32]
      %y0 = contract %om, %wo {subscripts = "ti,io->to"}
      %y = add %y0, %e
      %z = layer_norm %y, %g, %b {epsilon = 1.0e-5}
      %f0 = contract %z, %w1 {subscripts = "ti,io->to"}
      %f1 = gelu %f0
      %f2 = contract %f1, %w2 {subscripts = "ti,io->to"}
      %out = add %f2, %y
      %pooled = segment_sum %out, %offsets
      return %out, %pooled
      """)
  }

  private static func inputs(_ graph: Graph, _ offsets: [Int64], seed: UInt64 = 3) throws -> [Name: ReferenceArray] {
    var numbers = SeededGenerator(seed: seed)
    let rows = Int(offsets.last!)
    let ids = ReferenceArray(.i32, [rows], integers: (0..<rows).map { _ in .random(in: 0..<50, using: &numbers) })
    var inputs = try randomInputs(
      graph, ["T": rows, "B": offsets.count - 1],
      given: ["ids": ids, "offsets": ReferenceArray(.i32, [offsets.count], integers: offsets)])
    for name in ["wqkv", "wo", "w1", "w2"] as [Name] { inputs[name]!.reals = inputs[name]!.reals.map { Double(Float($0 / 8)) } }
    return inputs
  }

  private static func bits(_ arrays: [NDArray]) -> [[UInt32]] { arrays.map { $0.values(as: Float.self).map(\.bitPattern) } }

  @Test func encoderLayerAgrees() throws {
    let graph = try Self.encoderLayer()
    let inputs = try [[0, 3, 3, 10], [0, 1], [0, 60, 61, 110]].map { try Self.inputs(graph, $0) }
    try expectAgreement(graph, inputs, .loose, attentions: 1)
  }

  @Test(arguments: hostTargets) func threadsAndRuns(_ target: Target) throws {
    let graph = try Self.encoderLayer()
    let inputs = try Self.inputs(graph, [0, 5, 130, 131, 210])
    let all = try [1, 2, 3, 2].map { threads in
      let compiled = try graph.compile(options(target, threads: threads))
      let first = Self.bits(try compiled.run(graph, inputs, guarding: .ends))
      #expect(Self.bits(try compiled.run(graph, inputs, guarding: .begins)) == first)
      return first
    }
    for bits in all.dropFirst() { #expect(bits == all[0]) }
  }

  /// Each sequence of a ragged batch has the bits that it has alone.
  @Test(arguments: hostTargets) func sequencesDoNotSeeEachOther(_ target: Target) throws {
    let graph = try Self.encoderLayer()
    let compiled = try graph.compile(options(target))
    let offsets: [Int64] = [0, 7, 8, 8, 60, 161]
    let inputs = try Self.inputs(graph, offsets)
    let together = Self.bits(try compiled.run(graph, inputs, guarding: .ends))
    for (number, (start, stop)) in zip(offsets, offsets.dropFirst()).enumerated() {
      var alone = inputs
      alone["ids"] = ReferenceArray(.i32, [Int(stop - start)], integers: Array(inputs["ids"]!.integers[Int(start)..<Int(stop)]))
      alone["offsets"] = ReferenceArray(.i32, [2], integers: [0, stop - start])
      let bits = Self.bits(try compiled.run(graph, alone, guarding: .begins))
      #expect(bits[0] == Array(together[0][(Int(start) * 32)..<(Int(stop) * 32)]))
      #expect(bits[1] == Array(together[1][(number * 32)..<((number + 1) * 32)]))
    }
  }

  /// Threads that call one compiled graph at once, with other lengths each.
  @Test func callsAtOnce() throws {
    let graph = try Self.encoderLayer()
    let sizes: [[Int64]] = [[0, 9], [0, 30, 33], [0, 0, 100], [0, 1, 2]]
    let inputs = try sizes.map { try Self.inputs(graph, $0) }
    let parameters = try Dictionary(
      uniqueKeysWithValues: graph.arguments.filter { $0.role == .parameter }.map { argument in
        let name = graph.name(argument.value)
        return (name.text, try NDArray(inputs[0][name]!))
      })
    let compiled = try graph.compile(options()).load(parameters: parameters)
    let calls = try inputs.map { try ["ids": NDArray($0["ids"]!), "offsets": NDArray($0["offsets"]!)] }
    let alone = try calls.map { Self.bits(Array(try compiled($0))) }
    let wrong = Lock(0)
    DispatchQueue.concurrentPerform(iterations: 48) { iteration in
      let bits = (try? compiled(calls[iteration % 4])).map { Self.bits(Array($0)) }
      if bits != alone[iteration % 4] { wrong.withLock { $0 += 1 } }
    }
    #expect(wrong.withLock { $0 } == 0)
  }
}
