package import HeedIR

extension ScalarFunction {
  /// The function with the results `wanted`, over the same parameters and tables, without what they do not need.
  package func extracting(_ wanted: [ScalarValue]) -> ScalarFunction {
    extracting(
      wanted, parameters: parameters, numbers: Array(parameters.indices), tables: tables,
      tableMap: Dictionary(uniqueKeysWithValues: tables.indices.map { ($0, $0) }))
  }

  /// The values that the results depend on.
  private var needed: Set<ScalarValue> {
    var (found, pending) = (Set(results), results)
    while let value = pending.popLast() {
      for operand in instruction(value)?.operands ?? [] where found.insert(operand).inserted { pending.append(operand) }
    }
    return found
  }

  /// The numbers of the tables that the results depend on, in order.
  package var readTables: [Int] {
    let numbers = needed.compactMap { value -> Int? in
      if case .element(let table) = instruction(value)?.operation { table } else { nil }
    }
    return Set(numbers).sorted()
  }

  /// The extents that the function computes with as whole numbers, each once, in order.
  var wholeExtents: [Extent] {
    var found: [Extent] = []
    for case let instruction in instructions where instruction.type.isInteger {
      if case .extent(let extent) = instruction.operation, !found.contains(extent) { found.append(extent) }
    }
    return found
  }

  /// The symbols that the function's extents mention.
  package var symbols: [Name] {
    instructions.flatMap { instruction -> [Name] in
      if case .extent(let extent) = instruction.operation { extent.symbols } else { [] }
    }
  }

  /// Whether the results depend on the parameter of this number.
  package func reads(parameter number: Int) -> Bool { needed.contains(parameter(number)) }
}
