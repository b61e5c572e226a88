import HeedIR

/// The shape of an encoder of the BERT family, as its `config.json` states it.
public struct EncoderConfiguration: Hashable, Sendable {
  /// The activation between the two linear layers of a block.
  public enum Activation: String, Hashable, Sendable, CaseIterable {
    /// x/2 (1 + erf(x/sqrt 2)).
    case gelu
    /// GELU by tanh: `gelu_new`, `gelu_pytorch_tanh` or `gelu_fast` in files.
    case geluTanh
    case relu
    /// x / (1 + exp(-x)): `silu` or `swish` in files.
    case silu
  }

  /// Features of a token (`hidden_size`).
  public var hiddenSize: Int
  /// Blocks (`num_hidden_layers`).
  public var layerCount: Int
  /// Attention heads of a block (`num_attention_heads`); divides `hiddenSize`.
  public var headCount: Int
  /// Features between the two linear layers of a block (`intermediate_size`).
  public var intermediateSize: Int
  /// The activation there (`hidden_act`).
  public var activation: Activation
  /// What layer norms add to the variance (`layer_norm_eps`).
  public var layerNormEpsilon: Double
  /// Rows of the word embedding (`vocab_size`).
  public var vocabularySize: Int
  /// Rows of the position embedding: the longest sequence, in tokens (`max_position_embeddings`).
  public var maximumPositions: Int
  /// Rows of the token type embedding (`type_vocab_size`).
  public var tokenTypeCount: Int

  /// Features of one head.
  public var headSize: Int { hiddenSize / headCount }

  /// The multiplications and additions that sentences of these many tokens need: the linear layers for each token, attention for each
  /// pair of tokens of one sentence. Norms, activations and pooling are not counted.
  public func usefulFlops(lengths: [Int]) -> Double {
    let (hidden, inner) = (Double(hiddenSize), Double(intermediateSize))
    let perToken = 2 * (4 * hidden * hidden + 2 * hidden * inner)
    return Double(layerCount) * perToken * Double(lengths.reduce(0, +)) + attentionFlops(lengths: lengths)
  }

  /// Those of attention: for each pair of tokens of one sentence.
  public func attentionFlops(lengths: [Int]) -> Double {
    Double(layerCount) * 4 * Double(hiddenSize) * lengths.reduce(0.0) { $0 + Double($1) * Double($1) }
  }

  /// Reads a `config.json`.
  /// - Throws: `HeedError` that names the file and the key, where a value is missing, of the wrong kind or out of range, or where
  ///   the model is of a kind that Heed does not build.
  public init(file path: String) throws {
    let json = try JSON(file: path)
    do {
      try self.init(json)
    } catch let error as HeedError {
      throw error.during("reading \(path)")
    }
  }

  /// The same from the parsed file.
  package init(_ json: JSON) throws {
    guard json.members != nil else { throw HeedError("got \(json.kind), expected an object") }
    func text(_ key: String) throws -> String {
      guard let value = json[key] else { throw HeedError("got no \(key), expected a string") }
      guard let text = value.string else { throw HeedError("\(key): got \(value.kind), expected a string") }
      return text
    }
    func count(_ key: String, upTo limit: Int) throws -> Int {
      guard let value = json[key] else { throw HeedError("got no \(key), expected an integer from 1 to \(limit)") }
      guard let count = value.integer, (1...limit).contains(count) else {
        let got = if case .number(let text) = value { JSON.shown(text) } else { value.kind }
        throw HeedError("\(key): got \(got), expected an integer from 1 to \(limit)")
      }
      return count
    }
    let kind = try text("model_type")
    guard kind == "bert" else { throw HeedError("model_type: got \(JSON.shown(kind)), expected \"bert\"") }
    if let positions = json["position_embedding_type"], positions.string != "absolute" {
      let got = positions.string.map(JSON.shown) ?? positions.kind
      throw HeedError("position_embedding_type: got \(got), expected \"absolute\"")
    }
    if json["is_decoder"]?.bool == true { throw HeedError("is_decoder: got true, expected an encoder") }
    hiddenSize = try count("hidden_size", upTo: 1 << 20)
    layerCount = try count("num_hidden_layers", upTo: 1 << 10)
    headCount = try count("num_attention_heads", upTo: 1 << 10)
    intermediateSize = try count("intermediate_size", upTo: 1 << 22)
    vocabularySize = try count("vocab_size", upTo: 1 << 24)
    maximumPositions = try count("max_position_embeddings", upTo: 1 << 24)
    tokenTypeCount = try count("type_vocab_size", upTo: 1 << 10)
    guard hiddenSize % headCount == 0 else {
      throw HeedError("got hidden_size \(hiddenSize), expected a multiple of num_attention_heads, \(headCount)")
    }
    guard let epsilon = json["layer_norm_eps"] else { throw HeedError("got no layer_norm_eps, expected a number above 0") }
    guard let value = epsilon.double, value > 0, value < 1 else {
      let got = if case .number(let text) = epsilon { JSON.shown(text) } else { epsilon.kind }
      throw HeedError("layer_norm_eps: got \(got), expected a number between 0 and 1")
    }
    layerNormEpsilon = value
    let name = try text("hidden_act")
    guard let known = Self.activations.first(where: { $0.name == name }) else {
      let names = Self.activations.map(\.name)
      throw HeedError(
        "hidden_act: got \(JSON.shown(name)), expected \(names.dropLast().joined(separator: ", ")) or \(names.last!)")
    }
    activation = known.activation
  }

  /// The names that files give to activations.
  private static let activations: [(name: String, activation: Activation)] = [
    ("gelu", .gelu), ("gelu_new", .geluTanh), ("gelu_pytorch_tanh", .geluTanh), ("gelu_fast", .geluTanh), ("relu", .relu),
    ("silu", .silu), ("swish", .silu),
  ]
}
