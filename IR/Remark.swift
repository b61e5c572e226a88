/// What a pass or the lowering did or declined to do, and why. `heed explain` prints remarks.
public struct Remark: Hashable, Sendable, CustomStringConvertible {
  public enum Kind: String, Sendable {
    /// A transformation was made; the message says what was proved.
    case applied
    /// A transformation was declined; the message says why.
    case declined
    /// A fact that decides speed or memory.
    case note
  }

  public var kind: Kind
  /// The pass that speaks: `fuse-attention`.
  public var pass: String
  /// The value that it is about.
  public var value: Name
  public var message: String

  public init(_ kind: Kind, pass: String, value: Name, _ message: String) {
    (self.kind, self.pass, self.value, self.message) = (kind, pass, value, message)
  }

  public var description: String {
    "\(pass): \(value.isNone ? "" : "%\(value.quotedWhereNeeded): ")\(kind == .declined ? "declined: " : "")\(message)"
  }
}
