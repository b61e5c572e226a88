extension ScalarFunction {
  /// What of this function the values `wanted` need, over `parameters`, which stand for this function's of
  /// these `numbers`, with tables renumbered by `tableMap`.
  package func extracting(
    _ wanted: [ScalarValue], parameters: [Parameter], numbers: [Int], tables: [Table], tableMap: [Int: Int]
  ) throws -> ScalarFunction {
    var result = ScalarFunction(parameters: parameters, tables: tables)
    var map: [ScalarValue: ScalarValue] = [:]
    for (position, number) in numbers.enumerated() { map[parameter(number)] = result.parameter(position) }
    func place(_ value: ScalarValue) throws -> ScalarValue {
      if let known = map[value] { return known }
      guard let instruction = instruction(value) else { preconditionFailure("a parameter that the region does not have") }
      let operands = try instruction.operands.map(place)
      let placed: ScalarValue
      switch instruction.operation {
      case .constant(let literal): placed = result.constant(literal, instruction.type)
      case .elementwise(let op):
        placed = try result.append(op, operands, type: op.has(.typedByResult) ? instruction.type : nil, name: instruction.name)
      case .element(let table): placed = try result.element(ofTable: tableMap[table]!, operands, name: instruction.name)
      }
      map[value] = placed
      return placed
    }
    result.results = try wanted.map(place)
    return result
  }
}
