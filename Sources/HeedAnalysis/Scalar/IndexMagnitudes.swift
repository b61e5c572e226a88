import HeedIR

/// For each value of a function of indices, what its magnitude cannot exceed while indices and terms stay below a limit: whole numbers
/// that fit their types are as in 64 bits, others may have wrapped.
struct IndexMagnitudes {
  private var bounds: [Int?] = []
  /// Indices are taken to be below this, and terms that enter arithmetic and extents; what relies on it holds only there.
  static let limit = 1 << 27

  /// - Parameter terms: values that are taken to be below the limit, like indices.
  init(_ function: ScalarFunction, terms: Set<ScalarValue> = []) {
    bounds = Array(repeating: Self.limit, count: function.parameters.count)
    for (position, instruction) in function.instructions.enumerated() {
      let isTerm = terms.contains(ScalarValue(function.parameters.count + position))
      bounds.append(isTerm ? Self.limit : bound(instruction, function))
    }
  }

  /// What the magnitude of an integer value cannot exceed; nil where it could leave its type.
  subscript(value: ScalarValue) -> Int? { bounds[value.index] }

  private func bound(_ instruction: ScalarFunction.Instruction, _ function: ScalarFunction) -> Int? {
    guard instruction.type.isInteger else { return nil }
    let operands = instruction.operands.map { bounds[$0.index] }
    let bound: Int?
    switch instruction.operation {
    case .constant(let literal): return Int(exactly: literal.integer.magnitude).flatMap { $0 < 1 << 60 ? $0 : nil }
    case .extent: bound = Self.limit
    case .element: return nil
    case .elementwise(.convert) where function.type(instruction.operands[0]) == .bool: return 1
    case .elementwise(.select): bound = operands[1].flatMap { a in operands[2].map { max(a, $0) } }
    case .elementwise(let op):
      guard let a = operands[0] else { return nil }
      switch (op, operands.count) {
      case (.convert, 1), (.negate, 1), (.absolute, 1): bound = a
      case (.not, 1): bound = a + 1
      case (.add, 2), (.subtract, 2): bound = operands[1].map { a + $0 }
      case (.multiply, 2):
        bound = operands[1].flatMap { b in
          let (product, overflow) = a.multipliedReportingOverflow(by: b)
          return overflow ? nil : product
        }
      case (.divide, 2), (.shiftRight, 2): bound = a
      case (.shiftLeft, 2):
        bound = function.constant(instruction.operands[1]).flatMap { (0..<31).contains($0.integer) ? a << $0.integer : nil }
      case (.remainder, 2): bound = operands[1]
      case (.minimum, 2), (.maximum, 2): bound = operands[1].map { max(a, $0) }
      case (.and, 2), (.or, 2), (.xor, 2):
        // The least power of two above both.
        bound = operands[1].map { 1 << (Int.bitWidth - max(a, $0).leadingZeroBitCount) }
      default: bound = nil
      }
    }
    guard let bound, bound < 1 << 60 else { return nil }
    // A lower bound of 0 is not followed: an unsigned type holds constants and its own values only.
    let range = instruction.type.integerRange
    return range.contains(Int64(bound)) && range.contains(-Int64(bound)) ? bound : nil
  }
}

extension ScalarFunction {
  /// Whether the function computes with integers of fewer than 64 bits.
  var hasNarrowArithmetic: Bool {
    let arithmetic: Set<Op> = [.add, .subtract, .multiply, .negate, .not, .shiftLeft]
    return instructions.contains { instruction in
      guard case .elementwise(let op) = instruction.operation else { return false }
      return arithmetic.contains(op) && instruction.type.isInteger && instruction.type != .i64
    }
  }
}
