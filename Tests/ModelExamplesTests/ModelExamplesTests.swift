import Foundation
import Heed
import HeedInterpreter
import Testing
import models

/// The models of examples/models against their references, and docs/models.md, which says what of them fuses.
@Suite struct ModelExamplesTests {
  @Test(arguments: Example.all) func agreesWithReference(_ example: Example) throws {
    let error = try example.error(of: try example.graph.compile())
    #expect(error < 1e-4, "\(example): got an error of \(error)")
  }

  /// Derivatives of all models, of what the interpreter runs, of the fused graph, and of compiled code, against central differences.
  @Test(arguments: Example.all) func isDifferentiable(_ example: Example) throws {
    // The second of those with something of everything, the shortest first: central differences run it many times.
    let sizes = example.sizes.filter { !$0.symbols.values.contains(0) }
      .sorted { $0.symbols.values.reduce(0, +) < $1.symbols.values.reduce(0, +) }
    let size = sizes[min(1, sizes.count - 1)]
    let (inputs, parameters) = try example.arguments(at: size, seed: 1)
    let given = inputs.merging(parameters) { input, _ in input }.map { name, array in
      (Name(name), ReferenceArray(array.element.isFloat ? array.converted(to: .f64) : array))
    }
    var options = GradientCheck.Options()
    (options.mostElements, options.directions, options.executions) = (4, 1, [.optimized, .compiled])
    let report = try GradientCheck.report(
      on: example.graph, binding: Dictionary(uniqueKeysWithValues: size.symbols.map { (Name($0.key), $0.value) }),
      given: Dictionary(uniqueKeysWithValues: given), options: options)
    #expect(throws: Never.self, "\(example)") { try report.verify() }
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
