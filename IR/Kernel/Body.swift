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

  /// The instruction that computes `value`, or nil for a parameter.
  public func instruction(_ value: BodyValue) -> Instruction? {
    value.index < parameters.count ? nil : instructions[value.index - parameters.count]
  }

  /// Adds an elementwise op as it is; `convert` and `bitcast` need the type stated.
  /// - Throws: where the operands do not fit the op.
  public mutating func append(_ op: Op, _ operands: [BodyValue], type stated: ElementType? = nil, name: Name = .none) throws
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
}
