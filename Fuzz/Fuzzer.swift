import Heed

/// A way to make inputs at random and to try them.
protocol Fuzzer: Sendable {
  /// What `fuzz run` calls it.
  static var name: String { get }

  init() throws

  /// How many inputs one process tries: it takes some time to begin.
  var batch: Int { get }

  /// The input that a seed determines.
  func input(seed: UInt64) throws -> [UInt8]

  /// Tries an input: does with it what a user might.
  /// - Throws: a `Finding` where something is not as it should be. A trap, a signal and a check that does not end are findings too.
  func check(_ input: [UInt8]) throws -> Trial

  /// The parts of an input of which some may be left out, in order, the coarsest split first.
  func parts(_ input: [UInt8], _ level: Int) -> [ArraySlice<UInt8>]?

  /// Inputs that are smaller than this one in a way that its format knows, the smallest first.
  func smaller(_ input: [UInt8]) -> [[UInt8]]
}

extension Fuzzer {
  var batch: Int { 500 }

  /// Lines, then words.
  func parts(_ input: [UInt8], _ level: Int) -> [ArraySlice<UInt8>]? {
    let separators = [UInt8(ascii: "\n"), UInt8(ascii: " ")]
    return level < separators.count ? input.parts(endingWith: separators[level]) : nil
  }

  func smaller(_ input: [UInt8]) -> [[UInt8]] { [] }
}

/// What became of an input that is no finding.
struct Trial {
  /// How far it came.
  let stage: Stage
  /// How often compiled code ran.
  let runs: Int

  init(_ stage: Stage, runs: Int = 0) { (self.stage, self.runs) = (stage, runs) }
}

/// How far an input came, for statistics: a fuzzer whose inputs are all rejected by the parser finds nothing.
enum Stage: String, CaseIterable, Comparable {
  case rejected, parsed, verified, optimized, lowered, ran, read

  static func < (first: Stage, second: Stage) -> Bool {
    allCases.firstIndex(of: first)! < allCases.firstIndex(of: second)!
  }
}

/// What is not as it should be.
struct Finding: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// All of them by name.
enum Fuzzers {
  static let all: [any Fuzzer.Type] = [TextFuzzer.self, CodeFuzzer.self, FileFuzzer.self, CallFuzzer.self, DifferentialFuzzer.self]

  static func named(_ name: String) throws -> any Fuzzer {
    guard let type = (all + [SeededFaults.self, SeededMiscompilation.self]).first(where: { $0.name == name }) else {
      throw HeedError("got the fuzzer '\(name)', expected \(all.map { $0.name }.joined(separator: ", "))")
    }
    return try type.init()
  }
}
