package import HeedIR

/// Assigns every intermediate buffer a slot, so that buffers that are never live at once share memory.
///
/// How long a buffer is live says `Program.lives`. In order of their first steps, each takes a free slot: one that already holds a buffer of
/// the same size if there is one, else the one freed last, else a new one. A slot is as large as its largest buffer at the call's lengths, so
/// the plan holds for every length. A call, which knows its lengths, places buffers by their bytes.
/// - Returns: the new position of each buffer; nil for those that no call names, which are taken out.
@discardableResult
package func planMemory(_ program: inout Program) -> [Int?] {
  let lives = program.lives.filter { buffer, _ in
    if case .slot = program.buffers[buffer].storage { true } else { false }
  }
  func bytes(_ buffer: Int) -> Extent {
    program.buffers[buffer].type.shape.count * Extent(program.buffers[buffer].type.element.byteCount)
  }
  /// For each slot: the step after which it is free, and the sizes of what it holds.
  var slots: [(freeAfter: Int, sizes: Set<Extent>)] = []
  for (buffer, life) in lives.sorted(by: { ($0.value.lowerBound, $0.key) < ($1.value.lowerBound, $1.key) }) {
    let (start, end, size) = (life.lowerBound, life.upperBound, bytes(buffer))
    let free = slots.indices.filter { slots[$0].freeAfter < start }
    let chosen = free.first { slots[$0].sizes.contains(size) } ?? free.max { slots[$0].freeAfter < slots[$1].freeAfter }
    if let chosen {
      slots[chosen].freeAfter = end
      slots[chosen].sizes.insert(size)
      program.buffers[buffer].storage = .slot(chosen)
    } else {
      slots.append((end, [size]))
      program.buffers[buffer].storage = .slot(slots.count - 1)
    }
  }
  return dropUnusedBuffers(&program)
}

/// Takes out intermediate buffers that no call names.
/// - Returns: the new position of each buffer.
private func dropUnusedBuffers(_ program: inout Program) -> [Int?] {
  var isUsed = program.buffers.map { buffer in
    if case .slot = buffer.storage { false } else { true }
  }
  for call in program.load + program.steps { for operand in call.operands { isUsed[operand.buffer] = true } }
  guard isUsed.contains(false) else { return isUsed.indices.map { $0 } }
  var position: [Int] = []
  var next = 0
  for used in isUsed {
    position.append(next)
    if used { next += 1 }
  }
  program.buffers = zip(program.buffers, isUsed).filter(\.1).map(\.0)
  func renumber(_ calls: inout [Program.Call]) {
    for call in calls.indices {
      for operand in calls[call].operands.indices {
        calls[call].operands[operand].buffer = position[calls[call].operands[operand].buffer]
      }
    }
  }
  renumber(&program.load)
  renumber(&program.steps)
  for result in program.results.indices { program.results[result].buffer = position[program.results[result].buffer] }
  program.checks = program.checks.map { check in
    switch check {
    case .offsets(let buffer, let total): .offsets(buffer: position[buffer], total: total)
    case .indices(let buffer, let limit): .indices(buffer: position[buffer], limit: limit)
    case .range: check
    }
  }
  return zip(position, isUsed).map { $1 ? $0 : nil }
}
