import Foundation
import Heed
import Testing

/// What a run of the command gave.
struct CommandResult {
  let status: Int32
  let output: String
  let errors: String
}

/// Runs the command `heed` of this build, with an object cache of its own.
func heed(_ arguments: String..., input: String = "") throws -> CommandResult { try heed(arguments, input: input) }

func heed(_ arguments: [String], input: String = "", environment: [String: String] = [:]) throws -> CommandResult {
  try run(heedProcess(arguments, environment: environment), input: input)
}

/// The command with these arguments, not yet started.
func heedProcess(_ arguments: [String], environment: [String: String] = [:]) throws -> Process {
  let process = Process()
  process.executableURL = try heedExecutable()
  process.arguments = arguments
  process.environment = ProcessInfo.processInfo.environment.merging(["HEED_CACHE": "off", "HEED_THREADS": "2"]) { $1 }
    .merging(environment) { $1 }
  return process
}

/// Runs `script` in a shell, in which `$heed` is the command.
func shell(_ script: String, environment: [String: String] = [:]) throws -> CommandResult {
  let process = try heedProcess(["-c", script], environment: environment.merging(["heed": heedExecutable().path]) { $1 })
  process.executableURL = URL(fileURLWithPath: "/bin/bash")
  return try run(process)
}

/// The command of this build.
func heedExecutable() throws -> URL {
  let tests = URL(fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
  return tests.deletingLastPathComponent().appendingPathComponent("heed")
}

private func run(_ process: Process, input: String = "") throws -> CommandResult {
  let (standardInput, output, errors) = (Pipe(), Pipe(), Pipe())
  (process.standardInput, process.standardOutput, process.standardError) = (standardInput, output, errors)
  try process.run()
  standardInput.fileHandleForWriting.write(Data(input.utf8))
  try standardInput.fileHandleForWriting.close()
  // Read while it runs, so that no pipe fills up.
  let group = DispatchGroup()
  let errorText = Lock("")
  DispatchQueue.global().async(group: group) {
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    errorText.withLock { $0 = text }
  }
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  group.wait()
  process.waitUntilExit()
  return CommandResult(status: process.terminationStatus, output: text, errors: errorText.withLock { $0 })
}

/// Fails unless the command says `message` in its one line and exits with 1.
func expectFailure(_ result: CommandResult, _ message: String, _ location: Testing.SourceLocation = #_sourceLocation) {
  #expect(result.status == 1, sourceLocation: location)
  #expect(
    result.errors.hasSuffix("\n") && result.errors.split(separator: "\n").count == 1, "\(result.errors)", sourceLocation: location)
  #expect(result.errors.contains("error: ") && result.errors.contains(message), "\(result.errors)", sourceLocation: location)
}

/// Numbers from -1 to 1 that look random, the same at each run.
func noise(_ shape: [Int], _ seed: Int) throws -> NDArray {
  try NDArray((0..<shape.reduce(1, *)).map { Float(($0 &* 7919 &+ seed) % 997) / 498 - 1 }, shape)
}

let causal = """
  graph @causal(%q: f32[B, 2, S, 16], %k: f32[B, 2, S, 16], %v: f32[B, 2, S, 16]) {
    %scores = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, S, S]
    %scaled = multiply %scores, 0.25 : f32[B, 2, S, S]
    %i = iota {dim = 2} : i32[B, 2, S, S]
    %j = iota {dim = 3} : i32[B, 2, S, S]
    %live = less_equal %j, %i : bool[B, 2, S, S]
    %masked = select %live, %scaled, -inf : f32[B, 2, S, S]
    %probs = softmax %masked {dim = 3} : f32[B, 2, S, S]
    %out = contract %probs, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, S, 16]
    return %out
  }
  """

/// The pretrained model: the folder `HEED_MODEL`, or else what `scripts/fetch-model.sh` made; nil where there is none.
let modelFolder: String? = {
  if let named = ProcessInfo.processInfo.environment["HEED_MODEL"], !named.isEmpty { return named }
  let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { folder, _ in folder.deletingLastPathComponent() }
  let path = root.path + "/.cache/all-MiniLM-L6-v2"
  return FileManager.default.fileExists(atPath: path + "/vocab.txt") ? path : nil
}()
