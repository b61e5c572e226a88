import HeedAnalysis
import HeedIR
import Testing

@Suite struct MaskTermTests {
  private func terms(_ lines: String, tables: [String] = []) throws -> [MaskTerm] {
    try MaskTerm.terms(of: mask(lines, tables: tables))
  }

  /// What is followed is no term: comparisons, linear forms, quotients.
  @Test(arguments: ["%live = less_equal %j, %i", "%a = divide %i, 8\n%b = divide %j, 8\n%live = equal %a, %b"])
  func whatIsFollowedIsNoTerm(_ lines: String) throws { #expect(try terms(lines).isEmpty) }

  /// Tables of one index are terms of its side, with the batch indices that they are read by.
  @Test func tablesAreTerms() throws {
    let found = try terms(
      "%a = element %kinds[%h, %i]\n%b = element %kinds[%h, %j]\n%n = element %lengths[%h]\n%c = equal %a, %b\n%d = less %j, %n\n"
        + "%live = and %c, %d", tables: ["%kinds: i32[3, M]", "%lengths: i32[3]"])
    #expect(found.map(\.side) == [.query, .key, .uniform])
    #expect(found.map(\.batch) == [[0], [0], [0]])
    #expect(found.map(\.describedValue) == ["%kinds", "%kinds", "%lengths"])
    #expect(found.map(\.isUniformNumber) == [false, false, true])
    #expect(found.map(\.boundType) == [.i64, .i64, .i64])
    #expect(found.allSatisfy { !$0.entersArithmetic })
  }

  /// What is computed with a table of one index and nothing else is one term; with both indices it enters arithmetic.
  @Test func termsAreAsLargeAsTheyCanBe() throws {
    let tables = ["%places: f16[M]"]
    let near = try terms(
      "%a = element %places[%i]\n%x = multiply %a, 2.0\n%b = element %places[%j]\n%d = subtract %x, %b\n%live = less %d, 3.0",
      tables: tables)
    #expect(near.map(\.side) == [.query, .key])
    #expect(near.map(\.entersArithmetic) == [true, true])
    #expect(near[0].function.instructions.count > near[1].function.instructions.count)
    // 16-bit floats are bounded as kernels compute them.
    #expect(near.map(\.boundType) == [.f32, .f32])
    let compared = try terms("%a = element %places[%i]\n%b = element %places[%j]\n%live = less %a, %b", tables: tables)
    #expect(compared.map(\.entersArithmetic) == [false, false])
  }

  /// A term's value at a pair is that of the condition.
  @Test func termsEvaluate() throws {
    let term = try #require(
      terms("%a = element %kinds[%j]\n%live = equal %a, 2", tables: ["%kinds: i32[3]"]).first { $0.side == .key })
    let kinds = ReferenceArray(.i32, [3], integers: [4, 2, 9])
    #expect(try (0..<3).map { try term.evaluate(batch: [0], query: 0, key: $0, tables: [kinds]).integer } == [0, 1, 0])
  }
}
