internal import HeedArrays

/// An order of 0 ..< `count` that follows from a seed and an epoch. Each place is computed by itself, without a list, and is the same on
/// every machine.
///
/// A Feistel network of eight rounds permutes the numbers of an even number of bits; numbers that are not below `count` are permuted
/// again until they are: less than four times on average, where there are more than 16.
/// Source: Black and Rogaway 2002, "Ciphers with arbitrary finite domains", cycle walking.
public struct Permutation: Hashable, Sendable {
  /// How many numbers there are.
  public let count: Int
  private let halfBits: UInt64
  private let keys: [UInt64]

  private static let roundCount = 8

  /// The order of `count` numbers, at least 0, for a seed and an epoch.
  public init(count: Int, seed: UInt64, epoch: Int = 0) {
    precondition(count >= 0, "Permutation: got a count of \(count), expected at least 0")
    self.count = count
    let bits = Int.bitWidth - max(count - 1, 0).leadingZeroBitCount
    // Networks of fewer bits do not make all orders equally likely, however many rounds they have.
    halfBits = UInt64(max((bits + 1) / 2, 3))
    var key = SeededGenerator.mixed(seed) ^ SeededGenerator.mixed(UInt64(truncatingIfNeeded: epoch) ^ 0x6a09_e667_f3bc_c909)
    keys = (0..<Self.roundCount).map { _ in
      key &+= 0x9e37_79b9_7f4a_7c15
      return SeededGenerator.mixed(key)
    }
  }

  /// The number at `position`, from 0 to below `count`.
  public subscript(position: Int) -> Int {
    precondition(0..<count ~= position, "Permutation: got the position \(position), expected one inside 0 ..< \(count)")
    var value = UInt64(position)
    repeat { value = permuted(value) } while value >= UInt64(count)
    return Int(value)
  }

  private func permuted(_ value: UInt64) -> UInt64 {
    let mask = (1 << halfBits) - 1 as UInt64
    var (left, right) = (value >> halfBits, value & mask)
    for key in keys { (left, right) = (right, left ^ (SeededGenerator.mixed(right ^ key) & mask)) }
    return left << halfBits | right
  }
}
