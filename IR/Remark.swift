/// What a pass or the lowering did or declined to do, and why. `heed explain` prints remarks.
public struct Remark: Hashable, Sendable, CustomStringConvertible {
  /// Whether something was done, declined or noted.
  public enum Kind: String, Sendable {
    /// A transformation was made; the message says what was proved.
    case applied
    /// A transformation was declined; the message says why.
    case declined
    /// A fact that decides speed or memory.
    case note
  }

  /// What kind of remark it is.
  public var kind: Kind
  /// The pass that made the remark: `fuse-attention`.
  public var pass: String
  /// The value that it is about.
  public var value: Name
  /// What was done, or declined and why.
  public var message: String

  /// A remark of `pass` about `value`; `Name.none` where it is about the whole graph.
  public init(_ kind: Kind, pass: String, value: Name, _ message: String) {
    (self.kind, self.pass, self.value, self.message) = (kind, pass, value, message)
  }

  /// The remark on one line: `fuse-attention: %out: the mask depends on indices only`.
  public var description: String {
    "\(pass): \(value.isNone ? "" : "%\(value.quotedWhereNeeded): ")\(kind == .declined ? "declined: " : "")\(message)"
  }
}
