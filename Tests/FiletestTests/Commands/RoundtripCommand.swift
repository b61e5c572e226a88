import HeedIR
import HeedTestSupport

extension FiletestCommand {
  /// `// test roundtrip`: the IR parses, and prints as it stands there or in the section `expected`; what was printed prints the same
  /// when it is parsed again.
  static let roundtrip = FiletestCommand(name: "roundtrip") { test, _, path in
    let printed = try IRText(test, path).text
    var again = test
    again.source = printed
    let reprinted = try IRText(again, path).text
    guard reprinted == printed else { throw HeedError("got\n\(reprinted)\nfor the printed\n\(printed)") }
    var result = test
    if test.section("expected") == nil { result.setIR(printed) } else { result.setSection("expected", printed.lines) }
    return result
  }
}

extension String {
  /// The text's lines.
  var lines: [String] { split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
}
