import Heed
import Testing

/// A limit of memory: met or refused, with the same bits.
@Suite struct MemoryLimitTests {
  private static let sizes = ["B": 32]

  private func plan(_ graph: Graph, _ limit: Int? = nil, sizes: [String: Int] = sizes) throws -> MemoryPlan {
    let options = CompileOptions(memoryLimit: limit.map { MemoryLimit($0, sizes: sizes) })
    return try graph.lowered(options).memoryPlan(sizes: sizes)
  }

  /// The least limit that the error names.
  private func least(_ graph: Graph, sizes: [String: Int] = sizes) throws -> Int {
    do {
      _ = try plan(graph, 1, sizes: sizes)
    } catch let error as HeedError {
      let digits = try #require(error.message.firstMatch(of: /expected at least (\d+):/)).output.1
      return Int(digits)!
    }
    Issue.record("a limit of one byte was met")
    return 0
  }

  /// Every limit down to the least is met; less memory is never less work.
  @Test(arguments: [false, true]) func everyLimitIsMet(_ hasOptimizer: Bool) throws {
    let graph = try SmallTransformer(layers: 12, hasOptimizer: hasOptimizer).graph().graph
    let natural = try plan(graph)
    let least = try least(graph)
    #expect(least < natural.total - natural.workspace / 2, "\(least), natural \(natural.total), of which \(natural.workspace)")
    var work = 0
    for share in stride(from: 1.0, through: 0.0, by: -0.125) {
      let limit = least + Int(share * Double(natural.total - least))
      let planned = try plan(graph, limit)
      #expect(planned.total <= limit, "\(share)")
      let flops = planned.recomputed.reduce(0) { $0 + $1.flops }
      #expect(flops >= work, "\(share): \(flops) after \(work)")
      work = flops
      if share == 1 { #expect(planned.recomputed.isEmpty) }
    }
    #expect(throws: HeedError.self) { try plan(graph, least - 1) }
  }

  /// A quarter less of workspace, and the least: the same bits.
  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func sameBits(_ kind: (dropout: Bool, optimizer: Bool)) throws {
    var model = SmallTransformer(layers: 4)
    (model.hasDropout, model.hasOptimizer) = kind
    let graph = try model.graph().graph
    let expected = try model.run()
    let natural = try graph.lowered().memoryPlan(sizes: ["B": 2])
    // Of two samples an optimiser has little to compute again: gradients of all weights are there at once.
    let least = try least(graph, sizes: ["B": 2])
    for bytes in [max(least, natural.total - natural.workspace / 4), least] {
      let limit = MemoryLimit(bytes, sizes: ["B": 2])
      #expect(try differing(model.run(CompileOptions(memoryLimit: limit)), expected) == [], "\(bytes)")
    }
  }

  /// Twelve layers in less than half of the memory that they take, all of it counted: gradients and states have the same bits, at the
  /// sizes of the limit and at others, by one thread and by three.
  @Test(
    arguments: [(false, false, .f32), (true, false, .f32), (false, true, .f32), (true, false, .bf16)] as [(Bool, Bool, ElementType)]
  )
  func halfOfTheMemory(_ kind: (dropout: Bool, optimizer: Bool, element: ElementType)) throws {
    var model = SmallTransformer(layers: 12, width: 16, length: 8)
    (model.hasDropout, model.hasOptimizer, model.element) = kind
    let graph = try model.graph().graph
    let natural = try plan(graph)
    #expect(natural.recomputed.isEmpty)
    let half = (natural.total - 1) / 2
    let planned = try plan(graph, half)
    #expect(planned.total <= half && !planned.recomputed.isEmpty, "\(planned.total) of \(natural.total)")
    for batch in [Self.sizes["B"]!, 3] {
      let expected = try model.run(CompileOptions(threads: 1), batch: batch)
      #expect(expected.count > 12 * 16, "the loss and the gradients of 16 weights per layer")
      let options = CompileOptions(threads: 3, memoryLimit: MemoryLimit(half, sizes: Self.sizes))
      #expect(try differing(model.run(options, batch: batch), expected) == [], "\(batch) samples")
    }
  }

  @Test func errors() throws {
    let graph = try SmallTransformer().graph().graph
    func message(_ limit: MemoryLimit) -> String {
      do { _ = try graph.lowered(CompileOptions(memoryLimit: limit)) } catch { return "\(error)" }
      return ""
    }
    #expect(message(MemoryLimit(1 << 20)) == "", "a limit without sizes is for calls")
    #expect(
      message(MemoryLimit(1 << 20, sizes: ["B": 2, "S": 3])).contains(
        "got a size of S, expected sizes of the symbols of @transformer: B"))
    #expect(message(MemoryLimit(1 << 20, sizes: ["B": -1])).contains("got the size B = -1, expected at least 0"))
    let small = message(MemoryLimit(1000, sizes: ["B": 2]))
    #expect(small.contains("@transformer: got a memory limit of 1000 bytes at B = 2, expected at least "))
    #expect(small.contains(" of workspace, the largest "))
  }

  /// A limit that a graph meets anyway changes nothing.
  @Test func aGenerousLimitChangesNothing() throws {
    let graph = try SmallTransformer().graph().graph
    let limited = try graph.lowered(CompileOptions(memoryLimit: MemoryLimit(1 << 40, sizes: ["B": 2])))
    #expect(limited.program == (try graph.lowered().program))
  }
}
