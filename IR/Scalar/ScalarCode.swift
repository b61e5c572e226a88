/// What an instruction on scalars does. The cases that every kind of scalar code has are named here.
public protocol ScalarOperation: Hashable, Sendable {
  /// A number.
  static func constant(_ literal: Literal) -> Self
  /// An op of the table with the trait `elementwise`, applied to the operands.
  static func elementwise(_ op: Op) -> Self
  /// The value of an extent at a call, as an i32 or i64.
  static func extent(_ extent: Extent) -> Self

  /// The number, where the operation is a constant.
  var literal: Literal? { get }
  /// The op, where the operation is elementwise.
  var op: Op? { get }
  /// Whether the result follows from the operands alone, wherever the instruction stands: equal instructions may be one.
  var isPure: Bool { get }
}

/// An instruction of scalar code: it computes one value from others.
public protocol ScalarInstruction: Sendable {
  associatedtype Operation: ScalarOperation
  associatedtype Value: Hashable & Comparable & Sendable

  /// What the instruction does.
  var operation: Operation { get }
  /// The values that it is applied to.
  var operands: [Value] { get }

  init(_ operation: Operation, operands: [Value], type: ElementType, name: Name)
}

/// A list of instructions on scalars, each of which computes a value: a scalar function, or the body of a kernel's map.
public protocol ScalarCode: Sendable {
  associatedtype Instruction: ScalarInstruction
  typealias Value = Instruction.Value

  /// The instruction that computes `value`, or nil for a parameter.
  func instruction(_ value: Value) -> Instruction?
  /// The element type of `value`.
  func type(_ value: Value) -> ElementType
  /// Adds an instruction as it is, and returns the value that it computes.
  mutating func append(_ instruction: Instruction) -> Value
}

extension ScalarFunction: ScalarCode {}
extension ScalarFunction.Instruction: ScalarInstruction {}

extension ScalarFunction.Instruction.Operation: ScalarOperation {
  /// The number, where the operation is a constant.
  public var literal: Literal? { if case .constant(let literal) = self { literal } else { nil } }
  /// The op, where the operation is elementwise.
  public var op: Op? { if case .elementwise(let op) = self { op } else { nil } }
  /// True: tables and extents do not change.
  public var isPure: Bool { true }
}
