/// Builds bodies of maps and epilogues. Constants, indices and elementwise ops are folded and made once; loads, stores and accumulations
/// stay where they are written.
public typealias BodyBuilder = ScalarBuilder<Body>

extension Body: ScalarCode {}
extension Body.Instruction: ScalarInstruction {}

extension Body.Operation: ScalarOperation {
  /// The value of an extent at a call.
  public static func extent(_ extent: Extent) -> Self { .index(IntegerExpression(extent)) }

  /// The number, where the operation is a constant.
  public var literal: Literal? { if case .constant(let literal) = self { literal } else { nil } }
  /// The op, where the operation is elementwise.
  public var op: Op? { if case .elementwise(let op) = self { op } else { nil } }
  /// Whether the operation neither reads nor writes memory.
  public var isPure: Bool {
    switch self {
    case .constant, .elementwise: true
    case .index(let expression): !expression.readsMemory
    case .load, .store, .accumulate: false
    }
  }
}

extension IntegerExpression {
  /// Whether the value depends on what lies in a buffer or tile.
  fileprivate var readsMemory: Bool {
    switch self {
    case .constant, .verdict, .symbol, .variable, .value: false
    case .load: true
    case .binary(_, let left, let right): left.readsMemory || right.readsMemory
    }
  }
}

extension BodyBuilder {
  /// Builds a body with these parameters: an epilogue's accumulator.
  public init(parameters: [ScalarFunction.Parameter] = []) { self.init(Body(parameters: parameters)) }

  /// The parameter of this number.
  public func parameter(_ position: Int) -> BodyValue { BodyValue(position) }

  /// A whole-number expression as a value of any element type.
  public mutating func index(_ expression: IntegerExpression, _ type: ElementType, name: Name = .none) -> BodyValue {
    guard type == .i32 || type == .i64 else { return apply(.convert, index(expression, .i64), type: type, name: name) }
    if case .constant(let value) = expression, let literal = Literal(value).converted(to: type) { return constant(literal, type) }
    return append(.index(expression), type: type, name: name)
  }

  /// The element at `access` as a value of type `type`.
  /// - Parameter otherwise: what a guarded access gives outside; nil for 0.
  public mutating func load(_ access: Access, _ type: ElementType, otherwise: Literal? = nil, name: Name = .none) -> BodyValue {
    append(.load(access, otherwise: otherwise), type: type, name: name)
  }

  /// Stores `value`, converted to the element type of the place.
  public mutating func store(_ value: BodyValue, _ access: Access) { _ = append(.store(access), [value], type: type(value)) }

  /// Combines `value` into the element at `access`.
  public mutating func accumulate(_ reduction: Body.Reduction, _ value: BodyValue, _ access: Access) {
    _ = append(.accumulate(reduction, access), [value], type: type(value))
  }

  /// The body, without loads and pure instructions whose values nothing uses.
  public mutating func finish() -> Body {
    var isUsed = [Bool](repeating: false, count: code.parameters.count) + code.instructions.map(\.operation.hasEffect)
    for (position, instruction) in code.instructions.enumerated().reversed() where isUsed[code.parameters.count + position] {
      for operand in instruction.operands { isUsed[operand.index] = true }
      _ = instruction.operation.replacingValues {
        isUsed[$0.index] = true; return $0
      }
    }
    var result = Body(parameters: code.parameters)
    var places: [BodyValue: BodyValue] = [:]
    for position in code.parameters.indices { places[BodyValue(position)] = BodyValue(position) }
    for (position, instruction) in code.instructions.enumerated() where isUsed[code.parameters.count + position] {
      var copy = instruction
      copy.operands = instruction.operands.map { places[$0]! }
      copy.operation = instruction.operation.replacingValues { places[$0]! }
      places[BodyValue(code.parameters.count + position)] = result.append(copy)
    }
    return result
  }
}

extension Body.Operation {
  /// Whether the operation writes memory.
  fileprivate var hasEffect: Bool {
    switch self {
    case .constant, .elementwise, .index, .load: false
    case .store, .accumulate: true
    }
  }

  /// The operation with other values in its expressions.
  fileprivate func replacingValues(_ replacement: (BodyValue) -> BodyValue) -> Self {
    switch self {
    case .constant, .elementwise: self
    case .index(let expression): .index(expression.replacingValues(replacement))
    case .load(let access, let otherwise): .load(access.replacingValues(replacement), otherwise: otherwise)
    case .store(let access): .store(access.replacingValues(replacement))
    case .accumulate(let reduction, let access): .accumulate(reduction, access.replacingValues(replacement))
    }
  }
}

extension IntegerExpression {
  fileprivate func replacingValues(_ replacement: (BodyValue) -> BodyValue) -> Self {
    switch self {
    case .constant, .verdict, .symbol, .variable: self
    case .value(let value): .value(replacement(value))
    case .load(let access): .load(access.replacingValues(replacement))
    case .binary(let op, let left, let right):
      .binary(op, left.replacingValues(replacement), right.replacingValues(replacement))
    }
  }
}

extension Access {
  fileprivate func replacingValues(_ replacement: (BodyValue) -> BodyValue) -> Self {
    Access(place, indices.map { Index($0.expression.replacingValues(replacement), isGuarded: $0.isGuarded) })
  }
}
