/// Numbers from 0 for words, which are strings of bytes: a hash table with the bytes of all words side by side.
package struct WordTable: Sendable {
  /// The bytes of all words, and where each ends.
  package private(set) var bytes: [UInt8] = []
  private var ends: [Int] = []
  /// The number of the word in each slot, or -1; a power of two of slots, at most half of them taken.
  private var slots = [Int32](repeating: -1, count: 64)

  package init() {}

  /// The number of words.
  package var count: Int { ends.count }

  /// Where the bytes of a word are.
  package func range(_ word: Int) -> Range<Int> { (word == 0 ? 0 : ends[word - 1])..<ends[word] }

  /// The number of a word, if it is there.
  func find(_ word: UnsafeRawBufferPointer) -> Int? {
    let found = slots[slot(word)]
    return found < 0 ? nil : Int(found)
  }

  /// The number of a word, which is put there if it is not.
  package mutating func insert(_ word: UnsafeRawBufferPointer) -> Int {
    let place = slot(word)
    if slots[place] >= 0 { return Int(slots[place]) }
    slots[place] = Int32(count)
    bytes.append(contentsOf: word)
    ends.append(bytes.count)
    if 2 * count > slots.count { grow() }
    return count - 1
  }

  /// The slot that holds the word, or the free one where it belongs.
  private func slot(_ word: UnsafeRawBufferPointer) -> Int {
    // Seeded for each run, so that no file can make all words collide.
    var hasher = Hasher()
    hasher.combine(bytes: word)
    var place = hasher.finalize() & (slots.count - 1)
    while slots[place] >= 0, !holds(Int(slots[place]), word) { place = (place + 1) & (slots.count - 1) }
    return place
  }

  private func holds(_ number: Int, _ word: UnsafeRawBufferPointer) -> Bool {
    let range = range(number)
    return range.count == word.count && bytes[range].elementsEqual(word)
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: 2 * slots.count)
    for word in 0..<count {
      let range = range(word)
      let place = bytes.withUnsafeBytes { slot(UnsafeRawBufferPointer(rebasing: $0[range])) }
      slots[place] = Int32(word)
    }
  }
}
