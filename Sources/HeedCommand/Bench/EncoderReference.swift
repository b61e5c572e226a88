import Heed
import HeedInterpreter

/// A sentence encoder by the reference interpreter, in double precision.
struct EncoderReference {
  private let graph: Graph
  private let parameters: [Name: ReferenceArray]
  /// The bytes of the weights that a call of a few tokens reads: all but the embedding tables.
  let weightBytes: Double

  /// - Parameter model: a folder with config.json, vocab.txt and model.safetensors.
  init(model path: String) throws {
    let directory = try ModelDirectory(path: path)
    let weights = try directory.weights()
    graph = try Encoder(directory.configuration, weights: weights).embeddingGraph()
    let arrays = try Encoder.parameters(of: graph, from: weights)
    parameters = Dictionary(uniqueKeysWithValues: arrays.map { (Name($0.key), ReferenceArray($0.value)) })
    weightBytes = Double(arrays.filter { !$0.key.contains("_embeddings.") }.reduce(0) { $0 + $1.value.byteCount })
  }

  /// The largest difference of a component, on sampled sentences.
  ///
  /// The vector of a sentence does not depend on its neighbours, so a sample is enough: the shortest sentences, up to `tokenLimit`
  /// tokens together, each cut to that length.
  func maximumError(of embedder: SentenceEmbedder, _ sentences: [[Int32]], tokenLimit: Int = 32) throws -> Double {
    let inputs = try SentenceEmbedder.inputs(sentences.shortest(tokenLimit: tokenLimit))
    let named = Dictionary(uniqueKeysWithValues: inputs.map { (Name($0.key), ReferenceArray($0.value)) })
    let expected = try GraphInterpreter.evaluate(graph, inputs: parameters.merging(named) { $1 })[0].array.reals
    return largestDifference(ReferenceArray(try embedder.encoder(inputs)[0]).reals, expected)
  }
}

extension [[Int32]] {
  /// The shortest sentences, up to `tokenLimit` tokens together, the last one cut to that.
  func shortest(tokenLimit: Int) -> [[Int32]] {
    var sample: [[Int32]] = []
    var tokens = 0
    for sentence in sorted(by: { $0.count < $1.count }) {
      let cut = Array<Int32>(sentence.prefix(tokenLimit - tokens))
      guard !cut.isEmpty else { break }
      sample.append(cut)
      tokens += cut.count
    }
    return sample
  }
}
