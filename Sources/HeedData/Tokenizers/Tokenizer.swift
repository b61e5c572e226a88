public import HeedModels

/// What makes numbers of text: ids from 0 to below `vocabularySize`.
public protocol Tokenizer: Sendable {
  /// One more than the greatest id.
  var vocabularySize: Int { get }

  /// The ids of `text`.
  func encode(_ text: String) -> [Int32]
}

extension WordPieceTokenizer: Tokenizer {}
