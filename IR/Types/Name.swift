/// An interned string: names of values, symbols, ops and attributes.
public struct Name: Hashable, Sendable {
  private static let interner = Interner<String>()
  /// A number that is the same for equal names; it differs from run to run, so nothing printed may depend on it.
  public let identifier: UInt32

  /// The name that this text is.
  public init(_ text: some StringProtocol) { identifier = Self.interner.identifier(of: String(text)) }

  /// The name as text.
  public var text: String { Self.interner[identifier] }

  /// The name of what has none.
  public static let none = Name("")
  /// Whether this is the name of what has none.
  public var isNone: Bool { self == .none }
}

extension Name: ExpressibleByStringInterpolation, CustomStringConvertible {
  /// A name written as a string literal.
  public init(stringLiteral text: String) { self.init(text) }
  /// The name as text.
  public var description: String { text }
}
