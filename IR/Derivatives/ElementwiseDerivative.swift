/// The derivative of an elementwise op.
///
/// An element of the result depends on the same element of each operand alone. So one rule serves both directions: a tangent of an operand
/// and a cotangent of the result are each multiplied by the partial derivative.
package enum ElementwiseDerivative: Sendable {
  /// For each operand in order: the partial derivative by it, times the factor; nil where that is 0 everywhere. The rule sees the factor,
  /// the operands and the result.
  case rule(
    @Sendable (_ factor: ScalarExpression, _ operands: [ScalarExpression], _ result: ScalarExpression) -> [ScalarExpression?])
  /// The op converts between types: so does its derivative.
  case conversion
  /// The derivative is 0, for the reason that is stated: where it exists, or by convention.
  case zero(String)
}

extension ScalarSemantics {
  /// The same semantics with this rule for the derivative: see `ElementwiseDerivative.rule`.
  func differentiating(
    _ rule:
      @escaping @Sendable (_ factor: ScalarExpression, _ operands: [ScalarExpression], _ result: ScalarExpression) ->
      [ScalarExpression?]
  ) -> ScalarSemantics { differentiating(.rule(rule)) }

  /// The same semantics with this derivative.
  func differentiating(_ derivative: ElementwiseDerivative) -> ScalarSemantics {
    var semantics = self
    semantics.derivative = derivative
    return semantics
  }
}

extension ElementwiseDerivative {
  /// For each operand the partial derivative by it, times `factor`; nil where that is 0 everywhere.
  ///
  /// 16-bit floats are computed in f32. The values returned have the operands' computed types.
  func products(
    _ factor: ScalarExpression, _ operands: [ScalarExpression], _ result: ScalarExpression
  ) -> [ScalarExpression?] {
    switch self {
    case .zero: return operands.map { _ in nil }
    case .conversion:
      let element = operands[0].element
      return [element.isFloat ? factor.converted(to: element.computed) : nil]
    case .rule(let rule):
      func wide(_ value: ScalarExpression) -> ScalarExpression {
        value.element.isFloat ? value.converted(to: value.element.computed) : value
      }
      return rule(wide(factor), operands.map(wide), wide(result))
    }
  }

  /// The tangent of the result from those of the operands; nil where that is 0 everywhere. It has the result's computed type.
  func tangent(
    _ tangents: [ScalarExpression?], _ operands: [ScalarExpression], _ result: ScalarExpression
  ) -> ScalarExpression? {
    var sum: ScalarExpression?
    for (number, tangent) in tangents.enumerated() {
      guard let tangent else { continue }
      let product: ScalarExpression?
      if case .conversion = self {
        product = result.element.isFloat ? tangent.converted(to: result.element.computed) : nil
      } else {
        product = products(tangent, operands, result)[number]
      }
      if let product { sum = sum.map { $0 + product } ?? product }
    }
    return sum
  }
}

extension Derivative {
  /// The derivative of an elementwise op: its rule applied to every element. An operand that is one number for all elements has the sum of
  /// their cotangents.
  static func elementwise(_ derivative: ElementwiseDerivative) -> Derivative {
    if case .zero(let reason) = derivative { return .zero(reason) }
    return Derivative(
      forward: { context, tangents in
        let (element, count) = (context.type(context.results[0]).element, context.operands.count)
        let active = tangents.indices.filter { tangents[$0] != nil }
        let writer = context.writer(factors: active.map { context.type(context.operands[$0]).element })
        var factors = [ScalarExpression?](repeating: nil, count: count)
        for (number, operand) in active.enumerated() { factors[operand] = writer.parameter(count + 1 + number) }
        guard let sum = derivative.tangent(factors, context.parameters(writer), writer.parameter(count)) else { return [nil] }
        return try context.apply(writer, [sum.converted(to: element)], factors: active.map { tangents[$0]! })
      },
      reverse: { context, cotangents in
        let result = context.type(context.results[0])
        let writer = context.writer(factors: [result.element])
        let count = context.operands.count
        let products = derivative.products(
          writer.parameter(count + 1), context.parameters(writer), writer.parameter(count))
        let wanted = products.indices.filter { products[$0] != nil && context.isWanted($0) }
        guard !wanted.isEmpty else { return context.operands.map { _ in nil } }
        // Sums of 16-bit floats are in f32, and rounded once.
        func isSummed(_ operand: Int) -> Bool { context.type(context.operands[operand]).rank == 0 && result.rank > 0 }
        func element(_ operand: Int) -> ElementType { context.type(context.operands[operand]).element }
        let values = try context.apply(
          writer, wanted.map { products[$0]!.converted(to: isSummed($0) ? element($0).computed : element($0)) },
          factors: [cotangents[0]!])
        var found = [ValueID?](repeating: nil, count: count)
        for (operand, value) in zip(wanted, values) {
          found[operand] =
            isSummed(operand)
            ? try context.widened(context.sum(value!, over: Array(0..<result.rank)), to: element(operand)) : value
        }
        return found
      })
  }
}

extension Differentiation {
  /// What writes a function of the operands, the result and factors of the given types.
  fileprivate func writer(factors: [ElementType]) -> ExpressionWriter {
    let types = operands.map { type($0).element } + [type(results[0]).element] + factors
    return ExpressionWriter(parameters: types.enumerated().map { ScalarFunction.Parameter(Name("x\($0.offset)"), $0.element) })
  }

  fileprivate func parameters(_ writer: ExpressionWriter) -> [ScalarExpression] {
    operands.indices.map { writer.parameter($0) }
  }

  /// The function that was written, as ops on the operands, the result and the factors.
  fileprivate mutating func apply(
    _ writer: ExpressionWriter, _ yields: [ScalarExpression], factors: [ValueID]
  ) throws -> [ValueID?] {
    let function = writer.finish(yields)
    let arguments = operands + [results[0]] + factors
    return try apply(function, shape: .init(full: type(results[0]).shape)) { _, position in arguments[position] }
  }
}
