public import HeedArrays
public import HeedIR
internal import HeedInterpreter
internal import HeedLowering
internal import HeedRuntime

/// Running a graph without compiling it.
extension Graph {
  /// Runs the graph by the definitions of its ops, with plain loops and doubles: slow, and what compiled code is compared with.
  ///
  /// ```swift
  /// let expected = try graph.interpret(["q": q, "k": k, "v": v], parameters: weights)
  /// ```
  ///
  /// The arguments, their conversions, the errors and the result are those of a compiled program.
  /// - Throws: the first mistake made in building the graph, or what a call of the compiled program would throw.
  public func interpret(_ inputs: [String: NDArray] = [:], parameters: [String: NDArray] = [:]) throws -> Outputs {
    try interpret(inputs.map { ($0.key, $0.value) }, parameters.map { ($0.key, $0.value) })
  }

  /// The same for Swift arrays and numbers.
  @_disfavoredOverload
  public func interpret(
    _ inputs: [String: any NDArrayConvertible], parameters: [String: any NDArrayConvertible] = [:]
  ) throws -> Outputs {
    try interpret(try inputs.arrays("input"), try parameters.arrays("parameter"))
  }

  /// The same for a graph of one result.
  public func interpret<Result: OnlyResult>(_ inputs: [String: NDArray] = [:], parameters: [String: NDArray] = [:]) throws -> Result
  {
    try Result(only: interpret(inputs, parameters: parameters) as Outputs)
  }

  /// The same for Swift arrays and numbers, and a graph of one result.
  @_disfavoredOverload
  public func interpret<Result: OnlyResult>(
    _ inputs: [String: any NDArrayConvertible], parameters: [String: any NDArrayConvertible] = [:]
  ) throws -> Result {
    try Result(only: interpret(inputs, parameters: parameters) as Outputs)
  }

  /// The same for a graph with states, which the call replaces.
  public func interpret(
    _ inputs: [String: NDArray] = [:], parameters: [String: NDArray] = [:], updating state: inout GraphState
  ) throws -> Outputs {
    try interpret(inputs.map { ($0.key, $0.value) }, parameters.map { ($0.key, $0.value) }, states: &state.arrays)
  }

  package func interpret(
    _ inputs: [(name: String, array: NDArray)], _ parameters: [(name: String, array: NDArray)]
  ) throws -> Outputs {
    var none: [String: NDArray] = [:]
    return try interpret(inputs, parameters, states: &none)
  }

  package func interpret(
    _ inputs: [(name: String, array: NDArray)], _ parameters: [(name: String, array: NDArray)], states: inout [String: NDArray]
  ) throws -> Outputs {
    let known = self.states.compactMap { state in states[state.name].map { (name: state.name, array: $0) } }
    let signature = signature(of: try Verified(self))
    return try explainingLengths {
      let arguments = try signature.matched(inputs: inputs, parameters: parameters, states: known)
      let results = try GraphInterpreter.evaluate(self, inputs: arguments)
      for update in results.dropFirst(returnedCount) { states[update.name.text] = update.array }
      let returned = results.prefix(returnedCount)
      return Outputs(names: returned.map(\.name.text), returned.map(\.array))
    } lengths: {
      try signature.lengths(inputs: inputs, parameters: parameters, states: known)
    }
  }

  /// What a call returns.
  /// - Parameter lengths: the values of the symbols in the call.
  /// - Throws: what `call` throws; where the cause is an extent, the same however the graph runs.
  func explainingLengths(_ call: () throws -> Outputs, lengths: () throws -> [Name: Int]) throws -> Outputs {
    do { return try call() } catch let error as HeedError {
      if let lengths = try? lengths() { try verifyLengths(lengths) }
      throw error
    }
  }

  /// A program with the arguments of the graph, and what it demands of their numbers.
  private func signature(of graph: Verified<Graph>) -> Program {
    // Of the lowered program only the checks are used. Where an op has no kernel, the interpreter checks what it reads.
    if let lowered = try? lower(graph, for: .host) { return lowered.program }
    var program = Program(name: name)
    program.facts = facts
    program.buffers = arguments.map { argument in
      Program.Buffer(self.name(argument.value), type(argument.value), argument.role.storage)
    }
    return program
  }
}
