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
      let judgement = Judgement(name, claim, laboratory.found[claim.name] ?? [])
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
    // What is known not to hold fails where it holds after all.
    let known = Claim("x", "x", .atMost(1), exception: "because")
    #expect(!Judgement("x", known, [2]).isFailure && Judgement("x", known, [1]).isFailure && Judgement("x", known, []).isFailure)
  }
}
