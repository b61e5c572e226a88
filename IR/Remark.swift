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
  /// The value as the user knows it: `%out at Model.swift:21`, `the contract of %x and %weight`; empty where it is about the whole graph.
  public var subject: String
  /// What was done, or declined and why.
  public var message: String
  /// The size in bytes of what a call stores because of it; nil where nothing is said about that.
  public var storedBytes: Extent?

  /// A remark of `pass` about `value`; `Name.none` where it is about the whole graph.
  public init(_ kind: Kind, pass: String, value: Name, _ message: String) {
    (self.kind, self.pass, self.value, self.message) = (kind, pass, value, message)
    subject = value.isNone ? "" : "%\(value.quotedWhereNeeded)"
  }

  /// A remark of `pass` about a value of `graph`.
  package init(_ kind: Kind, pass: String, about value: ValueID, in graph: Graph, _ message: String) {
    self.init(kind, pass: pass, value: graph.name(value), message)
    if subject.isEmpty {
      subject = graph.label(value)
    } else if graph.definingNode(value) != nil, let place = graph.place(value) {
      subject += " at \(place.short)"
    }
  }

  /// The remark on one line: `fuse-attention: %out: the mask depends on indices only`. Where the source is known, its line stands
  /// behind the name: `%out at Model.swift:21`.
  public var description: String {
    let stored = storedBytes.map { "; a call stores \($0) bytes for it" } ?? ""
    return "\(pass): \(subject.isEmpty ? "" : subject + ": ")\(kind == .declined ? "declined: " : "")\(message)\(stored)"
  }
}
