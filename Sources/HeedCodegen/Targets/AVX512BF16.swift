internal import HeedIR

extension InstructionSet {
  /// The AVX-512 subset BF16: products of pairs, and rounding to bf16.
  static let avx512BF16 = InstructionSet("avx512-bf16", on: .x86, [.bfloat16Products]) { operations in
    let widened = operations.multiplyPairs
    operations.multiplyPairs = { emitter, a, b, sum in
      let isFull = sum.type.laneCount == emitter.target.lanes(of: .f32)
      return isFull ? emitter.dotProductsOfPairs(a, b, sum) : widened(emitter, a, b, sum)
    }
    operations.roundToBFloat16 = { emitter, value in emitter.truncatedToBFloat16(value) }
  }
}

extension Emitter {
  /// The instruction for a full vector of sums. It rounds after each product to nearest and takes denormal numbers as 0.
  fileprivate func dotProductsOfPairs(_ a: LLVMValue, _ b: LLVMValue, _ sum: LLVMValue) -> LLVMValue {
    let pairs = module.context.bfloat.vector(2 * sum.type.laneCount)
    return call("llvm.x86.avx512bf16.dpbf16ps.512", [], [sum, builder.bitCast(a, to: pairs), builder.bitCast(b, to: pairs)])
  }

  /// The conversion, which LLVM makes one instruction. It takes and returns numbers below the least normal one as 0.
  fileprivate func truncatedToBFloat16(_ value: LLVMValue) -> LLVMValue {
    let narrow = like(value.type, module.context.bfloat)
    return builder.bitCast(builder.floatTruncate(value, to: narrow), to: memoryType(.bf16, value.type.laneCount))
  }
}
