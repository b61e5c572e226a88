import Foundation
import Heed
import HeedPasses

/// The differential fuzzer over a compiler with a known fault: a pass that takes `tanh` for `sigmoid`. What finds it and makes it small is
/// right itself (`fuzz self-test`).
struct SeededMiscompilation: Fuzzer {
  static let name = "seeded-miscompilation"

  private let fuzzer = DifferentialFuzzer(
    pipeline: PassPipeline(
      [
        GraphPass("seeded-fault", summary: "take tanh for sigmoid") { graph, _ in
          var rewriter = GraphRewriter(graph)
          for node in graph.body {
            guard graph.op(node) == .tanh else {
              rewriter.copy(node)
              continue
            }
            let operand = rewriter(graph.operands(node).first!)
            rewriter.replace(graph.result(node), with: try! rewriter.append(.sigmoid, [operand]))
          }
          graph = rewriter.finish()
        }
      ] + PassPipeline.standardPasses))

  func input(seed: UInt64) throws -> [UInt8] { try fuzzer.input(seed: seed) }
  func check(_ input: [UInt8]) throws -> Trial { try fuzzer.check(input) }
  func parts(_ input: [UInt8], _ level: Int) -> [ArraySlice<UInt8>]? { fuzzer.parts(input, level) }
  func smaller(_ input: [UInt8]) -> [[UInt8]] { fuzzer.smaller(input) }

  /// - Throws: where a campaign does not find the fault, or does not make it a graph of that op, alone or in a loop, at one length.
  static func test() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "heed-fuzz-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var findings: [String: String] = [:]
    for seed in UInt64(1)..<100 where findings.isEmpty {
      var campaign = try Campaign(name, folder: folder)
      try campaign.run(from: seed, until: .distantFuture, atMost: 1)
      findings = campaign.findings
    }
    let found = try findings.values.map { try String(contentsOfFile: $0, encoding: .utf8) }
    guard found.count == 1, let test = DifferentialCase(text: found[0]), test.graph.body.count <= 2, found[0].contains("tanh"),
      test.bindings.count == 1
    else { throw HeedError("found \(found), expected a graph of tanh and one node more at one length") }
  }
}
