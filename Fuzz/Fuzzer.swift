import Heed

/// A way to make inputs at random and to try them.
protocol Fuzzer: Sendable {
  /// What `fuzz run` calls it.
  static var name: String { get }

  init() throws

  /// The input that a seed determines.
  func input(seed: UInt64) throws -> [UInt8]

  /// Tries an input: does with it what a user might, and returns how far it came.
  /// - Throws: a `Finding` where something is not as it should be. A trap, a signal and a check that does not end are findings too.
  func check(_ input: [UInt8]) throws -> Stage

  /// The parts of an input of which some may be left out, in order, the coarsest split first.
  func parts(_ input: [UInt8], _ level: Int) -> [ArraySlice<UInt8>]?
}

extension Fuzzer {
  /// Lines, then words.
  func parts(_ input: [UInt8], _ level: Int) -> [ArraySlice<UInt8>]? {
    let separators = [UInt8(ascii: "\n"), UInt8(ascii: " ")]
    return level < separators.count ? input.parts(endingWith: separators[level]) : nil
  }

  /// What a body makes, or nil where an error in one line says why it cannot.
  func rejecting<Value>(_ body: () throws -> Value) throws -> Value? {
    do { return try body() } catch let error as HeedError {
      try expectOneLine(error)
      return nil
    }
  }

  /// Errors are one line that a terminal shows.
  func expectOneLine(_ error: HeedError) throws {
    guard !error.message.contains("\n"), error.message.count < 2000 else {
      throw Finding("an error of \(error.message.count) characters: \(error.message.prefix(200))")
    }
  }
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
  static let all: [any Fuzzer.Type] = [TextFuzzer.self, FileFuzzer.self]

  static func named(_ name: String) throws -> any Fuzzer {
    guard let type = (all + [SeededFaults.self]).first(where: { $0.name == name }) else {
      throw HeedError("got the fuzzer '\(name)', expected \(all.map { $0.name }.joined(separator: ", "))")
    }
    return try type.init()
  }
}
