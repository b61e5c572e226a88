import Foundation
import HeedIR
import HeedTestSupport
import Testing

/// Every file of Tests/Filetests is a test case.
@Suite struct FiletestTests {
  /// True where expectations are rewritten instead of compared.
  static let isBlessing = ProcessInfo.processInfo.environment["BLESS"] == "1"

  @Test(arguments: Filetest.allPaths)
  func file(_ path: String) throws {
    var file = try Filetest(path: path)
    let command = try FiletestCommand.named(file.command)
    var isChanged = false
    for (position, test) in file.cases.enumerated() {
      let result = try command.result(test, file.arguments, path)
      guard result != test else { continue }
      if Self.isBlessing {
        file.cases[position] = result
        isChanged = true
      } else {
        let expected = test.text
        let got = result.text
        Issue.record("\(path):\(test.line): the case does not hold\n\(differences(expected, got))")
      }
    }
    if isChanged { try file.write() }
  }

  @Test func thereAreFiles() { #expect(Filetest.allPaths.count > 5, "no files in \(Filetest.folder.path)") }

  /// The lines in which the texts differ, between the first and the last such line.
  private func differences(_ expected: [String], _ got: [String]) -> String {
    var (first, tail) = (0, 0)
    while first < min(expected.count, got.count), expected[first] == got[first] { first += 1 }
    while tail < min(expected.count, got.count) - first, expected[expected.count - 1 - tail] == got[got.count - 1 - tail] {
      tail += 1
    }
    let before = expected[max(0, first - 2)..<first].map { "  \($0)" }
    let missing = expected[first..<(expected.count - tail)].map { "- \($0)" }
    let extra = got[first..<(got.count - tail)].map { "+ \($0)" }
    return (before + missing + extra).joined(separator: "\n")
  }
}

extension Filetest.Case {
  fileprivate var text: [String] { header + ir + sections.flatMap { ["// ----- \($0.name)"] + $0.lines } }
}
