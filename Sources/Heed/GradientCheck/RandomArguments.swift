internal import HeedArrays
package import HeedIR
internal import HeedInterpreter
internal import HeedSystem

/// Random values for the arguments of a graph, the same for a seed.
///
/// Floats are of the normal distribution. Offsets of segments are valid. Integers that pick from a tensor lie within the extent that they pick
/// from, others in 0 ..< 4. Bools are as often true as false.
package struct RandomArguments {
  private let graph: Graph
  private let binding: [Name: Int]
  /// What each value of whole numbers is read as.
  private var uses: [ValueID: Use] = [:]

  /// What whole numbers are read as.
  private enum Use {
    /// Segment offsets, of which the last is `rows`.
    case offsets(rows: Int)
    /// Indices less than `count`.
    case indices(count: Int)
  }

  /// - Parameter binding: the values of the graph's symbols.
  package init(_ graph: Graph, binding: [Name: Int]) throws {
    (self.graph, self.binding) = (graph, binding)
    for node in graph.body.reversed() { try follow(node) }
  }

  /// An array for each argument of the graph: that of `given`, or else a random one.
  package func arrays(seed: UInt64, given: [Name: ReferenceArray] = [:]) throws -> [Name: ReferenceArray] {
    var arrays = given
    for (position, argument) in graph.arguments.enumerated() where given[graph.name(argument.value)] == nil {
      arrays[graph.name(argument.value)] = try array(for: argument.value, seed: seed &* 0x9E37_79B9 &+ UInt64(position))
    }
    return arrays
  }

  private func array(for value: ValueID, seed: UInt64) throws -> ReferenceArray {
    let (type, shape) = (graph.type(value), try graph.type(value).shape.evaluate { binding[$0] })
    // An array that is drawn, one that is kept, and one that is changed.
    let (byteCount, overflow) = try Shape.elementCount(of: shape).multipliedReportingOverflow(by: 24)
    try AvailableMemory.check(overflow ? .max : byteCount, for: "the input %\(graph.name(value))")
    if type.element.isFloat { return ReferenceArray(.random(shape, seed: seed, element: type.element)) }
    switch uses[value] {
    case .offsets(let rows):
      var array = ReferenceArray(.uniform(shape, in: 0..<Double(rows + 1), seed: seed, element: type.element))
      array.integers.sort()
      guard let last = array.integers.indices.last else { return array }
      array.integers[0] = 0
      array.integers[last] = Int64(rows)
      return array
    case .indices(let count):
      return ReferenceArray(.uniform(shape, in: 0..<Double(max(1, count)), seed: seed, element: type.element))
    case nil: return ReferenceArray(.uniform(shape, in: 0..<4, seed: seed, element: type.element))
    }
  }

  /// Notes what a node reads its operands as, once what follows it is known.
  private mutating func follow(_ node: NodeID) throws {
    let (op, operands) = (graph.op(node), Array(graph.operands(node)))
    if let offsets = op.segmentOffsets(CostQuery(graph, node)) {
      note(operands[offsets.operand], .offsets(rows: try offsets.rows.evaluate { binding[$0] }))
    }
    if op == .gather || op == .scatterAdd {
      let extent = graph.type(operands[0]).shape[graph.attributes(node).required(.dim)]
      note(operands[1], .indices(count: try extent.evaluate { binding[$0] }))
    }
    // What is read of a result that consists of elements of the operands is read of them.
    guard let result = graph.results(node).first, let use = uses[result], Self.passesElements(op) else { return }
    for operand in operands where graph.type(operand).element.isInteger { note(operand, use) }
  }

  private static func passesElements(_ op: Op) -> Bool {
    op.has(.view) || [.convert, .identity, .slice, .concatenate, .gather, .select, .minimum, .maximum].contains(op)
  }

  /// Of several uses offsets count, or else the least extent.
  private mutating func note(_ value: ValueID, _ use: Use) {
    guard !graph.type(value).element.isFloat else { return }
    switch (uses[value], use) {
    case (.offsets, _): break
    case (.indices(let old), .indices(let new)): uses[value] = .indices(count: min(old, new))
    default: uses[value] = use
    }
  }
}
