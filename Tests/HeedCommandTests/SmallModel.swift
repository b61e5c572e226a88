import Foundation
import Heed
import HeedTestSupport

/// Calls `body` with a folder that holds an encoder of random weights, 32 wide: for what does not depend on a model's size.
func withSmallModel<Result>(_ body: (_ folder: String) throws -> Result) throws -> Result {
  try withTemporaryFolder { folder in
    let configuration = """
      {"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 9,
       "max_position_embeddings": 16, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
      """
    try FileBytes.write(configuration, to: folder + "/config.json")
    try FileBytes.write("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n", to: folder + "/vocab.txt")
    let graph = try Encoder(EncoderConfiguration(file: folder + "/config.json")).embeddingGraph()
    let parameters = graph.arguments.filter { $0.role == .parameter }
    let weights = try parameters.enumerated().map { seed, parameter in
      let type = graph.type(parameter.value)
      return (graph.name(parameter.value).text, try noise(type.shape.evaluate { _ in nil }, 31 * seed))
    }
    try SafetensorsFile.write(weights, to: folder + "/model.safetensors")
    return try body(folder)
  }
}
