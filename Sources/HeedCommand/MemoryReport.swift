import Heed

/// What `heed explain --memory` prints: the bytes of a call by kind, what is largest at the peak, and what is computed twice.
struct MemoryReport {
  let graph: Graph
  let options: CompileOptions
  let sizes: [String: Int]
  /// The most buffers and operations that are listed.
  private static let listed = 12

  /// - Parameter isMeasured: whether the graph is called as well.
  func print(measuring isMeasured: Bool) throws {
    let lowered = try graph.lowered(options)
    let plan = try lowered.memoryPlan(sizes: sizes)
    try printLine("graph @\(graph.name) for \(lowered.target)")
    try printLine()
    try Self.print(plan)
    if isMeasured { try printLine("  \(Self.size(try measured()))  measured") }
    try printLists(of: plan)
  }

  /// Prints the bytes of a call by kind.
  static func print(_ plan: MemoryPlan) throws {
    try printLine("Memory of a call")
    let kinds = [
      ("parameters", plan.parameters), ("packed", plan.packed), ("states", plan.states), ("inputs", plan.inputs),
      ("results", plan.results), ("workspace", plan.workspace), ("in all", plan.total),
    ]
    for (kind, bytes) in kinds where bytes > 0 { try printLine("  \(size(bytes))  \(kind)") }
    if plan.loading > plan.total { try printLine("  \(size(plan.loading))  while parameters are loaded") }
  }

  /// The most memory that the process had in a call of random arrays, beside what it had when all was compiled.
  private func measured() throws -> Int {
    let program = try graph.compile(options)
    let before = try PeakMemory.now()
    func arrays(_ list: [(name: String, type: TensorType)]) throws -> [String: NDArray] {
      var arrays: [String: NDArray] = [:]
      for (seed, (name, type)) in list.enumerated() {
        let shape = try type.shape.evaluate { sizes[$0.text] }
        // Integers are indices or offsets: 0 is a valid one.
        arrays[name] =
          type.element.isFloat
          ? NDArray.random(shape, seed: seed, element: type.element) : NDArray.zeros(shape, element: type.element)
      }
      return arrays
    }
    var state = GraphState(try arrays(graph.states))
    let (inputs, parameters) = (try arrays(graph.inputs), try arrays(graph.parameters))
    try PeakMemory.reset()
    let loaded = parameters.isEmpty ? program : try program.load(parameters: parameters)
    _ = try loaded(inputs, updating: &state) as Outputs
    return try PeakMemory.most() - before
  }

  private func printLists(of plan: MemoryPlan) throws {
    if !plan.largest.isEmpty {
      try printLine("\nLargest where the workspace is fullest")
      for buffer in plan.largest.prefix(Self.listed) { try printLine("  \(Self.size(buffer.byteCount))  \(buffer.name)") }
      try printRest(plan.largest.count)
    }
    guard !plan.recomputed.isEmpty else { return }
    try printLine("\nComputed twice")
    for node in plan.recomputed.sorted(by: { $0.flops > $1.flops }).prefix(Self.listed) {
      try printLine("  \(padded(shownCount(Double(node.flops), unit: "FLOP"), 12, left: true))  \(node.value) (\(node.op))")
    }
    try printRest(plan.recomputed.count)
  }

  private func printRest(_ count: Int) throws {
    if count > Self.listed { try printLine("  and \(count - Self.listed) more") }
  }

  private static func size(_ bytes: Int) -> String { padded(shownCount(Double(bytes), unit: "B"), 12, left: true) }
}
