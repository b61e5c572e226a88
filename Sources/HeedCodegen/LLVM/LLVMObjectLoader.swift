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
    do {
      try Self.add(objects, to: jit)
    } catch {
      LLVMConsumeError(LLVMOrcDisposeLLJIT(jit))
      throw error
    }
    self.jit = jit
  }

  deinit { LLVMConsumeError(LLVMOrcDisposeLLJIT(jit)) }

  /// The address of the function called `name`.
  /// - Throws: where no object has it, or its object cannot be linked.
  package func address(of name: String) throws -> UnsafeRawPointer { try Self.address(of: name, in: jit) }

  private static func add(_ objects: [[UInt8]], to jit: OpaquePointer) throws {
    // Errors reach the caller through `check`; the session's own report of them would be a second line on stderr.
    LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(jit), { _, error in LLVMConsumeError(error) }, nil)
    for (number, bytes) in objects.enumerated() {
      // The linker names what it adds to an object after the object.
      let buffer = bytes.withUnsafeBytes {
        LLVMCreateMemoryBufferWithMemoryRangeCopy($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, "object.\(number)")
      }
      try check(LLVMOrcLLJITAddObjectFile(jit, LLVMOrcLLJITGetMainJITDylib(jit), buffer), "loading object code")
    }
    guard PerfMap.isWanted else { return }
    let symbols = try objects.flatMap(objectSymbols)
    PerfMap.add(try symbols.map { (UInt(bitPattern: try address(of: $0.name, in: jit)), $0.byteCount, $0.name) })
  }

  private static func address(of name: String, in jit: OpaquePointer) throws -> UnsafeRawPointer {
    var address: LLVMOrcExecutorAddress = 0
    try check(LLVMOrcLLJITLookup(jit, &address, name), "linking '\(name)'")
    guard let pointer = UnsafeRawPointer(bitPattern: UInt(address)) else {
      throw HeedError("linking '\(name)': it has no address")
    }
    return pointer
  }
}
