extension JSON {
  /// The number, or null where it is infinite or not a number, which JSON cannot say.
  package init(_ value: Double) { self = value.isFinite ? .number("\(value)") : .null }

  /// The number.
  package init(_ value: Int) { self = .number("\(value)") }

  /// The value on one line, as the parser reads it again.
  package var text: String {
    switch self {
    case .null: "null"
    case .bool(let flag): "\(flag)"
    case .number(let digits): digits
    case .string(let text): Self.quoted(text)
    case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
    case .object(let members): "{" + members.map { "\(Self.quoted($0.key)): \($0.value.text)" }.joined(separator: ", ") + "}"
    }
  }
}
