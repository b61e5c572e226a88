import HeedIR
import HeedTestSupport
import Testing

/// Folding, common subexpressions, exact rules and inlining of `ScalarBuilder`, against the plain evaluation of the ops.
@Suite struct ScalarBuilderTests {
  // MARK: Folding

  @Test func constantsAreFolded() {
    var builder = FunctionBuilder(parameters: [])
    let (two, three) = (builder.whole(2), builder.whole(3))
    let sum = builder.apply(.add, two, three)
    #expect(builder.wholeConstant(sum) == 5)
    let (isLess, isNot) = (builder.apply(.less, two, three), builder.apply(.not, builder.truth(true)))
    #expect(builder.isTrue(isLess) && builder.isFalse(isNot))
    let third = builder.apply(.divide, builder.constant(1, .f32), builder.constant(3, .f32))
    #expect(builder.literal(third) == Literal(Double(Float(1) / 3)))
    let byte = builder.apply(.convert, builder.whole(300), type: .u8)
    #expect(builder.literal(byte) == Literal(44))
  }

  /// Kernels compute `exp` by an expansion with an error of its own, so only rules that allow for it fold it.
  @Test func approximationsAreFoldedWhereTheRulesSaySo() {
    var exact = FunctionBuilder(parameters: [])
    let kept = exact.apply(.exp, exact.constant(0, .f32))
    #expect(exact.literal(kept) == nil)
    var free = FunctionBuilder(parameters: [], rules: SimplificationRules(foldsApproximations: true) { _, _ in nil })
    let folded = free.apply(.exp, free.constant(0, .f32))
    #expect(free.literal(folded) == Literal(1.0))
  }

  // MARK: Common subexpressions

  @Test func equalInstructionsAreOne() {
    var builder = FunctionBuilder(parameters: [.init("x", .f32), .init("y", .f32)], tables: [.init("t", TensorType(.f32, [8]))])
    let (x, y) = (builder.parameter(0), builder.parameter(1))
    func make(_ op: Op, _ operands: ScalarValue..., type: ElementType? = nil) -> ScalarValue {
      builder.apply(op, operands, type: type)
    }
    #expect(make(.add, x, y) == make(.add, y, x))
    #expect(make(.subtract, x, y) != make(.subtract, y, x))
    // Of a NaN and a number these give the right one.
    #expect(make(.maximum, x, y) != make(.maximum, y, x))
    #expect(make(.convert, x, type: .f64) != make(.convert, x, type: .i32))
    let (zero, negativeZero) = (builder.constant(0, .f32), builder.constant(-0.0, .f32))
    #expect(zero != negativeZero)
    let (single, double) = (builder.constant(1, .f32), builder.constant(1, .f64))
    #expect(single != double)
    let place = builder.whole(1)
    let (first, second) = (builder.element(0, [place]), builder.element(0, [place]))
    #expect(first == second)
    #expect(builder.function.instructions.count == 13)
  }

  @Test func finishDropsWhatIsNotNeeded() throws {
    var builder = FunctionBuilder(parameters: [.init("x", .i32), .init("y", .i32)])
    let sum = builder.apply(.add, builder.parameter(0), builder.parameter(1), name: "sum")
    _ = builder.apply(.multiply, sum, sum)
    let function = builder.finish([sum])
    #expect(function.instructions.map(\.name) == ["sum"])
    try function.verify()
  }

  // MARK: Exact rules

  /// Every op on every choice of operands that a rule may know of: what is built with the rules has the bits that the op has.
  @Test(arguments: [ElementType.i64, .i32, .u8, .bool, .f64, .f32])
  func exactRulesKeepEveryBit(_ type: ElementType) throws {
    let parameters: [ScalarFunction.Parameter] = [.init("x", type), .init("y", type), .init("c", .bool)]
    let numbers = [0, 1, 2, -0.0, -1, .infinity, .nan].map { Literal($0) }.filter { type.isFloat || $0.converted(to: type) != nil }
    let arguments = Self.arguments(type)
    var simplified = 0
    for op in Op.all where op.scalar != nil {
      let arity = op.scalar!.arity
      // Operands by number: the parameters, then constants.
      let choices = parameters.count + numbers.count
      for combination in 0..<(0..<arity).reduce(1, { count, _ in count * choices }) {
        let picks = (0..<arity).map { combination / [1, choices, choices * choices][$0] % choices }
        for stated in op.has(.typedByResult) ? [type, .f32, .i64, .bool] : [nil] {
          var plain = ScalarFunction(parameters: parameters)
          let operands = picks.map {
            $0 < parameters.count ? plain.parameter($0) : plain.constant(numbers[$0 - parameters.count].converted(to: type)!, type)
          }
          guard let value = try? plain.append(op, operands, type: stated) else { continue }
          plain.results = [value]
          var builder = FunctionBuilder(parameters: parameters)
          let built = builder.finish(builder.inline(plain, [0, 1, 2].map { builder.parameter($0) }))
          try built.verify()
          if built.instructions.isEmpty || built.results.allSatisfy({ built.constant($0) != nil }) { simplified += 1 }
          for arguments in arguments where try built.evaluate(arguments) != plain.evaluate(arguments) {
            Issue.record("\(op) of \(picks) of type \(type) at \(arguments)")
          }
        }
      }
    }
    #expect(simplified > 50)
  }

  /// Nested whole-number arithmetic, which wraps: rules of several ops.
  @Test(arguments: [ElementType.i64, .i32, .u8])
  func nestedWholeNumbersKeepTheirValue(_ type: ElementType) throws {
    var random = SeededGenerator(seed: 7)
    for round in 0..<400 {
      var plain = ScalarFunction(parameters: [.init("x", type), .init("y", type), .init("c", .bool)])
      var numbers = [0, 1].map { plain.parameter($0) }
      numbers += [0, 1, 5, type.integerRange.upperBound].map { plain.constant(Literal($0), type) }
      for _ in 0..<10 {
        let op = [Op.add, .add, .subtract, .subtract, .multiply, .minimum, .maximum, .divide].randomElement(using: &random)!
        let operands = [0, 1].map { _ in (Bool.random(using: &random) ? numbers.last : numbers.randomElement(using: &random))! }
        numbers.append(try plain.append(op, operands))
      }
      plain.results = [numbers.last!]
      var builder = FunctionBuilder(parameters: plain.parameters)
      let built = builder.finish(builder.inline(plain, [0, 1, 2].map { builder.parameter($0) }))
      try built.verify()
      for arguments in Self.arguments(type) {
        #expect(try built.evaluate(arguments) == plain.evaluate(arguments), "round \(round): \(plain.formula)")
      }
    }
  }

  @Test func oppositesAndConstantsAreCollected() {
    var builder = FunctionBuilder(parameters: [.init("x", .i64), .init("y", .i64)])
    let (x, y, zero) = (builder.parameter(0), builder.parameter(1), builder.whole(0))
    let opposite = builder.apply(.subtract, zero, y)
    let difference = builder.apply(.subtract, x, y)
    func make(_ op: Op, _ operands: ScalarValue...) -> ScalarValue { builder.apply(op, operands) }
    #expect(make(.add, x, opposite) == difference)
    #expect(make(.add, opposite, x) == difference)
    #expect(make(.subtract, x, opposite) == make(.add, x, y))
    #expect(make(.subtract, zero, difference) == make(.subtract, y, x))
    let (three, five, two) = (builder.whole(3), builder.whole(5), builder.whole(2))
    #expect(make(.add, make(.subtract, x, three), five) == make(.add, x, two))
    #expect(make(.subtract, make(.subtract, x, three), two) == make(.subtract, x, five))
    let larger = make(.maximum, x, y)
    #expect(make(.maximum, larger, x) == larger)
    #expect(make(.maximum, y, larger) == larger)
  }

  // MARK: Extents

  @Test func extentsAreNumbersOfACall() throws {
    var builder = FunctionBuilder(parameters: [])
    let extent = Extent(symbol: "N") - Extent(symbol: "M")
    let (first, second) = (builder.extent(extent, .i32), builder.extent(extent, .i32))
    #expect(first == second)
    let constant = builder.extent(7, .i32)
    #expect(builder.wholeConstant(constant) == 7)
    let real = builder.extent(extent, .f32)
    let function = builder.finish([first, real])
    try function.verify()
    #expect(try function.evaluate([], binding: ["N": 5, "M": 7]) == [Literal(-2), Literal(-2.0)])
    #expect(throws: HeedError.self) { try function.evaluate([], binding: ["N": 5]) }
    #expect(function.formula == "N - M")
  }

  /// Values of two numbers and a bool.
  private static func arguments(_ type: ElementType) -> [[Literal]] {
    var random = SeededGenerator(seed: 4)
    func number() -> Literal {
      if !type.isFloat {
        return Literal(type.wrap(Int64(truncatingIfNeeded: random.next()) >> Int64.random(in: 0...62, using: &random)))
      }
      let edges = [0, -0.0, 1, .infinity, -.infinity, .nan]
      return Literal(
        type.round(Bool.random(using: &random) ? edges.randomElement(using: &random)! : .random(in: -4...4, using: &random)))
    }
    return (0..<24).map { _ in [number(), number(), Literal(Bool.random(using: &random))] }
  }

  // MARK: Inlining

  /// `convert(convert(x * y, bf16) + 1, f32)`, and the product in bf16 as a second result.
  private static func narrowFunction() throws -> ScalarFunction {
    var function = ScalarFunction(parameters: [.init("x", .bf16), .init("y", .f32)])
    let product = try function.append(
      .multiply, [function.append(.convert, [function.parameter(0)], type: .f32), function.parameter(1)])
    let narrow = try function.append(.convert, [product], type: .bf16)
    let sum = try function.append(.add, [narrow, function.constant(Literal(1), .bf16)])
    function.results = [try function.append(.convert, [sum], type: .f32), narrow]
    return function
  }

  @Test func inliningKeepsTypesInsideFunctions() throws {
    let function = try Self.narrowFunction()
    var builder = FunctionBuilder(parameters: function.parameters)
    let built = builder.finish(builder.inline(function, [builder.parameter(0), builder.parameter(1)]))
    #expect(built == function)
  }

  @Test func inliningComputesNarrowFloatsInSingle() throws {
    let function = try Self.narrowFunction()
    let (x, y) = (1.0078125, 1.5)
    // The product has one bit more than a bf16 holds.
    let (product, rounded) = (x * y, ElementType.bf16.round(x * y))
    #expect(product != rounded)
    for (narrowFloats, expected) in [(NarrowFloats.rounded, [rounded + 1, product]), (.widened, [product + 1, product])] {
      var builder = FunctionBuilder(parameters: [.init("x", .f32), .init("y", .f32)])
      let results = builder.inline(function, [builder.parameter(0), builder.parameter(1)], narrowFloats: narrowFloats)
      let built = builder.finish(results)
      try built.verify()
      #expect(results.allSatisfy { builder.type($0) == .f32 })
      #expect(try built.evaluate([Literal(x), Literal(y)]).map(\.real) == expected)
    }
  }

  @Test func bitsOfNarrowFloatsAreTheirOwn() throws {
    var function = ScalarFunction(parameters: [.init("x", .bf16)])
    let bits = try function.append(.bitcast, [function.parameter(0)], type: .f16)
    function.results = [bits]
    for narrowFloats in [NarrowFloats.rounded, .widened] {
      var builder = FunctionBuilder(parameters: [.init("x", .f32)])
      let built = builder.finish(builder.inline(function, [builder.parameter(0)], narrowFloats: narrowFloats))
      #expect(try built.evaluate([Literal(1.5)]) == function.evaluate([Literal(1.5)]))
    }
  }

  @Test func tablesAreRenumbered() throws {
    var function = ScalarFunction(parameters: [.init("i", .i32)], tables: [.init("a", TensorType(.f32, [8]))])
    function.results = [try function.element(ofTable: 0, [function.parameter(0)], name: "e")]
    var builder = FunctionBuilder(parameters: function.parameters, tables: [.init("b", TensorType(.f32, [8])), function.tables[0]])
    let element = builder.inline(function, [builder.parameter(0)], tableMap: [1])[0]
    #expect(builder.function.instruction(element)?.operation == .element(table: 1))
    #expect(builder.function.name(element) == "e")
  }
}
