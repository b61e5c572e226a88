/// A value attached to a node at compile time: a dimension, a list of them, a number, a word.
///
/// This is the form that text, hashing and the pools of a graph use. Everything else reads and writes attributes by an
/// `AttributeKey`, which knows the Swift type of its value.
public enum AttributeValue: Hashable, Sendable {
  case integer(Int)
  case literal(Literal)
  case flag(Bool)
  /// One of the words that the attribute's type lists.
  case word(Name)
  case integers(IntegerList)
  case extents(Shape)
  case literals(LiteralList)
  case subscripts(ContractSubscripts)

  /// What kind of value it is, as errors and op definitions name it.
  public enum Kind: String, Sendable {
    case integer, literal, flag, word, integers, extents, literals, subscripts
  }

  /// The kind of this value.
  public var kind: Kind {
    switch self {
    case .integer: .integer
    case .literal: .literal
    case .flag: .flag
    case .word: .word
    case .integers: .integers
    case .extents: .extents
    case .literals: .literals
    case .subscripts: .subscripts
    }
  }
}

/// A named attribute of a node: `Attribute(.dim, 2)`.
public struct Attribute: Hashable, Sendable {
  /// What the attribute is called.
  public var key: Name
  /// What it is set to.
  public var value: AttributeValue

  /// The attribute `key` with a value of the key's type.
  public init<Value>(_ key: AttributeKey<Value>, _ value: Value) { self.init(key.name, value.attributeValue) }

  /// An attribute as text has it; checking the node compares its kind with the op's definition.
  init(_ key: Name, _ value: AttributeValue) { (self.key, self.value) = (key, value) }
}

/// An interned list of integers.
public struct IntegerList: Hashable, Sendable {
  private static let interner = Interner<[Int]>()
  private let identifier: UInt32

  /// The list of these integers.
  public init(_ values: [Int]) { identifier = Self.interner.identifier(of: values) }
  /// The integers in order.
  public var values: [Int] { Self.interner[identifier] }
}

/// An interned list of literals: the elements of a constant tensor.
public struct LiteralList: Hashable, Sendable {
  private static let interner = Interner<[Literal]>()
  private let identifier: UInt32

  /// The list of these literals.
  public init(_ values: [Literal]) { identifier = Self.interner.identifier(of: values) }
  /// The literals in order.
  public var values: [Literal] { Self.interner[identifier] }
}
