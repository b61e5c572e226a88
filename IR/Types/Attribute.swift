/// A value attached to a node at compile time: a dimension, a list of them, a number, a word.
public enum AttributeValue: Hashable, Sendable {
  case integer(Int)
  case literal(Literal)
  case flag(Bool)
  case word(Name)
  case element(ElementType)
  case integers(IntegerList)
  case extents(Shape)
  case literals(LiteralList)

  /// What kind of value it is, as errors and op definitions name it.
  public enum Kind: String, Sendable {
    case integer, literal, flag, word, element, integers, extents, literals
  }

  public var kind: Kind {
    switch self {
    case .integer: .integer
    case .literal: .literal
    case .flag: .flag
    case .word: .word
    case .element: .element
    case .integers: .integers
    case .extents: .extents
    case .literals: .literals
    }
  }
}

/// A named attribute of a node.
public struct Attribute: Hashable, Sendable {
  public var key: Name
  public var value: AttributeValue

  public init(_ key: Name, _ value: AttributeValue) { (self.key, self.value) = (key, value) }
}

/// An interned list of integers.
public struct IntegerList: Hashable, Sendable, ExpressibleByArrayLiteral {
  private static let interner = Interner<[Int]>()
  private let identifier: UInt32

  public init(_ values: [Int]) { identifier = Self.interner.identifier(of: values) }
  public init(arrayLiteral values: Int...) { self.init(values) }
  public var values: [Int] { Self.interner[identifier] }
}

/// An interned list of literals: the elements of a constant tensor.
public struct LiteralList: Hashable, Sendable {
  private static let interner = Interner<[Literal]>()
  private let identifier: UInt32

  public init(_ values: [Literal]) { identifier = Self.interner.identifier(of: values) }
  public var values: [Literal] { Self.interner[identifier] }
}
