internal import HeedIR
internal import HeedLowering
internal import HeedRuntime

/// What a lowered graph does with its workspace at known lengths, node by node: which buffers each reads and writes, and for how long it
/// runs.
///
/// A *unit* is an intermediate buffer that holds values of the graph. It is what is kept or computed again.
struct MemoryModel {
  let graph: Graph
  /// The nodes in the order in which they run: a node's position is its *time*.
  let order: [NodeID]
  /// By value, the unit that it lies in; -1 where it lies elsewhere.
  let unit: [Int]
  /// By unit, its bytes and the nodes that write it.
  let byteCounts: [Int]
  let writers: [[NodeID]]
  /// By node, whether any call is for it. Others are views.
  let runs: [Bool]
  /// By node, the bytes that it alone uses, and how long it takes by estimate.
  let ownByteCounts: [Int]
  let seconds: [Double]
  /// Buffers that are no units and that several nodes use, such as packed operands: the first and the last of these nodes.
  let shared: [(first: NodeID, last: NodeID, byteCount: Int)]

  /// - Throws: where an extent is negative or a size leaves 64 bits.
  init(_ lowered: Lowered, _ binding: [Name: Int], _ target: Target) throws {
    let (program, graph) = (lowered.program, lowered.graph)
    let memory = try ProgramMemory(program, binding)
    var units: [Int: Int] = [:]
    var unit = [Int](repeating: -1, count: graph.valueCapacity)
    var byteCounts: [Int] = []
    for value in lowered.order.flatMap(graph.results) {
      guard let buffer = lowered.buffersOfValues[Int(value.index)], case .slot = program.buffers[buffer].storage else { continue }
      if units[buffer] == nil {
        units[buffer] = byteCounts.count
        byteCounts.append((memory.byteCounts[buffer] + 63) & ~63)
      }
      unit[Int(value.index)] = units[buffer]!
    }
    var runs = [Bool](repeating: false, count: graph.nodeCapacity)
    var seconds = [Double](repeating: 0, count: graph.nodeCapacity)
    var steps = [[Int]](repeating: [], count: graph.nodeCapacity)
    for (step, node) in lowered.nodesOfSteps.enumerated() {
      guard let node else { continue }
      let cost = program.steps[step].cost
      runs[Int(node.index)] = true
      seconds[Int(node.index)] +=
        Double(try cost.flops.evaluate { binding[$0] }) / target.usualFlops
        + Double(try cost.bytes.evaluate { binding[$0] }) / target.usualBytes
      steps[Int(node.index)].append(step)
    }
    var writers = [[NodeID]](repeating: [], count: byteCounts.count)
    for node in lowered.order where runs[Int(node.index)] {
      for result in graph.results(node) where unit[Int(result.index)] >= 0 {
        if writers[unit[Int(result.index)]].last != node { writers[unit[Int(result.index)]].append(node) }
      }
    }
    // What else lies in the workspace is of one node, or of several.
    var ownAtStep = memory.ownByteCounts
    var shared: [(first: NodeID, last: NodeID, byteCount: Int)] = []
    for (buffer, life) in memory.lives.enumerated() {
      guard let life, case .slot = program.buffers[buffer].storage, units[buffer] == nil,
        let first = lowered.nodesOfSteps[life.lowerBound], let last = lowered.nodesOfSteps[life.upperBound]
      else { continue }
      if first == last {
        for step in life { ownAtStep[step] += memory.byteCounts[buffer] }
      } else {
        shared.append((first, last, memory.byteCounts[buffer]))
      }
    }
    ownByteCounts = steps.map { $0.map { ownAtStep[$0] }.max() ?? 0 }
    (self.graph, order, self.unit, self.byteCounts, self.writers) = (graph, lowered.order, unit, byteCounts, writers)
    (self.runs, self.seconds, self.shared) = (runs, seconds, shared)
  }

  /// The units that a node reads.
  func unitsRead(_ node: NodeID) -> [Int] { graph.operands(node).map { unit[Int($0.index)] }.filter { $0 >= 0 } }
}
