internal import CHeedABI
internal import HeedIR

/// The compiled code of a kernel: what Runtime/ABI/include/heed_abi.h declares, for each phase.
///
/// The code must stay in memory as long as a value of this type is used: `Executor` keeps its owner.
package struct KernelCode: @unchecked Sendable {
  /// The functions of one phase.
  package struct Phase {
    let count: heed_count_function
    let run: heed_run_function

    /// The functions at two addresses: a `heed_count_function` and a `heed_run_function`.
    package init(count: UnsafeRawPointer, run: UnsafeRawPointer) {
      self.count = unsafeBitCast(count, to: heed_count_function.self)
      self.run = unsafeBitCast(run, to: heed_run_function.self)
    }
  }

  let phases: [Phase]
  let scratchByteCount: Int

  /// - Parameters:
  ///   - phases: in the kernel's order.
  ///   - scratchByteCount: the bytes of scratch that a thread needs to run any phase.
  package init(phases: [Phase], scratchByteCount: Int) { (self.phases, self.scratchByteCount) = (phases, scratchByteCount) }
}

extension KernelCode {
  /// Runs every phase, each after all of the one before is done.
  /// - Parameters:
  ///   - buffers: the start of each of the kernel's buffers.
  ///   - symbols: the value of each of the kernel's symbols, in the kernel's order.
  ///   - scratch: the calling thread's, where it has taken some.
  package func run(
    _ buffers: UnsafePointer<UnsafeMutableRawPointer?>?, _ symbols: UnsafePointer<Int64>?, _ pool: ThreadPool,
    scratch: CallerScratch? = nil
  ) throws {
    var arguments = heed_arguments(buffers: buffers, symbols: symbols)
    for phase in phases {
      let count = Int(phase.count(&arguments))
      if count > 0 { try pool.run(phase.run, &arguments, count: count, scratchBytes: scratchByteCount, scratch: scratch) }
    }
  }
}

extension KernelCode {
  /// The same, and what each thread did of each phase; `names` are the phases' names.
  func timed(
    _ buffers: UnsafePointer<UnsafeMutableRawPointer?>?, _ symbols: UnsafePointer<Int64>?, _ pool: ThreadPool,
    scratch: CallerScratch, names: [Name]
  ) throws -> [PhaseTiming] {
    var arguments = heed_arguments(buffers: buffers, symbols: symbols)
    var timings: [PhaseTiming] = []
    for (phase, name) in zip(phases, names) {
      let count = Int(phase.count(&arguments))
      guard count > 0 else { continue }
      timings += try PhaseRecorder.run(
        phase.run, arguments, count: count, scratchBytes: scratchByteCount, pool, scratch, phase: name)
    }
    return timings
  }
}

extension KernelCode {
  /// The version of what generated code and the runtime agree on.
  package static var abiVersion: Int { Int(HEED_ABI_VERSION) }
}
