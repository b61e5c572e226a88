import HeedAnalysis
import HeedIR
import HeedLowering
import HeedTestSupport
import Testing

/// A range of keys as kernels compute it.
@Suite struct RangeExpressionTests {
  /// On constants the expressions fold to what the range's scalar code evaluates to.
  @Test func expressionsAreTheFunction() throws {
    for seed in 0..<200 {
      let predicate = try RandomPredicate(seed: UInt64(seed), index: seed % 2 == 0 ? .i32 : .i64)
      let analysis = try MaskAnalysis(predicate.function)
      let terms = try analysis.uniformNumbers.map { Int(try $0.evaluate(batch: [2], query: 0, key: 0, tables: []).integer) }
      for range in [analysis.keysOfQueries, analysis.queriesOfKeys] {
        let clamped = terms.map { IntegerExpression.constant(IndexRange.clamp($0)) }
        let ends = expressions(range, arguments: [20, 31, 64, 2] + clamped)
        let expected = try range.evaluate(20...31, count: 64, batch: [2], terms: terms)
        #expect(ends.low == expected.low.map { .constant($0) } && ends.high == expected.high.map { .constant($0) })
      }
    }
  }

  /// Kernels name the condition that arithmetic may wrap: both ends use it.
  @Test func conditionsAreDefinedOnce() throws {
    var window = ScalarFunction(parameters: [.init("i", .i32), .init("j", .i32)])
    let (i, j) = (ScalarValue(0), ScalarValue(1))
    let distance = try window.append(.subtract, [i, j])
    let near = try window.append(.less, [distance, window.constant(Literal(8), .i32)])
    window.results = [try window.append(.and, [window.append(.lessEqual, [j, i]), near])]
    var defined: [IntegerExpression] = []
    let ends = expressions(try MaskAnalysis(window).keysOfQueries, arguments: [.symbol("F"), .symbol("L"), .symbol("N")]) {
      defined.append($0)
      return .symbol("large")
    }
    #expect(defined.count == 1)
    #expect(ends.low == (.symbol("F") - 7) * (1 - .symbol("large")))
    #expect(ends.high == .apply(.maximum, .symbol("L"), .symbol("large") * .symbol("N")))
  }
}
