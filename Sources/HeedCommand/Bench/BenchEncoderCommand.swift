import ArgumentParser
import Heed

/// `heed bench encoder`: a whole sentence encoder on random tokens.
struct BenchEncoderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encoder", abstract: "Measures a whole encoder on one ragged batch of random tokens.")

  @Option(help: "A folder with config.json, vocab.txt and model.safetensors.") var model: String
  @Option(help: "The number of sentences, all of the length --sequence.") var batch: Int?
  @Option(help: "The tokens of each sentence.") var sequence: Int?
  @Option(help: "The tokens of each sentence, separated by commas, in place of --batch and --sequence.") var lengths: String?
  @OptionGroup var precision: EncoderPrecisionOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var bench: BenchOptions

  func validate() throws {
    guard (lengths == nil) == (batch != nil || sequence != nil) else {
      throw ValidationError("expected either --batch and --sequence or --lengths")
    }
  }

  func run() throws {
    let lengths = try sentenceLengths()
    let embedder = try SentenceEmbedder(
      model: model, element: precision.element(), options: CompileOptions(threads: threads.threads))
    let limit = embedder.tokenizer.maximumTokens
    if let long = lengths.first(where: { $0 > limit }) {
      throw HeedError("got a sentence of \(long) tokens, expected at most the model's \(limit)")
    }
    var numbers = SeededNumbers(seed: 1)
    let words = UInt64(embedder.tokenizer.vocabularySize)
    let sentences = lengths.map { (0..<$0).map { _ in Int32(numbers.next() % words) } }
    let inputs = try SentenceEmbedder.inputs(sentences)
    let reference = try EncoderReference(model: model)
    let maximumError = try reference.maximumError(of: embedder, sentences)
    var report = try BenchReport(
      embedder.encoder, probe: try RateProbe(precision.element()), reading: [NDArray(zeros: .u8, [32 << 20])],
      flops: embedder.configuration.usefulFlops(lengths: lengths), bytes: reference.weightBytes, maximumError: maximumError
    ) { try Stopwatch.calls(of: embedder.encoder, inputs, for: bench.seconds) }
    report.fields = ["tokens": JSON(lengths.reduce(0, +))]
    try bench.finish(
      report, "Encoder: \(lengths.count) sentences, \(lengths.reduce(0, +)) tokens", embedder.encoder, inputs,
      attentionFlops: embedder.configuration.attentionFlops(lengths: lengths))
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
