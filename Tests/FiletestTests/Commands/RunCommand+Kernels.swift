import CHeedABI
import HeedArrays
import HeedCodegen
import HeedIR
import HeedInterpreter
import HeedRuntime
import HeedTestSupport

extension FiletestCommand {
  static func run(_ kernel: Kernel, _ test: Filetest.Case) throws -> RunOutputs {
    let verified = try Verified(kernel)
    let given = try RunInputs(test)
    var inputs: [Name: ReferenceArray] = [:]
    for (position, buffer) in kernel.parameters.enumerated() where buffer.role != .output {
      let shape = try buffer.type.shape.evaluate { given.binding[$0] }
      inputs[buffer.name] = try given.array(buffer.name, buffer.type.element, shape, position: position)
    }
    if let unknown = given.unknown(among: Array(inputs.keys)).first { throw HeedError("the kernel has no input %\(unknown)") }
    let results = try KernelEvaluator.evaluate(verified, inputs: inputs, symbols: given.binding)
    let names = kernel.parameters.map(\.name).filter { results[$0] != nil }
    let outputs = try RunOutputs(names.map { ($0, results[$0]!) }, tolerance: try test.tolerance)
    for target in Target.all.filter(\.runsOnHost) {
      let native = try NativeKernel(verified, target: target)
      for place in GuardedMemory.allCases {
        let arrays = try native.run(inputs, given.binding, place)
        try outputs.expectEqual(names.map { arrays[$0]! }, "compiled for \(target.name)")
      }
    }
    return outputs
  }
}

/// A kernel's machine code, run by one thread.
private struct NativeKernel: ~Copyable {
  let kernel: Kernel
  private let loader: LLVMObjectLoader

  init(_ kernel: Verified<Kernel>, target: Target) throws {
    self.kernel = kernel.ir
    loader = try LLVMObjectLoader(objects: [KernelCompiler(target: target).object(for: [kernel])])
  }

  /// Runs all phases with every buffer and the scratch between guard pages; gives the outputs and the changed buffers.
  func run(_ inputs: [Name: ReferenceArray], _ binding: [Name: Int], _ place: GuardedMemory) throws -> [Name: ReferenceArray] {
    let layouts = try kernel.buffers.map { try KernelEvaluator.Layout($0, binding) }
    let storages = try zip(kernel.buffers, layouts).map { buffer, layout in
      let size = buffer.type.element.byteCount
      let isWorkspace = buffer.role == .workspace
      let storage = try place.storage(byteCount: layout.count * size, alignment: isWorkspace ? 64 : size)
      if let input = inputs[buffer.name] {
        let packed = try NDArray(input)
        for (from, to) in layout.positions.enumerated() {
          UnsafeMutableRawBufferPointer(rebasing: storage.bytes[(to * size)..<((to + 1) * size)]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: packed.bytes[(from * size)..<((from + 1) * size)]))
        }
      }
      return storage
    }
    try call(storages, binding, try place.storage(byteCount: kernel.scratchByteCount(), alignment: 64))
    var results: [Name: ReferenceArray] = [:]
    for ((buffer, layout), storage) in zip(zip(kernel.buffers, layouts), storages)
    where buffer.role != .input && buffer.role != .workspace {
      let size = buffer.type.element.byteCount
      let packed = try NDArray(zeros: buffer.type.element, layout.shape)
      for (to, from) in layout.positions.enumerated() {
        UnsafeMutableRawBufferPointer(rebasing: packed.storage.bytes[(to * size)..<((to + 1) * size)]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: storage.bytes[(from * size)..<((from + 1) * size)]))
      }
      results[buffer.name] = ReferenceArray(packed)
    }
    return results
  }

  private func call(_ storages: [ArrayStorage], _ binding: [Name: Int], _ scratch: ArrayStorage) throws {
    let pointers: [UnsafeMutableRawPointer?] = storages.map(\.bytes.baseAddress)
    let numbers = kernel.symbols.map { Int64(binding[$0]!) }
    try pointers.withUnsafeBufferPointer { pointers in
      try numbers.withUnsafeBufferPointer { numbers in
        var arguments = heed_arguments(buffers: pointers.baseAddress, symbols: numbers.baseAddress)
        for phase in kernel.phases {
          let names = PhaseSymbols(kernel: kernel, phase: phase)
          let count = unsafeBitCast(try loader.address(of: names.count), to: heed_count_function.self)
          let run = unsafeBitCast(try loader.address(of: names.run), to: heed_run_function.self)
          let total = count(&arguments)
          // In two parts, as two threads would.
          run(&arguments, 0, total / 2, scratch.bytes.baseAddress)
          run(&arguments, total / 2, total, scratch.bytes.baseAddress)
        }
      }
    }
    withExtendedLifetime(storages) {}
  }
}

extension KernelEvaluator.Layout {
  /// The position in memory of each element, in row-major order.
  fileprivate var positions: [Int] {
    var positions: [Int] = []
    ReferenceArray.forEachIndex(of: shape) { indices, _ in positions.append(zip(indices, strides).reduce(0) { $0 + $1.0 * $1.1 }) }
    return positions
  }
}
