import Foundation
import Heed

/// A fuzzer that runs for some time: workers try inputs, findings are made smaller and kept.
struct Campaign {
  let name: String
  let fuzzer: any Fuzzer
  /// Where findings are kept.
  let folder: String
  /// What workers reported.
  private(set) var stages: [String: Int] = [:]
  private(set) var runs = 0
  /// What was found, by what it looks like without its numbers and names.
  private(set) var findings: [String: String] = [:]
  private(set) var count = 0

  init(_ name: String, folder: String) throws {
    (self.name, self.folder, fuzzer) = (name, folder, try Fuzzers.named(name))
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  /// Tries inputs from a seed on until the time is over or so many were tried.
  mutating func run(from first: UInt64, until end: Date, atMost most: Int) throws {
    var seed = first
    let trace = "\(folder)/.seed-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: trace) }
    while Date() < end, count < most {
      let size = UInt64(min(fuzzer.batch, most - count))
      let outcome = try Outcome.of(["worker", name, "--first", "\(seed)", "--count", "\(size)", "--trace", trace])
      stages.merge(outcome.report.stages) { $0 + $1 }
      runs += outcome.report.runs
      guard let finding = outcome.finding else {
        (seed, count) = (seed + size, count + Int(size))
        continue
      }
      let last =
        outcome.report.seed
        ?? (try? String(contentsOfFile: trace, encoding: .utf8)).flatMap {
          UInt64($0.prefix { $0 != "\n" })
        }
      guard let last else { throw HeedError("\(finding), before the first input") }
      count += Int(last - seed) + 1
      seed = last + 1
      try keep(finding, of: last)
    }
  }

  /// Keeps a finding that looks like no other, as small as it can be made.
  private mutating func keep(_ finding: String, of seed: UInt64) throws {
    let kind = Self.kind(finding)
    guard findings[kind] == nil else { return }
    let input = try fuzzer.input(seed: seed)
    let small = try Shrinker(fuzzer: fuzzer) { [name] in
      try Self.kind(Self.outcome(of: $0, name).finding ?? "") == kind
    }.shrunk(input, attempts: 300)
    let path = "\(folder)/\(name)-\(seed).txt"
    try Data(small).write(to: URL(fileURLWithPath: path))
    findings[kind] = path
    print("\(name), seed \(seed): \(finding.prefix(600))\n  in \(path):\n\(String(decoding: small.prefix(4000), as: UTF8.self))\n")
  }

  /// What trying one input leads to.
  static func outcome(of input: [UInt8], _ name: String) throws -> Outcome {
    let file = FileManager.default.temporaryDirectory.appending(path: "heed-fuzz-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(input).write(to: file)
    return try Outcome.of(["case", name, file.path])
  }

  /// The beginning of a finding without names and numbers.
  private static func kind(_ finding: String) -> String {
    let line = finding.split(separator: "\n").first ?? ""
    let words: [Substring] = line.split { !$0.isLetter }.filter { $0.count > 2 }
    return words.prefix(12).map(String.init).joined(separator: " ")
  }
}
