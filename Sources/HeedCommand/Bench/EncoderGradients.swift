import Heed

/// A sentence encoder with the gradients of all its weights, as a step of training computes them.
struct EncoderGradients {
  /// The embeddings and the gradients, from tokens, weights and the cotangent of the embeddings.
  let program: CompiledGraph
  /// The bytes of the weights that a call of a few tokens reads: all but the embedding tables.
  let weightBytes: Double
  private let graph: Graph
  private let weights: [String: NDArray]
  private let hiddenSize: Int
  private let options: CompileOptions

  /// - Parameter directory: the model's folder.
  init(_ directory: ModelDirectory, _ element: ElementType, _ options: CompileOptions) throws {
    let file = try directory.weights()
    let encoder = try Encoder(directory.configuration, weights: file, element: element)
    graph = encoder.gradientGraph()
    weights = try Encoder.parameters(of: encoder.embeddingGraph(), from: file)
    weightBytes = Double(weights.filter { !$0.key.contains("_embeddings.") }.reduce(0) { $0 + $1.value.byteCount })
    (hiddenSize, self.options) = (directory.configuration.hiddenSize, options)
    program = try graph.compile(options)
  }

  /// The arguments for a ragged batch, with a random cotangent.
  func inputs(_ sentences: [[Int32]]) throws -> [String: NDArray] {
    var inputs = try SentenceEmbedder.inputs(sentences).merging(weights) { $1 }
    inputs["cotangent"] = try NDArray(normal: .f32, [sentences.count, hiddenSize], seed: 1)
    return inputs
  }

  /// The largest difference of a component of the embeddings and the gradients from the same graph compiled for f64, which tests compare
  /// with the interpreter's, on the shortest sentences up to `tokenLimit` tokens. The gradients of the keys' biases are 0 but for
  /// rounding, so differences are not relative to them.
  func maximumError(_ sentences: [[Int32]], tokenLimit: Int = 64) throws -> Double {
    let inputs = try inputs(sentences.shortest(tokenLimit: tokenLimit))
    let expected = try graph.inDoublePrecision().compile(options)(
      inputs.mapValues { $0.element.isFloat ? $0.converted(to: .f64) : $0 })
    return zip(try program(inputs), expected).reduce(0) { Swift.max($0, $1.0.largestDifference(from: $1.1)) }
  }
}
