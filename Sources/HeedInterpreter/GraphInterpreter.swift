public import HeedArrays
public import HeedIR
internal import HeedSystem

/// Runs graphs by the definitions of their ops, in plain loops.
///
/// It is slow and simple, and everything compiled is compared with it. A value holds numbers of its element type: what an op
/// computes, in double precision, is rounded when it is stored.
public enum GraphInterpreter {
  /// Sees each value as it is computed.
  public typealias Observer = (_ value: ValueID, _ array: ReferenceArray) throws -> Void

  /// The graph's results under their names, in order. Derivatives are expanded first: the values observed are then those of
  /// `expandingDerivatives`.
  ///
  /// - Parameters:
  ///   - inputs: an array for each argument of the graph, parameters included, by name.
  ///   - rounding: how values are rounded; other than by definition for tests of what may be more exact.
  ///   - observe: called with the result of each node, in order.
  /// - Throws: where an input is missing, unknown, or of another type than declared; where a fact does not hold; where the numbers
  ///   in an operand break an op's condition (segment offsets). It also throws what an op's definition throws.
  public static func evaluate(
    _ graph: Graph, inputs: [Name: ReferenceArray], rounding: Rounding = .toType, observe: Observer? = nil
  ) throws -> [(name: Name, array: ReferenceArray)] {
    if let failure = graph.failure { throw failure }
    let graph = graph.hasDerivatives ? try graph.expandingDerivatives() : graph
    let results = try run(graph, inputs, try bind(graph, inputs), rounding, observe)
    return zip(graph.resultNames, results).map { ($0, $1) }
  }

  /// The graph's results, once the symbols have values.
  private static func run(
    _ graph: Graph, _ inputs: [Name: ReferenceArray], _ binding: [Name: Int], _ rounding: Rounding, _ observe: Observer?
  ) throws -> [ReferenceArray] {
    var values = [ReferenceArray?](repeating: nil, count: graph.valueCapacity)
    for argument in graph.arguments {
      values[Int(argument.value.index)] = inputs[graph.name(argument.value)]
      // What a caller passes is of the argument's type, however results are held.
      values[Int(argument.value.index)]!.round(rounding == .none ? .none : .toType)
    }
    // An array is let go after its last use.
    var uses = graph.useCounts()
    var zeros = MaskedZeros()
    for node in graph.body {
      let operands = graph.operands(node)
      let results = graph.results(node)
      do {
        let inputs = operands.map { values[Int($0.index)]! }
        let arrays = try evaluate(graph, node, inputs, binding, rounding, zeros)
        for (value, array) in zip(results, arrays) { values[Int(value.index)] = array }
        if let result = arrays.first { try zeros.follow(graph, node, inputs, result, binding) }
      } catch let error as HeedError {
        let name = results.first.map(graph.name) ?? .none
        throw name.isNone ? error : error.during("%\(name)")
      }
      if let observe { for value in results { try observe(value, values[Int(value.index)]!) } }
      for operand in operands {
        uses[Int(operand.index)] -= 1
        guard uses[Int(operand.index)] == 0 else { continue }
        values[Int(operand.index)] = nil
        zeros.forget(operand)
      }
    }
    return graph.results.map { values[Int($0.index)]! }
  }

  /// The graph's results on arrays in memory.
  /// - Throws: as the function above.
  public static func evaluate(_ graph: Graph, inputs: [Name: NDArray], observe: Observer? = nil) throws -> [(
    name: Name, array: NDArray
  )] {
    try evaluate(graph, inputs: inputs.mapValues { ReferenceArray($0) }, observe: observe).map { ($0.name, try NDArray($0.array)) }
  }

  /// The values of the graph's symbols, once every input is there and of its declared type, and the facts hold.
  private static func bind(_ graph: Graph, _ inputs: [Name: ReferenceArray]) throws -> [Name: Int] {
    var arguments: [SymbolBinding.Argument] = []
    for argument in graph.arguments {
      let (name, type) = (graph.name(argument.value), graph.type(argument.value))
      guard let input = inputs[name] else { throw HeedError("got no input %\(name), expected one of type \(type)") }
      guard input.element == type.element else {
        throw HeedError("%\(name): got the element type \(input.element), expected \(type.element)")
      }
      arguments.append((name, type.shape, input.shape))
    }
    if let unknown = inputs.keys.filter({ name in !arguments.contains { $0.name == name } }).min(by: { $0.text < $1.text }) {
      let known = arguments.map { "%\($0.name)" }.joined(separator: ", ")
      throw HeedError("got an input %\(unknown), expected \(known.isEmpty ? "none" : known)")
    }
    return try SymbolBinding.solve(arguments, facts: graph.facts)
  }

  static func evaluate(
    _ graph: Graph, _ node: NodeID, _ operands: [ReferenceArray], _ binding: [Name: Int], _ rounding: Rounding = .toType,
    _ zeros: MaskedZeros = MaskedZeros()
  ) throws -> [ReferenceArray] {
    let op = graph.op(node)
    if let offsets = op.segmentOffsets(CostQuery(graph, node)) {
      let rows = try offsets.rows.evaluate { binding[$0] }
      try check(operands[offsets.operand].integers, rows: rows, op: op)
    }
    let evaluation = try Evaluation(
      op: op, operands: operands, attributes: graph.attributes(node), regions: Array(graph.regions(node)),
      body: graph.bodyGraph(node),
      run: { body, arguments, binding in
        let names = body.arguments.map { body.name($0.value) }
        let graph = body.hasDerivatives ? try body.expandingDerivatives() : body
        return try run(graph, Dictionary(uniqueKeysWithValues: zip(names, arguments)), binding, rounding, nil)
      },
      operandTypes: graph.operands(node).map(graph.type), resultTypes: graph.results(node).map(graph.type), binding: binding,
      rounding: rounding, maskedZeros: graph.operands(node).map { zeros[$0] })
    // The reference keeps every element in 64 bits, and definitions make lists of about the results' size.
    let byteCount = try evaluation.resultShapes.reduce(0) { $0 + 16 * (try Shape.elementCount(of: $1)) }
    try AvailableMemory.check(byteCount, for: op.mnemonic)
    var results = try op.evaluate(evaluation)
    for position in results.indices { results[position].round(rounding) }
    return results
  }

  /// - Throws: where segment offsets do not start at 0, fall, or do not end at `rows`.
  private static func check(_ offsets: [Int64], rows: Int, op: Op) throws {
    guard offsets.first == 0, offsets.last == Int64(rows), zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 }) else {
      let shown = offsets.prefix(8).map(String.init).joined(separator: ", ") + (offsets.count > 8 ? ", ..." : "")
      throw HeedError("\(op.mnemonic): got the offsets [\(shown)], expected ones that start at 0, never fall and end at \(rows)")
    }
  }
}
