import HeedIR
import HeedPasses
import HeedTestSupport
import Testing

/// What the rules for scores make of an expression. They hold under the numeric contract, so most are compared as text, and those that
/// keep every number by evaluation.
@Suite struct ScoreRulesTests {
  private static let parameters: [ScalarFunction.Parameter] = [
    .init("s", .f32), .init("m", .bool), .init("i", .i32), .init("j", .i32),
  ]

  /// The formula of what is built, by the rules for scores.
  private func formula(_ build: (inout FunctionBuilder, _ s: ScalarValue, _ m: ScalarValue) -> ScalarValue) throws -> String {
    var builder = FunctionBuilder(parameters: Self.parameters, rules: .scores)
    let function = builder.finish([build(&builder, builder.parameter(0), builder.parameter(1))])
    try function.verify()
    return function.formula
  }

  @Test func scalesAreRegrouped() throws {
    #expect(
      try formula { builder, s, _ in
        builder.apply(.multiply, builder.apply(.multiply, s, builder.constant(0.5, .f32)), builder.constant(0.25, .f32))
      } == "s * 0.125")
    #expect(try formula { builder, s, _ in builder.apply(.divide, s, builder.constant(8, .f32)) } == "s * 0.125")
    #expect(try formula { builder, s, _ in builder.apply(.multiply, builder.constant(2, .f32), s) } == "s * 2.0")
  }

  /// 0 and inf are not made of factors that are neither.
  @Test func scalesThatLeaveTheRangeAreKept() throws {
    #expect(
      try formula { builder, s, _ in
        builder.apply(.multiply, builder.apply(.multiply, s, builder.constant(1e-30, .f32)), builder.constant(1e-30, .f32))
      } == "s * 1e-30 * 1e-30")
    #expect(try formula { builder, s, _ in builder.apply(.divide, s, builder.constant(0, .f32)) } == "s / 0.0")
  }

  /// In a 16-bit type a product of scales is regrouped only where it is exact.
  @Test func narrowScalesAreRegroupedWhereExact() throws {
    func scaled(_ first: Double, _ second: Double) throws -> String {
      var builder = FunctionBuilder(parameters: [.init("s", .bf16)], rules: .scores)
      let half = builder.apply(.multiply, builder.parameter(0), builder.constant(first, .bf16))
      return builder.finish([builder.apply(.multiply, half, builder.constant(second, .bf16))]).formula
    }
    #expect(try scaled(0.5, 3) == "s * 1.5")
    #expect(try scaled(1.0078125, 1.0078125) == "s * 1.0078125 * 1.0078125")
  }

  /// A mask or a bucket may be made of floats that no score is in.
  @Test func otherFloatsKeepEveryRounding() throws {
    func place(_ build: (inout FunctionBuilder, _ place: ScalarValue) -> ScalarValue) throws -> String {
      try formula { builder, _, _ in build(&builder, builder.apply(.convert, builder.parameter(2), type: .f32)) }
    }
    #expect(try place { $0.apply(.divide, $1, $0.constant(41, .f32)) } == "i / 41.0")
    #expect(
      try place { builder, place in
        builder.apply(.multiply, builder.apply(.multiply, place, builder.constant(0.3, .f32)), builder.constant(0.5, .f32))
      } == "i * 0.3 * 0.5")
  }

  @Test func zerosOfEitherSignAreNotAdded() throws {
    for zero in [0.0, -0.0] {
      #expect(try formula { builder, s, _ in builder.apply(.add, s, builder.constant(zero, .f32)) } == "s")
      #expect(try formula { builder, s, _ in builder.apply(.subtract, s, builder.constant(zero, .f32)) } == "s")
    }
    #expect(try formula { builder, s, _ in builder.apply(.subtract, builder.constant(0, .f32), s) } == "negate(s)")
  }

  /// `(1 - convert(m)) * -10000` shows as a choice, and so does `s * convert(m)`, since a dead pair's score does not count.
  @Test func masksShowAsChoices() throws {
    #expect(
      try formula { builder, _, m in
        let dead = builder.apply(.subtract, builder.constant(1, .f32), builder.apply(.convert, m, type: .f32))
        return builder.apply(.multiply, dead, builder.constant(-10000, .f32))
      } == "m ? -0.0 : -10000.0")
    #expect(
      try formula { builder, s, m in builder.apply(.multiply, s, builder.apply(.convert, m, type: .f32)) } == "m ? s : 0.0")
    #expect(
      try formula { builder, s, m in
        builder.apply(.select, builder.apply(.not, m), builder.constant(-.infinity, .f32), s)
      } == "m ? s : -inf")
  }

  @Test func choicesBetweenTruthsAreLogic() throws {
    func choice(_ left: Bool?, _ right: Bool?) throws -> String {
      try formula { builder, _, m in
        let isPast = builder.apply(.greaterEqual, builder.parameter(2), builder.parameter(3))
        let branches = [left, right].map { $0.map { builder.truth($0) } ?? isPast }
        return builder.apply(.select, m, branches[0], branches[1])
      }
    }
    #expect(try choice(nil, false) == "m and j <= i")
    #expect(try choice(nil, true) == "not m or j <= i")
    #expect(try choice(true, nil) == "m or j <= i")
    #expect(try choice(false, nil) == "not m and j <= i")
    #expect(try choice(true, false) == "m")
  }

  /// Integers are compared by `less` and `lessEqual`; floats keep `not`, since neither order holds with a NaN.
  @Test func negationsOfComparisonsAreComparisons() throws {
    func negated(_ op: Op, _ position: Int) throws -> String {
      try formula { builder, _, _ in
        let (left, right) = (builder.parameter(position), position == 0 ? builder.constant(1, .f32) : builder.parameter(3))
        return builder.apply(.not, builder.apply(op, left, right))
      }
    }
    #expect(try negated(.less, 2) == "j <= i")
    #expect(try negated(.lessEqual, 2) == "j < i")
    #expect(try negated(.equal, 2) == "i != j")
    #expect(try negated(.notEqual, 0) == "s == 1.0")
    #expect(try negated(.less, 0) == "not (s < 1.0)")
    #expect(try formula { builder, _, m in builder.apply(.not, builder.apply(.not, m)) } == "m")
  }

  /// Logic and whole numbers have no contract: random expressions of them keep their value.
  @Test func logicKeepsItsValue() throws {
    var random = SeededGenerator(seed: 9)
    for round in 0..<300 {
      var plain = ScalarFunction(parameters: [.init("a", .bool), .init("b", .bool), .init("i", .i32), .init("j", .i32)])
      var truths =
        [0, 1].map { plain.parameter($0) } + [plain.constant(Literal(true), .bool), plain.constant(Literal(false), .bool)]
      var numbers = [2, 3].map { plain.parameter($0) } + [-1, 0, 1, 3].map { plain.constant(Literal($0), .i32) }
      func truth() -> ScalarValue { truths.randomElement(using: &random)! }
      func number() -> ScalarValue { numbers.randomElement(using: &random)! }
      for _ in 0..<8 {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: truths.append(try plain.append([Op.and, .or].randomElement(using: &random)!, [truth(), truth()]))
        case 1: truths.append(try plain.append(.not, [truth()]))
        case 2:
          let op = [Op.less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual].randomElement(using: &random)!
          truths.append(try plain.append(op, [number(), number()]))
        case 3: truths.append(try plain.append(.select, [truth(), truth(), truth()]))
        case 4: numbers.append(try plain.append(.select, [truth(), number(), number()]))
        default:
          let op = [Op.add, .subtract, .multiply, .minimum, .maximum].randomElement(using: &random)!
          numbers.append(try plain.append(op, [number(), number()]))
        }
      }
      plain.results = [truths.last!, numbers.last!]
      var builder = FunctionBuilder(parameters: plain.parameters, rules: .scores)
      let built = builder.finish(builder.inline(plain, plain.parameters.indices.map { builder.parameter($0) }))
      try built.verify()
      for number in 0..<16 {
        let arguments = [Literal(number % 2 == 1), Literal(number / 2 % 2 == 1), Literal(number / 4 - 1), Literal(number % 3)]
        #expect(try built.evaluate(arguments) == plain.evaluate(arguments), "round \(round): \(plain.formula)")
      }
    }
  }
}
