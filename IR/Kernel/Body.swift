/// A value inside a body: its parameters first (a contraction's accumulator), then the instructions by position.
public struct BodyValue: Hashable, Sendable, Comparable {
  /// The position among the parameters and, after them, the instructions.
  public let index: Int
  /// The value at this position.
  public init(_ index: Int) { self.index = index }
  /// The order of definition.
  public static func < (left: BodyValue, right: BodyValue) -> Bool { left.index < right.index }
}

/// The instructions that run for one point of a map or for one accumulator of a contraction.
public struct Body: Hashable, Sendable {
  /// How values are combined into one element.
  public enum Reduction: String, Hashable, Sendable, CaseIterable {
    case add, multiply, minimum, maximum
  }

  /// What an instruction does.
  public enum Operation: Hashable, Sendable {
    case constant(Literal)
    /// A whole-number expression as a value of the instruction's type (i32 or i64).
    case index(IntegerExpression)
    /// An op of the table with the trait `elementwise`, applied to the operands.
    case elementwise(Op)
    /// `otherwise` is the value of a guarded access that is outside; without it, 0.
    case load(Access, otherwise: Literal?)
    /// Stores operand 0, converted to the element type of the place. The instruction's value is not used.
    case store(Access)
    /// Combines operand 0 into the place.
    case accumulate(Reduction, Access)
  }

  /// One step of a body, which defines one value.
  public struct Instruction: Hashable, Sendable {
    /// What is done.
    public var operation: Operation
    /// The values it is done to.
    public var operands: [BodyValue]
    /// The element type of the value; of a store or accumulate, that of its operand.
    public var type: ElementType
    /// The name of the result, `Name.none` where it has none.
    public var name: Name

    /// An instruction; `type` is the element type of its value.
    public init(_ operation: Operation, operands: [BodyValue] = [], type: ElementType, name: Name = .none) {
      (self.operation, self.operands, self.type, self.name) = (operation, operands, type, name)
    }
  }

  /// The values that are there from the start: the accumulator in an epilogue.
  public var parameters: [ScalarFunction.Parameter]
  /// The steps in order: each uses parameters and the results of earlier steps.
  public private(set) var instructions: [Instruction] = []

  /// A body of these parameters, without instructions yet.
  public init(parameters: [ScalarFunction.Parameter] = []) { self.parameters = parameters }

  /// Adds an instruction and returns its value.
  @discardableResult
  public mutating func append(_ instruction: Instruction) -> BodyValue {
    instructions.append(instruction)
    return BodyValue(parameters.count + instructions.count - 1)
  }

  /// The type of a value.
  public func type(_ value: BodyValue) -> ElementType {
    value.index < parameters.count ? parameters[value.index].type : instructions[value.index - parameters.count].type
  }

  /// The name of a value, `Name.none` where it has none.
  public func name(_ value: BodyValue) -> Name {
    value.index < parameters.count ? parameters[value.index].name : instructions[value.index - parameters.count].name
  }

  // MARK: Building

  /// Adds a constant. Traps where the number is not a value of the type.
  public mutating func constant(_ value: Double, _ type: ElementType) -> BodyValue {
    append(Instruction(.constant(Literal(value).converted(to: type)!), type: type))
  }

  /// Adds a whole-number expression as a value of type i32 or i64.
  public mutating func index(_ expression: IntegerExpression, _ type: ElementType, name: Name = .none) -> BodyValue {
    append(Instruction(.index(expression), type: type, name: name))
  }

  /// Adds a load; `otherwise` is the value of a guarded access that is outside, 0 by default.
  public mutating func load(_ access: Access, _ type: ElementType, otherwise: Literal? = nil, name: Name = .none) -> BodyValue {
    append(Instruction(.load(access, otherwise: otherwise), type: type, name: name))
  }

  /// Adds a store of the value, converted to the element type of the place.
  public mutating func store(_ value: BodyValue, _ access: Access) {
    append(Instruction(.store(access), operands: [value], type: type(value)))
  }

  /// Adds the combination of the value into the place.
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

  /// The same with the operands in an array.
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

  /// Appends a scalar function's instructions with `arguments` for its parameters, and returns the values of its results.
  /// - Parameter element: makes the load of a captured tensor's element from the tensor's number and the indices.
  public mutating func inline(
    _ function: ScalarFunction, _ arguments: [BodyValue],
    element: (inout Body, _ table: Int, _ indices: [BodyValue], _ type: ElementType) throws -> BodyValue = { _, _, _, _ in
      preconditionFailure("a captured tensor where there is none")
    }
  ) rethrows -> [BodyValue] {
    try inline(function, arguments, as: { $0 }, element: element)
  }

  /// Appends a scalar function's instructions with f32 in place of 16-bit floats: nothing between its arguments and its results is
  /// rounded to those. Arguments that stand for 16-bit floats must be f32.
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
