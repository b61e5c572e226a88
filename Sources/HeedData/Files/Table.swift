internal import HeedIR
internal import HeedModels

/// Rows with named columns, from a CSV or JSONL file. Each row remembers its line, which errors name.
///
/// ```swift
/// let table = try Table(csv: "iris.csv")
/// let labels = try table.labels("species")
/// let rows = try ArrayRows(["x": table.array(["length", "width"]), "label": labels.ids])
/// ```
public struct Table: Sendable {
  /// The path of the file.
  public let path: String
  /// The names of the columns in their order.
  public let columns: [String]
  /// The number of rows.
  public var count: Int { lines.count }

  /// The cells of each column. Those of a CSV file are strings, which are parsed where numbers are asked for.
  private let cells: [[JSON]]
  private let lines: [Int]
  private let isParsed: Bool

  /// Reads a CSV file (`CSVReader`).
  /// - Parameters:
  ///   - separator: what stands between fields.
  ///   - columns: the names of the columns of a file that has no header; nil where the first record is the header.
  /// - Throws: `HeedError` with file and line, where the file is not as `CSVReader` expects it, has no header, or two of its columns
  ///   have one name.
  public init(csv path: String, separator: Character = ",", columns: [String]? = nil) throws {
    let reader = try CSVReader(path: path, separator: separator)
    guard let names = try columns ?? reader.next() else {
      throw HeedError("got an empty file, expected a header", at: SourceLocation(file: path, line: 1))
    }
    var known: Set<String> = []
    for name in names where !known.insert(name).inserted {
      throw HeedError("got two columns called \(JSON.shown(name))", at: SourceLocation(file: path, line: 1))
    }
    var cells = [[JSON]](repeating: [], count: names.count)
    var lines: [Int] = []
    while let fields = try reader.next() {
      guard fields.count == names.count else {
        throw HeedError(
          "got \(fields.count) fields, expected \(names.count), one per column", at: SourceLocation(file: path, line: reader.line))
      }
      for (index, field) in fields.enumerated() { cells[index].append(.string(field)) }
      lines.append(reader.line)
    }
    (self.path, self.columns, self.cells, self.lines, isParsed) = (path, names, cells, lines, false)
  }

  /// Reads a JSONL file: one object per line, whose members are the columns.
  /// - Parameter columns: the members to read, which every object must have; others are skipped. Where nil, the members of the first
  ///   object, and then no other object may have more.
  /// - Throws: `HeedError` with file and line, where a line is not an object in JSON, or its members are not as said.
  public init(jsonLines path: String, columns: [String]? = nil) throws {
    let reader = try JSONLinesReader(path: path)
    var names = columns
    var cells = [[JSON]](repeating: [], count: columns?.count ?? 0)
    var lines: [Int] = []
    while let object = try reader.next(), let members = object.members {
      let place = SourceLocation(file: path, line: reader.line)
      let known = names ?? Array(members.keys)
      if names == nil { (names, cells) = (known, [[JSON]](repeating: [], count: known.count)) }
      for (index, name) in known.enumerated() {
        guard let value = members[name] else { throw HeedError("got an object without \(JSON.shown(name))", at: place) }
        cells[index].append(value)
      }
      if columns == nil, members.count > known.count, let extra = Set(members.keys).subtracting(known).min() {
        throw HeedError("got \(JSON.shown(extra)), which the first object lacks; name the columns to read to skip it", at: place)
      }
      lines.append(reader.line)
    }
    (self.path, self.columns, self.cells, self.lines, isParsed) = (path, names ?? [], cells, lines, true)
  }
}

// MARK: Cells

extension Table {
  /// The value of each cell of a column, as `read` makes it from a cell.
  /// - Throws: `HeedError` with file, line and column, where there is no such column or `read` returns nil.
  func map<Value>(_ column: String, expected: String, _ read: (JSON) -> Value?) throws -> [Value] {
    guard let index = columns.firstIndex(of: column) else {
      let names = columns.isEmpty ? "a file with rows" : "one of " + columns.map(JSON.shown).joined(separator: ", ")
      throw HeedError("reading \(path): got no column \(JSON.shown(column)), expected \(names)")
    }
    return try zip(cells[index], lines).map { cell, line in
      guard let value = read(cell) else {
        throw HeedError(
          "column \(JSON.shown(column)): got \(shown(cell)), expected \(expected)", at: SourceLocation(file: path, line: line))
      }
      return value
    }
  }

  /// The digits of a number, or of text that may be one in a CSV file.
  func digits(_ cell: JSON) -> String? {
    switch cell {
    case .number(let digits): digits
    case .string(let text) where !isParsed: text
    default: nil
    }
  }

  /// Whether nothing is in the cell: null, or an empty field of a CSV file.
  func isMissing(_ cell: JSON) -> Bool { cell == .null || !isParsed && cell == .string("") }

  private func shown(_ cell: JSON) -> String {
    switch cell {
    case .string(let text): JSON.shown(text)
    case .number(let digits): digits.count <= 40 ? digits : digits.prefix(40) + "..."
    default: cell.kind
    }
  }
}
