internal import HeedArrays
internal import HeedIR
internal import HeedModels
internal import HeedSystem

/// Calls `body` with a folder that holds an encoder of random weights, 32 wide: for what does not depend on a model's size.
public func withSmallModel<Result>(_ body: (_ folder: String) throws -> Result) throws -> Result {
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
      let shape = try graph.type(parameter.value).shape.evaluate { _ in nil }
      let numbers = (0..<shape.reduce(1, *)).map { Float(($0 &* 7919 &+ 31 * seed) % 997) / 498 - 1 }
      return (graph.name(parameter.value).text, try NDArray(numbers, shape))
    }
    try SafetensorsFile.write(weights, to: folder + "/model.safetensors")
    return try body(folder)
  }
}
