import Foundation
import HeedIR

/// A folder that holds a sentence encoder as it is published: `config.json`, `model.safetensors` and `vocab.txt`. It may also have
/// `tokenizer_config.json`, `sentence_bert_config.json` and `1_Pooling/config.json`.
public struct ModelDirectory: Sendable {
  /// The path of the folder.
  public let path: String
  /// The shape of the encoder.
  public let configuration: EncoderConfiguration
  /// The longest sequence in tokens, `[CLS]` and `[SEP]` counted: `max_seq_length` of `sentence_bert_config.json`, or else 256;
  /// never more than the encoder has positions.
  public let maximumTokens: Int

  /// How many tokens a sequence may have where the folder does not say.
  public static let defaultMaximumTokens = 256

  /// Reads the small files of the folder at `path`.
  /// - Throws: `HeedError` that names the file, where `config.json` is missing or a value in a file is missing or unfit, or where
  ///   the model pools its tokens in another way than by their mean.
  public init(path: String) throws {
    self.path = path
    configuration = try EncoderConfiguration(file: path + "/config.json")
    var limit = Self.defaultMaximumTokens
    if let json = try Self.json(path + "/sentence_bert_config.json"), let value = json["max_seq_length"], value != .null {
      guard let tokens = value.integer, tokens >= 2 else {
        throw HeedError("reading \(path)/sentence_bert_config.json: max_seq_length: got no integer of at least 2")
      }
      limit = tokens
    }
    maximumTokens = min(limit, configuration.maximumPositions)
    if let json = try Self.json(path + "/1_Pooling/config.json") {
      for (key, value) in json.members ?? [:] where key.hasPrefix("pooling_mode_") && value.bool != nil {
        let isMean = key == "pooling_mode_mean_tokens"
        guard value == .bool(isMean) else {
          throw HeedError(
            "reading \(path)/1_Pooling/config.json: \(key): got \(!isMean), expected pooling by the mean alone")
        }
      }
    }
  }

  /// The weights, `model.safetensors`.
  /// - Throws: `HeedError` as opening the file does.
  public func weights() throws -> SafetensorsFile {
    try SafetensorsFile(path: path + "/model.safetensors")
  }

  /// The tokenizer, which cuts at `maximumTokens`.
  /// - Throws: `HeedError` as reading `vocab.txt` and `tokenizer_config.json` does, and where the vocabulary has more words than
  ///   the encoder has embeddings.
  public func tokenizer() throws -> WordPieceTokenizer {
    let tokenizer = try WordPieceTokenizer(directory: path, maximumTokens: maximumTokens)
    let (got, limit) = (tokenizer.vocabularySize, configuration.vocabularySize)
    guard got <= limit else {
      throw HeedError("reading \(path)/vocab.txt: got \(got) words, expected at most vocab_size, \(limit)")
    }
    return tokenizer
  }

  /// The parsed file at `path`, or nil where there is none.
  static func json(_ path: String) throws -> JSON? {
    FileManager.default.fileExists(atPath: path) ? try JSON(file: path) : nil
  }
}
