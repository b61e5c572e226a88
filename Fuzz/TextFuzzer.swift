import Foundation
import Heed
import HeedInterpreter
import HeedLowering
import HeedPasses
import HeedRuntime
import HeedTestSupport

/// Texts of graphs, kernels and programs, changed at random places: parsed, verified, printed, and graphs optimised, lowered, interpreted
/// and run between guard pages.
struct TextFuzzer: Fuzzer {
  static let name = "text"

  /// What is changed: the cases of Tests/Filetests and the graphs of examples/masks.
  private let texts: [String]

  init() throws {
    var texts: [String] = []
    for path in Filetest.allPaths {
      // A case, and what is expected of it, which is often a text of the same kind or of the next.
      for test in try Filetest(path: path).cases { texts += [test.source] + test.sections.map { $0.lines.joined(separator: "\n") } }
    }
    let masks = Filetest.folder.appending(path: "../../examples/masks")
    for file in try FileManager.default.contentsOfDirectory(at: masks, includingPropertiesForKeys: nil).sorted(by: {
      $0.path < $1.path
    })
    where file.pathExtension == "heed" { texts.append(try String(contentsOf: file, encoding: .utf8)) }
    // What is rejected as it is has no way to become something that is not.
    self.texts = texts.filter { text in
      switch Kind(text) {
      case .graph: ((try? Graph.parse(text)) ?? []).isEmpty == false
      case .kernel: ((try? Kernel.parse(text)) ?? []).isEmpty == false
      case .program: (try? Program.parse(text)) != nil
      }
    }
    guard !self.texts.isEmpty else { throw HeedError("got no texts in Tests/Filetests, expected some") }
  }

  /// What a text holds; a program holds kernels.
  private enum Kind {
    case graph, kernel, program

    init(_ text: String) { self = text.contains("program @") ? .program : text.contains("kernel @") ? .kernel : .graph }
  }

  func input(seed: UInt64) throws -> [UInt8] { Array(text(seed: seed).utf8) }

  private func text(seed: UInt64) -> String {
    var numbers = SeededGenerator(seed: seed)
    var text = texts.randomElement(using: &numbers)!
    // Types stand on results, so that most changed texts are rejected; a graph that is changed as one stays well formed.
    if Int.random(in: 0..<4, using: &numbers) > 0, let graph = try? Graph.parse(text).first {
      var mutator = GraphMutator(seed: numbers.next())
      text = mutator.mutated(graph, count: Int.random(in: 1...4, using: &numbers)).text
      if Bool.random(using: &numbers) { return text }
    }
    var mutation = TextMutation(seed: numbers.next(), others: texts)
    return mutation.mutated(text)
  }

  func check(_ input: [UInt8]) throws -> Stage {
    let input = String(decoding: input, as: UTF8.self)
    switch Kind(input) {
    case .program:
      return try check(try parsing { try Program.parse(input) }, text: \.text, parse: Program.parse) { try $0.verify() }
    case .kernel: return try check(try parsing { try Kernel.parse(input) }, text: \.text, parse: Kernel.parse) { try $0.verify() }
    case .graph: return try parsing { try Graph.parse(input) }?.map(check).max() ?? .rejected
    }
  }

  // MARK: Kernels and programs

  private func check<IR>(
    _ all: [IR]?, text: (IR) -> String, parse: (String, String) throws -> [IR], verify: (IR) throws -> Void
  ) throws -> Stage {
    guard let all else { return .rejected }
    var stage = Stage.parsed
    for ir in all {
      try expectSame(text(ir)) { try parse($0, "printed").map(text) }
      if try rejecting({ try verify(ir) }) != nil { stage = .verified }
    }
    return stage
  }

  // MARK: Graphs

  private func check(_ graph: Graph) throws -> Stage {
    try expectSame(graph.text) { try Graph.parse($0).map(\.text) }
    guard try rejecting({ try graph.verify() }) != nil else { return .parsed }
    // What is larger than this takes time, and finds no more.
    guard let small = Small(graph) else { return .verified }

    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    let optimized: Graph
    do { optimized = try pipeline.run(graph, target: small.target).graph.ir } catch { throw Finding("passes: \(error)") }
    try expectSame(optimized.text) { try Graph.parse($0).map(\.text) }

    // What nothing uses is not compiled, so it is not interpreted either.
    let graph = try PassPipeline([.eliminateDeadNodes]).run(graph, target: small.target).graph.ir
    let expected = try rejecting { try GraphInterpreter.evaluate(graph, inputs: small.inputs) }
    let options = CompileOptions(target: small.target, threads: 2, cache: ObjectCache(directory: nil))
    guard let program = try rejecting({ try graph.compile(options) }) else { return .optimized }
    for guarding in GuardedMemory.allCases {
      // Either may reject what the other takes: calls check indices of inputs, the reference checks offsets that are computed.
      guard let outputs = try rejecting({ try small.run(program, guarding) }), let expected else { return .lowered }
      for (array, result) in zip(outputs, expected) where array.shape != result.array.shape || array.element != result.array.element
      {
        throw Finding("%\(result.name): got \(array.element)\(array.shape), expected \(result.array.element)\(result.array.shape)")
      }
    }
    return .ran
  }

  // MARK: What must hold

  /// What parses, or nil where an error with a place in one line says why not.
  private func parsing<Value>(_ body: () throws -> Value) throws -> Value? {
    do { return try body() } catch let error as HeedError {
      guard error.location != nil else { throw Finding("an error of the parser without a place: \(error)") }
      try expectOneLine(error)
      return nil
    }
  }

  private func expectSame(_ text: String, parse: (String) throws -> [String]) throws {
    do {
      let again = try parse(text)
      guard again == [text] else { throw Finding("what is printed parses as something else:\n\(text)\nthen\n\(again.joined())") }
    } catch let error as HeedError {
      throw Finding("what is printed does not parse: \(error)\n\(text)")
    }
  }
}

/// A graph at lengths at which it is small, with random arguments.
private struct Small {
  let graph: Graph
  let inputs: [Name: ReferenceArray]
  let target: Target

  /// Nil where it is not small.
  init?(_ graph: Graph) {
    var numbers = SeededGenerator(seed: UInt64(graph.text.utf8.count))
    var binding: [Name: Int] = [:]
    for symbol in graph.allSymbols { binding[symbol] = [1, 2, 3, 5].randomElement(using: &numbers)! }
    let values = graph.arguments.map(\.value) + graph.body.flatMap(graph.results)
    var count = 0
    for value in values {
      guard let shape = try? graph.type(value).shape.evaluate({ binding[$0] }), let elements = try? Shape.elementCount(of: shape),
        elements <= 1 << 14
      else { return nil }
      count += elements
    }
    // A product's work is that of its result times what it sums over, which an argument's size bounds.
    guard count < 1 << 16, graph.nodeCapacity < 400 else { return nil }
    self.graph = graph
    var inputs: [Name: ReferenceArray] = [:]
    for argument in graph.arguments {
      let type = graph.type(argument.value)
      inputs[graph.name(argument.value)] = numbers.array(type.element, try! type.shape.evaluate { binding[$0] })
    }
    self.inputs = inputs
    let targets = Target.all.filter(\.runsOnHost)
    target = targets.randomElement(using: &numbers)!
  }

  func run(_ program: CompiledGraph, _ guarding: GuardedMemory) throws -> [NDArray] {
    func arrays(_ role: Argument.Role) throws -> [(name: String, array: NDArray)] {
      try graph.arguments.filter { $0.role == role }.map {
        (graph.name($0.value).text, try NDArray(inputs[graph.name($0.value)]!).guarded(guarding))
      }
    }
    let parameters = try arrays(.parameter)
    let loaded = parameters.isEmpty ? program : try program.load(parameters: parameters)
    var states = Dictionary(uniqueKeysWithValues: try arrays(.state))
    let outputs = try loaded.run(arrays(.input), states: &states, guarding: guarding)
    return (0..<outputs.count).map { outputs[$0] }
  }
}
