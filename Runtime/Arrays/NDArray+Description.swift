internal import Foundation
internal import HeedIR

/// An array as people read it: numbers in columns, then the type and shape. `[[1.0, 2.5], [3.0, 4.0]] f32[2, 2]`, one row a line.
///
/// From 1001 elements on, a dimension of more than six shows its first and last three. Real numbers have at most six digits behind
/// the point (16-bit floats four), or are written with exponents where the largest is below 1e-4, or 1e8 or more.
extension NDArray: CustomStringConvertible {
  /// The numbers, the type and the shape.
  public var description: String {
    var printer = ArrayPrinter(contiguous())
    return printer.text() + " " + typeText
  }
}

/// Writes the numbers of one array.
private struct ArrayPrinter {
  private static let longest = 1000
  private static let edge = 3
  private static let lineLimit = 100

  let array: NDArray
  private let strides: [Int]
  private let isShortened: Bool
  private var format: NumberFormat
  private var width = 0

  init(_ array: NDArray) {
    self.array = array
    strides = ArrayLayout.rowMajorStrides(array.shape)
    isShortened = array.count > Self.longest
    format = NumberFormat(array.element)
  }

  mutating func text() -> String {
    if array.count == 0 { return "[]" }
    var positions: [Int] = []
    visit(0, 0) { positions.append($0) }
    let numbers = positions.map { array.literal(at: $0) }
    format.fit(numbers)
    width = numbers.map { format.text($0).count }.max()!
    return list(0, 0)
  }

  /// Calls `body` with the positions that are shown.
  private func visit(_ dimension: Int, _ position: Int, _ body: (Int) -> Void) {
    guard dimension < array.shape.count else { return body(position) }
    for case let index? in shown(dimension) { visit(dimension + 1, position + index * strides[dimension], body) }
  }

  /// The indices that are shown of a dimension; nil for those between.
  private func shown(_ dimension: Int) -> [Int?] {
    let extent = array.shape[dimension]
    guard isShortened, extent > 2 * Self.edge else { return Array(0..<extent) }
    return Array(0..<Self.edge) + [nil] + Array(extent - Self.edge..<extent)
  }

  private func list(_ dimension: Int, _ position: Int) -> String {
    let rank = array.shape.count
    guard dimension < rank else {
      let text = format.text(array.literal(at: position))
      return String(repeating: " ", count: width - text.count) + text
    }
    let items = shown(dimension).map { $0.map { list(dimension + 1, position + $0 * strides[dimension]) } ?? "..." }
    let indent = String(repeating: " ", count: dimension + 1)
    if dimension < rank - 1 {
      // Matrices are set apart by an empty line, as in NumPy.
      return "[" + items.joined(separator: "," + String(repeating: "\n", count: rank - dimension - 1) + indent) + "]"
    }
    var lines = [""]
    for (number, item) in items.enumerated() {
      let separated = item + (number < items.count - 1 ? "," : "")
      let line = lines[lines.count - 1]
      if line.isEmpty {
        lines[lines.count - 1] = separated
      } else if indent.count + line.count + 1 + separated.count > Self.lineLimit {
        lines.append(separated)
      } else {
        lines[lines.count - 1] += " " + separated
      }
    }
    return "[" + lines.joined(separator: "\n" + indent) + "]"
  }
}

/// How the numbers of one array are written.
private struct NumberFormat {
  private let element: ElementType
  private var digits = 1
  private var hasExponent = false
  /// The most digits behind the point.
  private var limit: Int { element.byteCount == 2 ? 4 : 6 }

  init(_ element: ElementType) { self.element = element }

  /// Chooses the digits that all of `numbers` get.
  mutating func fit(_ numbers: [Literal]) {
    guard element.isFloat else { return }
    let sizes = numbers.map { abs($0.real) }.filter { $0.isFinite && $0 > 0 }
    guard let largest = sizes.max() else { return }
    hasExponent = largest >= 1e8 || largest < 1e-4
    digits = sizes.map { needed(for: $0) }.max()!
  }

  /// The digits behind the point after which only zeros follow, at least 1 and at most `limit`.
  private func needed(for size: Double) -> Int {
    // As many digits as tell neighbours of the type apart, so that 0.1 as an f32 has one.
    let significant = element == .f64 ? 15 : element == .f32 ? 6 : 3
    let shortest = String(format: "%.\(significant - 1)e", size)
    let parts = shortest.split(separator: "e")
    let fraction = parts[0].split(separator: ".").dropFirst().joined().reversed().drop { $0 == "0" }.count
    return min(max(hasExponent ? fraction : fraction - Int(parts[1])!, 1), limit)
  }

  func text(_ number: Literal) -> String {
    guard element.isFloat, number.real.isFinite else { return number.text(as: element) }
    return String(format: hasExponent ? "%.\(digits)e" : "%.\(digits)f", number.real)
  }
}
