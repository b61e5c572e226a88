import HeedIR

/// Captured tensors that are read at places which depend on query and key: a table of blocks, a matrix.
extension IntervalExtensionBuilder {
  /// The most places that are looked up along the last of the indices that vary, and along the one before.
  private static let mostPlaces = (last: 4, other: 2)

  /// The points of a table at all places where an element may be read, and a condition that says that these are all.
  private mutating func points(_ table: Int, _ instruction: ScalarFunction.Instruction, _ octagon: Octagon) -> (
    values: [ScalarValue], areAll: ScalarValue
  )? {
    var ranges: [Bounds] = []
    for operand in instruction.operands {
      guard let range = bounds(number(operand, octagon), octagon) else { return nil }
      ranges.append(range)
    }
    let varying = ranges.indices.filter { ranges[$0].low != ranges[$0].high }
    guard varying.count <= 2 else { return nil }
    var areAll = code.truth(true)
    var places: [[ScalarValue]] = [[]]
    for (dimension, range) in ranges.enumerated() {
      let count = !varying.contains(dimension) ? 1 : dimension == varying.last ? Self.mostPlaces.last : Self.mostPlaces.other
      let span = code.apply(.subtract, range.high, range.low)
      if count > 1 { areAll = code.apply(.and, areAll, code.apply(.less, span, code.whole(count))) }
      let choices = (0..<count).map { step in
        code.apply(.minimum, code.apply(.add, range.low, code.whole(step)), range.high)
      }
      places = places.flatMap { place in choices.map { place + [$0] } }
    }
    return (places.map { code.element(table, $0) }, areAll)
  }

  /// The bounds of an element that is a number.
  mutating func lookup(_ table: Int, _ instruction: ScalarFunction.Instruction, _ octagon: Octagon) -> AbstractNumber {
    guard instruction.type != .bool, let (values, areAll) = points(table, instruction, octagon) else { return .unknown }
    let type = instruction.type.boundType
    let numbers = values.map { code.type($0) == type ? $0 : code.apply(.convert, $0, type: type) }
    var bounds = Bounds(low: numbers[0], high: numbers[0])
    for number in numbers.dropFirst() {
      bounds = Bounds(low: code.apply(.minimum, bounds.low, number), high: code.apply(.maximum, bounds.high, number))
    }
    if type.isFloat {
      // A NaN does not show in minima and maxima.
      let areNumbers = numbers.reduce(areAll) { code.apply(.and, $0, code.apply(.equal, $1, $1)) }
      let infinity = code.constant(Literal(Double.infinity), type)
      return .real(
        Bounds(
          low: code.apply(.select, areNumbers, bounds.low, code.apply(.negate, infinity)),
          high: code.apply(.select, areNumbers, bounds.high, infinity)))
    }
    let range = instruction.type.integerRange
    return .whole(
      Bounds(
        low: code.apply(.select, areAll, bounds.low, code.whole(max(Int(range.lowerBound), -1 << 61))),
        high: code.apply(.select, areAll, bounds.high, code.whole(min(Int(range.upperBound), 1 << 61)))))
  }

  /// Whether an element that is a truth value can be `want`.
  mutating func lookupTruth(
    _ table: Int, _ instruction: ScalarFunction.Instruction, _ want: Bool, _ octagon: Octagon
  ) -> ScalarValue {
    guard let (values, areAll) = points(table, instruction, octagon) else { return code.truth(true) }
    return values.reduce(code.apply(.not, areAll)) { known, value in
      code.apply(.or, known, want ? value : code.apply(.not, value))
    }
  }
}
