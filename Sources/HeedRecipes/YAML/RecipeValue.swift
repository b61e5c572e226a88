internal import HeedIR
internal import HeedModels
internal import Yams

/// A value in a recipe: what it is, which key it has and where it stands.
///
/// Values are read one by one and not by `Codable`: its errors know no lines, it skips keys that nothing reads, and of `2e-5` and `"2e-5"` it
/// makes the same number.
struct RecipeValue {
  private let node: Node
  private let file: String
  /// The keys on the way to the value: `optimizer.beta1`; empty for the whole recipe.
  let path: String

  init(_ node: Node, file: String, path: String = "") { (self.node, self.file, self.path) = (node, file, path) }

  /// An error of one line with the place of the value.
  func error(_ message: String) -> HeedError {
    let line = node.mark.map { SourceLocation(file: file, line: $0.line, column: $0.column) }
    return HeedError(path.isEmpty ? message : "\(path): \(message)", at: line ?? SourceLocation(file: file, line: 1))
  }

  /// What `body` returns; an error of it without a place gets that of this value.
  func located<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let mistake as HeedError {
      throw mistake.location == nil ? error(mistake.message) : mistake
    }
  }

  private func mismatch(_ expected: String) -> HeedError { error("got \(shown), expected \(expected)") }

  /// The value as an error names it.
  var shown: String {
    switch node {
    case .mapping: "keys with values"
    case .sequence: "a list"
    case .alias: "an alias"
    case .scalar(let scalar) where isPlain(scalar): isNothing ? "nothing" : JSON.shown(scalar.string)
    case .scalar(let scalar): "the text \(JSON.shown(scalar.string))"
    }
  }

  private func isPlain(_ scalar: Node.Scalar) -> Bool { [.any, .plain].contains(scalar.style) }

  /// A scalar without quotes.
  private var plain: String? { node.scalar.flatMap { isPlain($0) ? $0.string : nil } }

  private var isNothing: Bool { ["", "~", "null"].contains(plain ?? "-") }

  var isMapping: Bool { node.mapping != nil }
  var isList: Bool { node.sequence != nil }

  /// A text with or without quotes.
  func text(_ expected: String = "a text") throws -> String {
    guard let scalar = node.scalar, !isNothing else { throw mismatch(expected) }
    return scalar.string
  }

  func bool() throws -> Bool {
    guard plain == "true" || plain == "false" else { throw mismatch("true or false") }
    return plain == "true"
  }

  /// An integer of at least `least`.
  func integer(atLeast least: Int = 1) throws -> Int {
    guard let value = plain.flatMap({ Int($0) }), value >= least else { throw mismatch("an integer of at least \(least)") }
    return value
  }

  func seed() throws -> UInt64 {
    guard let value = plain.flatMap({ UInt64($0) }) else { throw mismatch("an integer of at least 0") }
    return value
  }

  /// A number within a range, which `expected` says in words.
  func number(_ range: some RangeExpression<Double>, _ expected: String) throws -> Double {
    guard let value = plain.flatMap({ Double($0) }), value.isFinite, range.contains(value) else { throw mismatch(expected) }
    return value
  }

  /// A number above 0.
  func positive() throws -> Double { try number(Double.leastNonzeroMagnitude..., "a number above 0") }

  /// One of the values that a name stands for.
  func choice<Value>(_ values: [(name: String, value: Value)]) throws -> Value {
    let name = node.scalar?.string
    guard let chosen = values.first(where: { $0.name == name }) else {
      let names = values.map(\.name)
      throw mismatch(names.count == 1 ? names[0] : names.dropLast().joined(separator: ", ") + " or " + names.last!)
    }
    return chosen.value
  }

  /// The values of a list, or this one where it is none.
  func list() throws -> [RecipeValue] {
    guard let sequence = node.sequence else { return [self] }
    guard !sequence.isEmpty else { throw error("got an empty list, expected at least one value") }
    return sequence.enumerated().map { RecipeValue($1, file: file, path: "\(path)[\($0)]") }
  }

  /// The keys and values of a mapping in their order.
  func members(_ expected: String) throws -> [(key: RecipeValue, value: RecipeValue)] {
    guard let mapping = node.mapping else { throw mismatch(expected) }
    return try mapping.map { key, value in
      let name = key.scalar?.string
      let title = [path, name ?? ""].filter { !$0.isEmpty }.joined(separator: ".")
      guard name != nil else { throw RecipeValue(key, file: file, path: path).error("got a key that is not a text") }
      return (RecipeValue(key, file: file, path: path), RecipeValue(value, file: file, path: title))
    }
  }
}
