/// Vector accesses that leave lanes out. For targets that have them.
extension Emitter {
  /// The lanes of a vector whose bit is set; 0 in the others.
  func maskedLoad(_ type: LLVMType, _ pointer: LLVMValue, _ mask: LLVMValue, alignment: Int) -> LLVMValue {
    let function = module.intrinsic("llvm.masked.load", [type, self.pointer])
    // Newer versions of LLVM know the alignment from an attribute of the pointer.
    if function.parameterCount == 3 {
      return builder.call(function, [pointer, mask, type.zero], alignment: alignment, ofArgument: 0)
    }
    return builder.call(function, [pointer, int32.constant(alignment), mask, type.zero])
  }

  func maskedStore(_ value: LLVMValue, _ pointer: LLVMValue, _ mask: LLVMValue, alignment: Int) {
    let function = module.intrinsic("llvm.masked.store", [value.type, self.pointer])
    if function.parameterCount == 3 {
      _ = builder.call(function, [value, pointer, mask], alignment: alignment, ofArgument: 1)
    } else {
      _ = builder.call(function, [value, pointer, int32.constant(alignment), mask])
    }
  }

  /// A bit for each lane: set in the first `count`.
  func firstLanes(_ count: LLVMValue, _ lanes: Int) -> LLVMValue {
    let limit = builder.broadcast(builder.truncate(count, to: int32), lanes)
    return builder.compareUnsigned(laneNumbers(lanes, int32), .less, limit)
  }
}
