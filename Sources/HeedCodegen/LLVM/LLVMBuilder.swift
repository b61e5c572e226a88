internal import CLLVM

/// Appends instructions to a block. Operands of one instruction have one type; LLVM's verifier checks the rest.
package struct LLVMBuilder: ~Copyable {
  let reference: OpaquePointer

  package init(_ context: borrowing LLVMContext) { reference = LLVMCreateBuilderInContext(context.reference) }

  deinit { LLVMDisposeBuilder(reference) }

  /// The block that instructions go to.
  package var block: LLVMBlock { LLVMBlock(LLVMGetInsertBlock(reference)) }
  /// The function of that block.
  package var function: LLVMFunction { LLVMFunction(LLVMGetBasicBlockParent(block.reference)) }

  /// Makes `block`'s end the place where instructions go.
  package func position(at block: LLVMBlock) { LLVMPositionBuilderAtEnd(reference, block.reference) }

  /// Makes the place before `block`'s branch, or its end where it has none, the place where instructions go.
  package func position(beforeTerminatorOf block: LLVMBlock) {
    guard let terminator = LLVMGetBasicBlockTerminator(block.reference) else { return position(at: block) }
    LLVMPositionBuilderBefore(reference, terminator)
  }

  // MARK: Control

  package func branch(to block: LLVMBlock) { LLVMBuildBr(reference, block.reference) }

  package func branch(if condition: LLVMValue, to yes: LLVMBlock, else no: LLVMBlock) {
    LLVMBuildCondBr(reference, condition.reference, yes.reference, no.reference)
  }

  package func `return`(_ value: LLVMValue? = nil) {
    if let value { LLVMBuildRet(reference, value.reference) } else { LLVMBuildRetVoid(reference) }
  }

  package func call(_ function: LLVMFunction, _ arguments: [LLVMValue]) -> LLVMValue {
    var list: [LLVMValueRef?] = arguments.map(\.reference)
    return LLVMValue(LLVMBuildCall2(reference, function.type.reference, function.reference, &list, UInt32(list.count), ""))
  }

  /// A call that says that the pointer at the position `argument` is divisible by `alignment` bytes.
  package func call(_ function: LLVMFunction, _ arguments: [LLVMValue], alignment: Int, ofArgument argument: Int) -> LLVMValue {
    let call = self.call(function, arguments)
    let context = LLVMGetTypeContext(function.type.reference)
    let attribute = LLVMCreateEnumAttribute(context, LLVMGetEnumAttributeKindForName("align", 5), UInt64(alignment))
    LLVMAddCallSiteAttribute(call.reference, UInt32(argument + 1), attribute)
    return call
  }

  /// A phi without edges yet.
  package func phi(_ type: LLVMType) -> LLVMValue { LLVMValue(LLVMBuildPhi(reference, type.reference, "")) }

  package func select(_ condition: LLVMValue, _ yes: LLVMValue, _ no: LLVMValue) -> LLVMValue {
    LLVMValue(LLVMBuildSelect(reference, condition.reference, yes.reference, no.reference, ""))
  }

  // MARK: Memory

  /// Room for a value of `type` in the function's frame. To be called in the function's first block.
  package func allocate(_ type: LLVMType) -> LLVMValue { LLVMValue(LLVMBuildAlloca(reference, type.reference, "")) }

  /// `pointer` moved by `index` elements of `type`. Unless it `mayLeave`, the result must stay within or just past the object
  /// pointed into.
  package func address(_ pointer: LLVMValue, _ index: LLVMValue, of type: LLVMType, mayLeave: Bool = false) -> LLVMValue {
    var indices: [LLVMValueRef?] = [index.reference]
    let build = mayLeave ? LLVMBuildGEP2 : LLVMBuildInBoundsGEP2
    return LLVMValue(build(reference, type.reference, pointer.reference, &indices, 1, "")!)
  }

  /// `value` as a value of its own: LLVM does not look into how it was made.
  package func freeze(_ value: LLVMValue) -> LLVMValue { LLVMValue(LLVMBuildFreeze(reference, value.reference, "")) }

  /// A load that needs an address divisible by `alignment` bytes.
  package func load(_ type: LLVMType, _ pointer: LLVMValue, alignment: Int) -> LLVMValue {
    let load = LLVMBuildLoad2(reference, type.reference, pointer.reference, "")!
    LLVMSetAlignment(load, UInt32(alignment))
    return LLVMValue(load)
  }

  /// A store that needs an address divisible by `alignment` bytes.
  package func store(_ value: LLVMValue, _ pointer: LLVMValue, alignment: Int) {
    LLVMSetAlignment(LLVMBuildStore(reference, value.reference, pointer.reference), UInt32(alignment))
  }

  // MARK: Vectors

  /// A vector of `count` lanes that all hold `scalar`.
  package func broadcast(_ scalar: LLVMValue, _ count: Int) -> LLVMValue {
    if scalar.isConstant { return LLVMType.vector(of: Array(repeating: scalar, count: count)) }
    let type = scalar.type.vector(count)
    let index = LLVMType(LLVMInt32TypeInContext(LLVMGetTypeContext(scalar.type.reference))).zero
    let one = LLVMBuildInsertElement(reference, type.poison.reference, scalar.reference, index.reference, "")
    let mask = LLVMConstNull(index.type.vector(count).reference)
    return LLVMValue(LLVMBuildShuffleVector(reference, one, type.poison.reference, mask, ""))
  }

  /// The lanes of `a` followed by those of `b`, picked by number.
  package func shuffle(_ a: LLVMValue, _ b: LLVMValue, _ lanes: [Int]) -> LLVMValue {
    let integer = LLVMType(LLVMInt32TypeInContext(LLVMGetTypeContext(a.type.reference)))
    let mask = LLVMType.vector(of: lanes.map { integer.constant($0) })
    return LLVMValue(LLVMBuildShuffleVector(reference, a.reference, b.reference, mask.reference, ""))
  }

  package func extract(_ vector: LLVMValue, lane: Int) -> LLVMValue {
    let integer = LLVMType(LLVMInt32TypeInContext(LLVMGetTypeContext(vector.type.reference)))
    return LLVMValue(LLVMBuildExtractElement(reference, vector.reference, integer.constant(lane).reference, ""))
  }

  package func insert(_ scalar: LLVMValue, into vector: LLVMValue, lane: Int) -> LLVMValue {
    let integer = LLVMType(LLVMInt32TypeInContext(LLVMGetTypeContext(vector.type.reference)))
    return LLVMValue(
      LLVMBuildInsertElement(reference, vector.reference, scalar.reference, integer.constant(lane).reference, ""))
  }
}
