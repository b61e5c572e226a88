internal import HeedIR

/// The operations for which processors differ, as functions that emit them.
///
/// Operands are scalars or vectors of one type, unless an operation says otherwise.
struct TargetOperations: Sendable {
  /// Emits an operation of one operand.
  typealias Unary = @Sendable (_ emitter: Emitter, _ a: LLVMValue) -> LLVMValue
  /// Emits an operation of three operands.
  typealias Ternary = @Sendable (_ emitter: Emitter, _ a: LLVMValue, _ b: LLVMValue, _ c: LLVMValue) -> LLVMValue
  /// Emits 2^x, as `exp2` says.
  typealias Exponential =
    @Sendable (_ emitter: Emitter, _ x: LLVMValue, _ element: ElementType, _ isCoarse: Bool) -> LLVMValue?

  /// `a * b + c` of floats, rounded once or twice.
  var multiplyAdd: Ternary
  /// The whole number nearest to a float, ties to even.
  var roundToEven: Unary
  /// The greatest whole number that is not above a float.
  var floor: Unary
  /// The bits of an f32 rounded to bf16, to nearest, ties to even. A NaN stays one.
  var roundToBFloat16: Unary
  /// `c + a0 * b0 + a1 * b1` for each lane of f32, from pairs of bf16 as 32-bit integers, the first element in the low half.
  var multiplyPairs: Ternary
  /// 2 to the power of a float; nil where the expansion into plain arithmetic is as good.
  ///
  /// A result that `isCoarse` is only ever rounded to bf16: a relative error of 1e-4 is enough then, a twentieth of what rounding
  /// adds.
  var exp2: Exponential

  /// The operations of `target`: those of the baseline, where none of the target's instruction sets replaces them.
  init(for target: Target) {
    self = .baseline
    for set in InstructionSet.of(target) { set.replaceOperations(&self) }
  }

  /// All operations, one by one.
  init(
    multiplyAdd: @escaping Ternary, roundToEven: @escaping Unary, floor: @escaping Unary, roundToBFloat16: @escaping Unary,
    multiplyPairs: @escaping Ternary, exp2: @escaping Exponential
  ) {
    (self.multiplyAdd, self.roundToEven, self.floor) = (multiplyAdd, roundToEven, floor)
    (self.roundToBFloat16, self.multiplyPairs, self.exp2) = (roundToBFloat16, multiplyPairs, exp2)
  }
}

/// The operations of the emitter's target.
extension Emitter {
  /// `a * b + c`: one instruction rounded once where the target has it, else two.
  func multiplyAdd(_ a: LLVMValue, _ b: LLVMValue, _ c: LLVMValue) -> LLVMValue { operations.multiplyAdd(self, a, b, c) }

  /// The nearest whole number, ties to even.
  func roundToEven(_ a: LLVMValue) -> LLVMValue { operations.roundToEven(self, a) }

  /// The greatest whole number that is not above.
  func floor(_ a: LLVMValue) -> LLVMValue { operations.floor(self, a) }

  /// `sum + a0 * b0 + a1 * b1`, for each lane of f32, from pairs of bf16 as 32-bit integers, the first element in the low half.
  func pairMultiplyAdd(_ a: LLVMValue, _ b: LLVMValue, _ sum: LLVMValue) -> LLVMValue {
    operations.multiplyPairs(self, a, b, sum)
  }

  /// 2 to the power of a float; nil where the target has no instructions for it, so that it is expanded.
  func exp2(_ x: LLVMValue, _ element: ElementType, isCoarse: Bool) -> LLVMValue? { operations.exp2(self, x, element, isCoarse) }
}
