internal import HeedIR

/// When the nodes of a graph run, where some units are not kept from some times on: which nodes run again, and what is in use meanwhile.
struct MemorySchedule {
  /// A node that runs or, where it is a view, is only named.
  struct Execution {
    let node: NodeID
    /// The time of the node of the graph that it runs for.
    let time: Int
    /// Whether it ran before.
    let isAgain: Bool
  }

  /// A unit from the first node that writes it to the last that reads it, until it is written again.
  struct Instance {
    let unit: Int
    let time: Int
    /// The positions of the executions that name it, in order.
    var uses: [Int]

    var life: ClosedRange<Int> { uses.first!...uses.last! }
  }

  private let model: MemoryModel
  /// By unit, the times from which on what was written before is not there.
  private let cuts: [[Int]]
  private(set) var executions: [Execution] = []
  private(set) var instances: [Instance] = []
  /// By unit, its instances in order.
  private(set) var instancesOfUnit: [[Int]]
  /// By unit, the instance that is read now; nil before the first.
  private var current: [Int?]
  /// By value, the instance that it was written to.
  private var written: [Int?]
  /// By execution, the bytes in use.
  private(set) var inUse: [Int] = []

  init(_ model: MemoryModel, cuts: [[Int]]) {
    (self.model, self.cuts) = (model, cuts)
    current = Array(repeating: nil, count: model.byteCounts.count)
    instancesOfUnit = Array(repeating: [], count: model.byteCounts.count)
    written = Array(repeating: nil, count: model.graph.valueCapacity)
    for (time, node) in model.order.enumerated() {
      if model.runs[Int(node.index)] { for operand in model.graph.operands(node) { fetch(operand, at: time) } }
      execute(node, at: time, isAgain: false)
    }
    // What is copied to results and states at the end.
    let end = model.order.count
    for value in model.graph.results where model.unit[Int(value.index)] >= 0 { fetch(value, at: end) }
    for value in model.graph.results { if let instance = current(value) { instances[instance].uses.append(executions.count) } }
    inUse = bytesInUse()
  }

  /// The most bytes in use, and the first execution at which they are.
  var peak: (byteCount: Int, execution: Int) {
    var best = (byteCount: 0, execution: 0)
    for (execution, bytes) in inUse.enumerated() where bytes > best.byteCount { best = (bytes, execution) }
    return best
  }

  /// The executions at which the most bytes are in use.
  var fullestCount: Int {
    let most = peak.byteCount
    return inUse.count { $0 == most }
  }

  private func current(_ value: ValueID) -> Int? {
    let unit = model.unit[Int(value.index)]
    return unit < 0 ? nil : current[unit]
  }

  /// Whether what the unit holds was written since the last cut.
  private func isThere(_ unit: Int, at time: Int) -> Bool {
    guard let instance = current[unit] else { return false }
    let start = instances[instance].time
    return !cuts[unit].contains { start < $0 && $0 <= time }
  }

  /// Makes sure that a value can be read: where it is not there, what computes it runs again.
  private mutating func fetch(_ value: ValueID, at time: Int) {
    let unit = model.unit[Int(value.index)]
    guard unit >= 0, let node = model.graph.definingNode(value) else { return }
    if isThere(unit, at: time), written[Int(value.index)] == current[unit] { return }
    for operand in model.graph.operands(node) { fetch(operand, at: time) }
    execute(node, at: time, isAgain: true)
  }

  private mutating func execute(_ node: NodeID, at time: Int, isAgain: Bool) {
    let position = executions.count
    executions.append(Execution(node: node, time: time, isAgain: isAgain))
    let (operands, results) = (model.graph.operands(node), model.graph.results(node))
    guard model.runs[Int(node.index)] else {
      // A view is as new as what it is of.
      for result in results {
        let unit = model.unit[Int(result.index)]
        let sources = operands.filter { model.unit[Int($0.index)] == unit }
        written[Int(result.index)] = sources.compactMap { written[Int($0.index)] }.min()
      }
      return
    }
    for operand in operands { if let instance = current(operand) { note(instance, position) } }
    for result in results {
      let unit = model.unit[Int(result.index)]
      guard unit >= 0 else { continue }
      // Several nodes may write a unit; a node that runs again writes a new one unless that is there.
      if !isThere(unit, at: time) || written[Int(result.index)] == current[unit] {
        current[unit] = instances.count
        instancesOfUnit[unit].append(instances.count)
        instances.append(Instance(unit: unit, time: time, uses: []))
      }
      written[Int(result.index)] = current[unit]
      note(current[unit]!, position)
    }
  }

  private mutating func note(_ instance: Int, _ position: Int) {
    if instances[instance].uses.last != position { instances[instance].uses.append(position) }
  }

  private func bytesInUse() -> [Int] {
    var changes = [Int](repeating: 0, count: executions.count + 2)
    func add(_ bytes: Int, _ life: ClosedRange<Int>) {
      changes[life.lowerBound] += bytes
      changes[life.upperBound + 1] -= bytes
    }
    for instance in instances where !instance.uses.isEmpty { add(model.byteCounts[instance.unit], instance.life) }
    var first: [NodeID: Int] = [:]
    for (position, execution) in executions.enumerated() {
      if !execution.isAgain { first[execution.node] = position }
      let own = model.ownByteCounts[Int(execution.node.index)]
      if own > 0 { add(own, position...position) }
    }
    for buffer in model.shared {
      if let start = first[buffer.first], let end = first[buffer.last], start <= end { add(buffer.byteCount, start...end) }
    }
    var sum = 0
    return changes.dropLast().map {
      sum += $0
      return sum
    }
  }
}
