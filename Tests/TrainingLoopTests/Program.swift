import Foundation
import Heed
import Testing

/// The program examples/training, as a process.
struct Program {
  /// The text that it trains on, and where it writes.
  let (text, folder): (String, String)
  var options = ["--layers", "1", "--width", "16", "--batch", "4", "--checkpoint-every", "5"]
  var steps = 60
  var threads = 1

  /// A text of its own in `parent`, and a folder there.
  init(in parent: String, _ name: String = "run") throws {
    (text, folder) = (parent + "/text.txt", parent + "/" + name)
    let words = ["the", "cat", "sees", "a", "dog", "and", "one", "bird", "under", "trees"]
    var random = UInt64(1)
    let sentence = (0..<3000).map { _ in
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return words[Int(random >> 33) % words.count]
    }
    try Data(sentence.joined(separator: " ").utf8).write(to: URL(fileURLWithPath: text))
  }

  private var executable: URL {
    get throws {
      let tests = URL(fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      return tests.deletingLastPathComponent().appendingPathComponent("training")
    }
  }

  /// The process, not yet started, and what it says on standard error.
  func process() throws -> (process: Process, errors: Pipe) {
    let (process, errors) = (Process(), Pipe())
    process.executableURL = try executable
    process.arguments = [text, folder, "--steps", "\(steps)"] + options
    process.environment = ProcessInfo.processInfo.environment.merging([
      "HEED_THREADS": "\(threads)", "HEED_CACHE": (text as NSString).deletingLastPathComponent + "/cache",
    ]) { $1 }
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, errors)
    return (process, errors)
  }

  /// Runs it to its end.
  @discardableResult
  func run() throws -> (status: Int32, errors: String) {
    let (process, errors) = try process()
    try process.run()
    return Self.finished(process, errors)
  }

  /// Runs it under a shell's `limits`.
  func run(limits: String) throws -> (status: Int32, errors: String) {
    let (process, errors) = try process()
    process.arguments = ["-c", "\(limits); exec \"$0\" \"$@\"", try executable.path] + (process.arguments ?? [])
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    try process.run()
    return Self.finished(process, errors)
  }

  static func finished(_ process: Process, _ errors: Pipe) -> (status: Int32, errors: String) {
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  /// The steps that the metrics have so far.
  var stepCount: Int { ((try? metrics(folder)) ?? []).filter { $0.contains("\"loss\"") }.count }

  /// The bytes of a file of the run.
  func contents(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)) }

  /// That a run ended with the files of `other`.
  func expectSame(as other: Program, _ location: Testing.SourceLocation = #_sourceLocation) throws {
    let last = "checkpoint-" + String(repeating: "0", count: 8 - "\(steps)".count) + "\(steps).safetensors"
    #expect(try contents(last) == other.contents(last), sourceLocation: location)
    #expect(try contents("best.safetensors") == other.contents("best.safetensors"), sourceLocation: location)
    #expect(try metrics(folder) == metrics(other.folder), sourceLocation: location)
    #expect(try files(folder) == files(other.folder), sourceLocation: location)
  }
}
