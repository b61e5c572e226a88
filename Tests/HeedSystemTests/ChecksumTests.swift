import HeedSystem
import Testing

@Suite struct ChecksumTests {
  private func checksum(_ pieces: [UInt8]...) -> String {
    var checksum = Checksum()
    for piece in pieces { piece.withUnsafeBytes { checksum.add($0) } }
    return checksum.text
  }

  /// Every bit, the length, and where pieces end.
  @Test func everythingCounts() {
    let bytes = (0..<21).map { UInt8($0 * 7) }
    var seen: Set = [
      checksum(bytes), checksum(bytes, []), checksum([], bytes), checksum(bytes + [0]), checksum(Array(bytes.dropLast())),
    ]
    for end in 1..<bytes.count { seen.insert(checksum(Array(bytes[..<end]), Array(bytes[end...]))) }
    for bit in 0..<8 * bytes.count {
      var changed = bytes
      changed[bit / 8] ^= 1 << (bit % 8)
      seen.insert(checksum(changed))
    }
    #expect(seen.count == 5 + 20 + 168 && seen.allSatisfy { $0.count == 16 })
  }

  /// The same on every machine, as files are compared by it.
  @Test func isKnown() {
    #expect(checksum() == "cbf29ce484222325")
    var text = Checksum()
    text.add("a text")
    #expect(text.text == checksum(Array("a text".utf8)))
  }
}
