internal import CLLVM
internal import HeedIR

/// Object code linked into this process. The code goes when the loader goes.
package struct LLVMObjectLoader: ~Copyable {
  private let jit: OpaquePointer
  private let causes: LinkerMessages

  /// A loader of the code in `objects`.
  /// - Throws: where an object is damaged or names a symbol twice.
  package init(objects: [[UInt8]]) throws {
    LLVMMachine.initializeTargets()
    var created: LLVMOrcLLJITRef?
    try check(LLVMOrcCreateLLJIT(&created, nil), "starting LLVM's linker")
    let (jit, causes) = (created!, LinkerMessages())
    do {
      try Self.add(objects, to: jit, causes)
    } catch {
      LLVMConsumeError(LLVMOrcDisposeLLJIT(jit))
      throw error
    }
    (self.jit, self.causes) = (jit, causes)
  }

  deinit { LLVMConsumeError(LLVMOrcDisposeLLJIT(jit)) }

  /// The address of the function called `name`.
  /// - Throws: where no object has it, or its object cannot be linked.
  package func address(of name: String) throws -> UnsafeRawPointer { try Self.address(of: name, in: jit, causes) }

  private static func add(_ objects: [[UInt8]], to jit: OpaquePointer, _ causes: LinkerMessages) throws {
    // What fails reaches the caller through `check`, which only says that a symbol is not there; why is what the session reports.
    LLVMOrcExecutionSessionSetErrorReporter(
      LLVMOrcLLJITGetExecutionSession(jit),
      { causes, error in
        let message = LLVMGetErrorMessage(error)
        Unmanaged<LinkerMessages>.fromOpaque(causes!).takeUnretainedValue().add(oneLine(message))
        LLVMDisposeErrorMessage(message)
      }, Unmanaged.passUnretained(causes).toOpaque())
    for (number, bytes) in objects.enumerated() {
      // The linker names what it adds to an object after the object.
      let buffer = bytes.withUnsafeBytes {
        LLVMCreateMemoryBufferWithMemoryRangeCopy($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, "object.\(number)")
      }
      try check(LLVMOrcLLJITAddObjectFile(jit, LLVMOrcLLJITGetMainJITDylib(jit), buffer), "loading object code")
    }
    guard PerfMap.isWanted else { return }
    let symbols = try objects.flatMap(objectSymbols)
    PerfMap.add(try symbols.map { (UInt(bitPattern: try address(of: $0.name, in: jit, causes)), $0.byteCount, $0.name) })
  }

  private static func address(of name: String, in jit: OpaquePointer, _ causes: LinkerMessages) throws -> UnsafeRawPointer {
    var address: LLVMOrcExecutorAddress = 0
    do { try check(LLVMOrcLLJITLookup(jit, &address, name), "linking '\(name)'") } catch {
      throw causes.first.map { HeedError("linking '\(name)': \($0)") } ?? error
    }
    guard let pointer = UnsafeRawPointer(bitPattern: UInt(address)) else {
      throw HeedError("linking '\(name)': it has no address")
    }
    return pointer
  }
}

/// What the linker said of what it could not do.
private final class LinkerMessages: Sendable {
  private let messages = Lock<[String]>([])

  func add(_ message: String) { messages.withLock { $0.append(message) } }

  /// The first message; nil where there was none.
  var first: String? { messages.withLock { $0.first } }
}
