import Foundation
import Heed

/// The pretrained sentence encoder all-MiniLM-L6-v2 (Apache 2.0), compiled to return its attention.
///
/// Its folder is `.cache/all-MiniLM-L6-v2`, or named by HEED_MODEL; `make example` fetches it.
struct PretrainedEncoder {
  let configuration: EncoderConfiguration
  private let tokenizer: WordPieceTokenizer
  private let program: CompiledGraph

  /// - Parameter seed: of random weights in place of the pretrained ones; nil for those.
  init(randomWeights seed: Int? = nil) throws {
    let directory = try Self.directory()
    (configuration, tokenizer) = (directory.configuration, try directory.tokenizer())
    let file = try directory.weights()
    let encoder = try Encoder(configuration, weights: file)
    let graph = encoder.attentionGraph()
    let weights = try Encoder.parameters(of: graph, from: file)
    let compiled = try graph.compile()
    guard let seed else {
      program = try compiled.load(parameters: weights)
      return
    }
    let initializers = try encoder.contrastGraph().initializers
    program = try compiled.load(parameters: initializers.arrays(for: graph, seed: UInt64(seed)))
  }

  /// HEED_MODEL, or else where `make model` puts it.
  private static let path = ProcessInfo.processInfo.environment["HEED_MODEL"] ?? ".cache/all-MiniLM-L6-v2"

  static let isThere = FileManager.default.fileExists(atPath: path + "/vocab.txt")

  /// Its files.
  static func directory() throws -> ModelDirectory {
    guard isThere else { throw HeedError("got no model in \(path), expected the folder of all-MiniLM-L6-v2: run make model") }
    return try ModelDirectory(path: path)
  }

  /// The graph of the attention of the first layers.
  static func graph(layers: Int) throws -> Graph {
    var configuration = try directory().configuration
    configuration.layerCount = layers
    return Encoder(configuration).attentionGraph()
  }

  /// The attention of all heads over a text.
  func attention(_ text: String) throws -> AttentionMaps {
    let ids = tokenizer.encode(text)
    let out = try program(SentenceEmbedder.inputs([ids]))
    let maps = try out.map { layer in
      let (numbers, count) = (try layer.doubles(), ids.count)
      return (0..<configuration.headCount).map { head in
        (0..<count).map { query in Array(numbers[(head * count + query) * count..<(head * count + query + 1) * count]) }
      }
    }
    return AttentionMaps(tokens: ids.map { tokenizer.token($0)! }, heads: maps.flatMap { $0 })
  }
}

/// The attention over one text.
struct AttentionMaps {
  let tokens: [String]
  /// For each head, those of the first layer first, a row of weights for each query.
  let heads: [[[Double]]]

  /// The map of one head with the tokens on its axes.
  func picture(of head: Int, title: String) -> HeatMap {
    HeatMap(
      title: title, values: heads[head], rows: tokens, columns: tokens, rowLabel: "query", columnLabel: "key", scale: "weight",
      range: 0...1)
  }
}
