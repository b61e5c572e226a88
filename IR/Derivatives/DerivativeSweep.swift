/// Goes through nodes and differentiates each by its op's rule: forward with tangents, or in reverse with cotangents.
struct DerivativeSweep {
  /// What asks for the derivative, as a message names it: `the gradient of %loss`.
  let purpose: String
  /// The blocks around the request, outermost first: what they compute is there.
  private let around: [BlockID]
  /// What was said, in order.
  private(set) var notes: [Note] = []

  /// Something said about a value of the graph being built.
  struct Note {
    let kind: Remark.Kind
    let value: ValueID
    let message: String
  }

  init(purpose: String, around: [BlockID] = []) { (self.purpose, self.around) = (purpose, around) }

  mutating func remark(_ kind: Remark.Kind, _ value: ValueID, _ message: String) {
    notes.append(Note(kind: kind, value: value, message: message))
  }

  // MARK: Forward

  /// The tangents of `outputs`, which `nodes` compute, in order, from those of other values.
  mutating func tangents(
    of outputs: [ValueID], from sources: [ValueID: ValueID], through nodes: [NodeID], _ rewriter: inout GraphRewriter
  ) throws -> [ValueID: ValueID] {
    // What the outputs are made of.
    var isNeeded = [Bool](repeating: false, count: rewriter.result.valueCapacity)
    for output in outputs { isNeeded[Int(output.index)] = true }
    for node in nodes.reversed() where rewriter.result.results(node).contains(where: { isNeeded[Int($0.index)] }) {
      for operand in rewriter.result.operands(node) { isNeeded[Int(operand.index)] = true }
    }
    var known = sources
    var recomputation = Recomputation(nodes, around: around)
    for node in nodes where rewriter.result.results(node).contains(where: { isNeeded[Int($0.index)] }) {
      let operands = Array(rewriter.result.operands(node))
      let tangents = operands.map { known[$0] }
      guard tangents.contains(where: { $0 != nil }) else { continue }
      let read = recomputation.node(node, &rewriter)
      let found = try differentiate(read, wanted: [], &rewriter) { context, derivative in
        try derivative.forward(&context, tangents)
      }
      // What has a tangent of its own keeps it.
      for (result, tangent) in zip(rewriter.result.results(node), found) where sources[result] == nil {
        if let tangent { known[result] = tangent }
      }
    }
    return known
  }

  // MARK: Reverse

  /// The cotangents of `values`, which `nodes` are made of, from those of `outputs`.
  mutating func cotangents(
    of outputs: [(value: ValueID, cotangent: ValueID)], with values: [ValueID], through nodes: [NodeID],
    _ rewriter: inout GraphRewriter
  ) throws -> [ValueID: ValueID] {
    // What depends on the values, and so carries cotangents to them.
    var isActive = [Bool](repeating: false, count: rewriter.result.valueCapacity)
    for value in values { isActive[Int(value.index)] = true }
    for node in nodes where rewriter.result.operands(node).contains(where: { isActive[Int($0.index)] }) {
      for result in rewriter.result.results(node) where rewriter.result.type(result).element.isFloat {
        isActive[Int(result.index)] = true
      }
    }
    var contributions: [ValueID: [ValueID]] = [:]
    var recomputation = Recomputation(nodes, around: around)
    for (value, cotangent) in outputs where isActive[Int(value.index)] { contributions[value, default: []].append(cotangent) }
    for node in nodes.reversed() {
      let results = rewriter.result.results(node)
      let operands = Array(rewriter.result.operands(node))
      guard results.contains(where: { contributions[$0] != nil }) else { continue }
      let wanted = operands.map { isActive[Int($0.index)] }
      guard wanted.contains(true) else { continue }
      let cotangents = try results.map { try Self.total(of: $0, &contributions, &rewriter) }
      let read = recomputation.node(node, &rewriter)
      let found = try differentiate(read, wanted: wanted, &rewriter) { context, derivative in
        try derivative.reverse(&context, cotangents)
      }
      for (operand, cotangent) in zip(operands, found) {
        if let cotangent, isActive[Int(operand.index)] { contributions[operand, default: []].append(cotangent) }
      }
    }
    var result: [ValueID: ValueID] = [:]
    for value in values { result[value] = try Self.total(of: value, &contributions, &rewriter) }
    return result
  }

  /// The sum of what was contributed to a value, in the order of the contributions; nil for none.
  private static func total(
    of value: ValueID, _ contributions: inout [ValueID: [ValueID]], _ rewriter: inout GraphRewriter
  ) throws -> ValueID? {
    guard let terms = contributions[value] else { return nil }
    var sum = terms[0]
    for term in terms.dropFirst() { sum = try rewriter.append(.add, [sum, term]) }
    contributions[value] = [sum]
    return sum
  }

  // MARK: A node

  private mutating func differentiate(
    _ node: NodeID, wanted: [Bool], _ rewriter: inout GraphRewriter,
    _ rule: (inout Differentiation, Derivative) throws -> [ValueID?]
  ) throws -> [ValueID?] {
    let graph = rewriter.result
    let op = graph.op(node)
    guard let derivative = op.derivative else {
      let result = graph.results(node)[0]
      throw HeedError(
        "got \(graph.description(of: result)) in \(purpose), but \(op) has no derivative; expected ops that have one",
        at: graph.place(result))
    }
    var context = Differentiation(rewriter, node, self, wanted: wanted)
    let first = graph.nodeCapacity
    let found = try rule(&context, derivative)
    (rewriter, self) = (context.rewriter, context.sweep)
    // What the rule made is of the place of the node.
    if let place = graph.place(graph.results(node)[0]) {
      for number in first..<rewriter.result.nodeCapacity {
        for value in rewriter.result.results(NodeID(number)) where rewriter.result.place(value) == nil {
          rewriter.result.setPlace(value, place)
        }
      }
    }
    return found
  }
}
