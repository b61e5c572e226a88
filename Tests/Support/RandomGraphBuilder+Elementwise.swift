import Foundation
import HeedIR

extension RandomGraphBuilder {
  /// Ops whose results jump where their operands change a little.
  private static let jumping: Set<String> = ["floor", "ceil", "round", "remainder", "bitcast"]

  /// Any elementwise op of the table, on operands that keep its results moderate.
  mutating func addElementwise() throws {
    let op = pick(Op.all.filter { $0.has(.elementwise) })
    guard let scalar = op.scalar else { return }
    switch scalar.rule {
    case .unary(let real, let integer):
      guard let operand = pickOperand(real: real != nil, integer: integer != nil, takesBool: scalar.takesBool, of: op) else {
        return
      }
      try addUnary(op, operand)
    case .binary(let real, let integer):
      guard let left = pickOperand(real: real != nil, integer: integer != nil, takesBool: scalar.takesBool, of: op) else { return }
      try addBinary(op, left, try partner(of: left, exact: Self.jumping.contains(op.mnemonic)))
    case .ternary:
      guard let left = pick(where: { $0.type.element.isFloat }) else { return }
      let right = try partner(of: left)
      let third = try partner(of: left.type.rank > 0 ? left : right)
      let (a, b, c) = (try tamed(left, to: 50), try tamed(right, to: 50), try tamed(third, to: 50))
      try emit(op, [a, b, c], bound: a.bound * b.bound + c.bound)
    case .comparison:
      guard let left = pick(where: { $0.isExact }) else { return }
      try emit(op, [left, try partner(of: left, exact: true)])
    case .select:
      guard let left = pick(where: { _ in true }) else { return }
      let right = try partner(of: left)
      let rank = max(left.type.rank, right.type.rank)
      let shape = left.type.rank > 0 ? left.type.shape : right.type.shape
      guard let condition = pick(where: { $0.type.element == .bool && ($0.type.rank == 0 || rank == 0 || $0.type.shape == shape) })
      else {
        return
      }
      try emit(op, [condition, left, right], bound: max(left.bound, right.bound), isExact: left.isExact && right.isExact)
    case .randomBits:
      let position = try pick(where: { $0.type.element == .i64 }) ?? constant(5, .i64)
      try emit(op, [constant(pick([0, 7]), .i64), partner(of: position), position])
    case .convert: try addConversion(op)
    case .bitcast:
      guard let operand = pick(where: { $0.isExact && $0.type.element.isFloat }) else { return }
      let target = ElementType.allCases.first { $0.isInteger && $0.byteCount == operand.type.element.byteCount }
      guard let target else { return }
      try emit(op, [operand], stated: TensorType(target, operand.type.shape))
    }
  }

  private mutating func pickOperand(real: Bool, integer: Bool, takesBool: Bool, of op: Op) -> Value? {
    let isJumping = Self.jumping.contains(op.mnemonic)
    return pick(where: { value in
      if value.type.element.isFloat { return real && (value.isExact || !isJumping) }
      return integer && (value.type.element != .bool || takesBool)
    })
  }

  /// Another operand for an op on `value`: of its shape, a scalar, or a number.
  mutating func partner(of value: Value, exact: Bool = false) throws -> Value {
    let type = value.type
    if chance(0.7),
      let other = pick(where: {
        $0.type.element == type.element && ($0.isExact || !exact)
          && ($0.type.rank == 0 || type.rank == 0 || $0.type.shape == type.shape)
      })
    {
      return other
    }
    if type.element == .bool { return try constant(pick([0, 1]), .bool) }
    return try constant(type.element.isFloat ? pick([0.5, 2, -1.5, 0.1, 1, 0]) : pick([1, 2, 3, 7]), type.element)
  }

  private mutating func addUnary(_ op: Op, _ operand: Value) throws {
    guard operand.type.element.isFloat else {
      try emit(op, [operand])
      return
    }
    switch op.mnemonic {
    case "negate", "absolute", "floor", "ceil", "round":
      try emit(op, [operand], bound: operand.bound + 1, isExact: operand.isExact)
    case "gelu", "gelu_tanh", "silu": try emit(op, [tamed(operand)], bound: min(operand.bound, Self.largestBound))
    case "exp", "exp2":
      let small = try tamed(operand, to: 5)
      try emit(op, [small], bound: exp(small.bound))
    case "log", "log2", "sqrt", "rsqrt", "reciprocal":
      let value = try positive(tamed(operand))
      try emit(op, [value], bound: max(20, value.bound.squareRoot()))
    default:
      // tanh, sin and the like; an op that is new here sees numbers up to 1.
      try emit(op, [tamed(operand, to: 1)], bound: 2)
    }
  }

  private mutating func addBinary(_ op: Op, _ left: Value, _ right: Value) throws {
    guard left.type.element.isFloat else {
      try emit(op, [left, right])
      return
    }
    switch op.mnemonic {
    case "add", "subtract", "multiply", "minimum", "maximum":
      let (a, b) = (try tamed(left, to: 100), try tamed(right, to: 100))
      let bound = op == .multiply ? a.bound * b.bound : a.bound + b.bound
      try emit(
        op, chance(0.2) ? [b, a] : [a, b], bound: bound,
        isExact: op.mnemonic.hasPrefix("m") && op != .multiply && a.isExact && b.isExact)
    case "divide":
      let divisor = chance(0.4) ? try constant(pick([2, 3.5, -8]), left.type.element) : try positive(right)
      try emit(op, [left, divisor], bound: left.bound * 2)
    case "remainder":
      try emit(op, [left, constant(pick([1, 1.5, -2]), left.type.element)], bound: 2, isExact: true)
    case "power":
      let base = try positive(tamed(left, to: 8))
      try emit(op, [base, constant(pick([2, 0.5, -1, 3]), left.type.element)], bound: base.bound * base.bound * base.bound)
    default: try emit(op, [tamed(left, to: 1), tamed(right, to: 1)], bound: 2)
    }
  }

  private mutating func addConversion(_ op: Op) throws {
    guard let operand = pick(where: { $0.isExact || $0.type.element.isFloat }) else { return }
    let target = pick(operand.isExact ? options.floats + options.integers + [.bool] : options.floats)
    let bound = operand.type.element.isFloat ? operand.bound : 1e5
    // An integer could be large; as a float it is brought down at once.
    let result = try emit(
      op, [operand], stated: TensorType(target, operand.type.shape), bound: bound,
      isExact: operand.isExact && operand.type.element.byteCount <= target.byteCount)
    if target.isFloat, !operand.type.element.isFloat { _ = try tamed(result) }
  }
}
