/// Random numbers that a seed determines, with the same bits on every machine: for what Swift's collections draw.
///
/// ```swift
/// var numbers = SeededGenerator(seed: 1)
/// let order = (0..<100).shuffled(using: &numbers)
/// let noise = Double.random(in: -1..<1, using: &numbers)
/// ```
///
/// `NDArray.random` and `NDArray.uniform` draw whole arrays.
///
/// Source: SplitMix64; Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
public struct SeededGenerator: RandomNumberGenerator, Hashable, Sendable {
  private var state: UInt64

  /// The sequence of a seed: of its low 64 bits.
  public init(seed: some BinaryInteger) { state = UInt64(truncatingIfNeeded: seed) }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return Self.mixed(state)
  }

  /// A number whose bits all depend on all bits of `value`; no two values have the same.
  package static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}
