/// The element type of a number that is written in place of a value: `multiply %x, 0.125`.
///
/// Scalar constants without names are written in place. The type follows from the other operands or the result, so that it need not
/// be written. The printer writes a constant in place only where the parser would infer its type.
enum LiteralOperand {
  /// The element type of a number at `position` among the operands of an elementwise op, or nil where it does not follow.
  /// - Parameters:
  ///   - operands: the operands' element types, nil for those that are numbers.
  ///   - result: the result's element type, where it is written.
  static func element(of op: Op, at position: Int, operands: [ElementType?], result: ElementType?) -> ElementType? {
    guard let scalar = op.scalar else { return nil }
    switch scalar.rule {
    case .select:
      guard operands.count == 3 else { return nil }
      return position == 0 ? .bool : operands[3 - position] ?? result
    case .unary, .binary, .ternary: return operands.lazy.compactMap { $0 }.first ?? result
    case .comparison: return operands.lazy.compactMap { $0 }.first
    case .convert, .bitcast: return nil
    case .randomBits: return .i64
    }
  }

  /// The same for any op of a graph. Where an op has a region whose last parameters are the elements of its last operands, a number
  /// has the type of its parameter.
  static func element(
    of op: Op, at position: Int, operands: [ElementType?], result: ElementType?, regions: [ScalarFunction]
  ) -> ElementType? {
    if op.has(.elementwise) { return element(of: op, at: position, operands: operands, result: result) }
    // A number is most often the cotangent of a number.
    if op.isRequest { return operands.first ?? nil }
    guard !op.has(.capturesTables), let parameters = regions.first?.parameters else { return nil }
    let named = if case .leading(let names, _) = op.operands { names.count } else { 0 }
    guard position >= named else { return nil }
    let parameter = parameters.count - operands.count + position
    return parameters.indices.contains(parameter) ? parameters[parameter].type : nil
  }

  /// The element type of a number among the indices of `element`: that of the others, or i32.
  static func index(among indices: [ElementType?]) -> ElementType { indices.lazy.compactMap { $0 }.first ?? .i32 }

  /// The element type of a number that a region yields: bool for `true` and `false`.
  static let yielded: ElementType = .bool
}
