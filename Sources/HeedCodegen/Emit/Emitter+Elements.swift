internal import HeedIR

/// Element types in registers and in memory.
///
/// 16-bit floats are held as f32 that the narrow type can represent; a bool is one bit in a register and a byte, 0 or 1, in memory.
extension Emitter {
  /// The type that holds `lanes` elements in registers; a scalar for one lane.
  func registerType(_ element: ElementType, _ lanes: Int) -> LLVMType {
    let lane: LLVMType =
      switch element {
      case .f64: module.context.double
      case .f32, .f16, .bf16: module.context.float
      case .i64: int64
      case .i32: int32
      case .i8, .u8: module.context.integer(8)
      case .bool: truth
      }
    return lanes == 1 ? lane : lane.vector(lanes)
  }

  /// The type of `lanes` consecutive elements in memory; a scalar for one lane.
  func memoryType(_ element: ElementType, _ lanes: Int) -> LLVMType {
    let lane: LLVMType =
      switch element {
      case .f16: module.context.half
      case .bf16: module.context.integer(16)
      case .bool: module.context.integer(8)
      case .f64, .f32, .i64, .i32, .i8, .u8: registerType(element, 1)
      }
    return lanes == 1 ? lane : lane.vector(lanes)
  }

  /// What was loaded as `memoryType`, as `registerType`.
  func fromMemory(_ value: LLVMValue, _ element: ElementType) -> LLVMValue {
    let type = registerType(element, value.type.laneCount)
    switch element {
    case .f16: return remember(builder.floatExtend(value, to: type), is: value, element)
    case .bf16:
      let wide = like(value.type, int32)
      let bits = builder.shiftLeft(builder.extendUnsigned(value, to: wide), wide.constant(16))
      return remember(builder.bitCast(bits, to: type), is: value, element)
    case .bool: return builder.compare(value, .notEqual, value.type.zero)
    case .f64, .f32, .i64, .i32, .i8, .u8: return value
    }
  }

  /// Notes the 16-bit float that a value in a register was made from: a copy stores it again bit by bit.
  private func remember(_ value: LLVMValue, is stored: LLVMValue, _ element: ElementType) -> LLVMValue {
    if !value.isConstant { storedForms[value] = (stored, element) }
    return value
  }

  /// A value of `registerType` as it is stored: 16-bit floats round to nearest, ties to even.
  func toMemory(_ value: LLVMValue, _ element: ElementType) -> LLVMValue {
    let type = memoryType(element, value.type.laneCount)
    if let form = storedForms[value], form.element == element { return form.value }
    switch element {
    case .f16: return builder.floatTruncate(value, to: type)
    case .bf16: return operations.roundToBFloat16(self, value)
    case .bool: return builder.extendUnsigned(value, to: type)
    case .f64, .f32, .i64, .i32, .i8, .u8: return value
    }
  }

  /// A result computed in f32 rounded to the 16-bit float type `element`; any other type as it is.
  func rounded(_ value: LLVMValue, to element: ElementType) -> LLVMValue {
    element != element.computed ? fromMemory(toMemory(value, element), element) : value
  }

  /// `lane`, as a vector with the number of lanes of `shape`.
  func like(_ shape: LLVMType, _ lane: LLVMType) -> LLVMType { shape.isVector ? lane.vector(shape.laneCount) : lane }

  /// The constant `literal` as it is stored, one lane.
  func storedConstant(_ literal: Literal, _ element: ElementType) -> LLVMValue { toMemory(constant(literal, element), element) }

  /// The constant `literal` of an element type, one lane.
  func constant(_ literal: Literal, _ element: ElementType) -> LLVMValue {
    let type = registerType(element, 1)
    return element.isFloat ? type.constant(literal.real) : type.constant(Int(literal.integer))
  }
}
