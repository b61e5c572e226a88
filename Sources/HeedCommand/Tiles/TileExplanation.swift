import Heed

/// `heed explain --tiles`: what attention's kernels do with each tile of the score matrix, and what deciding it takes.
struct TileExplanation {
  private let graph: Graph
  private let options: CompileOptions
  private let lowered: LoweredGraph
  private let arguments: KnownArguments

  /// - Throws: where a symbol has no value, or an input is not of its declared type.
  init(_ graph: Graph, options: CompileOptions, sizes: [SymbolValue], inputs: [(name: String, array: NDArray)]) throws {
    (self.graph, self.options) = (graph, options)
    lowered = try graph.lowered(options)
    arguments = try KnownArguments(graph, sizes: sizes, inputs: inputs)
  }

  /// Prints the maps, draws them, and prints what classification costs.
  /// - Throws: where the graph has no fused attention, or a mask reads an input that is not known.
  func tell(drawingTo picture: PictureFile?) throws {
    let nodes = lowered.graph.body.filter { lowered.graph.op($0) == .attention }
    guard !nodes.isEmpty else {
      throw HeedError("@\(graph.name): got a graph without fused attention, expected one whose tiles can be drawn")
    }
    try printLine("graph @\(graph.name) for \(lowered.target)\n\nRemarks")
    try printLine(lowered.remarks.isEmpty ? "  none" : lowered.remarks.map { "  \($0)" }.joined(separator: "\n"))
    let maps = try nodes.map {
      try AttentionMaps(lowered.graph, $0, target: lowered.target, binding: arguments.binding, given: arguments.given)
    }
    for map in maps { try printLine(try map.report().joined(separator: "\n")) }
    if let picture { try picture.write(try TileDrawing(maps, graph: graph.name, sizes: arguments.sizes).svg) }
    try printLine(try cost(maps).joined(separator: "\n"))
  }

  private func cost(_ maps: [AttentionMaps]) throws -> [String] {
    let title = "\nCost of classification"
    guard lowered.target.runsOnHost else { return [title, "  not measured: this machine cannot run \(lowered.target)"] }
    let flops = maps.reduce(0) { $0 + $1.attendedFlops }
    guard flops <= ClassificationCost.mostFlops else {
      let most = shownCount(ClassificationCost.mostFlops, unit: "FLOP")
      return [title, "  not measured: got a call of \(shownCount(flops, unit: "FLOP")), expected at most \(most)"]
    }
    guard let inputs = try arguments.filled(graph) else {
      return [title, "  not measured: give the other inputs of whole numbers too"]
    }
    let cost = try ClassificationCost(graph, options, inputs, parameters: arguments.parameterNames)
    return [title] + cost.lines(evaluations: maps.reduce(0) { $0 + $1.evaluations })
  }
}

/// What is known of a graph's arguments: the files on the command line, and the values of all symbols.
struct KnownArguments {
  let binding: [Name: Int]
  let given: [Name: NDArray]
  let parameterNames: Set<String>
  /// `S = 2048, B = 1`.
  let sizes: String

  init(_ graph: Graph, sizes: [SymbolValue], inputs: [(name: String, array: NDArray)]) throws {
    given = Dictionary(inputs.map { (Name($0.name), $0.array) }, uniquingKeysWith: { $1 })
    parameterNames = Set(graph.arguments.filter { $0.role == .parameter }.map { graph.name($0.value).text })
    let symbols = graph.symbols
    var shapes: [SymbolBinding.Argument] = []
    for size in sizes {
      guard symbols.contains(size.symbol) else {
        throw HeedError(
          "got a size of \(size.symbol), expected one of \(symbols.isEmpty ? "none" : symbols.map(\.text).joined(separator: ", "))")
      }
      shapes.append(("--size", [Extent(symbol: size.symbol)], [size.value]))
    }
    for argument in graph.arguments {
      let (name, type) = (graph.name(argument.value), graph.type(argument.value))
      guard let array = given[name] else { continue }
      guard array.element == type.element else {
        throw HeedError("%\(name): got the element type \(array.element), expected \(type.element)")
      }
      shapes.append((name, type.shape, array.shape))
    }
    // What neither sizes nor files say may follow from a fact.
    let solved = try (try? SymbolBinding.solve(shapes, facts: graph.facts)) ?? SymbolBinding.solve(shapes)
    let missing = symbols.filter { solved[$0] == nil }
    guard missing.isEmpty else {
      throw HeedError(
        "got no value of \(missing[0]), expected the sizes " + missing.map { "--size \($0)=..." }.joined(separator: " "))
    }
    for fact in graph.facts { try fact.check(solved) }
    for argument in graph.arguments {
      do { _ = try Shape.elementCount(of: graph.type(argument.value).shape.evaluate { solved[$0] }) } catch let error as HeedError {
        throw error.during("%\(graph.name(argument.value))")
      }
    }
    binding = solved
    self.sizes = symbols.map { "\($0) = \(solved[$0]!)" }.joined(separator: ", ")
  }

  /// An array for each argument: random numbers for floats without a file. Nil where other types have none.
  func filled(_ graph: Graph) throws -> [(name: String, array: NDArray)]? {
    var arrays: [(name: String, array: NDArray)] = []
    for (seed, argument) in graph.arguments.enumerated() {
      let (name, type) = (graph.name(argument.value), graph.type(argument.value))
      if let array = given[name] {
        arrays.append((name.text, array))
      } else {
        guard type.element.isFloat else { return nil }
        let shape = try type.shape.evaluate { binding[$0] }
        arrays.append((name.text, try NDArray(normal: type.element, shape, seed: UInt64(seed))))
      }
    }
    return arrays
  }
}
