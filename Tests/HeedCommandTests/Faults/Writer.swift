import Foundation
import Heed
import HeedTestSupport
import Testing

/// A command that writes files, for tests that let it fail on the way.
struct Writer: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// What a shell does in the folder of the files below; `$heed` is the command.
  let script: String
  /// The files that it writes.
  let files: [String]
  /// Whether a failure is a warning, and the work is done without the file.
  var isOptional = false
  /// Which of its calls fail in the suite: each, or every fourth of one that makes many.
  var step = 1

  static let all = [
    Writer("array", "$heed run double.heed --input x=x.npy --output y=out.npy", ["out.npy"]),
    Writer(
      "two arrays", "$heed run double.heed --input x=x.npy --output y=out.npy --output z=out.safetensors",
      ["out.npy", "out.safetensors"]),
    Writer("states", "$heed run count.heed --input x=x.npy --input n=x.npy --save-state state.safetensors", ["state.safetensors"]),
    Writer("trace", "$heed run double.heed --input x=x.npy --trace trace.json", ["trace.json"], step: 2),
    Writer("picture", "$heed explain causal.heed --tiles map.svg --size B=1 --size S=64", ["map.svg"], step: 2),
    Writer("roofline", "$heed bench gemm --m 8 --n 8 --k 8 --seconds 0 --roofline roof.svg", ["roof.svg"], step: 2),
    Writer(
      "tuned tiles", "HEED_CACHE=tiles $heed tune gemm --m 8 --n 8 --k 8 --epilogue bias --seconds 0", ["tiles/tuned-tiles"],
      step: 2),
    Writer("object cache", "HEED_CACHE=objects $heed run double.heed --input x=x.npy", [], isOptional: true),
    Writer(
      "trained model", "$heed train recipe.yaml --output model $(ls model.run/checkpoint-* >/dev/null 2>&1 && echo --resume)",
      ["model/model.safetensors", "model/config.json"], step: 9),
    Writer("vectors", "$heed embed --model . --json --input texts.jsonl", []),
  ]

  init(_ name: String, _ script: String, _ files: [String], isOptional: Bool = false, step: Int = 1) {
    (testDescription, self.script, self.files, self.isOptional, self.step) = (name, script, files, isOptional, step)
  }

  /// Calls `body` with a folder that has what the commands read, and compiled kernels beside it.
  static func withFolder(_ body: (_ folder: String) throws -> Void) throws {
    try withSmallModel { folder in
      try causal.write(toFile: folder + "/causal.heed", atomically: true, encoding: .utf8)
      let double = "graph @double(%x: f32[S]) {\n  %y = add %x, %x : f32[S]\n  %z = multiply %x, %y : f32[S]\n  return %y, %z\n}\n"
      try double.write(toFile: folder + "/double.heed", atomically: true, encoding: .utf8)
      let count = "graph @count(%x: f32[S], state %n: f32[S]) {\n  %m = add %n, %x : f32[S]\n  update %n = %m\n  return %m\n}\n"
      try count.write(toFile: folder + "/count.heed", atomically: true, encoding: .utf8)
      try NumPyFile.write(noise([1000], 1), to: folder + "/x.npy")
      try FileBytes.write("{\"text\": \"a b\"}\n{\"text\": \"c\"}\n", to: folder + "/texts.jsonl")
      let words = ["a", "b", "c", "d"]
      let pairs = words.flatMap { x in words.map { y in "{\"q\": \"\(x) \(y)\", \"r\": \"\(y) \(x) \(x)\"}\n" } }.joined()
      try FileBytes.write(pairs, to: folder + "/pairs.jsonl")
      let recipe = """
        model: .
        data: {training: pairs.jsonl, held_out: 0.25, first: q, second: r}
        optimizer: AdamW
        learning_rate: 1e-2
        batch: 4
        steps: 2
        checkpoints: {every: 1}
        output: out
        """
      try FileBytes.write(recipe, to: folder + "/recipe.yaml")
      try body(folder)
    }
  }

  /// What the files hold; nil for each that is not there.
  func contents(_ folder: String) -> [[UInt8]?] { files.map { try? FileBytes.read("\(folder)/\($0)") } }

  /// Files that processes were writing.
  static func parts(_ folder: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return names.filter { name in
      let last = (name as NSString).lastPathComponent
      return last.hasPrefix(".heed-") || last.hasPrefix(".new-")
    }
  }

  /// Runs the script. The shell has no fault: only the command preloads the library.
  func run(_ folder: String, _ environment: [String: String] = [:]) throws -> CommandResult {
    let assignments = "env " + environment.map { "\($0)='\($1)'" }.joined(separator: " ")
    let script = script.replacing("$heed", with: "\(assignments) $heed")
    return try shell("cd \(folder); \(script)", environment: ["HEED_CACHE": folder + "/.cache"])
  }
}
