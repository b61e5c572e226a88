/// An interned string: names of values, symbols, ops and attributes.
public struct Name: Hashable, Sendable {
  private static let interner = Interner<String>()
  /// A number that is the same for equal names; it differs from run to run, so nothing printed may depend on it.
  public let identifier: UInt32

  public init(_ text: some StringProtocol) { identifier = Self.interner.identifier(of: String(text)) }

  public var text: String { Self.interner[identifier] }

  /// The name of what has none.
  public static let none = Name("")
  public var isNone: Bool { self == .none }
}

extension Name: ExpressibleByStringInterpolation, CustomStringConvertible {
  public init(stringLiteral text: String) { self.init(text) }
  public var description: String { text }
}
