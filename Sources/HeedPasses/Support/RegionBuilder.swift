import HeedIR

/// Builds a scalar function with equal instructions made once and simplified as they are made.
///
/// The simplifications hold under the numeric contract for the scores of attention: constant scales are regrouped
/// (`(s * a) * b` is `s * (a * b)`, `s / a` is `s * (1 / a)`), adding a zero of either sign changes nothing, and `x * 0` where a mask
/// put the zero is zero, since a dead pair counts as dead whatever its score was.
struct RegionBuilder {
  private(set) var function: ScalarFunction
  private var known: [Key: ScalarValue] = [:]

  /// What an instruction computes; the type tells conversions apart.
  private struct Key: Hashable {
    var operation: ScalarFunction.Instruction.Operation
    var operands: [ScalarValue] = []
    var type: ElementType?
  }

  init(parameters: [ScalarFunction.Parameter]) { function = ScalarFunction(parameters: parameters) }

  // MARK: Leaves

  mutating func addTable(_ name: Name, _ type: TensorType) -> Int {
    function.tables.append(ScalarFunction.Table(name, type))
    return function.tables.count - 1
  }

  mutating func constant(_ literal: Literal, _ type: ElementType) -> ScalarValue {
    guard let converted = literal.converted(to: type) else { preconditionFailure("a literal that is no \(type)") }
    return unique(Key(operation: .constant(converted), type: type)) { $0.constant(converted, type) }
  }

  mutating func constant(_ value: Double, _ type: ElementType) -> ScalarValue { constant(Literal(value), type) }

  mutating func element(ofTable table: Int, _ indices: [ScalarValue], name: Name) throws -> ScalarValue {
    try unique(Key(operation: .element(table: table), operands: indices)) { try $0.element(ofTable: table, indices, name: name) }
  }

  private mutating func unique(
    _ key: Key, _ make: (inout ScalarFunction) throws -> ScalarValue
  ) rethrows -> ScalarValue {
    if let value = known[key] { return value }
    let value = try make(&function)
    known[key] = value
    return value
  }

  // MARK: Operations

  /// `op` of `operands`, simplified. The type is needed for `convert` and `bitcast`.
  mutating func apply(_ op: Op, _ operands: [ScalarValue], type: ElementType? = nil, name: Name = .none) throws -> ScalarValue {
    if let simpler = try simplified(op, operands, type: type, name: name) { return simpler }
    return try append(op, operands, type: type, name: name)
  }

  private mutating func append(_ op: Op, _ operands: [ScalarValue], type: ElementType?, name: Name) throws -> ScalarValue {
    let ordered = op.has(.commutative) && constant(operands[0]) != nil ? operands.reversed() : operands
    return try unique(Key(operation: .elementwise(op), operands: ordered, type: type)) {
      try $0.append(op, ordered, type: type, name: name)
    }
  }

  func constant(_ value: ScalarValue) -> Literal? { function.constant(value) }

  /// The operands of the instruction that computes `value`, where its op is `op`.
  func match(_ value: ScalarValue, _ op: Op) -> [ScalarValue]? {
    guard let instruction = function.instruction(value), instruction.operation == .elementwise(op) else { return nil }
    return instruction.operands
  }

  private mutating func simplified(
    _ op: Op, _ operands: [ScalarValue], type: ElementType?, name: Name
  ) throws -> ScalarValue? {
    if let folded = fold(op, operands, type: type) { return folded }
    if let chosen = try simplifiedChoice(op, operands, type: type, name: name) { return chosen }
    switch op {
    case .not: return try simplifiedNegation(operands[0])
    case .and, .or: return simplifiedJunction(op, operands)
    case .greater: return try apply(.less, operands.reversed(), name: name)
    case .greaterEqual: return try apply(.lessEqual, operands.reversed(), name: name)
    case .add, .subtract, .multiply, .divide:
      return try simplifiedArithmetic(op, operands, name: name)
    case .convert: return try simplifiedConversion(operands[0], to: type!)
    default: return nil
    }
  }

  /// The op on constants.
  private mutating func fold(_ op: Op, _ operands: [ScalarValue], type: ElementType?) -> ScalarValue? {
    let constants = operands.compactMap(constant)
    guard constants.count == operands.count else { return nil }
    let types = operands.map(function.type)
    guard let result = try? ElementType(resultOf: op, types, stated: type) else { return nil }
    guard let literal = op.scalar!.apply(constants, types: types, result: result).converted(to: result) else { return nil }
    return constant(literal, result)
  }
}

extension ElementType {
  /// The element type of an elementwise op's result on scalars of these types.
  init(resultOf op: Op, _ types: [ElementType], stated: ElementType?) throws {
    let inference = Inference(
      op: op, operands: types.map { TensorType($0, .scalar) }, attributes: Attributes([] as [Attribute]), regions: [],
      stated: stated.map { [TensorType($0, .scalar)] }, facts: [])
    self = try op.resultTypes(of: inference)[0].element
  }
}
