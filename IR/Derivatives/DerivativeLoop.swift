/// The loop that computes the derivative of another, while it is built.
///
/// Its body begins as the other's, whose states are inputs here: rows of the history, so that each step is computed again from what the states
/// held before it. What the derivative needs is added in this order: arguments, the request for the derivative of a step, updates and rows.
struct DerivativeLoop: NodeEmitter {
  /// The parts of the loop that is differentiated.
  let parts: LoopParts
  /// Builds the body.
  var rewriter: GraphRewriter
  /// The loop's operands.
  private(set) var operands: [ValueID]
  private var updates: [(state: ValueID, value: ValueID)] = []
  private var rows: [(name: Name, value: ValueID)] = []

  /// A loop that computes the steps of another again.
  /// - Parameters:
  ///   - operands: those of the other.
  ///   - history: what the other's states held before each step.
  init(_ parts: LoopParts, operands: [ValueID], history: [ValueID]) {
    precondition(history.count == parts.states.count, "a loop that is differentiated returns its history")
    (self.parts, self.operands) = (parts, operands)
    var body = parts.body
    for (state, rows) in zip(parts.states, history) {
      body.setRole(ofArgument: state, .input)
      self.operands[state] = rows
    }
    rewriter = GraphRewriter(body)
  }

  // MARK: Arguments

  /// Adds an argument for `operand`. It is called `kind.name`.
  mutating func addArgument(
    _ kind: String, of name: Name, _ type: TensorType, _ role: Argument.Role, _ operand: ValueID
  ) -> ValueID {
    operands.append(operand)
    return rewriter.result.addArgument(rewriter.result.freeName(kind, of: name.text), type, role: role)
  }

  /// Adds an argument of the type of the one at `position`.
  mutating func addArgument(_ kind: String, of position: Int, _ role: Argument.Role, _ operand: ValueID) -> ValueID {
    addArgument(kind, of: parts.name(position), parts.type(position), role, operand)
  }

  // MARK: A step

  /// Computes the step again and goes back through it; after all arguments are there.
  /// - Parameters:
  ///   - positions: those of the arguments whose cotangents are wanted.
  ///   - seeds: values of the step, and their cotangents.
  /// - Returns: the cotangents by position.
  mutating func cotangents(
    ofArguments positions: [Int], from seeds: [(value: ValueID, cotangent: ValueID)]
  ) throws -> [Int: ValueID] {
    let others = seeds.map(\.cotangent) + positions.map { rewriter(parts.argument($0)) }
    return Dictionary(uniqueKeysWithValues: zip(positions, try request(.vjp, of: seeds.map(\.value), others)))
  }

  /// Computes the step again, and its derivative along with it; after all arguments are there.
  /// - Parameters:
  ///   - values: the values of the step whose tangents are wanted.
  ///   - directions: positions of arguments, and the tangents of these.
  /// - Returns: the tangents, one per value.
  mutating func tangents(
    of values: [ValueID], along directions: [(position: Int, tangent: ValueID)]
  ) throws -> [ValueID] {
    let others = directions.map { rewriter(parts.argument($0.position)) } + directions.map(\.tangent)
    return try request(.jvp, of: values, others)
  }

  private mutating func request(_ op: Op, of values: [ValueID], _ others: [ValueID]) throws -> [ValueID] {
    for node in parts.body.body { rewriter.copy(node) }
    let outputs = values.map { rewriter($0) }
    let node = try rewriter.result.append(op, outputs + others, attributes: [Attribute(.outputs, outputs.count)])
    return rewriter.result.results(node)
  }

  // MARK: Results

  /// Replaces an added state after each step.
  mutating func update(_ state: ValueID, with value: ValueID) { updates.append((state, value)) }

  /// Adds a term to an added state in each step.
  mutating func add(_ term: ValueID, to sum: ValueID) throws {
    let term = try widened(term, to: type(sum).element)
    update(sum, with: try emit(.add, sum, term))
  }

  /// Makes the loop return a row per step.
  mutating func addRow(_ name: Name, _ value: ValueID) { rows.append((name, value)) }

  /// The finished body, in which the derivative of a step has taken the place of the request.
  func body(remark: (Remark.Kind, ValueID, Graph, String) -> Void) throws -> Graph {
    var graph = rewriter.result
    graph.setResults(
      rows.map(\.value) + updates.map(\.value), names: rows.map(\.name) + updates.map { graph.name($0.state) })
    return try graph.expandingDerivatives(remark: remark)
  }
}
