import Foundation
import Heed
import Testing
import tour

/// The examples that measure their claims, in their short form.
@Suite struct TourTests {
  /// Without the pretrained encoder, those that read it are left out.
  static let names = Example.all.filter(\.canRun).map(\.name)

  @Test(arguments: names) func claimsAreJudgedAsStated(_ name: String) throws {
    let example = try #require(Example.all.first { $0.name == name })
    let laboratory = Laboratory(example, isShort: true, folder: nil)
    try example.run(laboratory)
    for claim in example.claims {
      let judgement = Judgement(name, claim, laboratory.found[claim.name] ?? [], isShort: true)
      #expect(!judgement.isFailure, "\(judgement.text)")
    }
  }

  /// The graph that an example shows compiles, and the names of examples are those of their folders.
  @Test(arguments: names) func graphsAreShown(_ name: String) throws {
    let example = try #require(Example.all.first { $0.name == name })
    _ = try example.graph().compile()
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../examples/\(name)").standardized
    #expect(FileManager.default.fileExists(atPath: folder.appending(path: "README.md").path))
    #expect(Set(example.claims.map(\.name)).count == example.claims.count)
  }

  /// The data of examples is what their pages say.
  @Test(.enabled(if: ExampleData.digits.isThere, "\(ExampleData.digits.absence)")) func digitsAreRead() throws {
    let table = try ExampleData.digits.table()
    let classes = try table.integers("class")
    let pixels = try table.array((0..<64).map { "pixel\($0)" }).doubles()
    #expect(table.count == 1797 && Set(classes) == Set(0...9) && pixels.min() == 0 && pixels.max() == 16)
  }

  @Test(.enabled(if: ExampleData.promoters.isThere, "\(ExampleData.promoters.absence)")) func promotersAreRead() throws {
    let table = try ExampleData.promoters.table()
    let sequences = try table.texts("sequence")
    #expect(try table.texts("class").count { $0 == "+" } == 53)
    #expect(sequences.count == 106 && sequences.allSatisfy { $0.count == 57 && Set($0).isSubset(of: "acgt") })
  }

  @Test(.enabled(if: ExampleData.spliceSites.isThere, "\(ExampleData.spliceSites.absence)")) func spliceSitesAreRead() throws {
    let table = try ExampleData.spliceSites.table()
    let (kinds, sequences) = (try table.texts("class"), try table.texts("sequence"))
    #expect(sequences.count == 3186 && sequences.allSatisfy { $0.count == 60 && Set($0).isSubset(of: "acgt") })
    func ofKind(_ kind: String) -> [String] { zip(kinds, sequences).filter { $0.0 == kind }.map(\.1) }
    let (ends, begins) = (ofKind("ei"), ofKind("ie"))
    #expect(ends.count == 767 && begins.count == 765)
    // Introns begin with gt and end with ag, with few exceptions: letters and places are what they are said to be.
    #expect(ends.count { $0.dropFirst(30).hasPrefix("gt") } > 750 && begins.count { $0.prefix(30).hasSuffix("ag") } > 750)
  }

  /// One example that ends with an error is a line of the table, and those after it run all the same.
  @Test func anErrorDoesNotEndTheRun() {
    struct Odd: Error {}
    func example(_ name: String, _ run: @escaping @Sendable (Laboratory) throws -> Void) -> Example {
      Example(
        name: name, idea: "An idea.", claims: [Claim("small", "a number", .atMost(1)), Claim("large", "another", .atLeast(2))],
        graph: { Graph("g") { $0.constant(1.0) } }, run: run)
    }
    let examples = [
      example("first") {
        $0.measure("small", 1)
        $0.measure("large", 3)
      },
      example("broken") {
        $0.measure("small", 0)
        throw HeedError("got no data, expected some")
      },
      example("odd") { _ in throw Odd() },
      example("last") {
        $0.measure("small", 2)
        $0.measure("large", 2)
      },
    ]
    let judgements = Judgement.all(of: examples, isShort: true, folder: nil)
    #expect(judgements.map(\.isFailure) == [false, false, true, true, true, false])
    let lines = table(judgements, markdown: true).split(separator: "\n").dropFirst(2).map(String.init)
    #expect(lines.count == 6 && lines[0].hasPrefix("| first | a number | <= 1 | 1 | 1 | holds |"))
    #expect(lines[2] == "| broken | all |  |  | 0 | error: got no data, expected some |")
    #expect(lines[3].hasPrefix("| odd | all |  |  | 0 | error: Odd") && lines[4].hasSuffix("| does NOT hold |"))
    #expect(lines[5] == "| last | another | >= 2 | 2 | 1 | holds |")
  }

  @Test func claimsAreJudged() {
    func verdict(_ bound: Claim.Bound, _ values: [Double], _ statistic: Claim.Statistic = .everyOne) -> Bool {
      Claim("x", "x", bound, of: statistic).holds(for: values)
    }
    #expect(verdict(.atMost(1), [0.5, 1]) && !verdict(.atMost(1), [0.5, 1.1]) && verdict(.atMost(1), [0.5, 1.1], .mean))
    #expect(verdict(.atLeast(1), [1, 2]) && !verdict(.atLeast(1), [0.9, 2]))
    #expect(verdict(.between(1, 2), [1, 2]) && !verdict(.between(1, 2), [0.9]) && !verdict(.between(1, 2), [2.1]))
    for bound in [.atMost(1), .atLeast(1), .between(0, 2)] as [Claim.Bound] {
      #expect(!verdict(bound, []) && !verdict(bound, [.nan]) && !verdict(bound, [.nan, 1], .mean))
    }
    // What needs data that is not there is skipped, and fails nothing.
    let skipped = Claim("x", "x", .atMost(1), on: ExampleData(file: "of no one.csv"))
    let judgement = Judgement("x", skipped, [])
    #expect(skipped.isSkipped != ExampleData.isNamed && judgement.isFailure == ExampleData.isNamed)
    // What is known not to hold fails where it holds after all.
    let known = Claim("x", "x", .atMost(1), exception: "because")
    #expect(!Judgement("x", known, [1], isShort: true).isFailure && Judgement("x", known, [], isShort: true).isFailure)
    #expect(!Judgement("x", known, [2]).isFailure && Judgement("x", known, [1]).isFailure && Judgement("x", known, []).isFailure)
  }
}
