import HeedIR
import HeedSchedule

/// The state of lowering one graph: which value lies where, and the program so far.
struct LoweringContext {
  let target: Target
  /// Whether attention finds its live tiles and only counts them: to measure what that takes.
  let classifiesOnly: Bool
  private(set) var program: Program
  /// The op being lowered, and the node of the whole graph, which calls are for; nil outside of nodes.
  private var op: Op?
  private var node: NodeID?
  /// The node that each step of the program is for.
  private(set) var nodesOfSteps: [NodeID?] = []
  /// How many kernels have been given a name, by the name that they asked for.
  private var kernelCounts: [Name: Int] = [:]
  private(set) var remarks: [Remark] = []
  private(set) var schedules: [ScheduledOp] = []
  /// The graph being lowered: the whole one, or the body of a loop inside it.
  var frame: GraphFrame
  /// The operands of products that are packed already.
  var panels: [PanelContents: StridedView] = [:]
  /// Which of the calls run when.
  var levels = CallLevels()

  init(_ graph: Graph, target: Target, classifiesOnly: Bool = false) {
    (self.target, self.classifiesOnly) = (target, classifiesOnly)
    program = Program(name: graph.name)
    program.facts = graph.facts
    frame = GraphFrame(graph)
    levels.reserve(graph.allSymbols)
    let replaced = Set(graph.updates.map(\.state))
    for argument in graph.arguments {
      let type = graph.type(argument.value)
      // What is computed of a state that stays as it is serves all calls that are given it.
      let isLoadTime = argument.role == .parameter || argument.role == .state && !replaced.contains(argument.value)
      let buffer = addBuffer(graph.name(argument.value), type, argument.role.storage, isLoadTime: isLoadTime)
      setSource(argument.value, .view(Self.rowMajor(buffer, type)))
    }
    frame.placeUpdates()
    for (value, reason) in frame.pagesGathered { remark(.note, value, "its pages are gathered into a buffer first: \(reason)") }
  }

  /// Lowers the nodes of the graph.
  mutating func lowerNodes() throws { for node in states.order where !frame.readElsewhere.contains(node) { try lower(node) } }

  static func rowMajor(_ buffer: Int, _ type: TensorType) -> StridedView {
    StridedView(buffer: buffer, element: type.element, offset: 0, shape: type.shape.extents, strides: type.shape.rowMajorStrides)
  }

  /// Lowers a node by its op's rule.
  mutating func lower(_ node: NodeID) throws {
    let outer = op
    op = graph.op(node)
    if !frame.isBody { self.node = node }
    defer {
      op = outer
      if !frame.isBody { self.node = nil }
    }
    // What is computed again saves memory, so what was packed long before is not kept for it.
    let blocks = graph.recomputations(around: node)
    if !blocks.isSubset(of: frame.recomputations) { panels = panels.filter { isLoadTime($0.value) } }
    frame.recomputations = blocks
    guard let rule = LoweringRule.all[graph.op(node)] else { throw unsupported(node, "no lowering rule for this op") }
    try rule(&self, node)
    // What was packed of a state is of what it held before.
    for value in graph.results(node) where states.inPlace[value] != nil {
      let buffer = homes[value]!.buffer
      panels = panels.filter { $0.key.source.buffer != buffer }
    }
  }

  // MARK: Sources

  /// The value's elements in memory, computed there now where they are not yet.
  mutating func view(_ value: ValueID) throws -> StridedView {
    if case .view(let view) = source(value) { return view }
    let type = graph.type(value)
    let buffer = addBuffer(graph.name(value), type, .slot(0))
    let view = Self.rowMajor(buffer, type)
    try emitElementwise("fill", shape: type.shape.extents, inputs: [(source(value), type.element)], outputs: [view]) { _, values in
      values
    }
    setSource(value, .view(view))
    return view
  }

  // MARK: Buffers

  mutating func addBuffer(_ name: Name, _ type: TensorType, _ storage: Program.Buffer.Storage, isLoadTime: Bool = false) -> Int {
    let position = program.buffers.count
    var unique = name.isNone ? Name("t\(position)") : name
    if program.buffers.contains(where: { $0.name == unique }) { unique = Name("\(unique).\(position)") }
    program.buffers.append(Program.Buffer(unique, type, storage))
    levels.add(isLoadTime: isLoadTime)
    return position
  }

  /// Memory for the only result of `node`, which becomes the source of its value.
  mutating func allocateResult(_ node: NodeID) -> StridedView { allocateResult(graph.result(node)) }

  /// Memory for the results of `node` by name, which becomes the source of their values.
  mutating func allocateResults(_ node: NodeID) -> [ResultName: StridedView] {
    let names = graph.op(node).resultNames(graph.attributes(node))!
    return Dictionary(uniqueKeysWithValues: zip(names, graph.results(node).map { allocateResult($0) }))
  }

  /// Memory for a result of the node being lowered, which becomes the source of its value.
  mutating func allocateResult(_ value: ValueID) -> StridedView {
    let view = allocate(value)
    setSource(value, .view(view))
    return view
  }

  /// Says that several calls will write the memory of `output` from `operands`: they run early together or not at all.
  mutating func keepAtCall(_ output: StridedView, unlessAllKnown operands: [ValueID]) {
    levels.keep(
      output.buffer,
      at: operands.map { operand in
        if case .view(let view) = source(operand) { levels.level(of: view) } else { levels.depth }
      }.max() ?? levels.depth)
  }

  /// Says that not all of the buffer's contents are known before what is being lowered runs.
  mutating func keepAtCall(_ buffer: Int) { levels.keep(buffer, at: levels.depth) }

  /// Whether the elements are the same each time that what is being lowered runs: known at load, or before the loop.
  func isLoadTime(_ view: StridedView) -> Bool { levels.level(of: view) < levels.depth }

  // MARK: Calls

  /// Adds a call of the kernel; a kernel like an earlier one is shared with it.
  ///
  /// A call whose inputs are all known at load, and whose extents are constant, runs at load, or when a state that no call writes has
  /// changed; in a loop, one whose inputs no step changes runs before it.
  mutating func emit(_ builder: KernelBuilder, cost: Cost) throws {
    var kernel = builder.kernel
    kernel.declareMentionedSymbols()
    let position: Int
    if let known = program.kernels.firstIndex(where: { $0.isSame(as: kernel) }) {
      position = known
    } else {
      let taken = kernelCounts[kernel.name, default: 0]
      kernelCounts[kernel.name] = taken + 1
      if taken > 0 { kernel.name = Name("\(kernel.name).\(taken)") }
      program.kernels.append(kernel)
      position = program.kernels.count - 1
    }
    let call = Program.Call(
      kernel: position, operands: builder.operands, symbols: kernel.symbols.map { Extent(symbol: $0) }, op: op, cost: cost)
    let parameters = zip(kernel.parameters, builder.operands)
    let outputs = parameters.filter { $0.0.role != .input }.map(\.1.buffer)
    let canMove =
      parameters.contains { $0.0.role == .input } && outputs.allSatisfy { program.buffers[$0].storage.isIntermediate }
    let read = parameters.filter { $0.0.role != .output }.map(\.1.buffer)
    let level = canMove ? levels.level(of: call, reading: read, writing: outputs) : levels.depth
    let canLoad =
      kernel.symbols.isEmpty && builder.operands.allSatisfy { $0.offset.constant != nil }
      && outputs.allSatisfy { program.buffers[$0].type.shape.extents.allSatisfy { $0.constant != nil } }
    if level == CallLevels.load, canLoad {
      for output in outputs {
        program.buffers[output].storage = .packed
        levels.note(output, at: level)
      }
      program.load.append(call)
    } else {
      for output in outputs { levels.note(output, at: max(level, 0)) }
      levels.append(call, for: node, at: max(level, 0))
    }
  }

  /// Notes how an op on attention's scores runs, for people.
  mutating func note(_ schedule: AttentionSchedule, of node: NodeID) {
    schedules.append(ScheduledOp(value: graph.name(graph.results(node)[0]), op: graph.op(node), schedule: schedule))
  }

  mutating func remark(_ kind: Remark.Kind, _ value: ValueID, _ message: String) {
    remarks.append(Remark(kind, pass: "lower", about: value, in: graph, message))
  }

  mutating func addCheck(_ check: Program.Check) {
    if check.holdsAlways { return }
    if !program.checks.contains(check) { program.checks.append(check) }
  }

  /// The position of the buffer, where the value is an input of the graph itself.
  func inputBuffer(_ value: ValueID) -> Int? {
    guard case .argument = graph.origin(value), case .view(let view) = source(value),
      case let buffer = program.buffers[view.buffer], buffer.storage == .input, view == Self.rowMajor(view.buffer, buffer.type)
    else { return nil }
    return view.buffer
  }

  func cost(_ node: NodeID) -> Cost { graph.op(node).cost(CostQuery(graph, node)) }

  /// The finished program, but for its slots: results copied to memory of their own where they are not there yet.
  mutating func finish() throws -> Program {
    for (position, value) in graph.results.prefix(graph.returnedCount).enumerated() {
      let type = graph.type(value)
      let name = graph.resultNames[position]
      if case .view(let view) = source(value), program.buffers[view.buffer].storage == .result, view.isRowMajor, view.offset == 0,
        program.buffers[view.buffer].type == type, !program.results.contains(where: { $0.buffer == view.buffer })
      {
        program.results.append(Program.Result(name: name, buffer: view.buffer))
        continue
      }
      let buffer = addBuffer(name, type, .result)
      try emitElementwise(
        "copy", shape: type.shape.extents, inputs: [(source(value), type.element)], outputs: [Self.rowMajor(buffer, type)]
      ) { _, values in values }
      program.results.append(Program.Result(name: name, buffer: buffer))
    }
    try storeUpdates()
    (program.steps, program.loops, nodesOfSteps) = levels.finish()
    return program
  }

  /// By value, the position of the buffer that its elements lie in; nil where they are a number or an index.
  var buffersOfValues: [Int?] {
    frame.sources.map { source in
      if case .view(let view) = source { view.buffer } else { nil }
    }
  }
}

extension Program.Buffer.Storage {
  /// Whether the memory is neither a caller's nor for one.
  fileprivate var isIntermediate: Bool {
    switch self {
    case .slot, .packed: true
    case .input, .parameter, .state, .constant, .result: false
    }
  }
}

extension Kernel {
  /// True where the kernels differ in their names alone.
  fileprivate func isSame(as other: Kernel) -> Bool {
    buffers == other.buffers && phases == other.phases && variables == other.variables
      && additionalSymbols == other.additionalSymbols
  }
}
