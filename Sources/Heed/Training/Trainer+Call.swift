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
    try program.inputs(batch.arrays, step: step, seed: seed)
  }
}

extension CompiledGraph {
  /// What a step of training takes: the arrays of a batch, and where the graph has an integer input `seed` a number that follows from the
  /// run's seed and from how many steps were made before.
  func inputs(_ batch: [String: NDArray], step: Int, seed: UInt64) throws -> [String: NDArray] {
    guard batch["seed"] == nil, let type = lowered.source.inputs.first(where: { $0.name == "seed" })?.type, type.rank == 0,
      type.element.isInteger
    else { return batch }
    var ofStep = SeededGenerator(seed: UInt64(step) &+ 1)
    var ofRun = SeededGenerator(seed: seed &+ ofStep.next())
    let number = Int64(bitPattern: ofRun.next())
    var inputs = batch
    inputs["seed"] = try type.element == .i64 ? NDArray([number], []) : NDArray([Int32(truncatingIfNeeded: number)], [])
    return inputs
  }
}
