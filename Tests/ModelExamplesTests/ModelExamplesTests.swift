import Foundation
import Heed
import Testing
import models

/// The models of examples/models against their references, and docs/models.md, which says what of them fuses.
@Suite struct ModelExamplesTests {
  @Test(arguments: Example.all) func agreesWithReference(_ example: Example) throws {
    let error = try example.error(of: try example.graph.compile())
    #expect(error < 1e-4, "\(example): got an error of \(error)")
  }

  @Test(arguments: Example.all) func isShort(_ example: Example) throws {
    #expect(try #require(example.lineCount) <= 40, "\(example)")
  }

  /// docs/models.md holds what is counted here (`BLESS=1` writes it).
  @Test func pageIsTrue() throws {
    let page = try ModelTable.page()
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
    let file = folder.appending(path: "docs/models.md")
    if ProcessInfo.processInfo.environment["BLESS"] == "1" { try page.write(to: file, atomically: true, encoding: .utf8) }
    let committed = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    let differing = zip(page.split(separator: "\n"), committed.split(separator: "\n")).first { $0 != $1 }
    #expect(
      page == committed,
      "docs/models.md: \(differing.map { "got \($0.0), committed \($0.1)" } ?? "of another length"); BLESS=1 writes it")
  }
}
