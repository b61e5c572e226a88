internal import CLLVM
internal import HeedIR

/// Object code linked into this process. The code goes when the loader goes.
package struct LLVMObjectLoader: ~Copyable {
  private let jit: OpaquePointer

  /// A loader of the code in `objects`.
  /// - Throws: where an object is damaged or names a symbol twice.
  package init(objects: [[UInt8]]) throws {
    LLVMMachine.initializeTargets()
    var created: LLVMOrcLLJITRef?
    try check(LLVMOrcCreateLLJIT(&created, nil), "starting LLVM's linker")
    let jit = created!
    // Errors reach the caller through `check`; the session's own report of them would be a second line on stderr.
    LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(jit), { _, error in LLVMConsumeError(error) }, nil)
    do {
      for bytes in objects {
        let buffer = bytes.withUnsafeBytes {
          LLVMCreateMemoryBufferWithMemoryRangeCopy($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, "object")
        }
        try check(LLVMOrcLLJITAddObjectFile(jit, LLVMOrcLLJITGetMainJITDylib(jit), buffer), "loading object code")
      }
    } catch {
      LLVMConsumeError(LLVMOrcDisposeLLJIT(jit))
      throw error
    }
    self.jit = jit
  }

  deinit { LLVMConsumeError(LLVMOrcDisposeLLJIT(jit)) }

  /// The address of the function called `name`.
  /// - Throws: where no object has it, or its object cannot be linked.
  package func address(of name: String) throws -> UnsafeRawPointer {
    var address: LLVMOrcExecutorAddress = 0
    try check(LLVMOrcLLJITLookup(jit, &address, name), "linking '\(name)'")
    guard let pointer = UnsafeRawPointer(bitPattern: UInt(address)) else {
      throw HeedError("linking '\(name)': it has no address")
    }
    return pointer
  }
}
