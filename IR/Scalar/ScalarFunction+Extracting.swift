extension ScalarFunction {
  /// The part of this function that the values `wanted` need. Its `parameters` stand for this function's of these `numbers`, and
  /// its tables are renumbered by `tableMap`.
  package func extracting(
    _ wanted: [ScalarValue], parameters: [Parameter], numbers: [Int], tables: [Table], tableMap: [Int: Int]
  ) -> ScalarFunction {
    var result = ScalarFunction(parameters: parameters, tables: tables)
    var map: [ScalarValue: ScalarValue] = [:]
    for (position, number) in numbers.enumerated() { map[parameter(number)] = result.parameter(position) }
    func place(_ value: ScalarValue) -> ScalarValue {
      if let known = map[value] { return known }
      guard var copy = instruction(value) else { preconditionFailure("a parameter that the region does not have") }
      copy.operands = copy.operands.map(place)
      if case .element(let table) = copy.operation { copy.operation = .element(table: tableMap[table]!) }
      let placed = result.append(copy)
      map[value] = placed
      return placed
    }
    result.results = wanted.map(place)
    return result
  }
}
