internal import CLLVM

/// What types and constants belong to: one context a compilation, used by one thread at a time.
package struct LLVMContext: ~Copyable {
  let reference: OpaquePointer

  package init() { reference = LLVMContextCreate() }

  deinit { LLVMContextDispose(reference) }

  package var void: LLVMType { LLVMType(LLVMVoidTypeInContext(reference)) }
  package var pointer: LLVMType { LLVMType(LLVMPointerTypeInContext(reference, 0)) }
  package var float: LLVMType { LLVMType(LLVMFloatTypeInContext(reference)) }
  package var double: LLVMType { LLVMType(LLVMDoubleTypeInContext(reference)) }
  package var half: LLVMType { LLVMType(LLVMHalfTypeInContext(reference)) }
  package var bfloat: LLVMType { LLVMType(LLVMBFloatTypeInContext(reference)) }

  /// The integer type of `bits` bits; 1 bit is a truth value.
  package func integer(_ bits: Int) -> LLVMType { LLVMType(LLVMIntTypeInContext(reference, UInt32(bits))) }
}

/// The version of LLVM that this process runs with: `19.1.7`.
package func llvmVersion() -> String {
  var (major, minor, patch): (UInt32, UInt32, UInt32) = (0, 0, 0)
  LLVMGetVersion(&major, &minor, &patch)
  return "\(major).\(minor).\(patch)"
}
