/// The name of an attribute and the type of its value: `attributes[.dim]` is an `Int?`.
///
/// A key is declared once, in the file of its op or, where several ops share it, in IR/Ops/AttributeKeys.swift:
/// ```swift
/// extension AttributeKey where Value == Int {
///   /// The dimension along which an op acts.
///   public static var dim: Self { Self("dim") }
/// }
/// ```
public struct AttributeKey<Value: AttributeConvertible>: Sendable {
  /// The name in text.
  public let name: Name

  /// A key of this name.
  public init(_ name: Name) { self.name = name }
}

/// A type of attribute values.
public protocol AttributeConvertible: Hashable, Sendable {
  /// The kind of value that the type becomes.
  static var kind: AttributeValue.Kind { get }
  /// The words that stand for the type's values, where it is one of words.
  static var words: [String] { get }

  /// The value that `value` stands for; nil where it is of another kind.
  init?(_ value: AttributeValue)

  /// The value as graphs keep it.
  var attributeValue: AttributeValue { get }
}

extension AttributeConvertible {
  /// None: most attributes are not words.
  public static var words: [String] { [] }
}

/// An attribute whose values are words: an enumeration whose raw values are the words in text.
public protocol AttributeWord: AttributeConvertible, RawRepresentable, CaseIterable where RawValue == String {}

extension AttributeWord {
  /// A word.
  public static var kind: AttributeValue.Kind { .word }
  /// The raw values of all cases.
  public static var words: [String] { allCases.map(\.rawValue) }

  /// The case whose word `value` is.
  public init?(_ value: AttributeValue) {
    guard case .word(let word) = value else { return nil }
    self.init(rawValue: word.text)
  }

  /// The case's word.
  public var attributeValue: AttributeValue { .word(Name(rawValue)) }
}

/// An operand after the named ones, by its number among these: `sink = 1`.
public struct CapturedOperand: Hashable, Sendable {
  /// The number, from 0 on; also that of the table by which regions read the operand.
  public let number: Int

  /// The captured operand of this number.
  public init(_ number: Int) { self.number = number }
}

// MARK: Types of values

extension Int: AttributeConvertible {
  /// A whole number.
  public static var kind: AttributeValue.Kind { .integer }

  /// The number that `value` is.
  public init?(_ value: AttributeValue) {
    guard case .integer(let number) = value else { return nil }
    self = number
  }

  /// The number.
  public var attributeValue: AttributeValue { .integer(self) }
}

extension CapturedOperand: AttributeConvertible {
  /// Written as its number.
  public static var kind: AttributeValue.Kind { .integer }

  /// The operand whose number `value` is.
  public init?(_ value: AttributeValue) {
    guard case .integer(let number) = value else { return nil }
    self.init(number)
  }

  /// The number.
  public var attributeValue: AttributeValue { .integer(number) }
}

extension Bool: AttributeConvertible {
  /// `true` or `false`.
  public static var kind: AttributeValue.Kind { .flag }

  /// The truth value that `value` is.
  public init?(_ value: AttributeValue) {
    guard case .flag(let flag) = value else { return nil }
    self = flag
  }

  /// The truth value.
  public var attributeValue: AttributeValue { .flag(self) }
}

extension Literal: AttributeConvertible {
  /// A number, real or whole.
  public static var kind: AttributeValue.Kind { .literal }

  /// The number that `value` is.
  public init?(_ value: AttributeValue) {
    guard case .literal(let literal) = value else { return nil }
    self = literal
  }

  /// The number.
  public var attributeValue: AttributeValue { .literal(self) }
}

extension ContractSubscripts: AttributeConvertible {
  /// The subscripts of a product.
  public static var kind: AttributeValue.Kind { .subscripts }

  /// The subscripts that `value` is.
  public init?(_ value: AttributeValue) {
    guard case .subscripts(let subscripts) = value else { return nil }
    self = subscripts
  }

  /// The subscripts.
  public var attributeValue: AttributeValue { .subscripts(self) }
}

/// A type whose lists are attribute values.
public protocol AttributeElement: Hashable, Sendable {
  /// The kind of value that a list of the type becomes.
  static var listKind: AttributeValue.Kind { get }

  /// The list that `value` stands for; nil where it is of another kind.
  static func list(_ value: AttributeValue) -> [Self]?

  /// A list as graphs keep it.
  static func attributeValue(_ list: [Self]) -> AttributeValue
}

extension Array: AttributeConvertible where Element: AttributeElement {
  /// A list of the element's kind.
  public static var kind: AttributeValue.Kind { Element.listKind }

  /// The list that `value` is.
  public init?(_ value: AttributeValue) {
    guard let list = Element.list(value) else { return nil }
    self = list
  }

  /// The list.
  public var attributeValue: AttributeValue { Element.attributeValue(self) }
}

extension Int: AttributeElement {
  /// Whole numbers.
  public static var listKind: AttributeValue.Kind { .integers }

  /// The whole numbers that `value` is.
  public static func list(_ value: AttributeValue) -> [Int]? {
    if case .integers(let list) = value { list.values } else { nil }
  }

  /// Whole numbers.
  public static func attributeValue(_ list: [Int]) -> AttributeValue { .integers(IntegerList(list)) }
}

extension Extent: AttributeElement {
  /// Extents, as in a shape.
  public static var listKind: AttributeValue.Kind { .extents }

  /// The extents that `value` is.
  public static func list(_ value: AttributeValue) -> [Extent]? {
    if case .extents(let shape) = value { shape.extents } else { nil }
  }

  /// Extents.
  public static func attributeValue(_ list: [Extent]) -> AttributeValue { .extents(Shape(list)) }
}

extension Literal: AttributeElement {
  /// Numbers.
  public static var listKind: AttributeValue.Kind { .literals }

  /// The numbers that `value` is.
  public static func list(_ value: AttributeValue) -> [Literal]? {
    if case .literals(let list) = value { list.values } else { nil }
  }

  /// Numbers.
  public static func attributeValue(_ list: [Literal]) -> AttributeValue { .literals(LiteralList(list)) }
}
