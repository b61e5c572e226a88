internal import HeedIR
internal import HeedSystem

extension TrainingLoop {
  /// Writes a checkpoint and the loss curve.
  mutating func save() throws {
    let file = folder.file(step: checkpoint.step)
    try writing { loop in
      try loop.metrics?.synchronize()
      try loop.checkpoint.write(to: file)
    }
    (savedFile, isUnsaved) = (file, false)
    folder.prune(keeping: trainer.keptCheckpointCount)
    if checkpoint.step > 0 { try writing { try FileBytes.write($0.curve.svg, to: $0.folder.path + "/loss.svg") } }
  }

  /// Writes to files; an error says where the run can go on.
  func writing(_ body: (TrainingLoop) throws -> Void) throws {
    do { try body(self) } catch let error as HeedError {
      guard let savedFile else { throw error }
      throw HeedError("\(error.message); the last whole checkpoint is \(savedFile)")
    }
  }

  /// Says how the run ended.
  mutating func report(_ end: TrainingResult.End) {
    let saved = savedFile ?? ""
    let resume = trainer.resumeCommand.map { "resume with: \($0)" } ?? "it can be resumed from there"
    switch end {
    case .completed: writer.message("step \(checkpoint.step): done; saved \(saved)")
    case .stoppedEarly:
      writer.message(
        "step \(checkpoint.step): stopped early, no better for \(checkpoint.patienceCount) evaluations; saved \(saved)")
    case .interrupted(let signal): writer.message("step \(checkpoint.step): stopped by \(signal); saved \(saved); \(resume)")
    case .cancelled: writer.message("step \(checkpoint.step): cancelled; saved \(saved); \(resume)")
    }
  }
}
