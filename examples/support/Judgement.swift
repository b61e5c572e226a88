import Foundation
import Heed

/// A claim and what was found, or that an example ended with an error.
package struct Judgement {
  /// Whether the claim is not judged as the example says: it should hold, or it is known not to. With the few seeds of the short form, what is
  /// known not to hold may. An error is a failure.
  package let isFailure: Bool
  /// The cells of a line of the table.
  fileprivate let cells: [String]

  package init(_ example: String, _ claim: Claim, _ values: [Double], isShort: Bool = false) {
    let holds = claim.holds(for: values)
    let isSurprising = holds && claim.exception != nil && !isShort
    isFailure = !claim.isSkipped && (values.isEmpty || isSurprising || !holds && claim.exception == nil)
    let verdict =
      claim.isSkipped
      ? "skipped: no \(claim.data!.file)"
      : isSurprising
        ? "holds, which was not expected"
        : values.isEmpty ? "not measured" : holds ? "holds" : claim.exception.map { "does not hold: \($0)" } ?? "does NOT hold"
    let found =
      values.count <= 1
      ? values.map(shown).joined() : "\(shown(mean(values))) (\(shown(values.min()!)) ... \(shown(values.max()!)))"
    let bound = "\(claim.bound)" + (claim.statistic == .mean && values.count > 1 ? " in the mean" : "")
    cells = [example, claim.text, bound, found, "\(values.count)", verdict]
  }

  /// An example that ended with an error, whatever it had measured before.
  package init(_ example: String, failure error: any Error) {
    isFailure = true
    cells = [example, "all", "", "", "0", "error: \((error as? HeedError)?.message ?? "\(error)")"]
  }

  /// The claim, what was found, and the verdict.
  package var text: String { cells.dropFirst().joined(separator: "; ") }
}

extension Judgement {
  /// Runs examples, one after the other. One that throws is a line of its own in the table; the others are judged all the same.
  package static func all(of examples: [Example], isShort: Bool, folder: String?) -> [Judgement] {
    examples.flatMap { example in
      let start = Date()
      defer { printLine("  \(String(format: "%.1f", -start.timeIntervalSinceNow)) s") }
      printLine("\(example.name): \(example.idea)")
      let laboratory = Laboratory(example, isShort: isShort, folder: folder)
      do { try example.run(laboratory) } catch {
        FileHandle.standardError.write(Data("\(example.name): \(error)\n".utf8))
        return [Judgement(example.name, failure: error)]
      }
      return example.claims.map { Judgement(example.name, $0, laboratory.found[$0.name] ?? [], isShort: isShort) }
    }
  }
}

/// The table of all claims.
package func table(_ judgements: [Judgement], markdown: Bool) -> String {
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
