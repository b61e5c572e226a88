import HeedCodegen
import HeedIR
import HeedRuntime
import Testing

/// The layer over LLVM's C API, without kernels.
@Suite struct LLVMTests {
  /// A module of one function `twice_plus(pointer a, pointer b)`: b[0 ..< lanes] = 2 * a[0 ..< lanes] + 1, on one vector.
  private func module(for machine: borrowing LLVMMachine) -> LLVMModule {
    let module = LLVMModule("test", for: machine)
    let pointer = module.context.pointer
    let vector = module.context.float.vector(machine.target.lanes(of: .f32))
    let function = module.addFunction("twice_plus", .function([pointer, pointer], to: module.context.void))
    let builder = LLVMBuilder(module.context)
    builder.position(at: function.appendBlock("entry"))
    let a = builder.load(vector, function.parameter(0), alignment: 4)
    let fused = module.intrinsic("llvm.fmuladd", [vector])
    let one = builder.broadcast(module.context.float.constant(1.0), vector.laneCount)
    builder.store(builder.call(fused, [a, vector.constant(2.0), one]), function.parameter(1), alignment: 4)
    builder.return()
    return module
  }

  @Test(arguments: Target.all.filter(\.runsOnHost)) func emittedObjectRuns(target: Target) throws {
    let machine = try LLVMMachine(target)
    let module = module(for: machine)
    try module.verify()
    try module.runPasses("function(sroa,early-cse,instsimplify)", on: machine)
    let loader = try LLVMObjectLoader(objects: [machine.emit(module, as: .object)])
    typealias Function = @convention(c) (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    let function = unsafeBitCast(try loader.address(of: "twice_plus"), to: Function.self)
    let input = (0..<20).map { Float($0) }
    var output = [Float](repeating: -1, count: 20)
    function(input, &output)
    let lanes = target.lanes(of: .f32)
    #expect(output == input.prefix(lanes).map { 2 * $0 + 1 } + Array(repeating: -1, count: 20 - lanes))
  }

  @Test func assemblyNamesTheTargetsRegisters() throws {
    for (target, register) in [(Target.aarch64NEON, "fmla\tv"), (.x86AVX512, "%zmm"), (.x86AVX2, "%ymm"), (.x86SSE2, "mulps")] {
      let machine = try LLVMMachine(target)
      let text = String(decoding: try machine.emit(module(for: machine), as: .assembly), as: UTF8.self)
      #expect(text.contains(register) || text.contains("addps") && target == .x86SSE2, "\(target): \(text)")
    }
  }

  @Test func invalidCodeIsDiagnosed() throws {
    let machine = try LLVMMachine(.host)
    let module = LLVMModule("broken", for: machine)
    let function = module.addFunction("f", .function([], to: module.context.void))
    _ = function.appendBlock("entry")
    #expect(throws: HeedError.self) { try module.verify() }
  }

  @Test func unknownPassIsDiagnosed() throws {
    let machine = try LLVMMachine(.host)
    let module = module(for: machine)
    #expect(throws: HeedError.self) { try module.runPasses("no-such-pass", on: machine) }
  }

  @Test func damagedObjectAndMissingSymbolAreDiagnosed() throws {
    let machine = try LLVMMachine(.host)
    var object = try machine.emit(module(for: machine), as: .object)
    let loader = try LLVMObjectLoader(objects: [object])
    #expect(throws: HeedError.self) { try loader.address(of: "thrice") }
    object.removeLast(object.count / 2)
    #expect(throws: HeedError.self) {
      let loader = try LLVMObjectLoader(objects: [object])
      _ = try loader.address(of: "twice_plus")
    }
  }
}
