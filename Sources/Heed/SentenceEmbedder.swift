public import HeedArrays
public import HeedIR
public import HeedModels
package import HeedRuntime

/// A sentence encoder read from a folder, compiled and ready: text in, unit vectors out.
///
/// ```swift
/// let embedder = try SentenceEmbedder(model: "all-MiniLM-L6-v2")
/// let vectors = try embedder.embed(["A cat sat.", "A dog ran."])
/// ```
///
/// Any number of threads may use it at once. The vector of a sentence has the same bits in any batch and for any number of threads.
public final class SentenceEmbedder: Sendable {
  /// Turns text into the encoder's tokens.
  public let tokenizer: WordPieceTokenizer
  /// What the model's config.json says.
  public let configuration: EncoderConfiguration
  /// The compiled encoder with its weights: `ids i32[T]` and `offsets i32[B + 1]` to `embeddings f32[B, D]`.
  public let encoder: CompiledGraph
  /// The number of components of a vector.
  public let dimension: Int

  /// Reads the folder at `path` (see `ModelDirectory`) and compiles its encoder.
  /// - Parameter element: the type that factors of products are rounded to and that is kept in memory between layers: f32, bf16 or
  ///   f16.
  /// - Throws: where a file is missing or unfit; the error names it.
  public init(model path: String, element: ElementType = .f32, options: CompileOptions = CompileOptions()) throws {
    guard element == .f32 || element == .bf16 || element == .f16 else {
      throw HeedError("got the element type \(element) for an encoder, expected f32, bf16 or f16")
    }
    let directory = try ModelDirectory(path: path)
    configuration = directory.configuration
    dimension = configuration.hiddenSize
    (tokenizer, encoder) = try concurrently {
      try directory.tokenizer()
    } _: {
      let weights = try directory.weights()
      let graph = try Encoder(directory.configuration, weights: weights, element: element).embeddingGraph()
      return try graph.compile(options).load(parameters: Encoder.parameters(of: graph, from: weights))
    }
  }

  private init(tokenizer: WordPieceTokenizer, configuration: EncoderConfiguration, encoder: CompiledGraph) {
    (self.tokenizer, self.configuration, self.encoder) = (tokenizer, configuration, encoder)
    dimension = configuration.hiddenSize
  }

  /// The same encoder with other weights, such as those of a training run.
  /// - Parameter weights: arrays by the names of the weight file; more than the encoder has may be there.
  /// - Throws: where one is missing or not of its type; the error names it.
  public func with(weights: [String: NDArray]) throws -> SentenceEmbedder {
    let names = encoder.lowered.source.arguments.filter { $0.role == .parameter }.map { encoder.lowered.source.name($0.value).text }
    let bound = weights.filter { names.contains($0.key) }
    return SentenceEmbedder(tokenizer: tokenizer, configuration: configuration, encoder: try encoder.load(parameters: bound))
  }

  /// The most tokens of one batch unless the caller says otherwise: enough to keep many threads busy, and memory does not grow with the
  /// number of texts beside their vectors.
  public static let defaultTokenLimit = 4096

  /// One vector of length 1 per text, in order.
  /// - Parameter tokenLimit: the most tokens of one ragged batch, which has at least one text; nil for all texts in one batch.
  public func embed(_ texts: [String], tokenLimit: Int? = defaultTokenLimit) throws -> [[Float]] {
    try embed(ids: texts.map(tokenizer.encode), tokenLimit: tokenLimit)
  }

  /// The same for texts that are tokens already.
  /// - Throws: where an id is not in the vocabulary, or memory lacks.
  public func embed(ids: [[Int32]], tokenLimit: Int? = defaultTokenLimit) throws -> [[Float]] {
    try embed(ids: ids, tokenLimit: tokenLimit, timings: nil)
  }

  /// - Parameter timings: receives how long each kernel call took.
  package func embed(
    ids: [[Int32]], tokenLimit: Int?, timings: UnsafeMutablePointer<[StepTiming]>?
  ) throws -> [[Float]] {
    var vectors: [[Float]] = []
    vectors.reserveCapacity(ids.count)
    var rest = ids[...]
    while !rest.isEmpty {
      // A text without tokens counts as one, as its vector takes memory too.
      var tokens = max(1, rest.first!.count)
      var end = rest.startIndex + 1
      while end < rest.endIndex, tokens + max(1, rest[end].count) <= tokenLimit ?? Int.max {
        tokens += max(1, rest[end].count)
        end += 1
      }
      let rows: [Float] = try encoder.run(Self.inputs(rest[..<end]).map { ($0.key, $0.value) }, timings: timings)[0].values()
      for start in stride(from: 0, to: rows.count, by: dimension) { vectors.append(Array(rows[start..<start + dimension])) }
      rest = rest[end...]
    }
    return vectors
  }

  /// The encoder's inputs for a ragged batch: all tokens one after another, and where each text starts.
  public static func inputs(_ ids: some Collection<[Int32]>) throws -> [String: NDArray] {
    let tokens = ids.flatMap { $0 }
    guard tokens.count <= Int32.max else { throw HeedError("got \(tokens.count) tokens in a batch, expected at most \(Int32.max)") }
    var offsets: [Int32] = [0]
    for text in ids { offsets.append(offsets.last! + Int32(text.count)) }
    return ["ids": try NDArray(tokens, [tokens.count]), "offsets": try NDArray(offsets, [offsets.count])]
  }
}
