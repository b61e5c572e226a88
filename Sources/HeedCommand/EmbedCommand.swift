import ArgumentParser
import Foundation
import Heed

/// `heed embed`: sentences in, vectors out.
struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed", abstract: "Embeds sentences with a pretrained encoder.",
    discussion:
      "Each line of the input is an object with a \"text\". With --json each line of the output is an object with \"ids\" and "
      + "\"embedding\", in the same order.")

  @Option(help: "A folder with config.json, vocab.txt and model.safetensors.") var model: String
  @Option(help: "A file of JSON lines; standard input unless given.") var input: String?
  @Option(help: "The most tokens that one batch may have; all sentences in one batch unless given.") var batch: Int?
  @OptionGroup var precision: EncoderPrecisionOption
  @Flag(help: "Print JSON lines.") var json = false
  @Option(help: "Write the kernel calls as Chrome's trace events, for ui.perfetto.dev; those of a second run.") var trace: String?
  @OptionGroup var threads: ThreadsOption

  func validate() throws {
    if let batch, batch < 1 { throw ValidationError("got --batch \(batch), expected at least 1") }
  }

  func run() throws {
    let texts = try TextLines.read(input)
    let embedder = try SentenceEmbedder(
      model: model, element: precision.element(), options: CompileOptions(threads: threads.threads))
    let ids = texts.map(embedder.tokenizer.encode)
    let vectors = try embedder.embed(ids: ids, tokenLimit: batch)
    if let trace {
      var timings: [StepTiming] = []
      _ = try embedder.embed(ids: ids, tokenLimit: batch, timings: &timings)
      let profile = KernelProfile(timings, attentionFlops: embedder.configuration.attentionFlops(lengths: ids.map(\.count)))
      try TraceFile(profile: profile, target: embedder.encoder.lowered.target, threads: embedder.encoder.threadCount).write(
        to: trace)
    }
    if json { printJSON(ids, vectors) } else { printReadable(texts, ids, vectors) }
  }

  private func printJSON(_ ids: [[Int32]], _ vectors: [[Float]]) {
    for (ids, vector) in zip(ids, vectors) {
      let numbers = ids.map(String.init).joined(separator: ", ")
      // Swift writes the shortest text that reads back as the same number.
      let components = vector.map { $0.isFinite ? "\($0)" : "null" }.joined(separator: ", ")
      print("{\"ids\": [\(numbers)], \"embedding\": [\(components)]}")
    }
  }

  private func printReadable(_ texts: [String], _ ids: [[Int32]], _ vectors: [[Float]]) {
    for (number, (text, (ids, vector))) in zip(texts, zip(ids, vectors)).enumerated() {
      let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
      print("\(number + 1). \(line.count > 100 ? line.prefix(99) + "…" : line[...])")
      let components = vector.prefix(6).map { fixed(Double($0), 4) }.joined(separator: ", ")
      print("   \(ids.count) tokens, \(vector.count) components: [\(components), ...]")
    }
    guard (2...20).contains(texts.count) else { return }
    print("\nCosine similarity:")
    for row in vectors {
      print(vectors.map { padded(fixed(zip(row, $0).reduce(0) { $0 + Double($1.0) * Double($1.1) }, 2), 6, left: true) }.joined())
    }
  }
}

/// Texts from JSON lines.
enum TextLines {
  /// The texts of the file at `path`, or of standard input where that is nil.
  /// - Throws: where the file cannot be read, or a line is not an object with a text; the error names the line.
  static func read(_ path: String?) throws -> [String] {
    let bytes = try path.map { try FileBytes.read($0) } ?? [UInt8](FileHandle.standardInput.readDataToEndOfFile())
    let file = path ?? "<stdin>"
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return try lines.enumerated().map { number, line in
      do {
        let value = try JSON(parsing: line)
        guard value.members != nil else { throw HeedError("got \(value.kind), expected an object with a \"text\"") }
        guard let text = value["text"] else { throw HeedError("got an object without \"text\"") }
        guard let string = text.string else { throw HeedError("got \(text.kind) as \"text\", expected a string") }
        return string
      } catch let error as HeedError {
        throw HeedError(error.message, at: SourceLocation(file: file, line: number + 1))
      }
    }
  }
}
