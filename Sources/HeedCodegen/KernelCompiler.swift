package import HeedIR

/// Compiles kernels to native code for one target.
///
/// Every phase of a kernel becomes two functions of the object file, in the form that Runtime/ABI/include/heed_abi.h declares.
package struct KernelCompiler: Sendable {
  /// What code is generated for.
  package let target: Target

  /// A compiler for this target.
  package init(target: Target) { self.target = target }

  /// The kernels as one object file. Their names must differ.
  /// - Throws: where a kernel uses what code generation has no instructions for.
  package func object(for kernels: [Verified<Kernel>]) throws -> [UInt8] { try emit(kernels, .object) }

  /// One phase of a kernel as an object file: the phases of a kernel can be compiled at the same time.
  /// - Throws: where it uses what code generation has no instructions for.
  package func object(for kernel: Verified<Kernel>, phase: Int) throws -> [UInt8] { try emit([kernel], .object, phase: phase) }

  /// The kernels as assembly text.
  package func assembly(for kernels: [Verified<Kernel>]) throws -> String {
    String(decoding: try emit(kernels, .assembly), as: UTF8.self)
  }

  /// The kernels as LLVM's text, optimised or as they were generated.
  package func llvmText(for kernels: [Verified<Kernel>], optimized: Bool = true) throws -> String {
    let machine = try LLVMMachine(target)
    let emitter = try generate(kernels, machine)
    if optimized { try optimize(emitter, machine) }
    return emitter.module.text
  }

  /// What decides an object besides the kernels' own text, the target and the build, for the keys of a cache: `llvm 19.1.7`.
  package static var version: String { "llvm \(llvmVersion())" + (Sanitizer.checksAddresses ? " address" : "") }

  /// LLVM's passes: scalars go into registers, redundant address arithmetic goes, and what does not change leaves the loops. The kernels
  /// are vectorised and unrolled already.
  static let passes = "function(mem2reg,early-cse<memssa>,instcombine<no-verify-fixpoint>,loop-mssa(licm),early-cse)"

  private func emit(_ kernels: [Verified<Kernel>], _ kind: LLVMMachine.OutputKind, phase: Int? = nil) throws -> [UInt8] {
    let machine = try LLVMMachine(target)
    let emitter = try generate(kernels, machine, phase: phase)
    try optimize(emitter, machine)
    return try machine.emit(emitter.module, as: kind)
  }

  private func optimize(_ emitter: Emitter, _ machine: borrowing LLVMMachine) throws {
    try emitter.module.runPasses(Sanitizer.checksAddresses ? Self.passes + ",asan" : Self.passes, on: machine)
  }

  /// The module as generated, of all phases or of one, checked by LLVM's verifier.
  private func generate(
    _ kernels: [Verified<Kernel>], _ machine: borrowing LLVMMachine, phase wanted: Int? = nil
  ) throws -> Emitter {
    let emitter = Emitter(kernels.first?.ir.name.text ?? "empty", for: machine)
    for kernel in kernels.map(\.ir) {
      do {
        let layout = try ScratchLayout(kernel)
        for (number, phase) in kernel.phases.enumerated() where wanted ?? number == number {
          let names = PhaseSymbols(kernel: kernel, phase: phase)
          try PhaseEmitter(emitter, kernel, PhaseLayout(names, layout, phase: number)).emit(phase)
        }
      } catch let error as HeedError {
        throw error.during("kernel @\(kernel.name)")
      }
    }
    try emitter.module.verify()
    return emitter
  }
}

/// The names of a phase's functions in the object file.
package struct PhaseSymbols: Hashable, Sendable {
  /// The function that counts the phase's points: `heed_count_function`.
  package let count: String
  /// The function that runs a range of them: `heed_run_function`.
  package let run: String

  /// The names for a phase of a kernel.
  package init(kernel: Kernel, phase: Kernel.Phase) {
    (count, run) = ("\(kernel.name).\(phase.name).count", "\(kernel.name).\(phase.name).run")
  }
}

extension Kernel.Phase {
  /// A number that grows with the time to compile the phase, so that the longest can be started first.
  package var compilationCost: Int { Self.cost(body) }

  private static func cost(_ statements: [Statement]) -> Int {
    statements.reduce(0) { total, statement in
      switch statement {
      case .tile, .define, .assign: total + 1
      case .compute(let body): total + 1 + body.instructions.count
      case .loop(let loop): total + 2 + cost(loop.body)
      case .branch(_, let then, let otherwise): total + 2 + cost(then) + cost(otherwise)
      case .cold(let statements): total + 2 + cost(statements)
      case .map(let map): total + 4 + 4 * map.body.instructions.count
      // Many register tiles, each with its epilogue.
      case .contract(let contraction): total + 100 + 20 * contraction.epilogue.instructions.count
      }
    }
  }
}

extension Kernel {
  /// The bytes of scratch memory that a thread needs to run any phase of the kernel; a multiple of 64.
  /// - Throws: where a tile is too large to address.
  package func scratchByteCount() throws -> Int { try ScratchLayout(self).byteCount }
}
