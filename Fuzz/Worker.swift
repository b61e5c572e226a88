import Foundation
import Heed

/// Tries inputs in a process of its own, which a trap may end.
enum Worker {
  /// What a worker exits with where it has a finding.
  static let findingStatus: Int32 = 3
  /// How long one input may take, in seconds of the processor's time; ten times that on the clock, where it waits.
  static var mostSeconds: UInt32 { ProcessInfo.processInfo.environment["HEED_FUZZ_SECONDS"].flatMap { UInt32($0) } ?? 60 }

  /// What workers say.
  struct Report: Codable {
    /// How many inputs came how far.
    var stages: [String: Int] = [:]
    /// How often compiled code ran.
    var runs = 0

    mutating func add(_ trial: Trial) {
      stages[trial.stage.rawValue, default: 0] += 1
      runs += trial.runs
    }

    /// The seed of the input that is the finding, and what is not right.
    var seed: UInt64?
    var finding: String?
  }

  /// Tries the inputs of some seeds. The file `trace` holds the seed that is being tried, for the case that it ends the process.
  static func run(_ fuzzer: any Fuzzer, _ seeds: Range<UInt64>, trace: String) throws -> Never {
    var report = Report()
    _ = FileManager.default.createFile(atPath: trace, contents: nil)
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: trace))
    for seed in seeds {
      // Always in one place: a file that is cut and written again is flushed by some file systems.
      try file.seek(toOffset: 0)
      try file.write(contentsOf: Data("\(seed)\n".utf8))
      do {
        report.add(try checked(fuzzer, fuzzer.input(seed: seed)))
      } catch {
        (report.seed, report.finding) = (seed, "\(error)")
        break
      }
    }
    try end(report)
  }

  /// Tries one input.
  static func run(_ fuzzer: any Fuzzer, _ input: [UInt8]) throws -> Never {
    var report = Report()
    do {
      report.add(try checked(fuzzer, input))
    } catch {
      report.finding = "\(error)"
    }
    try end(report)
  }

  /// A timer's signal ends a process whose input takes too long.
  private static func checked(_ fuzzer: any Fuzzer, _ input: [UInt8]) throws -> Trial {
    func set(_ seconds: UInt32) {
      alarm(10 * seconds)
      var timer = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: Int(seconds), tv_usec: 0))
      setitimer(Int32(ITIMER_PROF.rawValue), &timer, nil)
    }
    set(mostSeconds)
    defer { set(0) }
    return try fuzzer.check(input)
  }

  private static func end(_ report: Report) throws -> Never {
    FileHandle.standardOutput.write(try JSONEncoder().encode(report))
    exit(report.finding == nil ? 0 : findingStatus)
  }
}

/// What became of a worker.
struct Outcome {
  var report = Worker.Report()
  /// What is not right; nil where all is.
  var finding: String?

  /// Runs this program once more with other arguments.
  static func of(_ arguments: [String]) throws -> Outcome {
    let (process, output, errors) = (Process(), Pipe(), FileManager.default.temporaryDirectory.appending(path: UUID().uuidString))
    try Data().write(to: errors)
    defer { try? FileManager.default.removeItem(at: errors) }
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = try FileHandle(forWritingTo: errors)
    var environment = ProcessInfo.processInfo.environment
    environment["HEED_CACHE"] = "off"
    // A stack trace takes seconds, and the signal is enough.
    environment["SWIFT_BACKTRACE"] = "enable=no"
    // Files that are flushed to a disk take most of the time.
    if environment["TMPDIR"] == nil, FileManager.default.isWritableFile(atPath: "/dev/shm") { environment["TMPDIR"] = "/dev/shm" }
    process.environment = environment
    try process.run()
    let written = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()

    var outcome = Outcome()
    if process.terminationReason == .uncaughtSignal {
      let tail = (try? String(contentsOf: errors, encoding: .utf8))?.split(separator: "\n").last.map { ": \($0)" } ?? ""
      let isTimer = [SIGALRM, SIGPROF].contains(process.terminationStatus)
      let name = isTimer ? "no end after \(Worker.mostSeconds) s" : "signal \(process.terminationStatus)"
      outcome.finding = name + tail
    } else if let report = try? JSONDecoder().decode(Worker.Report.self, from: written) {
      (outcome.report, outcome.finding) = (report, report.finding)
    } else {
      outcome.finding = "the worker ended with status \(process.terminationStatus) and no report"
    }
    return outcome
  }
}
