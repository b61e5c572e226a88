import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// The gradients of all weights of a small sentence encoder: compiled against the interpreter's, and an empty sentence among others.
@Suite struct EncoderGradientTests {
  private static func graph(_ activation: String) throws -> Graph {
    let text = """
      {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40, "vocab_size": 9,
       "max_position_embeddings": 12, "type_vocab_size": 2, "layer_norm_eps": 1e-5, "hidden_act": "\(activation)"}
      """
    return try Encoder(EncoderConfiguration(JSON(parsing: text.utf8))).gradientGraph()
  }

  /// Sentences of these lengths; words occur several times, and one of the vocabulary never.
  private static func inputs(_ graph: Graph, _ lengths: [Int]) throws -> [Name: ReferenceArray] {
    let offsets = lengths.reduce(into: [0]) { $0.append($0.last! + $1) }
    let ids = (0..<offsets.last!).map { Int64($0 * 5 % 7) }
    let given = [
      Name("ids"): ReferenceArray(.i32, [ids.count], integers: ids),
      Name("offsets"): ReferenceArray(.i32, [offsets.count], integers: offsets.map { Int64($0) }),
    ]
    // Weights of size 2 would make scores so large, and softmaxes so sharp, that f32 loses digits.
    return try randomInputs(graph, ["T": ids.count, "B": lengths.count], seed: UInt64(ids.count), given: given).mapValues { array in
      guard array.element.isFloat else { return array }
      return ReferenceArray(array.element, array.shape, reals: array.reals.map { $0 / 4 })
    }
  }

  @Test(arguments: ["gelu", "relu"]) func gradientsAgree(_ activation: String) throws {
    let single = try Self.graph(activation)
    for graph in [single, try single.inDoublePrecision()] {
      let batches = try [[5, 1, 12], [3], [4, 0, 2, 7]].map { try Self.inputs(graph, $0) }
      try expectAgreement(graph, batches, .loose)
    }
  }

  /// The same bits for any number of threads.
  @Test func threads() throws {
    let graph = try Self.graph("gelu")
    try expectSameBits(graph, [Self.inputs(graph, [12, 3, 9, 11])])
  }
}
