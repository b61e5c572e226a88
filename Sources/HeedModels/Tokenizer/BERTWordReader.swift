/// Cuts a text into normalised words, code point by code point: in linear time, and in memory that does not grow with the text.
package struct BERTWordReader {
  package enum Word: Hashable {
    /// A word in UTF-8.
    case whole([UInt8])
    /// A word of more code points than are kept.
    case tooLong
  }

  private let normalizer: BERTNormalizer
  private let longest: Int
  /// Valid UTF-8.
  private let text: UnsafeBufferPointer<UInt8>
  private var position = 0
  /// The word that is being read, as far as it is kept, and how many code points it has.
  private var word: [UInt8] = []
  private var length = 0
  /// Normalised code points that are not yet in a word; the first of them is at `pendingStart`.
  private var pending: [Unicode.Scalar] = []
  private var pendingStart = 0
  private var marks = CanonicalOrder()
  /// What is known of each code point, where so many are read that it pays.
  private var kinds: [Kind] = []

  private enum Kind: UInt8 {
    case unknown
    /// Nothing comes of it.
    case dropped
    /// It becomes a part of a word.
    case plain
    case other
  }

  /// A longer text pays for a table of all code points.
  private static let longText = 1 << 16

  /// - Parameters:
  ///   - longest: the most code points of a word that is kept.
  ///   - text: valid UTF-8, which outlives the reader.
  package init(_ normalizer: BERTNormalizer, longest: Int, _ text: UnsafeBufferPointer<UInt8>) {
    (self.normalizer, self.longest, self.text) = (normalizer, longest, text)
    if text.count > Self.longText { kinds = Array(repeating: .unknown, count: 0x11_0000) }
  }

  /// The next word; nil at the end.
  package mutating func next() -> Word? {
    while true {
      if pendingStart < pending.count {
        if let word = takePending() { return word }
      } else if position < text.count {
        pending.removeAll(keepingCapacity: true)
        pendingStart = 0
        readCodePoint()
      } else if marks.count > 0 {
        endMarks()
      } else {
        return length > 0 ? endWord() : nil
      }
    }
  }

  /// Moves the first pending code point to the word; returns what that completes.
  private mutating func takePending() -> Word? {
    let scalar = pending[pendingStart]
    let isPunctuation = scalar.isBERTPunctuation
    guard isPunctuation || scalar.isBERTSpace else {
      pendingStart += 1
      length += 1
      if length <= longest { word += UTF8.encode(scalar)! }
      return nil
    }
    // It stays pending until the word before it is returned.
    if length > 0 { return endWord() }
    pendingStart += 1
    return isPunctuation ? .whole(Array(UTF8.encode(scalar)!)) : nil
  }

  private mutating func endWord() -> Word {
    defer {
      word.removeAll(keepingCapacity: true)
      length = 0
    }
    return length <= longest ? .whole(word) : .tooLong
  }

  private mutating func readCodePoint() {
    let byte = text[position]
    guard (0x21..<0x7f).contains(byte) else {
      let scalar = scalar()
      if !canSkip(scalar) { normalize(scalar) }
      return
    }
    position += 1
    endMarks()
    let isCapital = (0x41...0x5a).contains(byte)
    let lowered = isCapital && normalizer.lowercases ? byte + 0x20 : byte
    if pending.isEmpty, isCapital || (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) {
      length += 1
      if length <= longest { word.append(lowered) }
    } else {
      pending.append(Unicode.Scalar(lowered))
    }
  }

  /// The code point at the position, which moves behind it.
  private mutating func scalar() -> Unicode.Scalar {
    let first = text[position]
    let count = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    var value = UInt32(first) & (count == 1 ? 0x7f : 0xff >> UInt32(count + 1))
    for byte in text[position + 1..<position + count] { value = value << 6 | UInt32(byte & 0x3f) }
    position += count
    return Unicode.Scalar(value)!
  }

  /// Whether a code point changes nothing: nothing comes of it, or it makes a word longer that is too long already.
  private mutating func canSkip(_ scalar: Unicode.Scalar) -> Bool {
    guard !kinds.isEmpty else { return false }
    if kinds[Int(scalar.value)] == .unknown { kinds[Int(scalar.value)] = kind(scalar) }
    switch kinds[Int(scalar.value)] {
    case .dropped: return true
    case .plain: return length + marks.count > longest
    default: return false
    }
  }

  private func kind(_ scalar: Unicode.Scalar) -> Kind {
    var kind = Kind.dropped
    normalizer.expand(scalar) { part, _ in
      for part in normalizer.lowercase(part) {
        if part.isBERTPunctuation || part.isBERTSpace { kind = .other } else if kind == .dropped { kind = .plain }
      }
    }
    return kind
  }

  private mutating func normalize(_ scalar: Unicode.Scalar) {
    var parts: [(scalar: Unicode.Scalar, combiningClass: UInt8)] = []
    normalizer.expand(scalar) { parts.append(($0, $1)) }
    for (part, combiningClass) in parts {
      if combiningClass == 0 {
        endMarks()
        pending += normalizer.lowercase(part)
      } else {
        marks.add(part, combiningClass) { _ in }
      }
    }
  }

  private mutating func endMarks() {
    guard marks.count > 0 else { return }
    var ordered: [Unicode.Scalar] = []
    marks.flush { ordered.append($0) }
    pending += ordered.flatMap(normalizer.lowercase)
  }
}
