/// How a loop's operands and results lie, by its body.
///
/// The operands are the body's arguments, in order: the argument's role says what a step makes of its operand. The results are in the order
/// of `LoopResults`. A position is that of an argument, and so of an operand.
package struct LoopParts {
  /// The graph that runs once per step.
  package let body: Graph
  /// The positions of the states: the operand is what the state holds before the first step.
  package let states: [Int]
  /// The positions of the inputs: the operand has a row per step.
  package let inputs: [Int]
  /// The positions of the parameters: each step reads the whole operand.
  package let parameters: [Int]
  /// What a step returns besides the new states: the loop returns a row per step of each.
  package let returned: [ValueID]
  /// By state, what replaces it after a step. A state that no step changes has none.
  package let updates: [ValueID: ValueID]

  /// The parts of a loop that runs this body.
  package init(_ body: Graph) {
    self.body = body
    func positions(_ role: Argument.Role) -> [Int] { body.arguments.indices.filter { body.arguments[$0].role == role } }
    (states, inputs, parameters) = (positions(.state), positions(.input), positions(.parameter))
    returned = Array(body.results.prefix(body.returnedCount))
    updates = Dictionary(body.updates.map { ($0.state, $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  // MARK: Arguments

  /// The argument at a position.
  package func argument(_ position: Int) -> ValueID { body.arguments[position].value }
  /// The name of the argument at a position.
  package func name(_ position: Int) -> Name { body.name(argument(position)) }
  /// The type of the argument at a position.
  package func type(_ position: Int) -> TensorType { body.type(argument(position)) }

  /// The type of the operand at a position, in a loop over this many rows.
  package func operandType(_ position: Int, steps: Extent) -> TensorType {
    body.arguments[position].role == .input ? type(position).rows(steps) : type(position)
  }

  /// What replaces the state at a position after a step: the state itself where nothing does.
  package func update(_ position: Int) -> ValueID { updates[argument(position)] ?? argument(position) }

  // MARK: Results

  /// What stands for the results of a loop, sorted by what these are.
  /// - Parameter all: one per result. They end where the history would begin in a loop that returns none.
  package func results<Value>(_ all: [Value]) -> LoopResults<Value> {
    let (rows, history) = (states.count, states.count + returned.count)
    return LoopResults(states: Array(all[..<rows]), rows: Array(all[rows..<history]), history: Array(all[history...]))
  }

  /// The types of the results of a loop over this many rows.
  package func resultTypes(steps: Extent, hasHistory: Bool) -> [TensorType] {
    let states = states.map(type)
    let rows = returned.map { body.type($0).rows(steps) }
    return LoopResults(states: states, rows: rows, history: hasHistory ? states.map { $0.rows(steps) } : []).all
  }
}

/// What stands for the results of a loop: values, types, flags.
package struct LoopResults<Value> {
  /// One per state: what it holds after the last step.
  package var states: [Value]
  /// One per value that a step returns: its rows.
  package var rows: [Value]
  /// One per state: the rows of what it held before each step. Empty where the loop does not return its history.
  package var history: [Value]

  /// These parts.
  package init(states: [Value], rows: [Value], history: [Value]) {
    (self.states, self.rows, self.history) = (states, rows, history)
  }

  /// One per result, in the order of the results.
  package var all: [Value] { states + rows + history }
}

extension TensorType {
  /// The type of this many rows, each of which is a tensor of this type.
  package func rows(_ count: Extent) -> TensorType { TensorType(element, Shape([count] + shape.extents)) }
}
