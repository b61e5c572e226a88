/// The counter-based random number generator Philox 4x32-10: a bijection of blocks of four 32-bit words, the counter, for each key.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
package enum Philox {
  private static let roundCount = 10
  private static let multipliers: [UInt32] = [0xD251_1F53, 0xCD9E_8D57]
  /// What the words of the key grow by from round to round.
  private static let increments: [UInt32] = [0x9E37_79B9, 0xBB67_AE85]

  /// The four words that belong to a counter and a key.
  package static func block(_ counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var (words, key) = (counter, key)
    for _ in 0..<roundCount {
      let (first, second) = (
        multipliers[0].multipliedFullWidth(by: words[0]), multipliers[1].multipliedFullWidth(by: words[2])
      )
      words = SIMD4(second.high ^ words[1] ^ key[0], second.low, first.high ^ words[3] ^ key[1], first.low)
      key &+= SIMD2(increments[0], increments[1])
    }
    return words
  }

  /// The word at `position` of a stream, as `Op.randomBits` numbers them.
  static func word(key: Int64, stream: Int64, position: Int64) -> Int64 {
    func halves(_ value: Int64) -> SIMD2<UInt32> {
      SIMD2(UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32))
    }
    let words = block(SIMD4(lowHalf: halves(position >> 2), highHalf: halves(stream)), key: halves(key))
    return Int64(Int32(bitPattern: words[Int(position & 3)]))
  }

  // MARK: Scalar code

  /// The words of the block of this number of a stream: a function of the key, the stream and the number, all i64, that yields four
  /// i64, of which the low 32 bits count.
  package static let blockFunction = function(of: ["key", "stream", "block"]) { key, stream, block in
    words(key: key, stream: stream, block: block)
  }

  /// The word at a position: a function of the key, the stream and the position, all i64, that yields an i32.
  static let wordFunction = function(of: ["key", "stream", "position"]) { key, stream, position in
    let block = position.applying(.shiftRight, position.constant(2 as Int64))
    let words = words(key: key, stream: stream, block: block)
    func bit(_ mask: Int64) -> ScalarExpression {
      (position & position.constant(mask)).applying(.notEqual, position.constant(0 as Int64))
    }
    let (isOdd, isUpper) = (bit(1), bit(2))
    return [isUpper.select(isOdd.select(words[3], words[2]), isOdd.select(words[1], words[0])).converted(to: .i32)]
  }

  /// Words are held in 64 bits, whose upper half holds anything until the word is multiplied: the product of two numbers of 32 bits is
  /// one instruction on vectors, which does not read the upper halves.
  private static func words(
    key: ScalarExpression, stream: ScalarExpression, block: ScalarExpression
  ) -> [ScalarExpression] {
    func low(_ value: ScalarExpression) -> ScalarExpression { value & value.constant(0xffff_ffff as Int64) }
    func upper(_ value: ScalarExpression) -> ScalarExpression { value.applying(.shiftRight, value.constant(32 as Int64)) }
    func high(_ product: ScalarExpression) -> ScalarExpression { low(upper(product)) }
    let upperKey = upper(key)
    var words = [block, upper(block), stream, upper(stream)]
    for round in 0..<Int64(roundCount) {
      let first = low(words[0]) * block.constant(Int64(multipliers[0]))
      let second = low(words[2]) * block.constant(Int64(multipliers[1]))
      let keys = [
        key + key.constant(round &* Int64(increments[0])), upperKey + key.constant(round &* Int64(increments[1])),
      ]
      words = [
        high(second).applying(.xor, words[1]).applying(.xor, keys[0]), second,
        high(first).applying(.xor, words[3]).applying(.xor, keys[1]), first,
      ]
    }
    return words
  }

  private static func function(
    of parameters: [Name],
    _ body: (ScalarExpression, ScalarExpression, ScalarExpression) -> [ScalarExpression]
  ) -> ScalarFunction {
    let writer = ExpressionWriter(parameters: parameters.map { .init($0, .i64) })
    let results = body(writer.parameter(0), writer.parameter(1), writer.parameter(2))
    var function = writer.builder.function
    function.results = results.map(\.value)
    return function
  }
}
