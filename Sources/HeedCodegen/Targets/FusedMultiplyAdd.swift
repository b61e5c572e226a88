extension InstructionSet {
  /// Fused multiply-add: FMA3 of x86, and what NEON has.
  static let fma = InstructionSet("fma", [.fma]) { operations in
    operations.multiplyAdd = { emitter, a, b, c in emitter.call("llvm.fma", [a.type], [a, b, c]) }
  }
}
