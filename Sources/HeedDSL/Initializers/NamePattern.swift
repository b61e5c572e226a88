/// A pattern of names: `*` stands for any characters, none included; others stand for themselves. `*.bias`, `encoder.*.weight`.
public struct NamePattern: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// The pattern as it is written.
  public let description: String

  /// A pattern as it is written.
  public init(_ text: String) { description = text }

  /// A pattern as it is written.
  public init(stringLiteral text: String) { self.init(text) }

  /// Whether the whole of `name` fits.
  public func matches(_ name: String) -> Bool {
    let parts = description.split(separator: "*", omittingEmptySubsequences: false).map(Array.init)
    var rest = Array(name)[...]
    guard rest.starts(with: parts[0]) else { return false }
    if parts.count == 1 { return rest.count == parts[0].count }
    rest = rest.dropFirst(parts[0].count)
    // Each part where it is first found: no later place leaves more for those behind it.
    for part in parts[1..<(parts.count - 1)] where !part.isEmpty {
      guard let place = rest.indices.first(where: { rest[$0...].starts(with: part) }) else { return false }
      rest = rest[(place + part.count)...]
    }
    return rest.count >= parts.last!.count && rest.suffix(parts.last!.count).elementsEqual(parts.last!)
  }
}
