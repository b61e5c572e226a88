package import HeedArrays
package import HeedIR

/// What a program demands of its arguments.
extension Program {
  /// The arrays by name, converted to their declared types.
  /// - Throws: as `LoadedProgram.call` and `Executor.load` do.
  package func matched(
    inputs: [(name: String, array: NDArray)], parameters: [(name: String, array: NDArray)],
    states: [(name: String, array: NDArray)] = []
  ) throws -> [Name: NDArray] {
    var (shapes, arrays): ([SymbolBinding.Argument], [Name: NDArray]) = ([], [:])
    let parameterTable = ArgumentTable(self, .parameter, kind: "parameter")
    let matchedParameters = try parameterTable.match(parameters)
    shapes = parameterTable.shapes(matchedParameters)
    _ = try SymbolBinding.solveParameters(shapes)
    let inputTable = ArgumentTable(self, .input, kind: "input")
    let matchedInputs = try inputTable.match(inputs)
    let stateTable = ArgumentTable(self, .state, kind: "state")
    let matchedStates = try stateTable.match(states)
    _ = try bind(shapes + inputTable.shapes(matchedInputs) + stateTable.shapes(matchedStates), matchedInputs)
    for (buffer, array) in matchedParameters + matchedInputs + matchedStates { arrays[buffers[buffer].name] = array }
    return arrays
  }

  /// The values of the symbols in a call with these arguments.
  /// - Throws: where an argument is missing, unknown, repeated or not of its declared type; where extents do not fit each other or the
  ///   facts.
  package func lengths(
    inputs: [(name: String, array: NDArray)], parameters: [(name: String, array: NDArray)],
    states: [(name: String, array: NDArray)] = []
  ) throws -> [Name: Int] {
    var shapes: [SymbolBinding.Argument] = []
    let kinds: [(Buffer.Storage, String, [(name: String, array: NDArray)])] = [
      (.parameter, "parameter", parameters), (.input, "input", inputs), (.state, "state", states),
    ]
    for (storage, kind, arrays) in kinds {
      let table = ArgumentTable(self, storage, kind: kind)
      shapes += table.shapes(try table.match(arrays))
    }
    return try SymbolBinding.solve(shapes, facts: facts)
  }

  /// The values of the symbols for arguments of these shapes, once the facts hold and the numbers in `inputs` are what they must be.
  /// - Throws: where they are not; the error names the argument.
  func bind(_ shapes: [SymbolBinding.Argument], _ inputs: [(buffer: Int, array: NDArray)]) throws -> [Name: Int] {
    let binding = try SymbolBinding.solve(shapes, facts: facts)
    for check in checks {
      try check.verify(self, binding) { buffer in inputs.first { $0.buffer == buffer }?.array }
    }
    return binding
  }
}

extension SymbolBinding {
  /// The values of the symbols that the shapes of parameters alone decide.
  /// - Throws: where the shapes do not fit each other.
  static func solveParameters(_ shapes: [Argument]) throws -> [Name: Int] {
    do { return try solve(shapes) } catch let error as HeedError { throw error.during("parameters") }
  }
}
