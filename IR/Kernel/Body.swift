/// A value inside a body: its parameters first (a contraction's accumulator), then the instructions by position.
public struct BodyValue: Hashable, Sendable, Comparable {
  public let index: Int
  public init(_ index: Int) { self.index = index }
  public static func < (left: BodyValue, right: BodyValue) -> Bool { left.index < right.index }
}

/// The instructions that run for one point of a map or for one accumulator of a contraction.
public struct Body: Hashable, Sendable {
  public enum Reduction: String, Hashable, Sendable, CaseIterable {
    case add, multiply, minimum, maximum
  }

  public enum Operation: Hashable, Sendable {
    case constant(Literal)
    /// A whole-number expression as a value of the instruction's type (i32 or i64).
    case index(IntegerExpression)
    /// An op of the table with the trait `elementwise`, applied to the operands.
    case elementwise(Op)
    /// The fallback is what a guarded access gives outside; without one it gives 0.
    case load(Access, otherwise: Literal?)
    /// Stores operand 0, converted to the element type of the place. The instruction's value is not used.
    case store(Access)
    /// Combines operand 0 into the place.
    case accumulate(Reduction, Access)
  }

  public struct Instruction: Hashable, Sendable {
    public var operation: Operation
    public var operands: [BodyValue]
    /// The element type of the value; of a store or accumulate, that of its operand.
    public var type: ElementType
    public var name: Name

    public init(_ operation: Operation, operands: [BodyValue] = [], type: ElementType, name: Name = .none) {
      (self.operation, self.operands, self.type, self.name) = (operation, operands, type, name)
    }
  }

  public var parameters: [ScalarFunction.Parameter]
  public private(set) var instructions: [Instruction] = []

  public init(parameters: [ScalarFunction.Parameter] = []) { self.parameters = parameters }

  @discardableResult
  public mutating func append(_ instruction: Instruction) -> BodyValue {
    instructions.append(instruction)
    return BodyValue(parameters.count + instructions.count - 1)
  }

  public func type(_ value: BodyValue) -> ElementType {
    value.index < parameters.count ? parameters[value.index].type : instructions[value.index - parameters.count].type
  }

  public func name(_ value: BodyValue) -> Name {
    value.index < parameters.count ? parameters[value.index].name : instructions[value.index - parameters.count].name
  }

  // MARK: Building

  public mutating func constant(_ value: Double, _ type: ElementType) -> BodyValue {
    append(Instruction(.constant(Literal(value).converted(to: type)!), type: type))
  }

  public mutating func index(_ expression: IntegerExpression, _ type: ElementType, name: Name = .none) -> BodyValue {
    append(Instruction(.index(expression), type: type, name: name))
  }

  public mutating func load(_ access: Access, _ type: ElementType, otherwise: Literal? = nil, name: Name = .none) -> BodyValue {
    append(Instruction(.load(access, otherwise: otherwise), type: type, name: name))
  }

  public mutating func store(_ value: BodyValue, _ access: Access) {
    append(Instruction(.store(access), operands: [value], type: type(value)))
  }

  public mutating func accumulate(_ reduction: Reduction, _ value: BodyValue, _ access: Access) {
    append(Instruction(.accumulate(reduction, access), operands: [value], type: type(value)))
  }

  /// An elementwise op applied to values; `convert` and `bitcast` need the type stated.
  /// - Throws: where the operands do not fit the op.
  public mutating func apply(_ op: Op, _ operands: BodyValue..., type stated: ElementType? = nil, name: Name = .none) throws
    -> BodyValue
  {
    try apply(op, operands, type: stated, name: name)
  }

  public mutating func apply(_ op: Op, _ operands: [BodyValue], type stated: ElementType? = nil, name: Name = .none) throws
    -> BodyValue
  {
    guard let scalar = op.scalar else { throw HeedError("got \(op.mnemonic) in a kernel's body, expected an elementwise op") }
    guard operands.count == scalar.arity else {
      throw HeedError("\(op.mnemonic): got \(operands.count) operands, expected \(scalar.arity)")
    }
    do {
      let result = try scalar.resultElement(operands.map(type), stated: stated)
      return append(Instruction(.elementwise(op), operands: operands, type: result, name: name))
    } catch let error as HeedError {
      throw error.during(op.mnemonic)
    }
  }

  /// Puts a scalar function here. `element` makes the load of a captured tensor's element from its number and indices.
  public mutating func inline(
    _ function: ScalarFunction, _ arguments: [BodyValue],
    element: (inout Body, _ table: Int, _ indices: [BodyValue], _ type: ElementType) throws -> BodyValue = { _, _, _, _ in
      preconditionFailure("a captured tensor where there is none")
    }
  ) rethrows -> [BodyValue] {
    try inline(function, arguments, as: { $0 }, element: element)
  }

  /// Puts a scalar function here with f32 in place of 16-bit floats: nothing between its arguments and its results is rounded to those.
  /// Arguments that stand for 16-bit floats must be f32.
  package mutating func inlineWidened(
    _ function: ScalarFunction, _ arguments: [BodyValue],
    element: (inout Body, _ table: Int, _ indices: [BodyValue], _ type: ElementType) throws -> BodyValue
  ) rethrows -> [BodyValue] {
    try inline(function, arguments, as: { $0 == .f16 || $0 == .bf16 ? .f32 : $0 }, element: element)
  }

  private mutating func inline(
    _ function: ScalarFunction, _ arguments: [BodyValue], as widened: (ElementType) -> ElementType,
    element: (inout Body, _ table: Int, _ indices: [BodyValue], _ type: ElementType) throws -> BodyValue
  ) rethrows -> [BodyValue] {
    var map = arguments
    for instruction in function.instructions {
      var operands = instruction.operands.map { map[$0.index] }
      let type = widened(instruction.type)
      switch instruction.operation {
      case .constant(let literal):
        map.append(append(Instruction(.constant(literal), type: type, name: instruction.name)))
      case .elementwise(.convert) where type != instruction.type && self.type(operands[0]) == type:
        map.append(operands[0])
      case .elementwise(let op):
        if op == Op.bitcast, let narrow = instruction.operands.first.map(function.type), narrow != widened(narrow) {
          // The bits of a narrow float are those of its own type.
          operands[0] = append(Instruction(.elementwise(.convert), operands: operands, type: narrow))
        }
        let exact = op == Op.bitcast ? instruction.type : type
        map.append(append(Instruction(.elementwise(op), operands: operands, type: exact, name: instruction.name)))
        if exact != type {
          map[map.count - 1] = append(Instruction(.elementwise(.convert), operands: [map.last!], type: type))
        }
      case .element(let table): map.append(try element(&self, table, operands, type))
      }
    }
    return function.results.map { map[$0.index] }
  }
}
