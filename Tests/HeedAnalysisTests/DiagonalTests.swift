import HeedAnalysis
import HeedIR
import Testing

/// Masks that are all pairs up to a diagonal, in many spellings, against a count of pairs.
@Suite struct DiagonalTests {
  private static let spellings: [(text: String, last: Int?)] = [
    ("%r = less_equal %j, %i : bool", 0),
    ("%r = less %j, %i : bool", -1),
    ("%d = subtract %i, %j : i32\n%z = constant 0 : i32\n%r = greater_equal %d, %z : bool", 0),
    ("%d = subtract %j, %i : i32\n%z = constant 3 : i32\n%r = less_equal %d, %z : bool", 3),
    ("%z = constant 1 : i32\n%d = add %i, %z : i32\n%n = less_equal %d, %j : bool\n%r = not %n : bool", 0),
    ("%a = less_equal %j, %i : bool\n%b = less %j, %i : bool\n%r = and %a, %b : bool", -1),
    ("%d = add %i, %i : i32\n%r = less_equal %j, %d : bool", nil),
    ("%r = less_equal %i, %j : bool", nil),
    ("%r = equal %i, %j : bool", nil),
    ("%a = less_equal %j, %i : bool\n%b = less %j, %i : bool\n%r = or %a, %b : bool", nil),
  ]

  @Test func findsDiagonals() throws {
    for (text, last) in Self.spellings {
      var code = FunctionBuilder(parameters: [.init("i", .i32), .init("j", .i32)])
      let (i, j) = (code.parameter(0), code.parameter(1))
      var values: [String: ScalarValue] = ["%i": i, "%j": j]
      for line in text.split(separator: "\n") {
        let words = line.split { " ,".contains($0) }.map(String.init)
        values[words[0]] =
          words[2] == "constant"
          ? code.constant(Literal(Int(words[3])!), .i32)
          : code.apply(Op.all.first { $0.mnemonic == words[2] }!, words[3...].prefix { $0 != ":" }.map { values[$0]! })
      }
      #expect(code.function.diagonal(of: values["%r"]!) == last, "\(text)")
    }
  }
}
