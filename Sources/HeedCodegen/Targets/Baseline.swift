internal import HeedIR

extension TargetOperations {
  /// What every processor can: the operations in plain arithmetic on vectors.
  static let baseline = TargetOperations(
    multiplyAdd: { emitter, a, b, c in emitter.builder.add(emitter.builder.multiply(a, b), c) },
    roundToEven: { emitter, a in emitter.roundedByAdding(a) },
    floor: { emitter, a in emitter.flooredByComparing(a) },
    roundToBFloat16: { emitter, value in emitter.highBitsRounded(value) },
    multiplyPairs: { emitter, a, b, sum in emitter.multiplyAddWidened(a, b, sum) },
    exp2: { _, _, _, _ in nil })
}

extension Emitter {
  /// The nearest whole number. From 2^23 (2^52) on every float is whole. Below, adding and taking away that number rounds.
  fileprivate func roundedByAdding(_ a: LLVMValue) -> LLVMValue {
    let isDouble = a.type.lane == module.context.double
    let magic = a.type.constant(isDouble ? 0x1p52 : 0x1p23)
    let magnitude = call("llvm.fabs", [a.type], [a])
    let whole = builder.subtract(builder.add(magnitude, magic), magic)
    let signed = call("llvm.copysign", [a.type], [whole, a])
    return builder.select(builder.compare(magnitude, .less, magic), signed, a)
  }

  /// The nearest whole number, or the one below where that is above.
  fileprivate func flooredByComparing(_ a: LLVMValue) -> LLVMValue {
    let nearest = roundToEven(a)
    let lower = builder.subtract(nearest, a.type.constant(1.0))
    return builder.select(builder.compare(nearest, .greater, a), lower, nearest)
  }

  /// The high half of an f32's bits, rounded by the low half.
  fileprivate func highBitsRounded(_ value: LLVMValue) -> LLVMValue {
    let wide = like(value.type, int32)
    let bits = builder.bitCast(value, to: wide)
    let high = builder.shiftRightUnsigned(bits, wide.constant(16))
    let odd = builder.and(high, wide.constant(1))
    let rounded = builder.shiftRightUnsigned(builder.add(builder.add(bits, odd), wide.constant(0x7fff)), wide.constant(16))
    // Rounding must not carry a NaN into infinity: a NaN keeps its high bits and becomes quiet.
    let quiet = builder.or(high, wide.constant(0x40))
    let type = memoryType(.bf16, value.type.laneCount)
    return builder.truncate(builder.select(builder.isUnordered(value, value), quiet, rounded), to: type)
  }

  /// `sum + a0 * b0 + a1 * b1`, each element widened to f32.
  fileprivate func multiplyAddWidened(_ a: LLVMValue, _ b: LLVMValue, _ sum: LLVMValue) -> LLVMValue {
    func elements(_ pairs: LLVMValue) -> (first: LLVMValue, second: LLVMValue) {
      let low = builder.shiftLeft(pairs, pairs.type.constant(16))
      let high = builder.and(pairs, pairs.type.constant(-1 << 16))
      return (builder.bitCast(low, to: sum.type), builder.bitCast(high, to: sum.type))
    }
    let (x, y) = (elements(a), elements(b))
    return multiplyAdd(x.second, y.second, multiplyAdd(x.first, y.first, sum))
  }
}
