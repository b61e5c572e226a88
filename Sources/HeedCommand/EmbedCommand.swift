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
  @OptionGroup var memory: MemoryLimitOption
  @OptionGroup var precision: EncoderPrecisionOption
  @Flag(help: "Print JSON lines.") var json = false
  @Option(help: "Write the kernel calls as Chrome's trace events, for ui.perfetto.dev; those of a second run.") var trace: String?
  @OptionGroup var threads: ThreadsOption

  func validate() throws {
    if batch < 1 { throw ValidationError("got --batch \(batch), expected at least 1") }
  }

  func run() throws {
    let element = try precision.element()
    if let trace { try FileBytes.check([OutputPath("--trace", trace)]) }
    var lines = try TextLines(input)
    try lines.readAhead()
    let embedder = try SentenceEmbedder(
      model: model, element: element, options: CompileOptions(threads: threads.threads, memoryLimit: memory.limit()))
    var printer = VectorPrinter(isJSON: json)
    var progress = EmbeddingProgress()
    defer { progress.clear() }
    var timings: [StepTiming] = []
    var lengths: [Int] = []
    var texts = TextBatch(tokenLimit: batch)

    func embedBatch() throws {
      let ids = texts.texts.map(\.ids)
      let vectors = try embedder.embed(ids: ids, tokenLimit: nil)
      if trace != nil {
        _ = try embedder.embed(ids: ids, tokenLimit: nil, timings: &timings)
        lengths += ids.map(\.count)
      }
      for (text, vector) in zip(texts.texts, vectors) { try printer.print(text, vector) }
      try TextOutput.standard.flush()
      progress.show(printer.count, share: lines.share)
      texts.removeAll()
    }
    while let text = try lines.next() {
      let entry = TextBatch.Entry(text, embedder.tokenizer, isShown: !json)
      if !texts.hasRoom(for: entry) { try embedBatch() }
      texts.append(entry)
      // Whoever writes the next line may wait for the vector of this one.
      if !lines.isReady { try embedBatch() }
    }
    if !texts.isEmpty { try embedBatch() }
    try printer.finish()
    if let trace {
      let profile = KernelProfile(timings, attentionFlops: embedder.configuration.attentionFlops(lengths: lengths))
      try TraceFile(profile: profile, target: embedder.encoder.lowered.target, threads: embedder.encoder.threadCount).write(
        to: trace)
    }
  }
}

/// Texts that are embedded together.
struct TextBatch {
  struct Entry {
    let ids: [Int32]
    /// The beginning of the text, on one line.
    let shown: String

    init(_ text: String, _ tokenizer: WordPieceTokenizer, isShown: Bool) {
      ids = tokenizer.encode(text)
      shown = isShown ? text.beginning(of: 100) : ""
    }

    /// A text without tokens counts as one, as its vector takes memory too.
    var tokenCount: Int { max(1, ids.count) }
  }

  let tokenLimit: Int
  private(set) var texts: [Entry] = []
  private var tokenCount = 0

  /// The most texts and tokens, whatever the limit: a whole file in one batch would have no bound.
  private static let (mostTexts, mostTokens) = (4096, 1 << 20)

  init(tokenLimit: Int) { self.tokenLimit = min(tokenLimit, Self.mostTokens) }

  var isEmpty: Bool { texts.isEmpty }

  func hasRoom(for entry: Entry) -> Bool {
    isEmpty || texts.count < Self.mostTexts && tokenCount + entry.tokenCount <= tokenLimit
  }

  mutating func append(_ entry: Entry) {
    texts.append(entry)
    tokenCount += entry.tokenCount
  }

  mutating func removeAll() {
    texts.removeAll(keepingCapacity: true)
    tokenCount = 0
  }
}

/// Prints vectors one by one.
private struct VectorPrinter {
  let isJSON: Bool
  private(set) var count = 0
  /// The first vectors, which are compared where there are no more of them.
  private var first: [[Float]] = []

  /// The most vectors of which each is compared with each.
  private static let mostCompared = 20

  init(isJSON: Bool) { self.isJSON = isJSON }

  mutating func print(_ text: TextBatch.Entry, _ vector: [Float]) throws {
    count += 1
    guard !isJSON else {
      let numbers = text.ids.map(String.init).joined(separator: ", ")
      // Swift writes the shortest text that reads back as the same number.
      let components = vector.map { $0.isFinite ? "\($0)" : "null" }.joined(separator: ", ")
      return try printLine("{\"ids\": [\(numbers)], \"embedding\": [\(components)]}")
    }
    try printLine("\(count). \(text.shown)")
    let components = vector.prefix(6).map { fixed(Double($0), 4) }.joined(separator: ", ")
    try printLine("   \(text.ids.count) tokens, \(vector.count) components: [\(components), ...]")
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

/// How many texts are embedded, on a terminal. Where vectors go to a terminal too, they say it themselves.
private struct EmbeddingProgress {
  private var line = StatusLine(isTerminal: StandardError.isTerminal && !TextOutput.standard.isTerminal)
  private let start = ContinuousClock.now

  mutating func show(_ count: Int, share: Double?) {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    line.show {
      let rate = Double(count) / max(1e-9, seconds)
      return "\(count) texts\(share.map { " (\(Int(100 * $0)) %)" } ?? ""), \(fixed(rate, 0)) per second"
    }
  }

  mutating func clear() { line.clear() }
}
