/// Builds scalar code: constants are folded, instructions are simplified by rules as they are made, and no pure instruction is made
/// twice.
///
/// The one place where the compiler writes scalar code: regions of graphs, bodies of kernels, interval extensions of masks and
/// expansions of ops. What is written is the compiler's own, so operands that do not fit an op trap.
public struct ScalarBuilder<Code: ScalarCode> {
  /// A value of the code.
  public typealias Value = Code.Value
  /// What an instruction of the code does.
  public typealias Operation = Code.Instruction.Operation

  /// The code so far.
  public private(set) var code: Code
  private let rules: SimplificationRules<Code>
  private var known: [Key: Value] = [:]

  /// What a pure instruction computes. The operands of a commutative op are in one order.
  private struct Key: Hashable {
    var operation: Operation
    var operands: [Value]
    var type: ElementType
  }

  /// Builds on at the end of `code`.
  public init(_ code: Code, rules: SimplificationRules<Code> = .exact) { (self.code, self.rules) = (code, rules) }

  // MARK: Reading

  /// The element type of `value`.
  public func type(_ value: Value) -> ElementType { code.type(value) }

  /// The constant that `value` is, where it is one.
  public func literal(_ value: Value) -> Literal? { code.instruction(value)?.operation.literal }

  /// The whole number that `value` is, where it is a constant of an integer type.
  public func wholeConstant(_ value: Value) -> Int? { type(value).isInteger ? literal(value).map { Int($0.integer) } : nil }

  /// Whether `value` is the constant `true`.
  public func isTrue(_ value: Value) -> Bool { type(value) == .bool && literal(value)?.integer == 1 }

  /// Whether `value` is the constant `false`.
  public func isFalse(_ value: Value) -> Bool { type(value) == .bool && literal(value)?.integer == 0 }

  /// The operands of the instruction that computes `value`, where its op is `op`.
  public func match(_ value: Value, _ op: Op) -> [Value]? {
    guard let instruction = code.instruction(value), instruction.operation.op == op else { return nil }
    return instruction.operands
  }

  // MARK: Building

  /// A constant of type `type`. Traps where the literal is not a value of the type.
  public mutating func constant(_ literal: Literal, _ type: ElementType, name: Name = .none) -> Value {
    guard let converted = literal.converted(to: type) else { preconditionFailure("\(literal) is not a value of type \(type)") }
    return append(.constant(converted), type: type, name: name)
  }

  /// A constant of type `type`. Traps where the number is not a value of the type.
  public mutating func constant(_ value: Double, _ type: ElementType) -> Value { constant(Literal(value), type) }

  /// A constant of type i64.
  public mutating func whole(_ value: Int) -> Value { constant(Literal(value), .i64) }

  /// A constant of type bool.
  public mutating func truth(_ value: Bool) -> Value { constant(Literal(value), .bool) }

  /// The value of an extent at a call, as a number of type `type`: an integer wraps. A constant extent is a constant.
  public mutating func extent(_ extent: Extent, _ type: ElementType, name: Name = .none) -> Value {
    if let value = extent.constant {
      return constant(type.isFloat ? Literal(Double(value)) : Literal(type.wrap(Int64(value))), type, name: name)
    }
    guard type == .i32 || type == .i64 else { return apply(.convert, self.extent(extent, .i64), type: type, name: name) }
    return append(.extent(extent), type: type, name: name)
  }

  /// `op` of `operands`, simplified. `convert` and `bitcast` need the result's type.
  public mutating func apply(_ op: Op, _ operands: Value..., type: ElementType? = nil, name: Name = .none) -> Value {
    apply(op, operands, type: type, name: name)
  }

  /// `op` of `operands`, simplified. `convert` and `bitcast` need the result's type.
  public mutating func apply(_ op: Op, _ operands: [Value], type stated: ElementType? = nil, name: Name = .none) -> Value {
    let type = resultType(op, operands, stated)
    if let folded = folded(op, operands, type) { return constant(folded, type) }
    let application = Application(op: op, operands: operands, type: type, name: name)
    return rules.simplify(&self, application) ?? append(.elementwise(op), operands, type: type, name: name)
  }

  /// An op that is about to be applied.
  public struct Application {
    /// The op.
    public var op: Op
    /// What it is applied to.
    public var operands: [Value]
    /// The element type of the result.
    public var type: ElementType
    /// What the result is called.
    public var name: Name

    /// The type of the result for an op that needs it stated.
    public var statedType: ElementType? { op.has(.typedByResult) ? type : nil }
  }

  /// An instruction as it is, made once where it is pure.
  mutating func append(_ operation: Operation, _ operands: [Value] = [], type: ElementType, name: Name = .none) -> Value {
    let instruction = Code.Instruction(operation, operands: operands, type: type, name: name)
    guard operation.isPure else { return code.append(instruction) }
    var key = Key(operation: operation, operands: operands, type: type)
    if let op = operation.op, op.has(.commutative), operands[1] < operands[0] { key.operands.swapAt(0, 1) }
    if let value = known[key] { return value }
    let value = code.append(instruction)
    known[key] = value
    return value
  }

  private func resultType(_ op: Op, _ operands: [Value], _ stated: ElementType?) -> ElementType {
    guard let scalar = op.scalar else { preconditionFailure("\(op) is not an elementwise op") }
    precondition(operands.count == scalar.arity, "\(op) of \(operands.count) operands")
    do {
      return try scalar.resultElement(operands.map(type), stated: stated)
    } catch {
      preconditionFailure("\(op): \(error)")
    }
  }

  /// The op on constants, by its definition.
  private func folded(_ op: Op, _ operands: [Value], _ type: ElementType) -> Literal? {
    guard rules.foldsApproximations || op.isExact else { return nil }
    var literals: [Literal] = []
    for operand in operands {
      guard let literal = literal(operand) else { return nil }
      literals.append(literal)
    }
    return op.scalar!.apply(literals, types: operands.map(self.type), result: type).converted(to: type)
  }
}

extension Op {
  /// Whether kernels compute the op as its definition does, to the bit: it is rounded once, or not at all.
  fileprivate var isExact: Bool { (scalar!.expansion == nil || self == .randomBits) && self != .fusedMultiplyAdd }
}

/// Builds scalar functions: regions of ops, interval extensions of masks, expansions of ops.
public typealias FunctionBuilder = ScalarBuilder<ScalarFunction>

extension FunctionBuilder {
  /// The function so far.
  public var function: ScalarFunction { code }

  /// Builds a function of `parameters` over `tables`.
  public init(
    parameters: [ScalarFunction.Parameter], tables: [ScalarFunction.Table] = [], rules: SimplificationRules<ScalarFunction> = .exact
  ) {
    self.init(ScalarFunction(parameters: parameters, tables: tables), rules: rules)
  }

  /// The parameter of this number.
  public func parameter(_ position: Int) -> ScalarValue { code.parameter(position) }

  /// Adds a captured tensor, and returns its number.
  public mutating func addTable(_ name: Name, _ type: TensorType) -> Int {
    code.tables.append(ScalarFunction.Table(name, type))
    return code.tables.count - 1
  }

  /// The element of a captured tensor at `indices`, outermost first. Traps where they do not fit the tensor.
  public mutating func element(_ table: Int, _ indices: [ScalarValue], name: Name = .none) -> ScalarValue {
    let type = code.tables[table].type
    precondition(
      indices.count == type.rank && indices.allSatisfy { self.type($0).isInteger },
      "an element of a \(type) by \(indices.count) indices")
    return append(.element(table: table), indices, type: type.element, name: name)
  }

  /// The function that yields `results`, without what they do not need. Mutating, so that its argument may apply ops.
  public mutating func finish(_ results: [ScalarValue]) -> ScalarFunction {
    code.extracting(
      results, parameters: code.parameters, numbers: Array(code.parameters.indices), tables: code.tables,
      tableMap: Dictionary(uniqueKeysWithValues: code.tables.indices.map { ($0, $0) }))
  }
}
