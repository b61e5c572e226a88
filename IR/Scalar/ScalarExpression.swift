/// A scalar function that is being written through `ScalarExpression`s.
package final class ExpressionWriter {
  package private(set) var builder: ScalarBuilder<ScalarFunction>

  package init(parameters: [ScalarFunction.Parameter]) { builder = FunctionBuilder(parameters: parameters) }

  package init(parameters: [ScalarFunction.Parameter], tables: [ScalarFunction.Table]) {
    builder = FunctionBuilder(parameters: parameters, tables: tables)
  }

  /// The function that yields `results`, without what they do not need.
  package func finish(_ results: [ScalarExpression]) -> ScalarFunction { builder.finish(results.map(\.value)) }

  /// Adds a captured tensor, and returns its number.
  func addTable(_ name: Name, _ type: TensorType) -> Int { builder.addTable(name, type) }

  /// The element of a captured tensor at `indices`.
  func element(_ table: Int, _ indices: [ScalarExpression]) -> ScalarExpression {
    ScalarExpression(writer: self, value: builder.element(table, indices.map(\.value)))
  }

  /// The value of an extent at a call.
  package func extent(_ extent: Extent, _ element: ElementType) -> ScalarExpression {
    ScalarExpression(writer: self, value: builder.extent(extent, element))
  }

  /// An op where 16-bit floats are held in f32 and never rounded.
  func compute(_ op: Op, _ operands: [ScalarExpression], _ types: [ElementType], to type: ElementType) -> ScalarExpression {
    ScalarExpression(writer: self, value: builder.compute(op, operands.map(\.value), types, to: type, rounds: false))
  }

  package func parameter(_ position: Int) -> ScalarExpression {
    ScalarExpression(writer: self, value: builder.parameter(position))
  }

  package func constant(_ literal: Literal, _ element: ElementType) -> ScalarExpression {
    ScalarExpression(writer: self, value: builder.constant(literal, element))
  }

  /// Traps where the operands do not fit the op: what is written here is the compiler's own.
  func apply(_ op: Op, _ operands: [ScalarExpression], type: ElementType? = nil) -> ScalarExpression {
    ScalarExpression(writer: self, value: builder.apply(op, operands.map(\.value), type: type))
  }
}

extension Double {
  /// The logarithm of e to the base 2.
  package static let log2e = 1.4426950408889634
}

/// A value of a scalar function that is being written: arithmetic on it appends instructions to the function.
package struct ScalarExpression {
  package let writer: ExpressionWriter
  package let value: ScalarValue

  package var element: ElementType { writer.builder.type(value) }

  /// A constant of this expression's type.
  package func constant(_ value: Double) -> ScalarExpression { writer.constant(Literal(value), element) }
  /// A constant of this expression's integer type.
  package func constant(_ value: Int64) -> ScalarExpression { writer.constant(Literal(value), element) }

  package func applying(_ op: Op, _ others: ScalarExpression...) -> ScalarExpression { writer.apply(op, [self] + others) }

  package static func + (left: Self, right: Self) -> Self { left.applying(.add, right) }
  package static func - (left: Self, right: Self) -> Self { left.applying(.subtract, right) }
  package static func * (left: Self, right: Self) -> Self { left.applying(.multiply, right) }
  package static func / (left: Self, right: Self) -> Self { left.applying(.divide, right) }
  package static func + (left: Self, right: Double) -> Self { left + left.constant(right) }
  package static func - (left: Self, right: Double) -> Self { left - left.constant(right) }
  package static func - (left: Double, right: Self) -> Self { right.constant(left) - right }
  package static func * (left: Self, right: Double) -> Self { left * left.constant(right) }
  package static func / (left: Double, right: Self) -> Self { right.constant(left) / right }
  package static prefix func - (operand: Self) -> Self { operand.applying(.negate) }

  package static func < (left: Self, right: Double) -> Self { left.applying(.less, left.constant(right)) }
  package static func > (left: Self, right: Double) -> Self { left.applying(.greater, left.constant(right)) }
  package static func == (left: Self, right: Self) -> Self { left.applying(.equal, right) }
  package static func == (left: Self, right: Double) -> Self { left == left.constant(right) }
  package static func & (left: Self, right: Self) -> Self { left.applying(.and, right) }
  package static func | (left: Self, right: Self) -> Self { left.applying(.or, right) }
  package static prefix func ! (operand: Self) -> Self { operand.applying(.not) }

  package var magnitude: Self { applying(.absolute) }

  /// `self * factor + addend`, rounded once.
  package func multiplied(by factor: Self, adding addend: Self) -> Self { applying(.fusedMultiplyAdd, factor, addend) }
  package func multiplied(by factor: Double, adding addend: Self) -> Self { multiplied(by: constant(factor), adding: addend) }

  /// The expression held to at least `bound`; a NaN stays one.
  package func atLeast(_ bound: Double) -> Self { constant(bound).applying(.maximum, self) }
  /// The expression held to at most `bound`; a NaN stays one.
  package func atMost(_ bound: Double) -> Self { constant(bound).applying(.minimum, self) }

  /// The expression held to at least `-bound` and at most `bound`; a NaN stays one.
  package func heldWithin(_ bound: Double) -> Self { atLeast(-bound).atMost(bound) }

  /// `left` where this bool holds, else `right`.
  package func select(_ left: Self, _ right: Self) -> Self { writer.apply(.select, [self, left, right]) }

  package func converted(to element: ElementType) -> Self {
    element == self.element ? self : writer.apply(.convert, [self], type: element)
  }

  package func bitcast(to element: ElementType) -> Self { writer.apply(.bitcast, [self], type: element) }

  /// The polynomial with these coefficients, that of the lowest power first, by Horner's rule.
  package func polynomial(_ coefficients: [Double]) -> Self {
    var sum = constant(coefficients.last!)
    for coefficient in coefficients.dropLast().reversed() { sum = sum.multiplied(by: self, adding: constant(coefficient)) }
    return sum
  }
}

extension ScalarSemantics {
  /// The same semantics with an expansion: `body` writes the op in primitive ops for f32 and f64. The 16-bit types go through f32.
  func expanding(_ body: @escaping @Sendable ([ScalarExpression]) -> ScalarExpression) -> ScalarSemantics {
    let names: [Name] = ["x", "y", "z"]
    let arity = arity
    return ScalarSemantics(rule, takesBool: takesBool) { element in
      guard element.isFloat else { return nil }
      let writer = ExpressionWriter(parameters: names.prefix(arity).map { .init($0, element) })
      let result = body((0..<arity).map { writer.parameter($0).converted(to: element.computed) }).converted(to: element)
      var function = writer.builder.function
      function.results = [result.value]
      return function
    }
  }
}
