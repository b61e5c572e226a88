import Foundation
import HeedArrays
import HeedIR
import HeedModels
import HeedSystem
import Testing

/// Model folders written with other weights.
@Suite struct ModelWritingTests {
  /// A folder with small files and two weights, and what `body` makes of it.
  private func withModel(_ body: (_ model: ModelDirectory, _ folder: String) throws -> Void) throws {
    let files = [
      "vocab.txt": "[PAD]\n", "tokenizer.json": "{}", "modules.json": "[]",
      "1_Pooling/config.json": "{\"pooling_mode_mean_tokens\": true}",
      "pytorch_model.bin": "old weights", "model.safetensors.index.json": "{}", "onnx/config.json": "{}", "README.md": "# model",
    ]
    try ModelDirectoryTests.open(files) { model in
      try SafetensorsFile.write(
        [("b", NDArray([1, 2] as [Float], [2])), ("a", NDArray([7] as [Int64], [1]))], metadata: ["format": "pt"],
        to: model.path + "/model.safetensors")
      try body(model, model.path + "/new/place")
    }
  }

  @Test func smallFilesComeAlong() throws {
    try withModel { model, folder in
      try model.write(weights: ["b": NDArray([3, 4] as [Float], [2])], to: folder)
      let names = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
      // Neither weights in other formats, which would be the old ones, nor what is said of the old model.
      #expect(
        names == [
          "1_Pooling", "1_Pooling/config.json", "config.json", "model.safetensors", "modules.json", "tokenizer.json", "vocab.txt",
        ])
      let file = try SafetensorsFile(path: folder + "/model.safetensors")
      #expect(file.metadata == ["format": "pt"] && Set(file.names) == ["a", "b"])
      #expect(try file.array("b").floats() == [3, 4] && file.array("a").ints() == [7])
      // Again, over what is there.
      try model.write(weights: [:], to: folder)
      #expect(try SafetensorsFile(path: folder + "/model.safetensors").array("b").floats() == [1, 2])
    }
  }

  @Test func mistakes() throws {
    try withModel { model, folder in
      #expect(
        message { try model.write(weights: [:], to: model.path + "/new/..") }.contains("expected another folder than its own"))
      #expect(
        message { try model.write(weights: ["c": .ones([2])], to: folder) }
          == "got the weight 'c', expected a tensor of \(model.path)/model.safetensors")
      #expect(
        message { try model.write(weights: ["b": .ones([3])], to: folder) }.hasPrefix("weight 'b': got f32[3], expected F32[2]"))
      #expect(!FileManager.default.fileExists(atPath: folder))
      try FileBytes.write("a file", to: model.path + "/new")
      #expect(message { try model.write(weights: [:], to: folder) }.hasPrefix("cannot make the folder \(folder)"))
    }
  }
}
