/// A value inside a scalar function: a parameter (the first ids) or an instruction's result.
public struct ScalarValue: Hashable, Sendable, Comparable {
  /// The position among the parameters and, after them, the instructions.
  public let index: Int
  /// The value at this position.
  public init(_ index: Int) { self.index = index }
  /// The order of definition.
  public static func < (left: ScalarValue, right: ScalarValue) -> Bool { left.index < right.index }
}

/// A computation over scalars: the region of a fused op, or of a kernel's map, and the expansion of an elementwise op into
/// simpler ones. It has no effects and no control flow; `select` chooses.
public struct ScalarFunction: Hashable, Sendable {
  /// A parameter: its name and its type.
  public struct Parameter: Hashable, Sendable {
    /// The parameter's name.
    public var name: Name
    /// The parameter's type.
    public var type: ElementType

    /// A parameter of this name and type.
    public init(_ name: Name, _ type: ElementType) { (self.name, self.type) = (name, type) }
  }

  /// A captured tensor: the region's own name for it and its type. Its elements are read by `element`.
  public struct Table: Hashable, Sendable {
    /// The region's own name for the tensor.
    public var name: Name
    /// The tensor's type.
    public var type: TensorType

    /// A captured tensor of this name and type.
    public init(_ name: Name, _ type: TensorType) { (self.name, self.type) = (name, type) }
  }

  /// One step of the computation, which defines one value.
  public struct Instruction: Hashable, Sendable {
    /// What an instruction does.
    public enum Operation: Hashable, Sendable {
      case constant(Literal)
      /// An op of the table with the trait `elementwise`.
      case elementwise(Op)
      /// An element of the captured tensor of this number; the operands are its indices, outermost first.
      case element(table: Int)
      /// The value of an extent at a call, as a number of the instruction's type: an integer wraps.
      case extent(Extent)
    }

    /// What is done.
    public var operation: Operation
    /// The values it is done to.
    public var operands: [ScalarValue]
    /// The type of the result.
    public var type: ElementType
    /// The name of the result, `Name.none` where it has none.
    public var name: Name

    /// An instruction; `type` is the element type of its result.
    public init(_ operation: Operation, operands: [ScalarValue], type: ElementType, name: Name = .none) {
      (self.operation, self.operands, self.type, self.name) = (operation, operands, type, name)
    }
  }

  /// What the caller passes, in order.
  public var parameters: [Parameter]
  /// The captured tensors. In a graph they are the node's last operands, in this order.
  public var tables: [Table]
  /// The steps in order: each uses parameters and the results of earlier steps.
  public private(set) var instructions: [Instruction] = []
  /// What the function yields.
  public var results: [ScalarValue] = []

  /// A function of these parameters and captured tensors, without instructions yet.
  public init(parameters: [Parameter], tables: [Table] = []) { (self.parameters, self.tables) = (parameters, tables) }

  /// The value of the parameter at this position.
  public func parameter(_ position: Int) -> ScalarValue { ScalarValue(position) }

  /// The instruction that computes `value`, or nil for a parameter.
  public func instruction(_ value: ScalarValue) -> Instruction? {
    value.index < parameters.count ? nil : instructions[value.index - parameters.count]
  }

  /// The type of a value.
  public func type(_ value: ScalarValue) -> ElementType {
    value.index < parameters.count ? parameters[value.index].type : instructions[value.index - parameters.count].type
  }

  /// The name of a value, `Name.none` where it has none.
  public func name(_ value: ScalarValue) -> Name {
    value.index < parameters.count ? parameters[value.index].name : instructions[value.index - parameters.count].name
  }

  /// The constant that `value` is, where it is one.
  public func constant(_ value: ScalarValue) -> Literal? {
    if case .constant(let literal) = instruction(value)?.operation { literal } else { nil }
  }

  // MARK: Building

  /// Adds an instruction as it is, and returns the value that it computes. The verifier checks it.
  public mutating func append(_ instruction: Instruction) -> ScalarValue {
    instructions.append(instruction)
    return ScalarValue(parameters.count + instructions.count - 1)
  }

  /// A constant of type `type`. Traps where the literal is not a value of the type.
  public mutating func constant(_ literal: Literal, _ type: ElementType, name: Name = .none) -> ScalarValue {
    guard let converted = literal.converted(to: type) else { preconditionFailure("\(literal) is no \(type)") }
    return append(Instruction(.constant(converted), operands: [], type: type, name: name))
  }

  /// An elementwise op applied to values. The type is inferred, except for `convert` and `bitcast`, which need it stated.
  /// - Throws: where the operands do not fit the op.
  public mutating func append(_ op: Op, _ operands: [ScalarValue], type stated: ElementType? = nil, name: Name = .none) throws
    -> ScalarValue
  {
    guard op.scalar != nil else { throw HeedError("got \(op.mnemonic) in a scalar region, expected an elementwise op") }
    let types = try op.resultTypes(
      of: Inference(
        op: op, operands: operands.map { TensorType(type($0), .scalar) }, attributes: Attributes([]), regions: [],
        stated: stated.map { [TensorType($0, .scalar)] }, facts: []))
    return append(Instruction(.elementwise(op), operands: operands, type: types[0].element, name: name))
  }

  /// An element of a captured tensor.
  /// - Throws: where the number of indices is not the tensor's rank or an index is not an integer.
  public mutating func element(ofTable table: Int, _ indices: [ScalarValue], name: Name = .none) throws -> ScalarValue {
    let type = tables[table].type
    guard indices.count == type.rank else {
      throw HeedError("got \(indices.count) indices for %\(tables[table].name) of type \(type), expected \(type.rank)")
    }
    if let bad = indices.first(where: { !self.type($0).isInteger }) {
      throw HeedError("got an index of type \(self.type(bad)) for %\(tables[table].name), expected an integer type")
    }
    return append(Instruction(.element(table: table), operands: indices, type: type.element, name: name))

  }
}
