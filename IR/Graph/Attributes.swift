/// The attributes of a node, in the order of their keys.
public struct Attributes: Sendable {
  private let entries: ArraySlice<Attribute>

  init(_ entries: ArraySlice<Attribute>) { self.entries = entries }

  public init(_ entries: [Attribute]) { self.entries = entries.sorted { $0.key.text < $1.key.text }[...] }

  /// The attributes among these with the key `key`.
  public func only(_ key: Name) -> Attributes { Attributes(all.filter { $0.key == key }) }

  public var all: [Attribute] { Array(entries) }
  public subscript(key: Name) -> AttributeValue? { entries.first { $0.key == key }?.value }

  // Each of these traps where the attribute is absent or of another kind: the verifier has seen that it is there.

  public func integer(_ key: Name) -> Int {
    guard case .integer(let value) = self[key] else { preconditionFailure("no integer attribute \(key)") }
    return value
  }

  public func literal(_ key: Name) -> Literal {
    guard case .literal(let value) = self[key] else { preconditionFailure("no literal attribute \(key)") }
    return value
  }

  public func word(_ key: Name) -> Name {
    guard case .word(let value) = self[key] else { preconditionFailure("no word attribute \(key)") }
    return value
  }

  public func integers(_ key: Name) -> [Int] {
    guard case .integers(let value) = self[key] else { preconditionFailure("no integer list attribute \(key)") }
    return value.values
  }

  public func extents(_ key: Name) -> [Extent] {
    guard case .extents(let value) = self[key] else { preconditionFailure("no extent list attribute \(key)") }
    return value.extents
  }

  public func literals(_ key: Name) -> [Literal] {
    guard case .literals(let value) = self[key] else { preconditionFailure("no literal list attribute \(key)") }
    return value.values
  }

  /// The integer, nil where it is absent.
  public func optionalInteger(_ key: Name) -> Int? {
    guard case .integer(let value) = self[key] else { return nil }
    return value
  }

  /// The list of integers, nil where it is absent.
  public func optionalIntegers(_ key: Name) -> [Int]? {
    guard case .integers(let value) = self[key] else { return nil }
    return value.values
  }

  /// The flag, false where it is absent.
  public func flag(_ key: Name) -> Bool {
    guard case .flag(let value) = self[key] else { return false }
    return value
  }
}
