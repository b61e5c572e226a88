import ArgumentParser
import Foundation
import Heed
import OrderedCollections

/// `heed inspect`: what a file of arrays holds.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Prints the arrays of a .safetensors file: weights, states, batches.",
    discussion: """
      Per array its type and shape, its norm (the root of the sum of squares), its least and greatest element, and how many elements are not \
      finite. Arrays of integers and bools have no norm.
      """)

  @ArgumentParser.Argument(help: "A .safetensors file.") var file: String
  @Option(help: "Print only the arrays whose names fit this pattern, in which * stands for anything.") var only: String?
  @Flag(help: "Print one JSON object.") var json = false

  /// What is said of an array.
  private struct Row {
    let name: String
    let array: NDArray
    let norm: Double?
    let range: (least: Double, greatest: Double)?
    let nonFinite: Int

    init(_ name: String, _ array: NDArray) throws {
      (self.name, self.array) = (name, array)
      let isFloat = array.element.isFloat
      let numbers = try isFloat ? array.converted(to: .f64).doubles() : array.converted(to: .i64).ints().map(Double.init)
      let finite = numbers.filter(\.isFinite)
      nonFinite = numbers.count - finite.count
      norm = isFloat ? finite.reduce(0) { $0 + $1 * $1 }.squareRoot() : nil
      range = finite.min().map { ($0, finite.max()!) }
    }
  }

  func run() throws {
    let file = try SafetensorsFile(path: file)
    let pattern = only.map { NamePattern($0) }
    let names = file.names.filter { pattern?.matches($0) ?? true }.sorted()
    guard !names.isEmpty || pattern == nil else {
      throw HeedError("\(self.file): got no array whose name fits '\(only!)', expected one of \(file.names.count)")
    }
    let rows = try names.map { try Row($0, file.array($0)) }
    if json { return try printLine(object(rows, file.metadata).text) }
    for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) { try printLine("\(key): \(value)") }
    let titles = ["name", "type", "norm", "least", "greatest", "not finite"]
    let table = [titles] + rows.map(Self.columns)
    let widths = titles.indices.map { column in table.map { $0[column].count }.max()! }
    for line in table {
      let cells = zip(line, widths).map { padded($0, $1) }.joined(separator: "  ")
      try printLine(String(cells.reversed().drop { $0 == " " }.reversed()))
    }
    let (elements, bytes) = rows.reduce((0, 0)) { ($0.0 + $1.array.count, $0.1 + $1.array.byteCount) }
    try printLine("\(rows.count) arrays, \(elements) elements, \(bytes) bytes")
  }

  private static func columns(_ row: Row) -> [String] {
    [
      row.name, "\(row.array.element)\(row.array.shape)", row.norm.map(shownNumber) ?? "-",
      row.range.map { shownNumber($0.least) } ?? "-",
      row.range.map { shownNumber($0.greatest) } ?? "-", row.nonFinite == 0 ? "" : "\(row.nonFinite)",
    ]
  }

  private func object(_ rows: [Row], _ metadata: [String: String]) -> JSON {
    let arrays = rows.map { row -> JSON in
      var fields: OrderedDictionary<String, JSON> = [
        "name": .string(row.name), "element": .string(row.array.element.name), "shape": .array(row.array.shape.map { JSON($0) }),
        "not_finite": JSON(row.nonFinite),
      ]
      if let norm = row.norm { fields["norm"] = JSON(norm) }
      if let range = row.range { (fields["least"], fields["greatest"]) = (JSON(range.least), JSON(range.greatest)) }
      return .object(fields)
    }
    let strings = metadata.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) }
    return .object(["metadata": .object(OrderedDictionary(uniqueKeysWithValues: strings)), "arrays": .array(arrays)])
  }
}
