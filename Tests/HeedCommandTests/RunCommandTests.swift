import Foundation
import Heed
import HeedTestSupport
import Testing

/// `heed run` and `heed embed`.
@Suite struct RunCommandTests {
  /// A folder with q, k and v as files, and the arguments that name them.
  private func withInputs(_ body: (_ folder: String, _ inputs: [String]) throws -> Void) throws {
    try withTemporaryFolder { folder in
      for (seed, name) in ["q", "k", "v"].enumerated() {
        try NumPyFile.write(noise([2, 2, 37, 16], seed), to: "\(folder)/\(name).npy")
      }
      try causal.write(toFile: folder + "/causal.heed", atomically: true, encoding: .utf8)
      try body(folder, ["q", "k", "v"].map { "--input=\($0)=\(folder)/\($0).npy" })
    }
  }

  @Test func compiledAgreesWithInterpreted() throws {
    try withInputs { folder, inputs in
      let file = folder + "/causal.heed"
      let compiled = try heed(
        "run", file, inputs[0], inputs[1], inputs[2], "--output", "out=\(folder)/compiled.npy", "--threads", "3")
      #expect(compiled.status == 0, "\(compiled.errors)")
      let flags = ["--output=out=\(folder)/reference.safetensors", "--interpret"]
      #expect(try heed("run", file, inputs[0], inputs[1], inputs[2], flags[0], flags[1]).status == 0)
      let got = try NumPyFile.read(folder + "/compiled.npy")
      let expected = try ArrayFile.read(folder + "/reference.safetensors", name: "out")
      #expect(got.shape == [2, 2, 37, 16] && expected.shape == got.shape)
      #expect(zip(got.values(as: Float.self), expected.values(as: Float.self)).map { abs($0 - $1) }.max()! < 1e-6)
      #expect(try heed("run", file, inputs[0], inputs[1], inputs[2]).output == "out: f32[2, 2, 37, 16]\n")
    }
  }

  @Test func mistakes() throws {
    try withInputs { folder, inputs in
      let file = folder + "/causal.heed"
      expectFailure(try heed("run", file, inputs[0], inputs[1]), "got no input 'v', expected one of type f32[B, 2, S, 16]")
      expectFailure(try heed("run", file, "--input=w=\(folder)/q.npy"), "got an unknown input 'w', expected one of q, k, v")
      expectFailure(try heed("run", file, inputs[0], inputs[0]), "got the input 'q' twice")
      expectFailure(
        try heed("run", file, inputs[0], inputs[1], inputs[2], "--output=o=\(folder)/o.npy"),
        "got the output 'o', expected one of out")
      try NumPyFile.write(noise([2, 2, 36, 16], 0), to: folder + "/short.npy")
      expectFailure(
        try heed("run", file, inputs[0], inputs[1], "--input=v=\(folder)/short.npy"), "%v: got extent 36 in dimension 2")
      let whole = try Data(contentsOf: URL(fileURLWithPath: folder + "/v.npy"))
      try whole.dropLast(5).write(to: URL(fileURLWithPath: folder + "/cut.npy"))
      expectFailure(try heed("run", file, inputs[0], inputs[1], "--input=v=\(folder)/cut.npy"), "cut.npy")
    }
  }

  @Test func hostileLines() throws {
    try withTemporaryFolder { folder in
      for (line, message) in [
        ("", "error: "), ("{", "error: "), ("[1]", "got an array"), ("{\"txt\": \"a\"}", "without \"text\""),
        ("{\"text\": 3}", "got a number as \"text\""), (#"{"text": "\ud800"}"#, "error: "),
      ] {
        let result = try heed("embed", "--model", folder, input: "{\"text\": \"fine\"}\n\(line)\n{\"text\": \"fine\"}\n")
        expectFailure(result, message)
        #expect(result.errors.hasPrefix("<stdin>:2: error: "), "\(result.errors)")
      }
      expectFailure(try heed("embed", "--model", folder, input: "{\"text\": \"fine\"}"), "config.json")
    }
  }
}
