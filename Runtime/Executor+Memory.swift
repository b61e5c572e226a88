internal import HeedArrays
internal import HeedIR
internal import HeedSystem

/// What calls and loading need, compared with what they may take and with what is left, before anything is allocated.
extension Executor {
  /// - Throws: where a call at these lengths takes more than the limit.
  func checkLimit(ofCall binding: [Name: Int]) throws {
    guard let memoryLimit else { return }
    let plan = try MemoryPlan(program, binding)
    guard plan.total > memoryLimit else { return }
    throw tooLarge(plan, binding, expected: "at most the memory limit of \(memoryLimit)")
  }

  /// - Parameter arenas: where calls before this one have left memory that it will reuse.
  /// - Throws: where a call needs more than the system has left.
  func checkMemoryLeft(for plan: CallPlan, _ binding: [Name: Int], reusing arenas: [Arena]) throws {
    let needed = try plan.newByteCount()
    guard needed >= AvailableMemory.smallByteCount,
      let available = AvailableMemory.shortage(of: needed - arenas.reduce(0) { $0 + $1.idleBytes })
    else { return }
    throw tooLarge(
      try MemoryPlan(program, binding), binding, expected: "at most \(available) more than its arguments, which is what is left")
  }

  /// - Throws: where binding and packing the parameters takes more than the limit or than the system has left.
  func checkMemory(ofLoading plan: CallPlan, _ parameters: [NDArray]) throws {
    let added = try plan.newByteCount()
    let total = try CallPlan.sum(parameters.map(\.byteCount) + [added])
    let expected: String
    if let memoryLimit, total > memoryLimit {
      expected = "at most the memory limit of \(memoryLimit)"
    } else if let available = AvailableMemory.shortage(of: added) {
      expected = "at most \(available) more than the parameters, which is what is left"
    } else {
      return
    }
    let largest = plan.allocations.sorted { $0.byteCount > $1.byteCount }.prefix(3).map { buffer, shape, byteCount in
      "%\(program.buffers[buffer].name): \(program.buffers[buffer].type.element)\(shape) (\(byteCount))"
    }
    throw HeedError(
      "@\(program.name): got parameters whose loading takes \(total) bytes, expected \(expected): \(total - added) of parameters, "
        + "\(added) of what is packed of them\(largest.isEmpty ? "" : ", the largest \(largest.joined(separator: ", "))")")
  }

  private func tooLarge(_ plan: MemoryPlan, _ binding: [Name: Int], expected: String) -> HeedError {
    let sizes = Dictionary(uniqueKeysWithValues: program.symbols.compactMap { name in binding[name].map { (name.text, $0) } })
    return HeedError(
      "@\(program.name): got a call\(MemoryPlan.lengths(sizes)) that takes \(plan.total) bytes, expected \(expected): \(plan.summary)"
    )
  }
}
