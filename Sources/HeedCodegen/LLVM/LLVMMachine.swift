internal import CLLVM
package import HeedIR

/// LLVM's code generator for one target.
package struct LLVMMachine: ~Copyable {
  package let target: Target
  let reference: OpaquePointer

  /// - Throws: where this LLVM was built without the target's architecture.
  package init(_ target: Target) throws {
    Self.initializeTargets()
    var (description, message): (LLVMTargetRef?, UnsafeMutablePointer<CChar>?) = (nil, nil)
    guard LLVMGetTargetFromTriple(target.triple, &description, &message) == 0, let description else {
      defer { LLVMDisposeMessage(message) }
      throw HeedError("LLVM \(llvmVersion()) cannot generate code for \(target.name): \(oneLine(message))")
    }
    self.target = target
    reference = LLVMCreateTargetMachine(
      description, target.triple, target.cpu, target.llvmFeatures, LLVMCodeGenLevelDefault, LLVMRelocPIC, LLVMCodeModelDefault)
  }

  deinit { LLVMDisposeTargetMachine(reference) }

  /// What a module is emitted as.
  package enum OutputKind { case object, assembly }

  /// The module as an object file or as assembly text. The module is not to be used afterwards.
  package func emit(_ module: borrowing LLVMModule, as kind: OutputKind) throws -> [UInt8] {
    var (buffer, message): (LLVMMemoryBufferRef?, UnsafeMutablePointer<CChar>?) = (nil, nil)
    let type = kind == .object ? LLVMObjectFile : LLVMAssemblyFile
    guard LLVMTargetMachineEmitToMemoryBuffer(reference, module.reference, type, &message, &buffer) == 0, let buffer else {
      defer { LLVMDisposeMessage(message) }
      throw HeedError("generating code for \(target.name): \(oneLine(message))")
    }
    defer { LLVMDisposeMemoryBuffer(buffer) }
    return Array(UnsafeRawBufferPointer(start: LLVMGetBufferStart(buffer), count: LLVMGetBufferSize(buffer)))
  }

  /// Registers the architectures with LLVM, once.
  static func initializeTargets() { registered }

  private static let registered: Void = {
    LLVMInitializeX86TargetInfo()
    LLVMInitializeX86Target()
    LLVMInitializeX86TargetMC()
    LLVMInitializeX86AsmPrinter()
    LLVMInitializeAArch64TargetInfo()
    LLVMInitializeAArch64Target()
    LLVMInitializeAArch64TargetMC()
    LLVMInitializeAArch64AsmPrinter()
  }()
}
