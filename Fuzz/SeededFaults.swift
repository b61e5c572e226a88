import Foundation
import Heed
import HeedTestSupport

/// A fuzzer of something with known faults: what finds these is right itself (`fuzz self-test`).
struct SeededFaults: Fuzzer {
  static let name = "seeded"
  /// The words at which it fails: by a trap, by no end, by a wrong answer.
  static let words = ["trap", "endless", "wrong"]

  func input(seed: UInt64) throws -> [UInt8] {
    var numbers = SeededGenerator(seed: seed)
    let words = ["the", "cat", "sat", "on", "the", "mat"] + (seed % 5 == 0 ? [Self.words.randomElement(using: &numbers)!] : [])
    let lines = (0..<4).map { _ in words.shuffled(using: &numbers).joined(separator: " ") + " " }
    return Array(lines.joined(separator: "\n").utf8)
  }

  func check(_ input: [UInt8]) throws -> Trial {
    let text = String(decoding: input, as: UTF8.self)
    if text.contains("trap") { fatalError("a trap that was put here") }
    while text.contains("endless") {}
    if text.contains("wrong") { throw Finding("a wrong answer that was put here") }
    return Trial(.read)
  }

  /// - Throws: where a campaign does not find each fault, or does not make it as small as its word.
  static func test() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "heed-fuzz-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var campaign = try Campaign(name, folder: folder)
    try campaign.run(from: 1, until: Date().addingTimeInterval(120), atMost: 100)
    let found = try campaign.findings.values.map {
      try String(contentsOfFile: $0, encoding: .utf8).trimmingCharacters(in: .whitespaces)
    }
    guard found.sorted() == words.sorted() else { throw HeedError("found \(found.sorted()), expected \(words.sorted())") }
  }
}
