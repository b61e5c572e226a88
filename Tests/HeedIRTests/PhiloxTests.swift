import HeedIR
import HeedTestSupport
import Testing

@Suite struct PhiloxTests {
  /// The vectors of Random123's file kat_vectors for philox4x32 with 10 rounds.
  @Test func publishedVectors() {
    let ones = UInt32.max
    #expect(Philox.block(SIMD4(), key: SIMD2()) == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      Philox.block(SIMD4(ones, ones, ones, ones), key: SIMD2(ones, ones))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      Philox.block(SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  private static func word(_ key: Int64, _ stream: Int64, _ position: Int64) -> Int64 {
    Op.randomBits.scalar!.apply([key, stream, position].map { Literal($0) }, types: [.i64, .i64, .i64], result: .i32).integer
  }

  /// Where key, stream and position stand in the key and the counter.
  @Test func layout() {
    let (key, stream, block) = (Int64(0x0123_4567_89ab_cdef), Int64(-0x0123_4567_89ab_cdf0), Int64(0x0fed_cba9_8765_4321))
    let words = Philox.block(
      SIMD4(0x8765_4321, 0x0fed_cba9, 0x7654_3210, 0xfedc_ba98), key: SIMD2(0x89ab_cdef, 0x0123_4567))
    for number in 0..<4 {
      #expect(Self.word(key, stream, 4 * block + Int64(number)) == Int64(Int32(bitPattern: words[number])))
    }
    // Quotients are rounded down: the last word of the block before the first.
    let last = Philox.block(SIMD4(.max, .max, 0, 0), key: SIMD2())
    #expect(Self.word(0, 0, -1) == Int64(Int32(bitPattern: last[3])))
  }

  /// The code that kernels are made of, at operands of all sizes.
  @Test func scalarCode() throws {
    let function = try #require(try Op.randomBits.scalar?.expansion?(.i64))
    try function.verify()
    try Philox.blockFunction.verify()
    var numbers = SeededGenerator(seed: 1)
    for round in 0..<500 {
      let operands = (0..<3).map { _ in Int64(bitPattern: numbers.next()) >> Int64(round % 64) }
      let (key, stream, position) = (operands[0], operands[1], operands[2])
      let expected = Self.word(key, stream, position)
      #expect(try function.evaluate(operands.map { Literal($0) })[0].integer == expected)
      let words = try Philox.blockFunction.evaluate([key, stream, position >> 2].map { Literal($0) })
      #expect(Int64(Int32(truncatingIfNeeded: words[Int(position & 3)].integer)) == expected)
    }
  }

  @Test func constantsAreFolded() {
    var builder = FunctionBuilder(parameters: [])
    let operands = [builder.whole(0), builder.whole(0), builder.whole(2)]
    let value = builder.apply(.randomBits, operands)
    #expect(builder.literal(value)?.integer == Int64(Int32(bitPattern: 0xbc57_ac4c)))
  }
}
