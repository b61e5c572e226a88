internal import CLLVM

/// A type of LLVM's, valid as long as its context.
package struct LLVMType: Hashable {
  let reference: OpaquePointer

  init(_ reference: OpaquePointer) { self.reference = reference }

  /// The type of a function from `parameters` to `result`.
  package static func function(_ parameters: [LLVMType], to result: LLVMType) -> LLVMType {
    var list: [LLVMTypeRef?] = parameters.map(\.reference)
    return LLVMType(LLVMFunctionType(result.reference, &list, UInt32(list.count), 0))
  }

  /// The vector of `count` elements of this type.
  package func vector(_ count: Int) -> LLVMType { LLVMType(LLVMVectorType(reference, UInt32(count))) }

  /// The array of `count` elements of this type.
  package func array(_ count: Int) -> LLVMType { LLVMType(LLVMArrayType2(reference, UInt64(count))) }

  private var kind: LLVMTypeKind { LLVMGetTypeKind(reference) }

  package var isVector: Bool { kind == LLVMVectorTypeKind }
  /// The number of lanes of a vector; 1 for any other type.
  package var laneCount: Int { isVector ? Int(LLVMGetVectorSize(reference)) : 1 }
  /// The element type of a vector; any other type itself.
  package var lane: LLVMType { isVector ? LLVMType(LLVMGetElementType(reference)) : self }
  /// The bits of an integer type.
  package var integerBits: Int { Int(LLVMGetIntTypeWidth(reference)) }
  /// The bits of an integer or floating-point type.
  package var bitCount: Int {
    switch kind {
    case LLVMDoubleTypeKind: 64
    case LLVMFloatTypeKind: 32
    case LLVMHalfTypeKind, LLVMBFloatTypeKind: 16
    default: integerBits
    }
  }
  /// Whether this is a floating-point type or a vector of one.
  package var isFloat: Bool {
    let kind = lane.kind
    return kind == LLVMFloatTypeKind || kind == LLVMDoubleTypeKind || kind == LLVMHalfTypeKind || kind == LLVMBFloatTypeKind
  }

  /// The zero of this type: 0, +0.0, null, or a vector of them.
  package var zero: LLVMValue { LLVMValue(LLVMConstNull(reference)) }
  /// A value that must not be looked at: what a vector holds before its lanes are inserted.
  package var poison: LLVMValue { LLVMValue(LLVMGetPoison(reference)) }

  /// The integer `value` of this type, in every lane of a vector.
  package func constant(_ value: Int) -> LLVMValue {
    splat(LLVMValue(LLVMConstInt(lane.reference, UInt64(bitPattern: Int64(value)), 1)))
  }

  /// The number nearest to `value` of this floating-point type, in every lane of a vector.
  package func constant(_ value: Double) -> LLVMValue { splat(LLVMValue(LLVMConstReal(lane.reference, value))) }

  /// The constant vector of these lanes.
  package static func vector(of lanes: [LLVMValue]) -> LLVMValue {
    var list: [LLVMValueRef?] = lanes.map(\.reference)
    return LLVMValue(LLVMConstVector(&list, UInt32(list.count)))
  }

  private func splat(_ scalar: LLVMValue) -> LLVMValue {
    isVector ? LLVMType.vector(of: Array(repeating: scalar, count: laneCount)) : scalar
  }
}
