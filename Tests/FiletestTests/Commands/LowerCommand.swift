import HeedIR
import HeedLowering
import HeedPasses
import HeedTestSupport

extension FiletestCommand {
  /// `// test lower TARGET`: the case's graphs after the standard passes, lowered for the target; the section `expected` has the programs
  /// with their kernels, which must be well formed and parse to the same text.
  ///
  /// As for `pass`, the lowering's remarks are lines `// remark: ...` before their program, where the section has any or is new.
  static let lower = FiletestCommand(name: "lower") { test, arguments, path in
    guard arguments.count == 1, let target = Target.all.first(where: { $0.name == arguments[0] }) else {
      throw HeedError("got 'test lower \(arguments.joined(separator: " "))', expected a target's name after it")
    }
    let expected = test.section("expected") ?? []
    let hasRemarks = expected.isEmpty || expected.contains { $0.hasPrefix("// remark: ") }
    var lines: [String] = []
    for graph in try IRText.graphs(test, path) {
      let lowered = try HeedLowering.lower(PassPipeline().run(graph, target: target).graph, for: target)
      let text = try Verified(lowered.program).ir.text
      let again = try Program.parse(text, file: path).map(\.text)
      guard again == [text] else { throw HeedError("got\n\(again.joined(separator: "\n"))\nfor the printed\n\(text)") }
      if !lines.isEmpty { lines.append("") }
      if hasRemarks { lines += lowered.remarks.map { "// remark: \($0)" } }
      lines += text.lines
    }
    var result = test
    result.setSection("expected", lines)
    return result
  }
}
