extension InstructionSet {
  /// Rounding to whole numbers: SSE 4.1 and what follows it, and NEON.
  static let rounding = InstructionSet("rounding", [.rounding]) { operations in
    operations.roundToEven = { emitter, a in emitter.call("llvm.roundeven", [a.type], [a]) }
    operations.floor = { emitter, a in emitter.call("llvm.floor", [a.type], [a]) }
  }
}
