internal import HeedArrays
internal import HeedData
internal import HeedIR
internal import HeedSystem

/// A run while it lasts.
struct TrainingLoop {
  let trainer: Trainer
  let folder: CheckpointFolder
  var checkpoint: TrainingCheckpoint
  private var metrics: MetricsFile?
  private var curve: LossCurve
  private var speed = StepSpeed()
  private var writer: ProgressWriter
  private var lastLoss: Double?
  /// The file of the last checkpoint.
  private(set) var savedFile: String?
  /// Whether something happened since it was written.
  private var isUnsaved = false
  private let clock = ContinuousClock()

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
    metrics = try MetricsFile(
      path: folder.path + "/metrics.jsonl", keepingTo: savedFile == nil ? 0 : checkpoint.step,
      evaluatedStep: checkpoint.evaluatedStep
    ) { curve.add($0) }
    self.curve = curve
    if savedFile == nil { try save() }
  }

  private mutating func resume(_ read: consuming TrainingCheckpoint, _ file: String) throws {
    do { try read.expect(trainer.data.identity, seed: trainer.seed) } catch let error as HeedError {
      throw error.during("resuming \(file)")
    }
    writer.message("step \(read.step): going on from \(file)")
    (checkpoint, savedFile) = (read, file)
    folder.remove(after: read.step)
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

  private var isDone: Bool { trainer.length.isReached(step: checkpoint.step, position: checkpoint.position) }

  private var requestedEnd: TrainingResult.End? {
    if trainer.handlesSignals, let signal = InterruptSignals.name { return .interrupted(signal: signal) }
    return Task.isCancelled ? .cancelled : nil
  }

  // MARK: A step

  private mutating func step(_ batch: Batch) async throws {
    let number = checkpoint.step + 1
    let start = clock.now
    let values: StepMetrics
    do {
      values = try trainer.call(batch, step: checkpoint.step, updating: &checkpoint.state)
    } catch let error as HeedError {
      throw error.during("step \(number)")
    }
    let seconds = (clock.now - start) / .seconds(1)
    let line = MetricsFile.Line(
      step: number, epoch: batch.position.epoch, values: values.values, seconds: seconds, samples: batch.samples.count,
      tokens: batch.tokenCount)
    try writing { try $0.metrics?.append(line) }
    let loss = values[trainer.loss] ?? .nan
    guard loss.isFinite else {
      writer.message("step \(number): the loss is not finite; making the steps since the last checkpoint again to find the cause")
      // The state is of no use any more, and makes room.
      checkpoint.state = GraphState()
      throw await NonFiniteSearch(trainer, folder: folder, loss: loss, step: number, checkpoint: savedFile).error()
    }
    let before = done
    (checkpoint.step, checkpoint.position, lastLoss, isUnsaved) = (number, batch.next, loss, true)
    curve.add(line)
    speed.add(seconds: seconds, samples: batch.samples.count, tokens: batch.tokenCount, progress: (done ?? 0) - (before ?? 0))
    let (trainer, speed, done) = (trainer, speed, done)
    writer.status(step: number, isLast: isDone) {
      var text = "step \(number)"
      if case .steps(let count) = trainer.length { text += " of \(count)" } else { text += ", epoch \(batch.position.epoch + 1)" }
      text += "  loss \(shortNumber(loss))"
      if let rate = values["learning_rate"] { text += "  rate \(scientific(rate))" }
      text += "  \(speed.text)"
      if let done, let left = speed.timeLeft(rest: 1 - done) { text += "  \(left) left" }
      return text
    }
  }

  private var done: Double? {
    trainer.length.progress(step: checkpoint.step, position: checkpoint.position, sampleCount: trainer.data.sampleCount)
  }

  // MARK: Evaluation

  /// Returns `stoppedEarly` where patience is at its end.
  private mutating func evaluateWhereDue() async throws -> TrainingResult.End? {
    guard let evaluation = trainer.evaluation else { return nil }
    let (step, last) = (checkpoint.step, checkpoint.evaluatedStep)
    if step > 0, last != step, step % evaluation.interval == 0 {
      do { try await evaluate() } catch is CancellationError { return requestedEnd ?? .cancelled }
    }
    guard let patience = evaluation.patience, checkpoint.patienceCount >= patience else { return nil }
    return .stoppedEarly
  }

  private mutating func evaluate() async throws {
    guard let evaluation = trainer.evaluation else { return }
    let start = clock.now
    let handlesSignals = trainer.handlesSignals
    let context = TrainingEvaluation.Context(parameters: trainer.parameters) { handlesSignals && InterruptSignals.name != nil }
    let numbers = try await evaluation.measure(checkpoint.state, context)
    let seconds = (clock.now - start) / .seconds(1)
    guard let value = numbers[evaluation.metric] else {
      let got = numbers.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
      throw HeedError("got \(got.isEmpty ? "no number" : got) of an evaluation, expected one called '\(evaluation.metric)'")
    }
    let isBest = evaluation.isBetter(value, than: checkpoint.best)
    let line = MetricsFile.Line(
      step: checkpoint.step, epoch: checkpoint.position.epoch,
      values: numbers.sorted { $0.key < $1.key }.map { ("evaluation_\($0.key)", $0.value) }, isBest: isBest, seconds: seconds)
    try writing { try $0.metrics?.append(line) }
    curve.add(line)
    (checkpoint.evaluatedStep, isUnsaved) = (checkpoint.step, true)
    checkpoint.patienceCount = isBest ? 0 : checkpoint.patienceCount + 1
    if isBest {
      (checkpoint.best, checkpoint.bestStep) = (value, checkpoint.step)
      try writing { try $0.checkpoint.write(to: $0.folder.best) }
    }
    writer.message(
      "step \(checkpoint.step)  evaluation: \(evaluation.metric) \(shortNumber(value))"
        + (isBest
          ? ", the best so far" : ", best \(checkpoint.best.map(shortNumber) ?? "none") after step \(checkpoint.bestStep ?? 0)"))
  }

  // MARK: Files

  private mutating func save() throws {
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
  private func writing(_ body: (TrainingLoop) throws -> Void) throws {
    do { try body(self) } catch let error as HeedError {
      guard let savedFile else { throw error }
      throw HeedError("\(error.message); the last whole checkpoint is \(savedFile)")
    }
  }

  private mutating func report(_ end: TrainingResult.End) {
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
