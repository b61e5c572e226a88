public import Heed

/// How a recipe's run ended.
public struct RecipeReport: Sendable {
  /// A number before and after training.
  public struct Row: Hashable, Sendable {
    /// What was measured.
    public var name: String
    /// The number before training.
    public var before: Double
    /// The number after training.
    public var after: Double
  }

  /// What the trainer says of the run.
  public let result: TrainingResult
  /// What was measured on held-out data; none where there is no such data, or the run was interrupted.
  public let rows: [Row]
  /// What was measured on: `80 held-out pairs`.
  public let title: String
  /// Where the trained weights are; nil where the run was interrupted.
  public let output: String?
}

extension RecipeReport: CustomStringConvertible {
  /// The rows as a table, with the title above.
  public var description: String {
    guard !rows.isEmpty else { return "" }
    func shown(_ number: Double) -> String {
      let digits = "\((abs(number) * 10_000).rounded() / 10_000)"
      let places = digits.split(separator: ".").last.map { 4 - $0.count } ?? 0
      return (number < 0 ? "-" : "") + digits + String(repeating: "0", count: max(0, places))
    }
    let table = [["", "before", "after"]] + rows.map { [$0.name, shown($0.before), shown($0.after)] }
    let widths = (0..<3).map { column in table.map { $0[column].count }.max()! }
    let lines = table.map { row in
      row.enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + blanks : blanks + cell
      }.joined(separator: "  ")
    }
    return ([title] + lines).joined(separator: "\n")
  }
}
