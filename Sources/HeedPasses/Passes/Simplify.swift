import HeedIR

extension GraphPass {
  /// `simplify` takes out ops that change nothing and writes others more plainly.
  ///
  ///     %t = transpose %k {permutation = [0, 1, 3, 2]} : f32[B, H, D, S]
  ///     %s = contract %q, %t {subscripts = "bhid,bhdj->bhij"} : f32[B, H, S, S]
  ///     %x = multiply %s, 1.0 : f32[B, H, S, S]
  /// becomes
  ///     %x = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, H, S, S]
  ///
  /// Every step holds for all values to the bit, NaN, infinities and the sign of zero included: `x + -0.0` and `x - 0.0` are `x`, `x + 0.0`
  /// is not. A division by a power of two whose reciprocal is a number is a multiplication. Views compose; what a contract can read by
  /// other subscripts needs no transpose, and one that sums over nothing is a product. An elementwise op repeats scalars by itself and
  /// needs no broadcast of one.
  public static let simplify = GraphPass("simplify", summary: "take out ops that change nothing") { graph, context in
    try graph.rewrite(
      &context,
      rules: [
        simplifyScalarOperands, simplifyArithmetic, simplifyTruth, simplifyChoice, simplifyConversion, simplifyView, simplifyGather,
        simplifyContract,
      ])
  }

  /// Operands that repeat a scalar become that scalar; where all do, the op is done once.
  private static func simplifyScalarOperands(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    let (op, inputs, type) = (graph.op(node), graph.inputs(node), graph.type(graph.result(node)))
    guard op.has(.elementwise), type.rank > 0 else { return nil }
    var operands = inputs.map { input in
      guard let source = graph.match(input, .broadcast)?.first, graph.type(source).rank == 0 else { return input }
      return source
    }
    guard operands != inputs else { return nil }
    if operands.allSatisfy({ graph.type($0).rank == 0 }) {
      let scalar = try state.graph.appendLike(node, operands, type: TensorType(type.element, .scalar))
      return try state.graph.appendResult(.broadcast, [scalar], attributes: [Attribute(.dims, [])], stated: type)
    }
    // The shape must still be the written one where operands name an equal extent otherwise.
    if operands.first(where: { graph.type($0).rank > 0 }).map({ graph.type($0).shape }) != type.shape { operands = inputs }
    return operands == inputs ? nil : try state.graph.appendLike(node, operands, type: type)
  }

  private static func simplifyArithmetic(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    let (op, inputs, result) = (graph.op(node), graph.inputs(node), graph.result(node))
    guard op.has(.elementwise) else { return nil }
    if op == .negate, let inner = graph.match(inputs[0], .negate) { return inner[0] }
    guard inputs.count == 2 else { return nil }
    let element = graph.type(inputs[0]).element
    func isNeutral(_ value: ValueID) -> Bool {
      guard let literal = graph.uniformConstant(value) else { return false }
      switch op {
      case .add: return element.isFloat ? literal == Literal(-0.0) : literal.real == 0
      case .subtract: return element.isFloat ? literal == Literal(0.0) : literal.real == 0
      case .multiply, .divide: return literal.real == 1
      default: return false
      }
    }
    if isNeutral(inputs[1]) { return try state.graph.fit(inputs[0], as: result) }
    if op.has(.commutative), isNeutral(inputs[0]) { return try state.graph.fit(inputs[1], as: result) }
    if op == .divide, element.isFloat, let divisor = graph.uniformConstant(inputs[1])?.real, divisor.significand == 1 {
      let reciprocal = element.round(1 / divisor)
      let type = graph.type(result)
      guard reciprocal == 1 / divisor, graph.type(inputs[0]).shape == type.shape else { return nil }
      return try state.graph.appendResult(.multiply, [inputs[0], state.graph.appendScalar(reciprocal, element)])
    }
    return nil
  }

  private static func simplifyTruth(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    let (op, inputs, result) = (graph.op(node), graph.inputs(node), graph.result(node))
    switch op {
    case .not: return graph.match(inputs[0], .not)?[0]
    case .and, .or:
      if inputs[0] == inputs[1] { return inputs[0] }
      guard graph.type(result).element == .bool else { return nil }
      for (value, other) in [(inputs[0], inputs[1]), (inputs[1], inputs[0])] {
        guard let constant = graph.uniformConstant(value) else { continue }
        let kept = (constant.integer != 0) == (op == .and) ? other : value
        return try state.graph.fit(kept, as: result)
      }
      return nil
    case .equal, .lessEqual, .greaterEqual, .notEqual, .less, .greater:
      guard inputs[0] == inputs[1], !graph.type(inputs[0]).element.isFloat else { return nil }
      let holds = op == .equal || op == .lessEqual || op == .greaterEqual
      return try state.graph.fit(state.graph.appendScalar(Literal(holds), .bool), as: result)
    default: return nil
    }
  }

  private static func simplifyChoice(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .select else { return nil }
    let (inputs, result) = (graph.inputs(node), graph.result(node))
    if let condition = graph.uniformConstant(inputs[0]) {
      return try state.graph.fit(inputs[condition.integer != 0 ? 1 : 2], as: result)
    }
    if inputs[1] == inputs[2] { return try state.graph.fit(inputs[1], as: result) }
    if let inner = graph.match(inputs[0], .not) { return try state.graph.appendResult(.select, [inner[0], inputs[2], inputs[1]]) }
    return nil
  }

  /// Conversions to the same type, and back from a type that holds every value of the first.
  private static func simplifyConversion(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    guard graph.op(node) == .convert else { return nil }
    let (input, type) = (graph.inputs(node)[0], graph.type(graph.result(node)))
    if graph.type(input) == type { return input }
    guard let inner = graph.match(input, .convert)?[0], graph.type(inner) == type else { return nil }
    return graph.type(input).element.holdsEveryValue(of: type.element) ? inner : nil
  }
}

extension ElementType {
  /// Whether a conversion to this type loses nothing.
  func holdsEveryValue(of other: ElementType) -> Bool {
    switch (other, self) {
    case (.f16, .f32), (.bf16, .f32), (.f32, .f64), (.f16, .f64), (.bf16, .f64), (.i32, .f64): true
    case (.i8, .i32), (.u8, .i32), (.bool, .i32), (.i8, .i64), (.u8, .i64), (.i32, .i64), (.bool, .i64), (.bool, .u8), (.bool, .i8):
      true
    default: self == other
    }
  }
}

extension Graph {
  /// `value` with the type of `result`: repeated where it is a scalar, renamed in its extents where they are equal by a fact.
  mutating func fit(_ value: ValueID, as result: ValueID) throws -> ValueID {
    let (from, to) = (type(value), type(result))
    if from == to { return value }
    if from.rank == 0 { return try appendResult(.broadcast, [value], attributes: [Attribute(.dims, [])], stated: to) }
    return try appendResult(.reshape, [value], stated: to)
  }
}
