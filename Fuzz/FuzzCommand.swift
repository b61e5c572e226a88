import ArgumentParser
import Foundation
import Heed

/// Looks for what traps, hangs, or is not as it should be: `make fuzz MINUTES=10`.
@main struct FuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz", abstract: "Tries random inputs, and keeps those that find a fault.",
    subcommands: [RunCommand.self, CorpusCommand.self, CaseCommand.self, SelfTestCommand.self, WorkerCommand.self])
}

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs fuzzers one after the other; ends with 1 where one has a finding.")

  @ArgumentParser.Argument(help: "The fuzzers; all unless given.") var names: [String] = Fuzzers.all.map { $0.name }
  @Option(help: "For how long each runs.") var minutes = 1.0
  @Option(help: "The most inputs of each.") var count = Int.max
  @Option(help: "Where each begins; a new place unless given.") var seed: UInt64?
  @Option(help: "The folder for findings.") var findings = ".fuzz"

  func run() throws {
    let first = seed ?? UInt64.random(in: 1..<1 << 48)
    print("seed \(first)")
    var found = 0
    for name in names {
      var campaign = try Campaign(name, folder: findings)
      try campaign.run(from: first, until: Date().addingTimeInterval(60 * minutes), atMost: count)
      let stages = Stage.allCases.compactMap { stage in campaign.stages[stage.rawValue].map { "\(stage) \($0)" } }
      let runs = campaign.runs > 0 ? ", \(campaign.runs) runs of compiled code" : ""
      print("\(name): \(campaign.count) inputs (\(stages.joined(separator: ", ")))\(runs), \(campaign.findings.count) findings")
      found += campaign.findings.count
    }
    if found > 0 { throw ExitCode.failure }
  }
}

struct CorpusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "corpus", abstract: "Tries the inputs that once found a fault; ends with 1 where one does again.")

  @ArgumentParser.Argument(help: "A folder with a folder for each fuzzer.") var folder = "Tests/Corpus"

  func run() throws {
    var (count, found) = (0, 0)
    for fuzzer in Fuzzers.all {
      let path = "\(folder)/\(fuzzer.name)"
      // A fuzzer that found nothing yet has no folder.
      for file in ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() {
        count += 1
        guard let finding = try Outcome.of(["case", fuzzer.name, "\(path)/\(file)"]).finding else { continue }
        found += 1
        print("\(path)/\(file): \(finding)")
      }
    }
    print("corpus: \(count) inputs, \(found) findings")
    guard count > 0 else { throw HeedError("got no inputs in \(folder), expected some") }
    if found > 0 { throw ExitCode.failure }
  }
}

struct CaseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "case", abstract: "Tries the input in a file.")

  @ArgumentParser.Argument(help: "The fuzzer.") var name: String
  @ArgumentParser.Argument(help: "The file.") var file: String

  func run() throws { try Worker.run(Fuzzers.named(name), Array(Data(contentsOf: URL(fileURLWithPath: file)))) }
}

struct SelfTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "self-test", abstract: "Looks for faults that were put where it looks: a trap, no end, a wrong answer.")

  func run() throws {
    setenv("HEED_FUZZ_SECONDS", "1", 1)
    try SeededFaults.test()
    try SeededMiscompilation.test()
    print("all faults found, each by the word that makes it")
  }
}

struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Tries the inputs of some seeds.", shouldDisplay: false)

  @ArgumentParser.Argument var name: String
  @Option var first: UInt64
  @Option var count: UInt64
  @Option var trace: String

  func run() throws { try Worker.run(Fuzzers.named(name), first..<first + count, trace: trace) }
}
