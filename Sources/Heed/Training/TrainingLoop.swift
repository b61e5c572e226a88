internal import HeedArrays
internal import HeedData
internal import HeedIR
internal import HeedSystem

/// A run while it lasts.
struct TrainingLoop {
  let trainer: Trainer
  let folder: CheckpointFolder
  var checkpoint: TrainingCheckpoint
  var metrics: MetricsFile?
  var curve: LossCurve
  var speed = StepSpeed()
  var writer: ProgressWriter
  var lastLoss: Double?
  /// The file of the last checkpoint.
  var savedFile: String?
  /// Whether something happened since it was written.
  var isUnsaved = false
  let clock = ContinuousClock()

  init(_ trainer: Trainer) {
    self.trainer = trainer
    folder = CheckpointFolder(path: trainer.folder)
    checkpoint = TrainingCheckpoint(state: GraphState(), seed: trainer.seed, data: trainer.data.identity)
    curve = LossCurve(
      title: trainer.title, loss: trainer.loss, unit: trainer.lossUnit, metric: trainer.evaluation?.metric)
    writer = ProgressWriter(trainer.progress)
  }

  /// Makes all steps that are left.
  mutating func run(from origin: consuming RunOrigin) async throws -> TrainingResult {
    if trainer.handlesSignals { InterruptSignals.begin() }
    defer { if trainer.handlesSignals { InterruptSignals.end() } }
    defer { writer.finish() }
    try begin(origin)
    var end = try await makeSteps()
    if end == .completed || end == .stoppedEarly, checkpoint.evaluatedStep != checkpoint.step {
      do { try await evaluate() } catch is CancellationError { end = requestedEnd ?? .cancelled }
    }
    if isUnsaved { try save() }
    report(end)
    return TrainingResult(
      end: end, state: checkpoint.state, step: checkpoint.step, loss: lastLoss,
      best: checkpoint.best.map { ($0, checkpoint.bestStep ?? 0) }, checkpoint: savedFile ?? folder.file(step: checkpoint.step))
  }

  private mutating func begin(_ origin: consuming RunOrigin) throws {
    try folder.create()
    // Another process in the folder is an error before anything of it is removed.
    let metrics = try MetricsFile(path: folder.path + "/metrics.jsonl")
    FileBytes.removeAbandonedParts(in: folder.path)
    switch origin {
    case .state(let state): checkpoint.state = state
    case .checkpoint(let file): try resume(TrainingCheckpoint(contentsOf: file), file)
    case .newestCheckpoint:
      guard let newest = try folder.newest() else { throw HeedError("got no checkpoint in \(folder.path) any more, expected one") }
      for error in newest.damage { writer.message("warning: \(error.message)") }
      try resume(newest.checkpoint, newest.file)
    }
    var curve = curve
    let kept = try metrics.byteCount(
      upTo: savedFile == nil ? 0 : checkpoint.step, evaluatedStep: checkpoint.evaluatedStep
    ) { curve.add($0) }
    // Checkpoints first: a process that is killed here leaves none without its metrics.
    if savedFile != nil { folder.remove(after: checkpoint.step) }
    try metrics.cut(to: kept)
    (self.metrics, self.curve) = (metrics, curve)
    if savedFile == nil { try save() }
  }

  private mutating func resume(_ read: consuming TrainingCheckpoint, _ file: String) throws {
    do { try read.expect(trainer.data.identity, seed: trainer.seed) } catch let error as HeedError {
      throw error.during("resuming \(file)")
    }
    writer.message("step \(read.step): going on from \(file)")
    (checkpoint, savedFile) = (read, file)
  }

  /// Returns why it made no more.
  private mutating func makeSteps() async throws -> TrainingResult.End {
    if let end = try await evaluateWhereDue() { return end }
    guard !isDone else { return .completed }
    let stream = trainer.data.stream(checkpoint.position, trainer.length.epochs)
    return try await makeSteps(stream)
  }

  private mutating func makeSteps(_ stream: some AsyncSequence<Batch, any Error>) async throws -> TrainingResult.End {
    var iterator = stream.makeAsyncIterator()
    while !isDone {
      if let end = requestedEnd { return end }
      let next: Batch?
      do { next = try await iterator.next() } catch is CancellationError { return requestedEnd ?? .cancelled }
      guard let batch = next else { return .completed }
      try await step(batch)
      if let end = try await evaluateWhereDue() { return end }
      if isUnsaved, checkpoint.step % trainer.checkpointInterval == 0 { try save() }
    }
    return .completed
  }

  var isDone: Bool { trainer.length.isReached(step: checkpoint.step, position: checkpoint.position) }

  var requestedEnd: TrainingResult.End? {
    if trainer.handlesSignals, let signal = InterruptSignals.name { return .interrupted(signal: signal) }
    return Task.isCancelled ? .cancelled : nil
  }
}
