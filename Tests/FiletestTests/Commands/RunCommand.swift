import Heed
import HeedInterpreter
import HeedPasses
import HeedRuntime
import HeedTestSupport
import Synchronization

extension FiletestCommand {
  /// `// test run`: the case's graph, kernel or program is run on the inputs that the header describes (see `RunInputs`); the section `expected`
  /// has the results.
  ///
  /// A graph is run by the interpreter, by the interpreter again after each pass of the standard pipeline, as a program by the programs'
  /// evaluator, and as compiled code for every target whose code this machine runs; a kernel by the evaluator and as compiled code;
  /// a program by the evaluator. All must agree within `// tolerance X`.
  /// Compiled code gets its inputs between guard pages. `// interpreted` says that the graph has no compiled form yet.
  static let run = FiletestCommand(name: "run") { test, _, path in
    let ir = try IRText(test, path)
    switch ir {
    case .graphs(let graphs):
      return test.expecting(try run(try test.chosen(graphs, \.name), test))
    case .kernels(let kernels):
      return test.expecting(try run(try test.chosen(kernels, \.name), test))
    case .programs(let programs):
      return test.expecting(try run(try Verified(test.chosen(programs, \.name)), test))
    }
  }

  private static func run(_ graph: Graph, _ test: Filetest.Case) throws -> RunOutputs {
    try graph.verify()
    let given = try RunInputs(test)
    var inputs: [Name: ReferenceArray] = [:]
    for (position, argument) in graph.arguments.enumerated() {
      let (name, type) = (graph.name(argument.value), graph.type(argument.value))
      inputs[name] = try given.array(
        name, type.element, type.shape.evaluate { given.binding[$0] }, position: position)
    }
    if let unknown = given.unknown(among: Array(inputs.keys)).first { throw HeedError("the graph has no input %\(unknown)") }
    let outputs = try RunOutputs(try GraphInterpreter.evaluate(graph, inputs: inputs), tolerance: try test.tolerance)
    for (pass, rewritten) in try afterEachPass(graph) {
      let results = try GraphInterpreter.evaluate(rewritten, inputs: inputs)
      try outputs.expectEqual(results, "after \(pass)")
    }
    try runCompiled(graph, inputs, outputs, isInterpreted: test.header.contains { $0.hasPrefix("// interpreted") })
    return outputs
  }

  private static func run(_ program: Verified<Program>, _ test: Filetest.Case) throws -> RunOutputs {
    let given = try RunInputs(test)
    var inputs: [Name: ReferenceArray] = [:]
    for (position, buffer) in program.ir.buffers.enumerated() where buffer.storage == .input || buffer.storage == .parameter {
      let shape = try buffer.type.shape.evaluate { given.binding[$0] }
      inputs[buffer.name] = try given.array(buffer.name, buffer.type.element, shape, position: position)
    }
    if let unknown = given.unknown(among: Array(inputs.keys)).first { throw HeedError("the program has no input %\(unknown)") }
    return try RunOutputs(ProgramEvaluator.evaluate(program, inputs: inputs), tolerance: test.tolerance)
  }

  /// The graph after each pass of the standard pipeline that changes it.
  private static func afterEachPass(_ graph: Graph) throws -> [(pass: String, graph: Graph)] {
    let seen = Mutex<[(pass: String, graph: Graph)]>([])
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    pipeline.printAfter = .all
    pipeline.observe = { pass, graph in seen.withLock { $0.append((pass, graph)) } }
    _ = try pipeline.run(graph, target: .host)
    var last = graph.text
    return seen.withLock { $0 }.filter { _, graph in
      defer { last = graph.text }
      return graph.text != last
    }
  }

  private static func runCompiled(
    _ graph: Graph, _ inputs: [Name: ReferenceArray], _ outputs: RunOutputs, isInterpreted: Bool
  ) throws {
    for (position, target) in Target.all.filter(\.runsOnHost).enumerated() {
      let options = CompileOptions(target: target, threads: position + 1, cache: ObjectCache(directory: nil))
      guard !isInterpreted else {
        // The line goes when it is no longer true.
        guard (try? graph.compile(options)) == nil else { throw HeedError("the graph compiles, expected no line '// interpreted'") }
        continue
      }
      let code = try graph.compile(options)
      if target.isHost {
        let evaluated = try ProgramEvaluator.evaluate(Verified(code.program), inputs: inputs)
        try outputs.expectEqual(evaluated, "lowered for \(target.name)")
      }
      for place in GuardedMemory.allCases {
        let arrays = try inputs.map { (name: $0.key, array: try NDArray($0.value).guarded(place)) }
        func isParameter(_ name: Name) -> Bool {
          graph.arguments.contains { graph.name($0.value) == name && $0.role == .parameter }
        }
        func bound(_ wanted: Bool) -> [String: NDArray] {
          Dictionary(uniqueKeysWithValues: arrays.filter { isParameter($0.name) == wanted }.map { ($0.name.text, $0.array) })
        }
        let parameters = bound(true)
        let loaded = parameters.isEmpty ? code : try code.load(parameters: parameters)
        let results = try loaded(bound(false))
        try outputs.expectEqual(zip(results.names, results).map { (Name($0), ReferenceArray($1)) }, "compiled for \(target.name)")
      }
    }
  }
}

extension Filetest.Case {
  /// The one of `items` that the header's `// name NAME` names, or the first.
  func chosen<Item>(_ items: [Item], _ name: (Item) -> Name) throws -> Item {
    guard let wanted = directives("name").first else {
      guard let first = items.first else { throw HeedError("got no IR, expected a graph or a kernel") }
      return first
    }
    guard let item = items.first(where: { name($0).text == wanted }) else {
      throw HeedError("got the name '\(wanted)', expected one of \(items.map { name($0).text }.joined(separator: ", "))")
    }
    return item
  }
}
