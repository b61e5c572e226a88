internal import HeedIR

/// The primitive elementwise ops: those that code generation has instructions for. All others are expanded into these.
///
/// Each acts on scalars or on vectors alike. 16-bit floats come as f32; the caller rounds the result.
struct PrimitiveOp: Sendable {
  /// Emits the op for operands of one register type each.
  let emit: @Sendable (_ emitter: Emitter, _ operands: [LLVMValue], _ element: ElementType) -> LLVMValue

  /// The primitive that `op` is, or nil where it is not one.
  static func of(_ op: Op) -> PrimitiveOp? { table[op] }

  private static let table: [Op: PrimitiveOp] = [
    .add: binary { $0.add($1, $2) },
    .subtract: binary { $0.subtract($1, $2) },
    .multiply: binary { $0.multiply($1, $2) },
    .divide: PrimitiveOp { $2.isFloat ? $0.builder.divide($1[0], $1[1]) : $0.floorDivision($1[0], $1[1], $2).quotient },
    .remainder: PrimitiveOp { $2.isFloat ? $0.floatRemainder($1[0], $1[1]) : $0.floorDivision($1[0], $1[1], $2).remainder },
    .minimum: PrimitiveOp { $0.builder.select($0.compare($1[0], .less, $1[1], $2), $1[0], $1[1]) },
    .maximum: PrimitiveOp { $0.builder.select($0.compare($1[0], .greater, $1[1], $2), $1[0], $1[1]) },
    .fusedMultiplyAdd: PrimitiveOp { emitter, operands, _ in emitter.multiplyAdd(operands[0], operands[1], operands[2]) },
    .negate: PrimitiveOp { emitter, operands, _ in emitter.builder.negate(operands[0]) },
    .absolute: PrimitiveOp { $0.absolute($1[0], $2) },
    .sqrt: PrimitiveOp { emitter, operands, _ in emitter.call("llvm.sqrt", [operands[0].type], operands) },
    .floor: PrimitiveOp { emitter, operands, _ in emitter.floor(operands[0]) },
    .ceil: PrimitiveOp { emitter, operands, _ in emitter.builder.negate(emitter.floor(emitter.builder.negate(operands[0]))) },
    .round: PrimitiveOp { emitter, operands, _ in emitter.roundToEven(operands[0]) },
    .not: PrimitiveOp { emitter, operands, _ in emitter.builder.not(operands[0]) },
    .and: binary { $0.and($1, $2) },
    .or: binary { $0.or($1, $2) },
    .xor: binary { $0.exclusiveOr($1, $2) },
    .shiftLeft: PrimitiveOp { emitter, operands, _ in
      emitter.shift(operands[0], operands[1], whenTooFar: operands[0].type.zero) { emitter.builder.shiftLeft($0, $1) }
    },
    .shiftRight: PrimitiveOp { $0.shiftRight($1[0], $1[1], $2) },
    .less: comparison(.less),
    .lessEqual: comparison(.lessEqual),
    .greater: comparison(.greater),
    .greaterEqual: comparison(.greaterEqual),
    .equal: comparison(.equal),
    .notEqual: comparison(.notEqual),
    .stopGradient: PrimitiveOp { _, operands, _ in operands[0] },
    .select: PrimitiveOp { emitter, operands, _ in emitter.builder.select(operands[0], operands[1], operands[2]) },
  ]

  private static func binary(
    _ emit: @escaping @Sendable (borrowing LLVMBuilder, LLVMValue, LLVMValue) -> LLVMValue
  ) -> PrimitiveOp { PrimitiveOp { emitter, operands, _ in emit(emitter.builder, operands[0], operands[1]) } }

  private static func comparison(_ comparison: LLVMComparison) -> PrimitiveOp {
    PrimitiveOp { $0.compare($1[0], comparison, $1[1], $2) }
  }
}

extension Emitter {
  /// A comparison of elements; u8 and bool are unsigned.
  func compare(_ a: LLVMValue, _ comparison: LLVMComparison, _ b: LLVMValue, _ element: ElementType) -> LLVMValue {
    switch element {
    case .u8, .bool: builder.compareUnsigned(a, comparison, b)
    default: builder.compare(a, comparison, b)
    }
  }

  func absolute(_ a: LLVMValue, _ element: ElementType) -> LLVMValue {
    if element.isFloat { return call("llvm.fabs", [a.type], [a]) }
    return element == .u8 ? a : call("llvm.abs", [a.type], [a, truth.constant(0)])
  }

  // MARK: Division

  /// The quotient rounded down and the remainder of the divisor's sign; both 0 where the divisor is 0.
  func floorDivision(_ a: LLVMValue, _ b: LLVMValue, _ element: ElementType) -> (quotient: LLVMValue, remainder: LLVMValue) {
    let (zero, one) = (a.type.zero, a.type.constant(1))
    let isZero = builder.compare(b, .equal, zero)
    let divisor = builder.select(isZero, one, b)
    if element == .u8 {
      let quotient = builder.divideUnsigned(a, divisor)
      let remainder = builder.subtract(a, builder.multiply(quotient, divisor))
      return (builder.select(isZero, zero, quotient), builder.select(isZero, zero, remainder))
    }
    // The least integer divided by -1 leaves the type, which LLVM does not define: negate instead, which wraps.
    let isMinusOne = builder.compare(b, .equal, a.type.constant(-1))
    let safe = builder.select(isMinusOne, one, divisor)
    let truncated = builder.divide(a, safe)
    let rest = builder.subtract(a, builder.multiply(truncated, safe))
    let isUneven = builder.compare(rest, .notEqual, zero)
    let signsDiffer = builder.compare(builder.exclusiveOr(rest, safe), .less, zero)
    let adjusts = builder.and(isUneven, signsDiffer)
    let quotient = builder.select(adjusts, builder.subtract(truncated, one), truncated)
    let remainder = builder.select(adjusts, builder.add(rest, safe), rest)
    return (
      builder.select(isZero, zero, builder.select(isMinusOne, builder.negate(a), quotient)), builder.select(isZero, zero, remainder)
    )
  }

  /// The remainder that has the sign of the divisor.
  func floatRemainder(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue {
    let rest = builder.remainder(a, b)
    let zero = a.type.zero
    let isUneven = builder.compare(rest, .notEqual, zero)
    let signsDiffer = builder.exclusiveOr(builder.compare(rest, .less, zero), builder.compare(b, .less, zero))
    return builder.select(builder.and(isUneven, signsDiffer), builder.add(rest, b), rest)
  }

  // MARK: Shifts

  /// A shift, or `whenTooFar` where the count is not in 0 ..< bits.
  func shift(
    _ a: LLVMValue, _ count: LLVMValue, whenTooFar: LLVMValue, _ emit: (LLVMValue, LLVMValue) -> LLVMValue
  ) -> LLVMValue {
    let bits = a.type.constant(a.type.lane.integerBits)
    let isInside = builder.compareUnsigned(count, .less, bits)
    return builder.select(isInside, emit(a, builder.select(isInside, count, a.type.zero)), whenTooFar)
  }

  /// The shift that keeps the sign; u8 shifts zeros in.
  func shiftRight(_ a: LLVMValue, _ count: LLVMValue, _ element: ElementType) -> LLVMValue {
    if element == .u8 { return shift(a, count, whenTooFar: a.type.zero) { builder.shiftRightUnsigned($0, $1) } }
    let sign = builder.shiftRight(a, a.type.constant(a.type.lane.integerBits - 1))
    return shift(a, count, whenTooFar: sign) { builder.shiftRight($0, $1) }
  }

  // MARK: Conversion

  /// An element of another type: floats round, integers wrap, a float becomes an integer by dropping its fraction, held to the
  /// type's range, NaN as 0.
  func convert(_ value: LLVMValue, from source: ElementType, to result: ElementType) -> LLVMValue {
    if source == result { return value }
    let type = registerType(result, value.type.laneCount)
    switch (source.isFloat, result.isFloat) {
    case (true, true):
      let (wide, narrow) = (source == .f64, result == .f64)
      let same = wide == narrow ? value : narrow ? builder.floatExtend(value, to: type) : builder.floatTruncate(value, to: type)
      return rounded(same, to: result)
    case (false, true):
      let isUnsigned = source == .u8 || source == .bool
      return rounded(isUnsigned ? builder.unsignedToFloat(value, to: type) : builder.signedToFloat(value, to: type), to: result)
    case (true, false):
      if result == .bool { return builder.compare(value, .notEqual, value.type.zero) }
      return saturated(value, to: result)
    case (false, false):
      if result == .bool { return builder.compare(value, .notEqual, value.type.zero) }
      let (from, to) = (value.type.lane.integerBits, type.lane.integerBits)
      if from == to { return value }
      if from > to { return builder.truncate(value, to: type) }
      return source == .u8 || source == .bool ? builder.extendUnsigned(value, to: type) : builder.extendSigned(value, to: type)
    }
  }

  /// The integer part of a float, held to the range of an integer type; 0 for NaN.
  private func saturated(_ value: LLVMValue, to element: ElementType) -> LLVMValue {
    let type = registerType(element, value.type.laneCount)
    let range = element.integerRange
    // Both ends are powers of two, or one less: the float above the upper one is the first that does not fit.
    let (least, beyond) = (value.type.constant(Double(range.lowerBound)), value.type.constant(Double(range.upperBound / 2 + 1) * 2))
    // The conversion's result outside the range is replaced below.
    var result = element == .u8 ? builder.floatToUnsigned(value, to: type) : builder.floatToSigned(value, to: type)
    result = builder.select(builder.compare(value, .less, least), type.constant(Int(range.lowerBound)), result)
    result = builder.select(builder.compare(value, .greaterEqual, beyond), type.constant(Int(range.upperBound)), result)
    return builder.select(builder.isUnordered(value, value), type.zero, result)
  }

  /// The bits of an element read as another type of the same size.
  func bitCast(_ value: LLVMValue, from source: ElementType, to result: ElementType) -> LLVMValue {
    let bits = toMemory(value, source)
    return fromMemory(builder.bitCast(bits, to: memoryType(result, value.type.laneCount)), result)
  }
}
