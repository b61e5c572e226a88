internal import HeedIR
internal import HeedModels

/// The keys of a part of a recipe. A key that the part does not have is an error with its line.
struct RecipeFields {
  /// The part itself, for errors about what is missing.
  let whole: RecipeValue
  private let values: [String: RecipeValue]

  /// - Parameters:
  ///   - keys: the keys that the part may have.
  ///   - title: what the part is, for errors: `an optimizer`.
  init(_ whole: RecipeValue, keys: [String], of title: String) throws {
    var values: [String: RecipeValue] = [:]
    for (key, value) in try whole.members("keys of \(title): \(keys.joined(separator: ", "))") {
      let name = try key.text()
      guard keys.contains(name) else {
        throw key.error("got the key \(JSON.shown(name)), expected one of \(keys.joined(separator: ", "))")
      }
      values[name] = value
    }
    (self.whole, self.values) = (whole, values)
  }

  /// The value of a key; nil where there is none.
  subscript(key: String) -> RecipeValue? { values[key] }

  /// The value of a key that the part must have.
  func required(_ key: String, _ meaning: String) throws -> RecipeValue {
    guard let value = values[key] else { throw whole.error("got no \(key), expected \(meaning)") }
    return value
  }

  /// - Throws: where the part has one of these keys, which do not go with what `other` says.
  func exclude(_ keys: [String], with other: String) throws {
    for key in keys { if let value = values[key] { throw value.error("got this key with \(other), expected none") } }
  }
}
