import Foundation
import Heed

/// Sentences of random tokens, padded or one after the other.
struct SentenceBatch {
  /// The number of tokens that there are. Token 0 is the padding.
  static let vocabulary = 1000
  let sentences: [[Int32]]

  /// - Parameter length: the length of a sentence; most are short and a few long unless it says otherwise.
  init(_ count: Int, seed: Int, length: (inout SeededGenerator) -> Int = Self.skewedLength) {
    var numbers = SeededGenerator(seed: seed)
    sentences = (0..<count).map { _ in
      (0..<length(&numbers)).map { _ in Int32.random(in: 1..<Int32(Self.vocabulary), using: &numbers) }
    }
  }

  private init(sentences: [[Int32]]) { self.sentences = sentences }

  /// 4 and an exponentially distributed number of mean 20, up to 160.
  static func skewedLength(_ numbers: inout SeededGenerator) -> Int {
    min(160, 4 + Int(-20 * log(1 - Double.random(in: 0..<1, using: &numbers))))
  }

  /// A batch of each sentence alone.
  var single: [SentenceBatch] { sentences.map { SentenceBatch(sentences: [$0]) } }
  var longest: Int { sentences.map(\.count).max()! }

  /// The sentences padded to the longest, or further.
  func padded(to length: Int? = nil) throws -> [String: NDArray] {
    let length = length ?? longest
    return [
      "tokens": try NDArray(sentences.map { $0 + [Int32](repeating: 0, count: length - $0.count) }),
      "lengths": try NDArray(sentences.map { Int32($0.count) }),
    ]
  }

  /// The sentences in one row of tokens, and where each begins.
  func ragged() throws -> [String: NDArray] {
    let offsets = sentences.reduce(into: [0 as Int32]) { $0.append($0.last! + Int32($1.count)) }
    return ["tokens": try NDArray(sentences.flatMap { $0 }), "offsets": try NDArray(offsets)]
  }
}
