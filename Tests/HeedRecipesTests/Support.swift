import Foundation
import Heed

/// Calls `body` with the path of a new empty folder, which is removed afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = try newFolder()
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}

/// The same for what waits.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
  let folder = try newFolder()
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try await body(folder)
}

private func newFolder() throws -> String {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("heed-" + UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  return folder.path
}

/// An encoder of random weights, 16 wide, whose words are `a0` to `a9` and `b0` to `b9`, with the pooler and the positions that published files have.
func writeSmallModel(to folder: String) throws {
  try FileManager.default.createDirectory(atPath: folder + "/1_Pooling", withIntermediateDirectories: true)
  let configuration = """
    {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 25,
     "max_position_embeddings": 16, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
    """
  let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + (0..<10).flatMap { ["a\($0)", "b\($0)"] }
  try FileBytes.write(configuration, to: folder + "/config.json")
  try FileBytes.write(words.joined(separator: "\n") + "\n", to: folder + "/vocab.txt")
  try FileBytes.write("{\"pooling_mode_mean_tokens\": true}", to: folder + "/1_Pooling/config.json")
  let graph = try Encoder(EncoderConfiguration(file: folder + "/config.json")).embeddingGraph()
  var initializers = Initializers()
  initializers["*"] = .normal(deviation: 0.3)
  initializers["*LayerNorm.weight"] = .ones
  var arrays = try initializers.arrays(for: graph, seed: 5)
  arrays["pooler.dense.bias"] = NDArray.random([16], seed: 1)
  arrays["embeddings.position_ids"] = try NDArray((0..<16).map { Int64($0) }, [1, 16])
  try SafetensorsFile.write(
    arrays.map { ($0.key, $0.value) }, metadata: ["format": "pt"], to: folder + "/model.safetensors")
}

/// Two files of pairs: `a3 a7` belongs to `b3 b7`. Held out are pairs of words that stand in others.
func writePairs(to folder: String) throws {
  var (training, heldOut): ([String], [String]) = ([], [])
  for i in 0..<10 {
    for j in 0..<10 where i != j {
      let line = "{\"plain\": \"a\(i) a\(j)\", \"other\": \"b\(i) b\(j)\"}"
      if (i * 3 + j) % 5 == 0 { heldOut.append(line) } else { training.append(line) }
    }
  }
  try FileBytes.write(training.joined(separator: "\n") + "\n", to: folder + "/training.jsonl")
  try FileBytes.write(heldOut.joined(separator: "\n") + "\n", to: folder + "/held-out.jsonl")
}

/// The bytes of an array.
func bytes(_ array: NDArray) -> [UInt8] {
  let array = array.contiguous()
  return withExtendedLifetime(array.storage) { Array(array.bytes) }
}
