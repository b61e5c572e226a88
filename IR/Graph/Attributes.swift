/// The attributes of a node, in the order of their keys.
public struct Attributes: Sendable {
  private let entries: ArraySlice<Attribute>

  init(_ entries: ArraySlice<Attribute>) { self.entries = entries }

  /// These attributes, in any order.
  public init(_ entries: [Attribute]) { self.entries = entries.sorted { $0.key.text < $1.key.text }[...] }

  /// The attributes as pairs.
  public var all: [Attribute] { Array(entries) }

  /// The attributes among these with the key `key`.
  public func only<Value>(_ key: AttributeKey<Value>) -> Attributes { Attributes(all.filter { $0.key == key.name }) }

  /// The value of the attribute `key`; nil where there is none.
  public subscript<Value>(key: AttributeKey<Value>) -> Value? {
    entries.first { $0.key == key.name }.flatMap { Value($0.value) }
  }

  /// The value of the attribute `key`. Traps where there is none or it is of another kind: the verifier has seen that it is there.
  public func required<Value>(_ key: AttributeKey<Value>) -> Value {
    guard let value = self[key] else { preconditionFailure("no attribute \(key.name) of kind \(Value.kind.rawValue)") }
    return value
  }

  /// Whether the flag `key` is there and true.
  public func isSet(_ key: AttributeKey<Bool>) -> Bool { self[key] == true }
}
