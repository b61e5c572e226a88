import ArgumentParser
import Heed

/// `heed embed`: sentences in, vectors out.
struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed", abstract: "Embeds sentences with a pretrained encoder.",
    discussion:
      "Each line of the input is an object with a \"text\". With --json each line of the output is an object with \"ids\" and "
      + "\"embedding\", in the same order. Lines are read and written as they come, so that memory does not grow with the input; "
      + "--trace keeps the times of all batches.")

  @Option(help: "A folder with config.json, vocab.txt and model.safetensors.") var model: String
  @Option(help: "A file of JSON lines; standard input unless given.") var input: String?
  @Option(help: "The most tokens that one batch has, or one sentence where that is longer. Results do not depend on it.")
  var batch = SentenceEmbedder.defaultTokenLimit
  @OptionGroup var precision: EncoderPrecisionOption
  @Flag(help: "Print JSON lines.") var json = false
  @Option(help: "Write the kernel calls as Chrome's trace events, for ui.perfetto.dev; those of a second run.") var trace: String?
  @OptionGroup var threads: ThreadsOption

  func validate() throws {
    if batch < 1 { throw ValidationError("got --batch \(batch), expected at least 1") }
  }

  func run() throws {
    let element = try precision.element()
    var lines = try TextLines(input)
    // A mistake in the first lines is found before the model is read.
    var texts = try lines.next()
    let embedder = try SentenceEmbedder(model: model, element: element, options: CompileOptions(threads: threads.threads))
    var printer = VectorPrinter(isJSON: json)
    var timings: [StepTiming] = []
    var lengths: [Int] = []
    while !texts.isEmpty {
      let ids = texts.map(embedder.tokenizer.encode)
      let vectors = try embedder.embed(ids: ids, tokenLimit: batch)
      if trace != nil {
        _ = try embedder.embed(ids: ids, tokenLimit: batch, timings: &timings)
        lengths += ids.map(\.count)
      }
      for (text, (ids, vector)) in zip(texts, zip(ids, vectors)) { try printer.print(text, ids, vector) }
      try TextOutput.standard.flush()
      texts = try lines.next()
    }
    try printer.finish()
    if let trace {
      let profile = KernelProfile(timings, attentionFlops: embedder.configuration.attentionFlops(lengths: lengths))
      try TraceFile(profile: profile, target: embedder.encoder.lowered.target, threads: embedder.encoder.threadCount).write(
        to: trace)
    }
  }
}

/// Prints vectors one by one.
private struct VectorPrinter {
  let isJSON: Bool
  private var count = 0
  /// The first vectors, which are compared where there are no more of them.
  private var first: [[Float]] = []

  /// The most vectors of which each is compared with each.
  private static let mostCompared = 20

  init(isJSON: Bool) { self.isJSON = isJSON }

  mutating func print(_ text: String, _ ids: [Int32], _ vector: [Float]) throws {
    count += 1
    guard !isJSON else {
      let numbers = ids.map(String.init).joined(separator: ", ")
      // Swift writes the shortest text that reads back as the same number.
      let components = vector.map { $0.isFinite ? "\($0)" : "null" }.joined(separator: ", ")
      return try printLine("{\"ids\": [\(numbers)], \"embedding\": [\(components)]}")
    }
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    try printLine("\(count). \(line.count > 100 ? line.prefix(99) + "…" : line[...])")
    let components = vector.prefix(6).map { fixed(Double($0), 4) }.joined(separator: ", ")
    try printLine("   \(ids.count) tokens, \(vector.count) components: [\(components), ...]")
    if count <= Self.mostCompared { first.append(vector) }
  }

  /// Prints how alike a few texts are.
  func finish() throws {
    guard !isJSON, (2...Self.mostCompared).contains(count) else { return }
    try printLine("\nCosine similarity:")
    for row in first {
      let products = first.map { zip(row, $0).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
      try printLine(products.map { padded(fixed($0, 2), 6, left: true) }.joined())
    }
  }
}
