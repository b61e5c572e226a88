import Heed

/// Which keys a query sees.
enum AttentionMask: CustomStringConvertible {
  case none
  /// Keys up to the query's own, the last query seeing the last key.
  case causal
  /// Causal, and at most so many keys back.
  case window(Int)
  /// Causal within packed documents of so many tokens.
  case document(Int)

  init(_ text: String) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let size = parts.count == 2 ? Int(parts[1]) : nil
    switch (parts.first, size) {
    case ("none", nil) where parts.count == 1: self = .none
    case ("causal", nil) where parts.count == 1: self = .causal
    case ("window", let size?) where size >= 0: self = .window(size)
    case ("document", let size?) where size > 0: self = .document(size)
    default: throw HeedError("got --mask \(text), expected none, causal, window:W or document:L")
    }
  }

  var description: String {
    switch self {
    case .none: "none"
    case .causal: "causal"
    case .window(let size): "window:\(size)"
    case .document(let size): "document:\(size)"
    }
  }

  /// The boolean tensor of the live pairs of query `i` and key `j`; nil where all are.
  func live(_ i: Tensor, _ j: Tensor, keysBefore shift: Tensor?) -> Tensor? {
    switch self {
    case .none: nil
    case .causal: j <= (shift.map { i + $0 } ?? i)
    case .window(let size): (j <= i) & (i - j <= size)
    case .document(let size): (j <= i) & (i / size == j / size)
    }
  }

  /// The number of live keys of query `i`.
  func liveKeys(_ i: Int, queries: Int, keys: Int) -> Int { liveRange(i, queries: queries, keys: keys).count }

  /// The live keys of query `i`.
  func liveRange(_ i: Int, queries: Int, keys: Int) -> Range<Int> {
    let last =
      switch self {
      case .none: keys - 1
      case .causal: min(keys - 1, i + keys - queries)
      case .window, .document: min(keys - 1, i)
      }
    let first =
      switch self {
      case .none, .causal: 0
      case .window(let size): max(0, i - size)
      case .document(let size): i / size * size
      }
    return first..<max(first, last + 1)
  }
}
