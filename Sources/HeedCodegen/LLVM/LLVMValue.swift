internal import CLLVM

/// A constant, an instruction's result, a parameter or a function; valid as long as its module.
package struct LLVMValue: Hashable {
  let reference: OpaquePointer

  init(_ reference: OpaquePointer) { self.reference = reference }

  package var type: LLVMType { LLVMType(LLVMTypeOf(reference)) }
  package var isConstant: Bool { LLVMIsConstant(reference) != 0 }

  /// The value of an integer constant; nil for anything else.
  package var integerConstant: Int? {
    LLVMIsAConstantInt(reference) == nil ? nil : Int(LLVMConstIntGetSExtValue(reference))
  }

  /// Names the value in printed IR.
  package func named(_ name: String) -> LLVMValue {
    LLVMSetValueName2(reference, name, name.utf8.count)
    return self
  }

  /// Adds an edge to a phi: `value` where control comes from `block`.
  package func addIncoming(_ value: LLVMValue, from block: LLVMBlock) {
    var (values, blocks): ([LLVMValueRef?], [LLVMBasicBlockRef?]) = ([value.reference], [block.reference])
    LLVMAddIncoming(reference, &values, &blocks, 1)
  }
}

/// A basic block of a function.
package struct LLVMBlock: Hashable {
  let reference: OpaquePointer

  init(_ reference: OpaquePointer) { self.reference = reference }

  /// Whether the block ends in a branch or a return already.
  package var isTerminated: Bool { LLVMGetBasicBlockTerminator(reference) != nil }
}

/// A function of a module.
package struct LLVMFunction: Hashable {
  let reference: OpaquePointer

  init(_ reference: OpaquePointer) { self.reference = reference }

  package var value: LLVMValue { LLVMValue(reference) }
  package var type: LLVMType { LLVMType(LLVMGlobalGetValueType(reference)) }
  package var parameterCount: Int { Int(LLVMCountParams(reference)) }
  package func parameter(_ index: Int) -> LLVMValue { LLVMValue(LLVMGetParam(reference, UInt32(index))) }

  package var entry: LLVMBlock { LLVMBlock(LLVMGetEntryBasicBlock(reference)) }

  /// A new block at the end of the function.
  package func appendBlock(_ name: String) -> LLVMBlock {
    let context = LLVMGetModuleContext(LLVMGetGlobalParent(reference))
    return LLVMBlock(LLVMAppendBasicBlockInContext(context, reference, name))
  }

  /// Adds an attribute that has no value: `nounwind` on the function, `noalias` on the parameter at an index.
  package func addAttribute(_ name: String, toParameter index: Int? = nil) {
    let kind = LLVMGetEnumAttributeKindForName(name, name.utf8.count)
    precondition(kind != 0, "LLVM has no attribute '\(name)'")
    let context = LLVMGetModuleContext(LLVMGetGlobalParent(reference))
    let place = index.map { UInt32($0 + 1) } ?? LLVMAttributeIndex(bitPattern: Int32(LLVMAttributeFunctionIndex))
    LLVMAddAttributeAtIndex(reference, place, LLVMCreateEnumAttribute(context, kind, 0))
  }

  /// Adds an attribute of the form `"key"="value"` to the function.
  package func addAttribute(key: String, value: String) {
    let context = LLVMGetModuleContext(LLVMGetGlobalParent(reference))
    let attribute = LLVMCreateStringAttribute(context, key, UInt32(key.utf8.count), value, UInt32(value.utf8.count))
    LLVMAddAttributeAtIndex(reference, LLVMAttributeIndex(bitPattern: Int32(LLVMAttributeFunctionIndex)), attribute)
  }

  /// Keeps the function to its own module, so that it can be inlined away.
  package func makePrivate() { LLVMSetLinkage(reference, LLVMPrivateLinkage) }
}
