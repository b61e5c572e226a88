import Heed
import HeedInterpreter
import HeedPasses
import HeedRuntime
import HeedTestSupport

/// What must hold of any text and any graph; fuzzers share these.
enum Checks {
  /// What a body makes, or nil where an error in one line says why it cannot.
  static func rejecting<Value>(_ body: () throws -> Value) throws -> Value? {
    do { return try body() } catch let error as HeedError {
      try expectOneLine(error)
      return nil
    }
  }

  /// Errors are one line that a terminal shows.
  private static func expectOneLine(_ error: HeedError) throws {
    guard !error.headline.contains("\n"), error.headline.count < 2200 else {
      throw Finding("an error of \(error.message.count) characters: \(error.message.prefix(200))")
    }
  }

  /// What parses, or nil where an error with a place in one line says why not.
  static func parsing<Value>(_ body: () throws -> Value) throws -> Value? {
    do { return try body() } catch let error as HeedError {
      guard error.location != nil else { throw Finding("an error of the parser without a place: \(error)") }
      try expectOneLine(error)
      return nil
    }
  }

  /// A text that was printed parses, and is printed as itself.
  static func expectSame(_ text: String, parse: (String) throws -> [String]) throws {
    do {
      let again = try parse(text)
      guard again == [text] else { throw Finding("what is printed parses as something else:\n\(text)\nthen\n\(again.joined())") }
    } catch let error as HeedError {
      throw Finding("what is printed does not parse: \(error)\n\(text)")
    }
  }

  /// Takes a graph as far as it can go: verified, through all passes, interpreted, lowered, and where `compiling` says so compiled and run
  /// between guard pages. Lowered is what the passes accept, or an error says why not.
  static func check(_ graph: Graph, compiling: Bool) throws -> Trial {
    try expectSame(graph.text) { try Graph.parse($0).map(\.text) }
    guard try rejecting({ try graph.verify() }) != nil else { return Trial(.parsed) }
    guard let small = SmallGraph(graph) else { return Trial(.verified) }

    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    let optimized: Graph
    do { optimized = try pipeline.run(graph, target: small.target).graph.ir } catch { throw Finding("passes: \(error)") }
    try expectSame(optimized.text) { try Graph.parse($0).map(\.text) }

    // What nothing uses is not compiled, so it is not interpreted either.
    let used = try PassPipeline([.eliminateDeadNodes]).run(graph, target: small.target).graph.ir
    let expected = try rejecting { try GraphInterpreter.evaluate(used, inputs: small.inputs) }
    let options = CompileOptions(target: small.target, threads: 2, cache: ObjectCache(directory: nil))
    guard compiling else {
      guard let lowered = try rejecting({ try used.lowered(options) }) else { return Trial(.optimized) }
      try expectSame(lowered.program.text) { try Program.parse($0).map(\.text) }
      return Trial(.lowered)
    }
    guard let program = try rejecting({ try used.compile(options) }) else { return Trial(.optimized) }
    for guarding in GuardedMemory.allCases {
      // Either may reject what the other takes: calls check indices of inputs, the reference checks offsets that are computed.
      guard let outputs = try rejecting({ try program.run(used, small.inputs, guarding: guarding) }), let expected else {
        return Trial(.lowered)
      }
      for (array, result) in zip(outputs, expected) where array.shape != result.array.shape || array.element != result.array.element
      {
        throw Finding("%\(result.name): got \(array.element)\(array.shape), expected \(result.array.element)\(result.array.shape)")
      }
    }
    return Trial(.ran, runs: GuardedMemory.allCases.count)
  }
}
