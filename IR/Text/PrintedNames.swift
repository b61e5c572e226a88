/// Assigns each value of a scope a name for print: its own, made unique by a suffix, or a number where it has none.
package struct PrintedNames {
  private var taken: Set<String> = []
  private var count = 0

  package init() {}

  /// The next value's name with its `%`: `%x`, `%x.1` where `%x` is taken, `%0` for a value without a name.
  ///
  /// Digits alone are not a name: the parser drops them.
  package mutating func next(_ name: Name) -> String {
    let text = name.text
    guard !text.allSatisfy(Self.isDigit) else {
      defer { count += 1 }
      return "%\(count)"
    }
    guard !taken.insert(text).inserted else { return "%\(name.quotedWhereNeeded)" }
    let fresh = (1...).lazy.map { "\(text).\($0)" }.first { !taken.contains($0) }!
    taken.insert(fresh)
    return "%\(Name(fresh).quotedWhereNeeded)"
  }

  /// The name that a parsed `%text` keeps: none where it is a number.
  package static func kept(_ text: String) -> Name { text.allSatisfy(isDigit) ? .none : Name(text) }

  private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }
}
