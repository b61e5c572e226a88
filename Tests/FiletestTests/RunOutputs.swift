import Foundation
import HeedArrays
import HeedIR
import HeedInterpreter
import HeedTestSupport

/// What a `run` case gives, as the lines of its section `expected`: a line `%out: f32[2, 3]`, then a line of numbers for each row.
struct RunOutputs {
  let arrays: [(name: String, array: ReferenceArray)]
  /// How much larger than 1, or than the number itself, a difference may be.
  let tolerance: Double

  /// - Parameter arrays: results of the reference, which are rounded here to their element types.
  init(_ arrays: [(name: Name, array: ReferenceArray)], tolerance: Double) throws {
    self.arrays = try arrays.enumerated().map {
      ($1.name.isNone ? "%\($0)" : "%\($1.name.quotedWhereNeeded)", ReferenceArray(try NDArray($1.array)))
    }
    self.tolerance = tolerance
  }

  /// The lines, with numbers of seven digits.
  var lines: [String] {
    arrays.flatMap { name, array in
      let shape = array.shape
      let width = max(shape.last ?? 1, 1)
      let texts = (0..<array.count).map { text(array[$0], array.element) }
      let rows = stride(from: 0, to: texts.count, by: width).map { texts[$0..<($0 + width)].joined(separator: ", ") }
      return ["\(name): \(array.element)\(shape.isEmpty ? "" : "\(shape)")"] + rows
    }
  }

  private func text(_ literal: Literal, _ element: ElementType) -> String {
    guard element.isFloat, literal.real.isFinite else { return literal.text(as: element) }
    return String(format: "%.7g", literal.real)
  }

  /// True where the numbers of `expected` are these within the tolerance, and everything else is the same.
  func agree(with expected: [String]) -> Bool {
    let lines = lines
    return lines.count == expected.count
      && zip(lines, expected).allSatisfy { got, wanted in
        if got == wanted { return true }
        let (a, b) = (got.split(separator: ", "), wanted.split(separator: ", "))
        return a.count == b.count
          && zip(a, b).allSatisfy { a, b in
            guard let x = Double(a), let y = Double(b) else { return a == b }
            return isNear(x, y)
          }
      }
  }

  /// - Throws: where the names are others, or an array differs from this one's by more than the tolerance; `context` begins the message.
  func expectEqual(_ others: [(name: Name, array: ReferenceArray)], _ context: String) throws {
    let names = others.map { "%\($0.name.quotedWhereNeeded)" }
    let wanted = arrays.map(\.name)
    guard names == wanted else {
      throw HeedError("\(context): got the results \(names.joined(separator: ", ")), expected \(wanted.joined(separator: ", "))")
    }
    try expectEqual(others.map(\.array), context)
  }

  /// - Throws: where an array of `others` differs from this one's by more than the tolerance; `context` begins the message.
  func expectEqual(_ others: [ReferenceArray], _ context: String) throws {
    guard others.count == arrays.count else { throw HeedError("\(context): got \(others.count) results, expected \(arrays.count)") }
    for ((name, array), other) in zip(arrays, others) {
      guard array.element == other.element, array.shape == other.shape else {
        throw HeedError("\(context): got \(name): \(other.element)\(other.shape), expected \(array.element)\(array.shape)")
      }
      let rounded = ReferenceArray(try NDArray(other))
      for position in 0..<array.count {
        let (wanted, got) = (array[position], rounded[position])
        if array.element.isFloat ? isNear(wanted.real, got.real) : wanted == got { continue }
        throw HeedError(
          "\(context): got \(text(got, array.element)) for element \(position) of \(name), expected \(text(wanted, array.element))")
      }
    }
  }

  private func isNear(_ x: Double, _ y: Double) -> Bool {
    if x == y || x.isNaN && y.isNaN { return true }
    return abs(x - y) <= tolerance * max(1, abs(x))
  }
}

extension Filetest.Case {
  /// What `// tolerance X` says; 1e-5 where it stands nowhere.
  var tolerance: Double {
    get throws {
      guard let text = directives("tolerance").first else { return 1e-5 }
      guard let value = Double(text) else { throw HeedError("got the tolerance '\(text)', expected a number") }
      return value
    }
  }

  /// The case with the section `expected` that `outputs` asks for: unchanged where the numbers there agree, or where the header says
  /// `// unlisted`.
  func expecting(_ outputs: RunOutputs) -> Filetest.Case {
    if header.contains(where: { $0.hasPrefix("// unlisted") }) { return self }
    if let expected = section("expected"), outputs.agree(with: expected) { return self }
    var result = self
    result.setSection("expected", outputs.lines)
    return result
  }
}
