import HeedIR
import HeedTestSupport

/// The arrays and extents that the header of a `run` case gives:
///
///     // bind S = 5, B = 2
///     // input %q: random seed 3 scale 10          floats in -10 ..< 10; integers and offsets: random below 8
///     // input %lengths: 1, 4
///     // input %mask: all true
///
/// An input without a line is random, with its position for the seed.
struct RunInputs {
  let binding: [Name: Int]
  private let lines: [(name: String, text: String)]

  init(_ test: Filetest.Case) throws {
    var binding: [Name: Int] = [:]
    for part in test.directives("bind").flatMap({ $0.split(separator: ",") }) {
      let words = part.split(separator: " ")
      guard words.count == 3, words[1] == "=", let value = Int(words[2]) else {
        throw HeedError("got '\(part)' in a line 'bind', expected a form such as 'S = 5'")
      }
      binding[Name(words[0])] = value
    }
    self.binding = binding
    lines = try test.directives("input").map { line in
      guard line.hasPrefix("%"), let colon = line.range(of: ": ") else {
        throw HeedError("got the input '\(line)', expected a form such as '%x: random seed 1'")
      }
      return (String(line[..<colon.lowerBound].dropFirst()), String(line[colon.upperBound...]))
    }
  }

  /// The array for the input called `name`.
  func array(_ name: Name, _ element: ElementType, _ shape: [Int], position: Int) throws -> ReferenceArray {
    let text = lines.first { $0.name == name.text }?.text ?? "random seed \(position + 1)"
    let words = text.split(separator: " ").map(String.init)
    let count = shape.reduce(1, *)
    switch words.first {
    case "random":
      var options: [String: Double] = [:]
      for (key, value) in zip(words.dropFirst(), words.dropFirst(2)) { options[key] = Double(value) }
      return random(
        element, shape, seed: UInt64(options["seed"] ?? 1), scale: options["scale"] ?? 1, limit: Int64(options["below"] ?? 8))
    case "all":
      let literal = try self.literal(words.dropFirst().joined(separator: " "), element)
      return array(element, shape, Array(repeating: literal, count: count))
    default:
      let literals = try text.split(separator: ",").map { try literal(String($0), element) }
      guard literals.count == count else {
        throw HeedError("%\(name): got \(literals.count) numbers in the header, expected \(count) for \(element)\(shape)")
      }
      return array(element, shape, literals)
    }
  }

  /// The names that the header gives and nothing takes.
  func unknown(among known: [Name]) -> [String] { lines.map(\.name).filter { name in !known.contains { $0.text == name } } }

  private func literal(_ text: String, _ element: ElementType) throws -> Literal {
    var stream = try TokenStream(text)
    let literal = try stream.literal()
    guard stream.isAtEnd, let value = literal.converted(to: element) else {
      throw HeedError("got '\(text)' in a line 'input', expected a value of type \(element)")
    }
    return value
  }

  private func array(_ element: ElementType, _ shape: [Int], _ literals: [Literal]) -> ReferenceArray {
    element.isFloat
      ? ReferenceArray(element, shape, reals: literals.map(\.real))
      : ReferenceArray(element, shape, integers: literals.map(\.integer))
  }

  private func random(_ element: ElementType, _ shape: [Int], seed: UInt64, scale: Double, limit: Int64) -> ReferenceArray {
    var numbers = SeededGenerator(seed: seed)
    let count = shape.reduce(1, *)
    if element.isFloat {
      let reals = (0..<count).map { _ in element.round(Double.random(in: -1..<1, using: &numbers) * scale) }
      return ReferenceArray(element, shape, reals: reals)
    }
    let top = element == .bool ? 2 : limit
    return ReferenceArray(element, shape, integers: (0..<count).map { _ in Int64.random(in: 0..<top, using: &numbers) })
  }
}
