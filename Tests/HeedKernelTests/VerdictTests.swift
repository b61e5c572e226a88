import HeedIR
import Testing

/// A verdict is a number with a name.
struct VerdictTests {
  @Test func operatorsFoldTheNumber() {
    let (full, open) = (IntegerExpression.verdict(.full), IntegerExpression.verdict(.open))
    #expect(IntegerExpression.apply(.equal, open, 3) == 1)
    #expect(IntegerExpression.apply(.equal, open, full) == 0)
    #expect(IntegerExpression.apply(.notEqual, open, .verdict(.empty)) == 1)
    #expect(open % 2 == 1)
    #expect(open - full == 2)
    #expect(IntegerExpression.apply(.maximum, open, open) == .constant(3))
  }

  @Test func namesStayBesideOtherValues() throws {
    let verdict = IntegerExpression.variable(VariableID(0))
    #expect(IntegerExpression.apply(.equal, verdict, .verdict(.open)) == .binary(.equal, verdict, .verdict(.open)))
    let text = """
      kernel @k(input %table: i32[S]) {
        phase @p (%i : S) {
          let %verdict = %table[%i]
          if %verdict != .empty && %verdict < .open {
          }
        }
      }
      """
    #expect(try Kernel.parse(text)[0].text == text)
  }

  @Test func everyVerdictHasANumberAndAName() {
    #expect(Verdict.allCases.map(\.rawValue) == [0, 1, 3])
    #expect(Verdict.allCases.map(\.name) == ["empty", "full", "open"])
    for verdict in Verdict.allCases { #expect(Verdict(name: verdict.name) == verdict) }
    #expect(Verdict(name: "partial") == nil)
  }
}
