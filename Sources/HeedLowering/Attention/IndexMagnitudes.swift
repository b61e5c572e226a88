import HeedIR

/// For each value of a function of indices, what its magnitude cannot exceed while indices stay below a limit: whole numbers that fit
/// their types are as in 64 bits, others may have wrapped.
struct IndexMagnitudes {
  private var bounds: [Int?] = []
  /// Indices are taken to be below this; what relies on it holds only there.
  private static let indexLimit = 1 << 27

  init(indices: Int = 0) { bounds = Array(repeating: Self.indexLimit, count: indices) }

  /// Follows the next instruction of the function; tells whether its value, if an integer, cannot have wrapped.
  mutating func append(_ instruction: ScalarFunction.Instruction) -> Bool {
    bounds.append(bound(instruction))
    return bounds.last! != nil
  }

  /// A condition that holds where an index is so large that the function's arithmetic in narrow types may wrap; nil where it has
  /// none. Of the `uniform` indices, its leading parameters, only those that it uses count.
  static func canWrap(_ function: ScalarFunction, uniform: [IntegerExpression], last: [IntegerExpression]) -> IntegerExpression? {
    guard function.hasNarrowArithmetic else { return nil }
    let used = Set(function.instructions.flatMap(\.operands))
    let indices = uniform.enumerated().filter { used.contains(function.parameter($0.offset)) }.map(\.element)
    return (indices + last).reduce(IntegerExpression(0)) { .apply(.or, $0, .apply(.lessEqual, .constant(indexLimit), $1)) }
  }

  /// What the magnitude of an integer instruction's result cannot exceed, or nil where it could leave the instruction's type.
  private func bound(_ instruction: ScalarFunction.Instruction) -> Int? {
    guard instruction.type.isInteger else { return nil }
    let operands = instruction.operands.map { bounds[$0.index] }
    let bound: Int?
    switch instruction.operation {
    case .constant(let literal): bound = Int(exactly: literal.integer.magnitude)
    case .element: bound = nil
    case .elementwise(let opcode):
      guard let a = operands[0] else { return nil }
      switch (opcode, operands.count) {
      case (Op.convert.opcode, 1): bound = a
      case (Op.add.opcode, 2), (Op.subtract.opcode, 2): bound = operands[1].map { a + $0 }
      case (Op.multiply.opcode, 2):
        bound = operands[1].flatMap { b in
          let (product, overflow) = a.multipliedReportingOverflow(by: b)
          return overflow ? nil : product
        }
      case (Op.divide.opcode, 2): bound = a
      case (Op.remainder.opcode, 2): bound = operands[1]
      case (Op.minimum.opcode, 2), (Op.maximum.opcode, 2): bound = operands[1].map { max(a, $0) }
      default: bound = nil
      }
    }
    guard let bound, bound < 1 << 60 else { return nil }
    // A lower bound of 0 is not followed: an unsigned type holds constants and its own values only.
    let range = instruction.type.integerRange
    if case .constant = instruction.operation { return bound }
    return range.contains(Int64(bound)) && range.contains(-Int64(bound)) ? bound : nil
  }
}

extension ScalarFunction {
  /// Whether the function adds, subtracts or multiplies in fewer than 64 bits.
  fileprivate var hasNarrowArithmetic: Bool {
    let arithmetic: Set<Opcode> = [Op.add.opcode, Op.subtract.opcode, Op.multiply.opcode]
    return instructions.contains { instruction in
      guard case .elementwise(let opcode) = instruction.operation else { return false }
      return arithmetic.contains(opcode) && instruction.type.isInteger && instruction.type != .i64
    }
  }
}
