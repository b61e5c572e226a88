public import HeedArrays
public import HeedIR
internal import HeedModels

/// Columns as values and arrays.
extension Table {
  /// The texts of a column.
  /// - Throws: `HeedError` with file and line, where there is no such column or a cell is not a string.
  public func texts(_ column: String) throws -> [String] { try map(column, expected: "a string", \.string) }

  /// The integers of a column.
  /// - Throws: `HeedError` with file and line, where there is no such column or a cell is not an integer of 64 bits.
  public func integers(_ column: String) throws -> [Int] {
    try map(column, expected: "an integer of 64 bits") { digits($0).flatMap { Int($0) } }
  }

  /// The numbers of a column.
  /// - Parameter missing: the number of a cell that is null, or empty in a CSV file; where nil, such a cell is an error.
  /// - Throws: `HeedError` with file and line, where there is no such column or a cell is not a number.
  public func numbers(_ column: String, missing: Double? = nil) throws -> [Double] {
    try map(column, expected: "a number") { isMissing($0) ? missing : digits($0).flatMap { Double($0) } }
  }

  /// The lists of integers of a column of a JSONL file, such as tokens.
  /// - Throws: `HeedError` with file and line, where there is no such column or a cell is not a list of integers of 32 bits.
  public func sequences(_ column: String) throws -> [[Int32]] {
    try map(column, expected: "a list of integers of 32 bits") { cell in
      guard let values = cell.array else { return nil }
      let integers = values.compactMap { $0.integer.flatMap { Int32(exactly: $0) } }
      return integers.count == values.count ? integers : nil
    }
  }

  /// The numbers of some columns as an array `[rows, columns]`.
  /// - Parameters:
  ///   - element: a float type, to which the numbers are rounded.
  ///   - missing: as `numbers` takes it.
  /// - Throws: `HeedError` as `numbers` does, and where the element type is not a float.
  public func array(_ columns: [String], as element: ElementType = .f32, missing: Double? = nil) throws -> NDArray {
    guard element.isFloat else { throw HeedError("got the element type \(element) for numbers of a table, expected a float type") }
    var values = [Double](repeating: 0, count: count * columns.count)
    for (index, column) in columns.enumerated() {
      for (row, number) in try numbers(column, missing: missing).enumerated() { values[row * columns.count + index] = number }
    }
    return try NDArray(values, [count, columns.count]).converted(to: element)
  }

  /// The classes of a column as numbers from 0: `ids` is `i32[rows]`, and `classes[id]` the text of a class.
  /// - Parameter classes: the classes in their order; where nil, all texts of the column in the order of their bytes.
  /// - Throws: `HeedError` with file and line, where there is no such column, or a cell is not a string, a number or one of the classes.
  public func labels(_ column: String, classes: [String]? = nil) throws -> (ids: NDArray, classes: [String]) {
    let texts = try map(column, expected: "a class: a string or a number") { $0.string ?? digits($0) }
    let classes = classes ?? Set(texts).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let ids = Dictionary(classes.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { first, _ in first })
    let known = classes.prefix(8).map { JSON.shown($0) }.joined(separator: ", ") + (classes.count > 8 ? ", ..." : "")
    let values = try map(column, expected: "one of \(known)") { ($0.string ?? digits($0)).flatMap { ids[$0] } }
    return (try NDArray(values, [count]), classes)
  }
}
