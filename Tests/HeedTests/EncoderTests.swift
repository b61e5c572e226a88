import Foundation
import Heed
import Testing

/// The pretrained model: the folder `HEED_MODEL`, which must then be there, or else what `scripts/fetch-model.sh` made.
private enum Model {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  private static let named = ProcessInfo.processInfo.environment["HEED_MODEL"].flatMap { $0.isEmpty ? nil : $0 }
  static let path = named ?? root + "/.cache/all-MiniLM-L6-v2"
  static let isThere = named != nil || FileManager.default.fileExists(atPath: path + "/vocab.txt")

  static func resource(_ name: String) -> String { root + "/Tests/Resources/minilm/" + name }

  /// The reference's sentences: their texts and token ids.
  static func sentences() throws -> [(text: String, ids: [Int32])] {
    try FileBytes.read(resource("sentences.jsonl")).split(separator: UInt8(ascii: "\n")).map { line in
      let object = try JSON(parsing: line)
      let ids = try #require(object["ids"]?.array).map { Int32(try #require($0.integer)) }
      return (try #require(object["text"]?.string), ids)
    }
  }

  static func embedder(threads: Int, element: ElementType = .f32) throws -> SentenceEmbedder {
    try SentenceEmbedder(
      model: path, element: element, options: CompileOptions(threads: threads, cache: ObjectCache(directory: nil)))
  }
}

/// The compiled encoder against what PyTorch computes.
@Suite(.enabled(if: Model.isThere, "no model: run scripts/fetch-model.sh, or name a folder in HEED_MODEL"))
struct EncoderTests {
  @Test func embeddingsAndIDs() throws {
    let sentences = try Model.sentences()
    let reference = try NumPyFile.read(Model.resource("embeddings.npy")).values(as: Float.self)
    let embedder = try Model.embedder(threads: 1)
    let ids = sentences.map { embedder.tokenizer.encode($0.text) }
    #expect(ids == sentences.map(\.ids))
    let together = try embedder.embed(ids: ids)
    let error = zip(together.joined(), reference).map { abs($0 - $1) }.max()!
    #expect(together.count * embedder.dimension == reference.count && error < 1e-6)
    // The bits of a sentence depend neither on its neighbours nor on the number of threads.
    #expect(try embedder.embed(ids: ids, tokenLimit: 1) == together)
    #expect(try embedder.embed(ids: ids, tokenLimit: 100) == together)
    for threads in [2, 3] { #expect(try Model.embedder(threads: threads).embed(ids: ids) == together) }
  }

  /// Products of 16-bit factors, and as short numbers between layers: how far embeddings may be from the reference's.
  @Test(arguments: [(ElementType.bf16, 5e-3, 2e-4), (.f16, 6e-4, 5e-6)])
  func narrowEmbeddings(_ element: ElementType, _ largest: Float, _ angle: Float) throws {
    let ids = try Model.sentences().map(\.ids)
    let embedder = try Model.embedder(threads: 1, element: element)
    let reference = try NumPyFile.read(Model.resource("embeddings.npy")).values(as: Float.self)
    let together = try embedder.embed(ids: ids)
    for (number, vector) in together.enumerated() {
      let expected = reference[number * embedder.dimension..<(number + 1) * embedder.dimension]
      #expect(zip(vector, expected).map { abs($0 - $1) }.max()! < largest)
      #expect(1 - zip(vector, expected).reduce(0) { $0 + $1.0 * $1.1 } < angle)
    }
    #expect(try embedder.embed(ids: ids, tokenLimit: 1) == together)
    #expect(try Model.embedder(threads: 2, element: element).embed(ids: ids) == together)
  }

  @Test func otherElementTypesAreRefused() throws {
    #expect(throws: HeedError.self) { try Model.embedder(threads: 1, element: .f64) }
  }

  @Test func noSentenceAndNoToken() throws {
    let embedder = try Model.embedder(threads: 1)
    #expect(try embedder.embed([]) == [])
    #expect(try embedder.embed(ids: [[]]) == [Array(repeating: 0, count: embedder.dimension)])
    #expect(throws: HeedError.self) { try embedder.embed(ids: [[101, Int32(embedder.tokenizer.vocabularySize), 102]]) }
  }

  /// The unfused graph of the same layers gives the attention probabilities of the first sentence. In f32 a score of 8 is a millionth
  /// off, and so is its exponential; the interpreter, in double precision, comes closer.
  @Test func attentionProbabilities() throws {
    let directory = try ModelDirectory(path: Model.path)
    let weights = try directory.weights()
    let graph = try Encoder(directory.configuration, weights: weights).attentionGraph()
    let parameters = try Encoder.parameters(of: graph, from: weights)
    let program = try graph.compile(CompileOptions(threads: 1, cache: ObjectCache(directory: nil)))
      .load(parameters: parameters)
    let layers = try program(SentenceEmbedder.inputs([Model.sentences()[0].ids]))
    let reference = try NumPyFile.read(Model.resource("attention.npy"))
    #expect(reference.shape == [layers.count] + layers[0].shape)
    let probabilities = layers.flatMap { $0.values(as: Float.self) }
    #expect(zip(probabilities, reference.values(as: Float.self)).map { abs($0 - $1) }.max()! < 3e-6)
  }
}
