import ArgumentParser
import Heed

/// `heed explain`: what the compiler did and why, and what it will cost.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Prints remarks, tiles, schedules, and the work and predicted time of each kernel call.",
    discussion: """
      The predicted time of a call is the larger of its operations over the machine's peak and its bytes over the bandwidth.

      --tiles says what attention's kernels do with each tile of the score matrix at the sizes given, and measures what deciding it \
      takes. Inputs that the mask reads are given as files; others are random.
      """)

  @OptionGroup var source: GraphFile
  @OptionGroup var target: TargetOption
  @OptionGroup var threads: ThreadsOption
  @Option(name: .customLong("size"), help: "The value of a symbol, such as S=2048; times are predicted where all are given.")
  var sizes: [SymbolValue] = []
  @Flag(help: "Print the memory that a call takes at the sizes given, and what is computed twice.") var memory = false
  @Flag(help: "With --memory: call the graph as well, and print the most memory that the process then had.") var measure = false
  @OptionGroup var limit: MemoryLimitOption
  @Option(help: "Draw the map of tiles to a file that ends in .svg or .png, and print it; - only prints.") var tiles: String?
  @Option(name: .customLong("input"), help: "With --tiles: an input or parameter and the file to read it from.")
  var inputs: [NamedFile] = []

  func validate() throws {
    guard tiles != nil || inputs.isEmpty else { throw ValidationError("--input needs --tiles") }
    guard tiles == nil || !memory else { throw ValidationError("got --tiles and --memory, expected one of them") }
    guard memory || !measure && limit.memoryLimit == nil else {
      throw ValidationError("--measure and --memory-limit need --memory")
    }
  }

  func run() throws {
    if let tiles {
      let picture = try tiles == "-" ? nil : PictureFile(tiles)
      try FileBytes.check(tiles == "-" ? [] : [OutputPath("--tiles", tiles)])
      let graph = try source.onlyGraph()
      return try TileExplanation(graph, options: target.compileOptions(), sizes: sizes, inputs: inputs.arrays(for: graph))
        .tell(drawingTo: picture)
    }
    for (position, graph) in try source.graphs().enumerated() {
      if position > 0 { try printLine() }
      guard !memory else {
        var options = try target.compileOptions(threads: threads)
        let binding = Dictionary(sizes.map { ($0.symbol.text, $0.value) }, uniquingKeysWith: { $1 })
        options.memoryLimit = limit.limit(sizes: binding)
        try MemoryReport(graph: graph, options: options, sizes: binding).print(measuring: measure)
        continue
      }
      try explain(graph, graph.lowered(target.compileOptions()))
    }
  }

  private func explain(_ graph: Graph, _ lowered: LoweredGraph) throws {
    try printLine("graph @\(graph.name) for \(lowered.target)")
    try printLine("\nRemarks")
    let binding = Dictionary(sizes.map { ($0.symbol, $0.value) }, uniquingKeysWith: { $1 })
    try printLine(
      lowered.remarks.isEmpty ? "  none" : try lowered.remarks.map { "  \(try shown($0, binding))" }.joined(separator: "\n"))
    let tiles = tileSizes(lowered.graph)
    if !tiles.isEmpty { try printLine("\nTiles\n" + tiles.map { "  \($0)" }.joined(separator: "\n")) }
    if !lowered.schedules.isEmpty { try printLine("\nSchedules\n" + lowered.schedules.map { "  \($0)" }.joined(separator: "\n")) }
    let loadCalls = lowered.program.loadCalls
    try printWork(loadCalls.ofParameters, "Work once, at load", lowered.program)
    try printWork(loadCalls.ofStates, "Work where a state that no call writes is not that of the last call", lowered.program)
    try printWork(lowered.program.steps, "Work of a call", lowered.program)

    let symbols = lowered.program.symbols
    let missing = symbols.filter { binding[$0] == nil }
    guard missing.isEmpty else {
      try printLine("\nFor times give the sizes: " + missing.map { "--size \($0)=..." }.joined(separator: " "))
      return
    }
    try printTimes(lowered, binding)
  }

  /// A remark, with what is stored at the sizes given.
  private func shown(_ remark: Remark, _ binding: [Name: Int]) throws -> String {
    guard let bytes = remark.storedBytes, bytes.constant == nil, [bytes].symbols.allSatisfy({ binding[$0] != nil }) else {
      return "\(remark)"
    }
    return "\(remark): \(shownCount(Double(try bytes.evaluate { binding[$0] }), unit: "B"))"
  }

  /// The nodes with tile sizes: `%out = attention: 96 x 384`.
  private func tileSizes(_ graph: Graph) -> [String] {
    graph.body.compactMap { node in
      guard let sizes = graph.attributes(node)[.tile] else { return nil }
      let names = graph.results(node).map { "%\(graph.name($0))" }.joined(separator: ", ")
      return "\(names) = \(graph.op(node).mnemonic): \(sizes.map(String.init).joined(separator: " x "))"
    }
  }

  private func printWork(_ calls: [Program.Call], _ title: String, _ program: Program) throws {
    guard !calls.isEmpty else { return }
    try printLine("\n\(title)")
    let width = calls.map { program.kernels[$0.kernel].name.text.count }.max()! + 1
    for call in calls {
      let name = padded("@\(program.kernels[call.kernel].name)", width)
      try printLine("  \(name)  flops \(call.cost.flops), bytes \(call.cost.bytes)")
    }
  }

  private func printTimes(_ lowered: LoweredGraph, _ binding: [Name: Int]) throws {
    let rates = try lowered.target.isHost ? MachineRates.measured(threads: threads.threads) : MachineRates.assumed(lowered.target)
    let sizes = lowered.program.symbols.map { "\($0) = \(binding[$0]!)" }.joined(separator: ", ")
    try printLine("\nPredicted\(sizes.isEmpty ? "" : " for \(sizes)")")
    var total = 0.0
    for call in lowered.program.steps {
      let flops = try call.cost.flops.evaluate { binding[$0] }
      let bytes = try call.cost.bytes.evaluate { binding[$0] }
      let seconds = rates.predictedSeconds(flops: flops, bytes: bytes)
      total += seconds
      let columns = [shownCount(Double(flops), unit: "FLOP"), shownCount(Double(bytes), unit: "B"), shownTime(seconds)]
      try printLine("  " + columns.map { padded($0, 14, left: true) }.joined() + "  @\(lowered.program.kernels[call.kernel].name)")
    }
    try printLine("  in all \(shownTime(total))")
    try printLine(
      "  from \(fixed(rates.flops / 1e9, 0)) GFLOP/s and \(fixed(rates.bytes / 1e9, 0)) GB/s (\(rates.source)); operations on every pair"
        + " are counted, skipped tiles too")
  }
}
