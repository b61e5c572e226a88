internal import HeedArrays
internal import HeedData
internal import HeedIR

extension Trainer {
  /// Makes a step.
  /// - Parameter step: how many were made before.
  func call(_ batch: Batch, step: Int, updating state: inout GraphState) throws -> StepMetrics {
    try StepMetrics(program(inputs(batch, step: step), updating: &state))
  }

  /// What a step takes: the arrays of a batch, and the seed of the step where the graph has an input for it.
  func inputs(_ batch: Batch, step: Int) throws -> [String: NDArray] {
    var inputs = batch.arrays
    guard inputs["seed"] == nil, let type = program.lowered.source.inputs.first(where: { $0.name == "seed" })?.type,
      type.rank == 0, type.element.isInteger
    else { return inputs }
    let number = Int64(bitPattern: Self.mixed(seed &+ Self.mixed(UInt64(step) &+ 1)))
    inputs["seed"] = try type.element == .i64 ? NDArray([number], []) : NDArray([Int32(truncatingIfNeeded: number)], [])
    return inputs
  }

  /// The finaliser of SplitMix64.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}
