import ArgumentParser
import Heed

/// `heed bench encoder`: a whole sentence encoder on random tokens.
struct BenchEncoderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encoder", abstract: "Measures a whole encoder on one ragged batch of random tokens, or with its gradients.")

  @Option(help: "A folder with config.json, vocab.txt and model.safetensors.") var model: String
  @Option(help: "The number of sentences, all of the length --sequence.") var batch: Int?
  @Option(help: "The tokens of each sentence.") var sequence: Int?
  @Option(help: "The tokens of each sentence, separated by commas, in place of --batch and --sequence.") var lengths: String?
  @Option(help: "forward, or both: with the gradients of all weights, which are inputs then.")
  var direction = EncoderDirection.forward
  @OptionGroup var precision: EncoderPrecisionOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var bench: BenchOptions

  func validate() throws {
    guard (lengths == nil) == (batch != nil || sequence != nil) else {
      throw ValidationError("expected either --batch and --sequence or --lengths")
    }
  }

  func run() throws {
    try bench.checkFiles()
    let lengths = try sentenceLengths()
    let directory = try ModelDirectory(path: model)
    let configuration = directory.configuration
    if let long = lengths.first(where: { $0 > directory.maximumTokens }) {
      throw HeedError("got a sentence of \(long) tokens, expected at most the model's \(directory.maximumTokens)")
    }
    var numbers = SeededNumbers(seed: 1)
    let sentences = lengths.map { (0..<$0).map { _ in Int32(numbers.next() % UInt64(configuration.vocabularySize)) } }
    let options = CompileOptions(threads: threads.threads)
    let work = try direction == .forward ? forward(sentences, options) : both(directory, sentences, options)
    let scale = direction == .forward ? 1.0 : 3.0
    var report = try BenchReport(
      work.program, probe: try RateProbe(precision.element()), reading: [NDArray(zeros: .u8, [32 << 20])],
      flops: scale * configuration.usefulFlops(lengths: lengths), bytes: scale * work.weightBytes, maximumError: work.error()
    ) { try Stopwatch.calls(of: work.program, work.inputs, for: bench.seconds) }
    report.fields = ["tokens": JSON(lengths.reduce(0, +))]
    try bench.finish(
      report, "Encoder: \(lengths.count) sentences, \(lengths.reduce(0, +)) tokens, \(direction.rawValue)", work.program,
      work.inputs,
      attentionFlops: direction == .forward ? configuration.attentionFlops(lengths: lengths) : nil)
  }

  /// What is measured.
  private struct Work {
    let program: CompiledGraph
    let inputs: [String: NDArray]
    let weightBytes: Double
    let error: () throws -> Double
  }

  private func forward(_ sentences: [[Int32]], _ options: CompileOptions) throws -> Work {
    let embedder = try SentenceEmbedder(model: model, element: precision.element(), options: options)
    let reference = try EncoderReference(model: model)
    return Work(
      program: embedder.encoder, inputs: try SentenceEmbedder.inputs(sentences), weightBytes: reference.weightBytes
    ) { try reference.maximumError(of: embedder, sentences) }
  }

  private func both(_ directory: ModelDirectory, _ sentences: [[Int32]], _ options: CompileOptions) throws -> Work {
    let gradients = try EncoderGradients(directory, precision.element(), options)
    return Work(program: gradients.program, inputs: try gradients.inputs(sentences), weightBytes: gradients.weightBytes) {
      try gradients.maximumError(sentences)
    }
  }

  private func sentenceLengths() throws -> [Int] {
    guard let text = lengths else {
      let (batch, sequence) = (batch ?? 1, sequence ?? 128)
      guard batch > 0, sequence > 0 else {
        throw HeedError("got a batch of \(batch) x \(sequence) tokens, expected at least 1 x 1")
      }
      guard batch <= Int(Int32.max) / sequence else {
        throw HeedError("got a batch of \(batch) x \(sequence) tokens, expected at most \(Int32.max) tokens")
      }
      return Array(repeating: sequence, count: batch)
    }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let length = Int(part.drop { $0 == " " }), length > 0 else {
        throw HeedError("got the length '\(part)', expected a number of at least 1")
      }
      return length
    }
  }
}

/// What of an encoder is measured.
enum EncoderDirection: String, CaseIterable, ExpressibleByArgument {
  case forward, both
}
