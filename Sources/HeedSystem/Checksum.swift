/// A hash in the manner of FNV-1a that takes eight bytes at a time. Each step can be undone, so one changed word always shows. It is the
/// same on every machine.
package struct Checksum {
  /// The hash of what was added so far.
  package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  /// The hash of nothing.
  package init() {}

  /// Adds a piece; where one ends and the next begins counts too.
  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var hash = value ^ UInt64(bytes.count)
    func add(_ word: UInt64) {
      hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
      hash ^= hash >> 29
    }
    let whole = bytes.count & ~7
    for offset in stride(from: 0, to: whole, by: 8) {
      add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    add(bytes[whole...].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    value = hash
  }

  /// Adds a text, in UTF-8.
  package mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  /// The hash as 16 hexadecimal digits.
  package var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
