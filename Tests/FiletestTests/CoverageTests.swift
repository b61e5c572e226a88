import HeedIR
import HeedPasses
import HeedTestSupport
import Testing

/// No op without its files.
@Suite struct CoverageTests {
  /// The ops of the graphs of every file with this command.
  private func ops(in command: String) throws -> Set<String> {
    var found: Set<String> = []
    for path in Filetest.allPaths {
      let file = try Filetest(path: path)
      guard file.command == command else { continue }
      for test in file.cases {
        guard case .graphs(let graphs) = try IRText(test, path) else { continue }
        for graph in graphs { for node in graph.body { found.insert(graph.op(node).mnemonic) } }
      }
    }
    return found
  }

  @Test(arguments: ["roundtrip", "run"]) func everyOpOccurs(in command: String) throws {
    let found = try ops(in: command)
    let missing = Op.all.map(\.mnemonic).filter { !found.contains($0) }
    #expect(missing.isEmpty, "no \(command) file has \(missing.joined(separator: ", "))")
  }

  @Test func everyPassHasFiles() throws {
    let missing = GraphPass.all.map(\.name).filter { name in !Filetest.allPaths.contains { $0.hasPrefix("pass/\(name)/") } }
    #expect(missing.isEmpty, "no files in Tests/Filetests/pass/ for \(missing.joined(separator: ", "))")
  }

  /// An error of an op's own inference begins with its mnemonic.
  @Test func everyOpRejectsSomething() throws {
    var found: Set<String> = []
    for path in Filetest.allPaths {
      for test in try Filetest(path: path).cases {
        for error in test.directives("error") {
          found.formUnion(error.split(separator: " ").filter { $0.hasSuffix(":") }.map { String($0.dropLast()) })
        }
      }
    }
    let missing = Op.all.map(\.mnemonic).filter { !found.contains($0) }
    #expect(missing.isEmpty, "no file has a bad input of \(missing.joined(separator: ", "))")
  }
}
