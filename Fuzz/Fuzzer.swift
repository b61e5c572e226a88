import Heed

/// A way to make inputs at random and to try them.
protocol Fuzzer: Sendable {
  /// What `fuzz run` calls it.
  static var name: String { get }

  init() throws

  /// The input that a seed determines.
  func input(seed: UInt64) throws -> String

  /// Tries an input: does with it what a user might, and returns how far it came.
  /// - Throws: a `Finding` where something is not as it should be. A trap, a signal and a check that does not end are findings too.
  func check(_ input: String) throws -> Stage
}

/// How far an input came, for statistics: a fuzzer whose inputs are all rejected by the parser finds nothing.
enum Stage: String, CaseIterable {
  case rejected, parsed, verified, optimized, lowered, ran
}

/// What is not as it should be.
struct Finding: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// All of them by name.
enum Fuzzers {
  static let all: [any Fuzzer.Type] = [TextFuzzer.self]

  static func named(_ name: String) throws -> any Fuzzer {
    guard let type = all.first(where: { $0.name == name }) else {
      throw HeedError("got the fuzzer '\(name)', expected \(all.map { $0.name }.joined(separator: ", "))")
    }
    return try type.init()
  }
}
