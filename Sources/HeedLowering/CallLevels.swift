import HeedIR

/// When calls run: at load, at each call of the program, or in each step of a loop; the level of a call is the number of loops around it.
///
/// A buffer has the level of the innermost loop that changes what it holds. So a call inside loops may run before those that change none of
/// its inputs.
struct CallLevels {
  /// The level of what is known at load, and of what is computed of states that no call writes: it is kept from call to call.
  static let load = -1

  /// Calls in order, with the loops among them.
  private struct Calls {
    var calls: [Program.Call] = []
    /// The nodes that the calls are for.
    var nodes: [NodeID?] = []
    var loops: [Program.Loop] = []
  }

  /// The calls of the program, then those of each open loop.
  private var open = [Calls()]
  /// What stands for the number of the step in each open loop.
  private var indices: [Name] = []
  /// The levels of buffers.
  private var buffers: [Int] = []
  /// The least levels of calls that write these buffers.
  private var kept: [Int: Int] = [:]
  private var taken: Set<Name> = []

  /// The number of loops that are open.
  var depth: Int { indices.count }

  /// Says that these symbols have a meaning.
  mutating func reserve(_ symbols: Set<Name>) { taken.formUnion(symbols) }

  /// A symbol that has no meaning yet.
  mutating func freeIndex() -> Name {
    let name = (1...).lazy.map { Name($0 == 1 ? "step" : "step\($0)") }.first { !taken.contains($0) && !indices.contains($0) }!
    taken.insert(name)
    return name
  }

  mutating func add(isLoadTime: Bool) { buffers.append(isLoadTime ? Self.load : 0) }

  /// Says that calls which write the buffer run at this level or further inside.
  mutating func keep(_ buffer: Int, at level: Int) { kept[buffer] = max(level, kept[buffer] ?? Self.load) }

  /// Says that a call of this level writes the buffer.
  mutating func note(_ buffer: Int, at level: Int) { buffers[buffer] = max(level, level == Self.load ? level : buffers[buffer]) }

  /// The level of the elements of a view.
  func level(of view: StridedView) -> Int { max(buffers[view.buffer], level(of: view.offset)) }

  private func level(of extent: Extent) -> Int {
    guard !indices.isEmpty, extent.constant == nil else { return Self.load }
    return extent.symbols.compactMap { indices.lastIndex(of: $0).map { $0 + 1 } }.max() ?? Self.load
  }

  /// The least level at which a call can run.
  func level(of call: Program.Call, reading inputs: [Int], writing outputs: [Int]) -> Int {
    let extents = call.operands.map(\.offset) + call.symbols
    let levels = inputs.map { buffers[$0] } + outputs.map { kept[$0] ?? Self.load } + extents.map { level(of: $0) }
    return levels.max() ?? depth
  }

  /// Adds a call for a node of the whole graph.
  mutating func append(_ call: Program.Call, for node: NodeID?, at level: Int) {
    open[level].calls.append(call)
    open[level].nodes.append(node)
  }

  mutating func open(_ index: Name) {
    open.append(Calls())
    indices.append(index)
  }

  /// Ends the innermost loop; one without calls is left out.
  mutating func close(_ loop: Program.Loop) {
    let inner = open.removeLast()
    indices.removeLast()
    for buffer in buffers.indices where buffers[buffer] > depth { buffers[buffer] = depth }
    for (buffer, level) in kept where level > depth { kept[buffer] = depth }
    guard !inner.calls.isEmpty else { return }
    let first = open[depth].calls.count
    func moved(_ steps: Range<Int>) -> Range<Int> { steps.lowerBound + first..<steps.upperBound + first }
    var loop = loop
    loop.steps = first..<first + inner.calls.count
    open[depth].loops.append(loop)
    for var nested in inner.loops {
      nested.steps = moved(nested.steps)
      open[depth].loops.append(nested)
    }
    open[depth].calls += inner.calls
    open[depth].nodes += inner.nodes
  }

  /// All calls, once every loop is closed.
  func finish() -> (steps: [Program.Call], loops: [Program.Loop], nodes: [NodeID?]) {
    (open[0].calls, open[0].loops, open[0].nodes)
  }
}
