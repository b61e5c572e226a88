import HeedAnalysis
import HeedIR
import HeedTestSupport
import Testing

@Suite struct LinearFormTests {
  /// Sums, differences, multiples and shifts of forms are those of the numbers.
  @Test func arithmeticIsThatOfNumbers() throws {
    var numbers = SeededGenerator(seed: 5)
    func small() -> Int { Int.random(in: -9...9, using: &numbers) }
    for _ in 0..<100 {
      var code = FunctionBuilder(parameters: [.init("a", .i64), .init("b", .i64)])
      let forms = (0..<2).map { LinearForm(query: small(), key: small(), rest: ScalarValue($0)) }
      let (factor, amount) = (small(), small())
      let made = [
        code.sum(forms[0], forms[1]), code.difference(forms[0], forms[1]), code.scale(forms[0], factor),
        code.shift(forms[0], amount),
      ]
      let rests = try code.finish(made.map(\.rest)).evaluate([Literal(11), Literal(-4)]).map { Int($0.integer) }
      let (i, j) = (small(), small())
      func value(_ form: LinearForm, _ rest: Int) -> Int { form.query * i + form.key * j + rest }
      let (x, y) = (value(forms[0], 11), value(forms[1], -4))
      #expect(zip(made, rests).map { value($0, $1) } == [x + y, x - y, x * factor, x + amount])
    }
  }

  @Test func constantsAreKnown() {
    var code = FunctionBuilder(parameters: [.init("a", .i64)])
    let seven = code.whole(7)
    #expect(code.constant(LinearForm(rest: seven)) == 7)
    #expect(code.constant(LinearForm(query: 1, rest: seven)) == nil)
    #expect(code.constant(LinearForm(rest: ScalarValue(0))) == nil)
    #expect(LinearForm(rest: seven).isUniform && !LinearForm(key: 2, rest: seven).isUniform)
  }

  /// Sums with constants stay one instruction, and a difference turns round: kernels' bounds stay short.
  @Test func sumsStayShort() throws {
    var code = FunctionBuilder(parameters: [.init("x", .i64), .init("y", .i64)])
    let (x, y) = (ScalarValue(0), ScalarValue(1))
    func shift(_ op: Op, _ value: ScalarValue, _ amount: Int) -> ScalarValue { code.apply(op, value, code.whole(amount)) }
    #expect(shift(.add, shift(.subtract, x, 3), 3) == x)
    #expect(shift(.add, shift(.subtract, x, 3), 5) == shift(.add, x, 2))
    #expect(shift(.subtract, shift(.add, x, 3), 5) == shift(.subtract, x, 2))
    #expect(code.apply(.subtract, code.whole(0), code.apply(.subtract, x, y)) == code.apply(.subtract, y, x))
  }
}
