import HeedIR
import HeedPasses
import HeedTestSupport

extension FiletestCommand {
  /// `// test pass fold-constants,simplify`, or `// test pass standard` for the whole pipeline: the graphs after the passes stand in the
  /// section `expected`. Where that has lines `// remark: ...`, or where there is none yet, the remarks are part of it, before
  /// their graph.
  ///
  /// The passes see the target of the header's line `// target NAME`, x86-64-avx512 where there is none. The graph is verified after
  /// each pass, and running the passes again must change nothing.
  static let pass = FiletestCommand(name: "pass") { test, arguments, path in
    guard arguments.count == 1 else { throw HeedError("got \(arguments.count) arguments of 'test pass', expected pass names") }
    var pipeline = arguments[0] == "standard" ? PassPipeline() : try PassPipeline(parsing: arguments[0])
    pipeline.verifiesEach = true
    let target = try test.target
    let expected = test.section("expected") ?? []
    let hasRemarks = expected.isEmpty || expected.contains { $0.hasPrefix("// remark: ") }
    var lines: [String] = []
    for graph in try IRText.graphs(test, path) {
      let outcome = try pipeline.run(graph, target: target)
      let text = outcome.graph.ir.text
      let again = try pipeline.run(outcome.graph.ir, target: target).graph.ir.text
      guard again == text else { throw HeedError("running the passes again makes\n\(again)\nof\n\(text)") }
      if !lines.isEmpty { lines.append("") }
      if hasRemarks { lines += outcome.remarks.map { "// remark: \($0)" } }
      lines += text.lines
    }
    var result = test
    result.setSection("expected", lines)
    return result
  }
}

extension Filetest.Case {
  /// The target that the header names by `// target NAME`; x86-64-avx512 where it names none.
  var target: Target {
    get throws {
      try directives("target").first.map { try Target.named($0) } ?? .x86AVX512
    }
  }
}
