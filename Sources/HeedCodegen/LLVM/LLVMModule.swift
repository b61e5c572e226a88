internal import CLLVM
internal import HeedIR

/// Functions that are compiled together, and the context that they live in.
package struct LLVMModule: ~Copyable {
  package let context: LLVMContext
  let reference: OpaquePointer

  /// An empty module laid out for `machine`.
  package init(_ name: String, for machine: borrowing LLVMMachine) {
    let context = LLVMContext()
    reference = LLVMModuleCreateWithNameInContext(name, context.reference)
    self.context = context
    LLVMSetTarget(reference, machine.target.triple)
    let layout = LLVMCreateTargetDataLayout(machine.reference)
    LLVMSetModuleDataLayout(reference, layout)
    LLVMDisposeTargetData(layout)
  }

  deinit { LLVMDisposeModule(reference) }

  /// A new function with no blocks yet.
  package func addFunction(_ name: String, _ type: LLVMType) -> LLVMFunction {
    LLVMFunction(LLVMAddFunction(reference, name, type.reference))
  }

  /// A function that is linked to the code: declared once.
  package func externalFunction(_ name: String, _ type: LLVMType) -> LLVMFunction {
    LLVMGetNamedFunction(reference, name).map { LLVMFunction($0) } ?? addFunction(name, type)
  }

  /// The intrinsic `name` for `types`, which must be one that LLVM has: `llvm.fmuladd` for `<16 x float>`.
  package func intrinsic(_ name: String, _ types: [LLVMType]) -> LLVMFunction {
    let identifier = LLVMLookupIntrinsicID(name, name.utf8.count)
    precondition(identifier != 0, "LLVM has no intrinsic '\(name)'")
    var list: [LLVMTypeRef?] = types.map(\.reference)
    return LLVMFunction(LLVMGetIntrinsicDeclaration(reference, identifier, &list, list.count))
  }

  /// The module as LLVM's text.
  package var text: String {
    let message = LLVMPrintModuleToString(reference)!
    defer { LLVMDisposeMessage(message) }
    return String(cString: message)
  }

  /// Checks the module.
  /// - Throws: LLVM's own words where the IR breaks a rule.
  package func verify() throws {
    var message: UnsafeMutablePointer<CChar>?
    let broken = LLVMVerifyModule(reference, LLVMReturnStatusAction, &message)
    defer { LLVMDisposeMessage(message) }
    guard broken == 0 else { throw HeedError("generated code is not valid: \(oneLine(message))") }
  }

  /// Runs a pass pipeline in the syntax of LLVM's `opt`: `function(sroa,early-cse)`.
  /// - Throws: where a pass has no such name.
  package func runPasses(_ pipeline: String, on machine: borrowing LLVMMachine) throws {
    let options = LLVMCreatePassBuilderOptions()
    defer { LLVMDisposePassBuilderOptions(options) }
    try check(LLVMRunPasses(reference, pipeline, machine.reference, options), "running LLVM's passes")
  }
}

/// Throws what an LLVM error says, prefixed by what was being done.
func check(_ error: LLVMErrorRef?, _ doing: String) throws {
  guard let error else { return }
  let message = LLVMGetErrorMessage(error)
  defer { LLVMDisposeErrorMessage(message) }
  throw HeedError("\(doing): \(oneLine(message))")
}

/// A message of LLVM's without its line breaks.
func oneLine(_ message: UnsafePointer<CChar>?) -> String {
  guard let message else { return "no message" }
  return String(cString: message).split(whereSeparator: \.isNewline).joined(separator: "; ")
}
