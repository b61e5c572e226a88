internal import HeedIR

/// Random bits at neighbouring positions: a block of the generator has four words, which are computed once.
extension PhaseEmitter {
  /// The lanes at a time of a map with random bits: the words of two vectors of blocks. The rounds of one block wait for each other;
  /// those of two overlap.
  var randomLanes: Int { 8 * emitter.target.lanes(of: .i64) }

  /// The words at positions that grow by 1 from lane to lane, from the first of a block on; nil for other positions.
  func randomWords(_ instruction: Body.Instruction) throws -> LaneValue? {
    let operands = instruction.operands.map { values[$0.index]! }
    guard lanes >= 8, case .linear(let position) = operands[2], position.constantStep == 1,
      isMultiple(instruction.operands[2], of: 4), operands.prefix(2).allSatisfy({ uniformRegister($0, .i64) != nil })
    else { return nil }
    let blockCount = lanes / 4
    let words = try withLanes(blockCount) {
      var block = LinearIndex(builder.shiftRight(emitter.scalar(position.first), emitter.index(2)))
      block.step = emitter.index(1)
      return try expand(Philox.blockFunction, [operands[0], operands[1], .linear(block)]).map { register($0, .i64) }
    }
    // Two words beside each other in 64 bits; the first pair of a block is followed by its second.
    func pair(_ low: LLVMValue, _ high: LLVMValue) -> LLVMValue {
      let halves = emitter.int32.vector(2 * blockCount)
      let words = builder.shuffle(
        builder.bitCast(low, to: halves), builder.bitCast(high, to: halves),
        (0..<blockCount).flatMap { [2 * $0, 2 * (blockCount + $0)] })
      return builder.bitCast(words, to: low.type)
    }
    let pairs = builder.shuffle(
      pair(words[0], words[1]), pair(words[2], words[3]), (0..<blockCount).flatMap { [$0, blockCount + $0] })
    return .varying(builder.bitCast(pairs, to: emitter.int32.vector(lanes)))
  }

  private func withLanes<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
    let saved = lanes
    lanes = count
    defer { lanes = saved }
    return try body()
  }

  /// Whether a whole number of the body is known to be a multiple of `divisor`, a power of two, in the first lane.
  private func isMultiple(_ value: BodyValue, of divisor: Int) -> Bool {
    if case .linear(let index) = values[value.index], index.knownMultiple % divisor == 0 { return true }
    guard let instruction = body.instruction(value), case .elementwise(let op) = instruction.operation else { return false }
    let operands = instruction.operands
    switch op {
    case .add, .subtract: return operands.allSatisfy { isMultiple($0, of: divisor) }
    case .multiply: return operands.contains { isMultiple($0, of: divisor) }
    case .convert: return body.type(operands[0]).isInteger && isMultiple(operands[0], of: divisor)
    default: return false
    }
  }
}
