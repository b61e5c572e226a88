import HeedAnalysis
import HeedIR

/// The op's regions inside a kernel's body, and what the remarks say of the mask.
extension AttentionLowering {
  func describeMask(context: inout LoweringContext) throws {
    guard isMasked else { return }
    let value = context.graph.results(node)[0]
    switch try mask.emptyRows(hasOwnKeys: keys.isEqual(to: queries, given: facts)) {
    case .own: context.remark(.note, value, "every query sees its own key: no row is empty")
    case .first: context.remark(.note, value, "every query sees the first key: no row is empty where there are keys")
    case nil: context.remark(.note, value, "a query may see no key: its row is 0 then")
    }
    context.remark(
      .applied, value,
      "tiles of \(rowBlock) x \(keyBlock) where the mask is false everywhere are skipped; where it is true everywhere they run without it"
    )
    if !twin.isExact {
      context.remark(
        .note, value,
        "tiles that the mask's twin leaves open are looked at in granules of \(queryGranule) x \(keyGranule), then pair by pair")
    }
    let summarized = twin.terms.filter { $0.side == .key }.map(\.describedValue)
    if !summarized.isEmpty {
      context.remark(
        .note, value, "bounds of \(summarized.joined(separator: ", ")) over \(keyGranule) keys each are taken once per call")
    }
  }

  /// A region of the op at the given indices: batch indices, query and key.
  func inline(
    _ function: ScalarFunction, _ leading: [BodyValue], _ indices: [IntegerExpression], in body: inout Body
  ) -> BodyValue {
    inlineAll(function, leading, indices, in: &body)[0]
  }

  /// As `inline`, with all results of the function.
  func inlineAll(
    _ function: ScalarFunction, _ leading: [BodyValue], _ indices: [IntegerExpression], in body: inout Body
  ) -> [BodyValue] {
    let used = Set(function.instructions.flatMap(\.operands) + function.results)
    var arguments = leading
    for (position, index) in zip(leading.count..., indices) {
      // An index that the function does not use stands for nothing.
      let isUsed = used.contains(function.parameter(position))
      arguments.append(isUsed ? body.index(index, function.parameters[position].type) : BodyValue(-1))
    }
    let lowering = self
    return body.inlineWidened(function, arguments) { body, table, positions, type in
      let expressions = positions.map { body.expression(of: $0) }
      let extents = function.tables[table].type.shape.extents
      // An index that is not known to be inside may be outside: such an element reads as NaN, or 0 for integers.
      let guarded = Set(expressions.indices.filter { !lowering.isInside(expressions[$0], extents[$0], indices) })
      let outside = type.isFloat ? Literal(Double.nan) : Literal(0)
      return lowering.tables[table].read(
        expressions, as: type, guarded: guarded, otherwise: guarded.isEmpty ? nil : outside, in: &body)
    }
  }

  /// Whether `expression` is below `extent` whatever the call: one of the op's own indices over a dimension of the same extent, or a
  /// constant.
  private func isInside(_ expression: IntegerExpression, _ extent: Extent, _ indices: [IntegerExpression]) -> Bool {
    if case .constant(let value) = expression { return value >= 0 && extent.constant.map { value < $0 } ?? false }
    let extents = batch + [queries, keys]
    return zip(indices, extents).contains { $0 == expression && $1.isEqual(to: extent, given: facts) }
  }
}

extension Body {
  /// The whole-number expression that a value is, where it is a plain index; else a reference to the value.
  fileprivate func expression(of value: BodyValue) -> IntegerExpression {
    guard value.index >= parameters.count else { return .value(value) }
    let instruction = instructions[value.index - parameters.count]
    switch instruction.operation {
    case .index(let expression): return expression
    case .constant(let literal) where !literal.isReal: return .constant(Int(literal.integer))
    case .elementwise(.convert)
    where instruction.type.isInteger && instruction.type.byteCount >= type(instruction.operands[0]).byteCount
      && instruction.type != .u8:
      let inner = expression(of: instruction.operands[0])
      if case .value = inner { return .value(value) }
      return inner
    default: return .value(value)
    }
  }
}
