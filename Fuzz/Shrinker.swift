/// Makes a text smaller as long as something holds of it: without some of its lines, then without some of its words.
struct Shrinker {
  let input: String
  let holds: (String) throws -> Bool

  /// A smaller text; the text itself where it does not hold of that.
  /// - Parameter attempts: how many texts are tried at most.
  func shrunk(attempts: Int) throws -> String {
    guard try holds(input) else { return input }
    var left = attempts
    let lines = try without(input.split(separator: "\n", omittingEmptySubsequences: false).map(String.init), "\n", &left)
    return try without(lines.split(separator: " ", omittingEmptySubsequences: false).map(String.init), " ", &left)
  }

  /// The parts that must stay: halves are tried first, then ever shorter runs of parts.
  private func without(_ parts: [String], _ separator: String, _ left: inout Int) throws -> String {
    var parts = parts
    var size = max(1, parts.count / 2)
    while left > 0 {
      var start = 0
      var isSmaller = false
      while start < parts.count, left > 0 {
        let rest = Array(parts[..<start] + parts[min(parts.count, start + size)...])
        left -= 1
        if try holds(rest.joined(separator: separator)) { (parts, isSmaller) = (rest, true) } else { start += size }
      }
      if size == 1, !isSmaller { break }
      size = max(1, size / 2)
    }
    return parts.joined(separator: separator)
  }
}
