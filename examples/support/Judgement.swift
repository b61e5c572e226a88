import Heed

/// A claim and what was found.
package struct Judgement {
  private let example: String
  private let claim: Claim
  private let values: [Double]
  private let holds: Bool
  private let isShort: Bool

  package init(_ example: String, _ claim: Claim, _ values: [Double], isShort: Bool = false) {
    (self.example, self.claim, self.values, holds) = (example, claim, values, claim.holds(for: values))
    self.isShort = isShort
  }

  /// Whether the claim is not judged as the example says: it should hold, or it is known not to. With the few seeds of the short form, what is
  /// known not to hold may.
  package var isFailure: Bool {
    if claim.isSkipped { return false }
    return values.isEmpty || (holds ? claim.exception != nil && !isShort : claim.exception == nil)
  }

  /// The claim, what was found, and the verdict.
  package var text: String { cells.dropFirst().joined(separator: "; ") }

  /// The cells of a line of the table.
  fileprivate var cells: [String] {
    let found =
      values.count <= 1
      ? values.map(shown).joined() : "\(shown(mean(values))) (\(shown(values.min()!)) ... \(shown(values.max()!)))"
    let verdict =
      claim.isSkipped
      ? "skipped: no \(claim.data!.file)"
      : values.isEmpty ? "not measured" : holds ? "holds" : claim.exception.map { "does not hold: \($0)" } ?? "does NOT hold"
    let bound = "\(claim.bound)" + (claim.statistic == .mean && values.count > 1 ? " in the mean" : "")
    return [example, claim.text, bound, found, "\(values.count)", isFailure && holds ? "holds, which was not expected" : verdict]
  }
}

/// The table of all claims.
func table(_ judgements: [Judgement], markdown: Bool) -> String {
  let head = ["example", "claim", "stated before", "measured", "numbers", "verdict"]
  let lines = [head] + judgements.map(\.cells)
  if markdown {
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    return ([line(head), line(head.map { _ in "---" })] + lines.dropFirst().map(line)).joined(separator: "\n")
  }
  let widths = head.indices.map { column in lines.map { $0[column].count }.max()! }
  return lines.map { cells in
    zip(cells, widths).map { $0.padding(toLength: $1 + 2) }.joined()
  }.joined(separator: "\n")
}

extension String {
  /// This text, and spaces up to a length.
  fileprivate func padding(toLength length: Int) -> String { self + String(repeating: " ", count: max(0, length - count)) }
}
