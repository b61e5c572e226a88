import ArgumentParser
import Heed

/// `heed run`: arrays in, arrays out.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a graph on arrays from files.",
    discussion: """
      Files are .npy, or .safetensors for types that NumPy lacks. Parameters are given like inputs.

      --cotangent out=dout.npy --gradient q=dq.npy computes the gradient with respect to q of the sum of the elements of out, each times \
      its cotangent. --tangent q=tq.npy --derivative out=tout.npy computes the derivative of out along a tangent. Each may be repeated.
      """)

  @OptionGroup var source: GraphFile
  @OptionGroup var target: TargetOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var limit: MemoryLimitOption
  @Flag(help: "Print the memory that the call takes, before it starts.") var memory = false
  @Option(name: .customLong("input"), help: "An input or parameter and the file to read it from.") var inputs: [NamedFile] = []
  @Option(name: .customLong("output"), help: "A result and the file to write it to.") var outputs: [NamedFile] = []
  @Option(
    name: .customLong("state"),
    help: "A .safetensors file of states to begin with; others are given like inputs, or begin with the graph's number.")
  var stateFile: String?
  @Option(name: .customLong("save-state"), help: "Write the states after the call to this .safetensors file.") var savedState:
    String?
  @OptionGroup var derivatives: DerivativeFiles
  @Flag(help: "Run the reference interpreter, in double precision, instead of compiled code.") var interpret = false
  @Option(help: "Write the kernel calls as Chrome's trace events, for ui.perfetto.dev; those of a second run.") var trace: String?

  func validate() throws {
    for (option, isGiven) in [("--trace", trace != nil), ("--memory", memory), ("--memory-limit", limit.memoryLimit != nil)]
    where interpret && isGiven {
      throw ValidationError("--interpret and \(option) exclude each other")
    }
  }

  func run() throws {
    let graph = try source.onlyGraph()
    _ = try Verified(graph)
    let request = try derivatives.request(in: graph)
    try FileBytes.check(
      outputs.outputs("--output") + derivatives.outputs
        + [("--save-state", savedState), ("--trace", trace)].compactMap { option, path in path.map { OutputPath(option, $0) } })
    for output in outputs where !request.graph.resultNames.contains(where: { $0.text == output.name }) {
      let names = request.graph.resultNames.map(\.text).joined(separator: ", ")
      throw HeedError("got the output '\(output.name)', expected one of \(names)")
    }
    let arrays = try inputs.arrays(for: graph) + request.arrays()
    var state = try state(of: request.graph, arrays)
    let results = try interpret ? interpreted(request.graph, arrays, &state) : compiled(request.graph, arrays, &state)
    for output in outputs {
      try ArrayFile.write(results.first { $0.name == output.name }!.array, name: output.name, to: output.path)
    }
    for (position, file) in request.outputs {
      try ArrayFile.write(results[position].array, name: file.name, to: file.path)
    }
    if let savedState { try state.write(to: savedState) }
    if outputs.isEmpty, derivatives.isEmpty {
      for (name, array) in results { try printLine("\(name): \(array.element)\(array.shape)") }
    }
  }

  /// What the states hold before the call.
  private func state(of graph: Graph, _ arrays: [(name: String, array: NDArray)]) throws -> GraphState {
    guard !graph.states.isEmpty else {
      for path in [stateFile, savedState].compactMap({ $0 }) {
        throw HeedError("got the state file \(path), expected none: @\(graph.name) has no states")
      }
      return GraphState()
    }
    let names = Set(graph.states.map(\.name))
    var given = try stateFile.map { try GraphState(contentsOf: $0).arrays } ?? [:]
    for (name, array) in arrays where names.contains(name) { given[name] = array }
    var sizes: [String: Int] = [:]
    for (name, array) in arrays {
      let type = graph.inputs.first { $0.name == name }?.type
      for (extent, size) in zip(type?.shape.extents ?? [], array.shape) {
        for symbol in extent.symbols where extent == Extent(symbol: symbol) { sizes[symbol.text] = size }
      }
    }
    return try graph.initialState(given, sizes: sizes)
  }

  private func interpreted(
    _ graph: Graph, _ arrays: [(name: String, array: NDArray)], _ state: inout GraphState
  ) throws -> [(name: String, array: NDArray)] {
    let (parameters, inputs) = split(arrays, for: graph)
    let outputs = try graph.interpret(inputs, parameters, states: &state.arrays)
    return Array(zip(outputs.names, outputs))
  }

  private func split(_ arrays: [(name: String, array: NDArray)], for graph: Graph) -> (
    parameters: [(name: String, array: NDArray)], inputs: [(name: String, array: NDArray)]
  ) {
    let (names, states) = (Set(graph.parameters.map(\.name)), Set(graph.states.map(\.name)))
    return (arrays.filter { names.contains($0.name) }, arrays.filter { !names.union(states).contains($0.name) })
  }

  private func compiled(
    _ graph: Graph, _ arrays: [(name: String, array: NDArray)], _ state: inout GraphState
  ) throws -> [(name: String, array: NDArray)] {
    let (parameters, inputs) = split(arrays, for: graph)
    var options = try target.compileOptions(threads: threads)
    options.memoryLimit = limit.limit(sizes: graph.sizes(of: arrays) ?? [:])
    let program = try graph.compile(options)
    let loaded = try program.load(parameters: parameters)
    if memory { try MemoryReport.print(loaded.memoryPlan(inputs, states: state.arrays)) }
    let first = state
    let outputs = try loaded.run(inputs, states: &state.arrays)
    if let trace {
      var (timings, again): ([StepTiming], GraphState) = ([], first)
      _ = try loaded.run(inputs, states: &again.arrays, timings: &timings)
      try TraceFile(profile: KernelProfile(timings), target: program.lowered.target, threads: loaded.threadCount).write(to: trace)
    }
    return Array(zip(outputs.names, outputs))
  }
}
