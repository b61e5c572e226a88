import Heed
import HeedRandomCalls

/// Calls of the language's functions with good and bad arguments: what builds is verified and goes through the passes to a program, and one
/// graph of sixteen is compiled and run.
struct CallFuzzer: Fuzzer {
  static let name = "calls"

  init() throws {}

  func input(seed: UInt64) throws -> [UInt8] { Array(CallSequence(seed: seed, count: 8).text.utf8) }

  func check(_ input: [UInt8]) throws -> Trial {
    guard let sequence = CallSequence(text: String(decoding: input, as: UTF8.self)) else { return Trial(.rejected) }
    guard let graph = sequence.graph().graph else { return Trial(.rejected) }
    // What the language builds without a mistake is right.
    do { try graph.verify() } catch { throw Finding("what was built without a mistake does not verify: \(error)") }
    return try Checks.check(graph, compiling: sequence.seed % 16 == 0)
  }
}
