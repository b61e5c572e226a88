import ArgumentParser
import Heed

/// `heed tune`: tile sizes by measuring.
struct TuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune", abstract: "Searches tile sizes around the model's choice and stores what it finds for later compilations.",
    discussion:
      "What is found is kept beside the cache of objects and holds for this processor, this target, and ops of the same types, shapes and "
      + "masks. --no-tuned and HEED_TUNED=off ignore it.",
    subcommands: [TuneGraphCommand.self, TuneAttentionCommand.self, TuneGemmCommand.self], defaultSubcommand: TuneGraphCommand.self)
}

/// How a search is made and what becomes of it.
struct TuneOptions: ParsableArguments {
  @Option(help: "For how long a candidate and the best so far are compared.") var seconds = 0.3
  @Flag(help: "Print one JSON object.") var json = false
  @Flag(help: "Store nothing.") var dryRun = false
  @OptionGroup var threads: ThreadsOption
  @Option(help: "host, or one of \(Target.all.map(\.name).joined(separator: ", ")).") var target = "host"

  func validate() throws {
    guard seconds >= 0, seconds <= 60 else { throw ValidationError("got --seconds \(seconds), expected 0 to 60") }
  }

  /// Searches, prints and stores.
  /// - Parameter prepare: a call of the graph as compiled with some options.
  func tune(_ graph: Graph, prepare: @escaping TileSearch.Preparation) throws {
    let options = CompileOptions(target: try Target.requested(target), threads: threads.threads)
    var (progress, count) = (StatusLine(), 0)
    defer { progress.clear() }
    let findings = try TileSearch(graph: graph, options: options, seconds: seconds, prepare: prepare).run { choice, tile in
      count += 1
      progress.show { "\(choice.label): tile \(tile), the \(count). that is measured" }
    }
    progress.clear()
    guard !findings.isEmpty else {
      throw HeedError("got the graph @\(graph.name) without attention or linear op, expected a tile to tune")
    }
    let store = options.tileStore
    if !dryRun {
      try store.add(TunedTiles(Dictionary(findings.map { ($0.choice.key, $0.entry) }, uniquingKeysWith: { $1 })))
    }
    let place = dryRun ? nil : store.path
    guard !json else {
      let stored = place.map(JSON.string) ?? .null
      return try printLine(JSON.object(["tiles": .array(findings.map(\.json)), "stored": stored]).text)
    }
    for finding in findings { try printLine(finding.text) }
    try printLine(place.map { "stored in \($0)" } ?? "nothing stored")
  }
}

/// `heed tune FILE`: the ops of a graph in a file.
struct TuneGraphCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph",
    abstract: "Tunes the ops of a graph, on random numbers where no files are given. 'heed tune FILE' does the same.")

  @OptionGroup var source: GraphFile
  @Option(help: "The values of the graph's symbols, such as B=1,S=2048.") var sizes: SymbolValues?
  @Option(name: .customLong("input"), help: "An input or parameter and the file to read it from; needed for offsets and indices.")
  var inputs: [NamedFile] = []
  @OptionGroup var options: TuneOptions

  func run() throws {
    let graph = try source.onlyGraph()
    _ = try Verified(graph)
    let arrays = try arguments(of: graph)
    let parameters = Set(graph.arguments.filter { $0.role == .parameter }.map { graph.name($0.value).text })
    try options.tune(graph) { options in
      let compiled = try graph.compile(options)
      let program = try parameters.isEmpty ? compiled : compiled.load(parameters: arrays.filter { parameters.contains($0.key) })
      let inputs = arrays.filter { !parameters.contains($0.key) }
      return { _ = try program(inputs) }
    }
  }

  /// The arguments from their files, the others random; numbers that are not floats are 0.
  private func arguments(of graph: Graph) throws -> [String: NDArray] {
    let binding = Dictionary((sizes?.values ?? []).map { ($0.symbol, $0.value) }, uniquingKeysWith: { $1 })
    let missing = graph.symbols.filter { binding[$0] == nil }
    guard missing.isEmpty else {
      throw HeedError("got no size of \(missing.map(\.text).joined(separator: ", ")), expected --sizes \(missing[0])=...")
    }
    var arrays: [String: NDArray] = [:]
    for (seed, argument) in graph.arguments.enumerated() {
      let (name, type) = (graph.name(argument.value).text, graph.type(argument.value))
      let shape = try type.shape.evaluate { binding[$0] }
      arrays[name] =
        try type.element.isFloat
        ? NDArray(normal: type.element, shape, seed: UInt64(seed + 1)) : NDArray(zeros: type.element, shape)
    }
    for input in inputs {
      guard arrays[input.name] != nil else { throw HeedError("got an unknown input '\(input.name)'") }
      arrays[input.name] = try ArrayFile.read(input.path, name: input.name)
    }
    return arrays
  }
}

/// `heed tune attention`: the layer that `heed bench attention` measures.
struct TuneAttentionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attention", abstract: "Tunes the layer that 'heed bench attention' measures.")

  @OptionGroup var attention: AttentionArguments
  @OptionGroup var options: TuneOptions

  func run() throws {
    let problem = try attention.problem()
    let inputs = try problem.inputs()
    let graph = problem.graph()
    try options.tune(graph) { options in
      let program = try graph.compile(options)
      return { _ = try program(inputs) }
    }
  }
}

/// `heed tune gemm`: the layer that `heed bench gemm` measures.
struct TuneGemmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gemm", abstract: "Tunes the linear layer that 'heed bench gemm' measures; it must have an epilogue.")

  @OptionGroup var gemm: GemmArguments
  @OptionGroup var options: TuneOptions

  func run() throws {
    let problem = try gemm.problem()
    let (inputs, parameters) = problem.split(try problem.arrays())
    let graph = problem.graph()
    try options.tune(graph) { options in
      let compiled = try graph.compile(options)
      let program = try parameters.isEmpty ? compiled : compiled.load(parameters: parameters)
      return { _ = try program(inputs) }
    }
  }
}
