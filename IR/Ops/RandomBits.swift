extension Op {
  /// `random_bits`: 32 random bits, elementwise, as an i32; the operands are i64.
  ///
  /// Equal operands have equal bits, in whatever order and wherever they are computed. The generator is Philox 4x32-10 (Salmon et al.,
  /// SC 2011), which makes four words from a key and a counter:
  /// - The key is `key`, its low half first: the seed.
  /// - The first two words of the counter are `position / 4`, rounded down, its low half first. The last two are `stream`, its low half
  ///   first.
  /// - The result is the word `position % 4` of the four.
  ///
  /// So a key has 2^64 streams of 2^64 words each, which do not overlap. Where positions are neighbours and the first is known to be a
  /// multiple of 4, code generation computes each four words once.
  public static let randomBits = elementwise(
    "random_bits", operands: ["key", "stream", "position"],
    ScalarSemantics(.randomBits { Philox.word(key: $0, stream: $1, position: $2) }) { element in
      element == .i64 ? Philox.wordFunction : nil
    })
}
