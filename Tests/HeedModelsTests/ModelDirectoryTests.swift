import Foundation
import HeedIR
import HeedModels
import HeedTestSupport
import Testing

@Suite struct ModelDirectoryTests {
  static let valid = """
    {"model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
    "hidden_act": "gelu", "layer_norm_eps": 1e-12, "vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2,
    "position_embedding_type": "absolute", "use_cache": true}
    """

  static func configuration(replacing old: String = "", _ new: String = "") throws -> EncoderConfiguration {
    precondition(old.isEmpty || valid.contains(old))
    return try EncoderConfiguration(JSON(parsing: valid.replacingOccurrences(of: old, with: new).utf8))
  }

  @Test func readsAConfiguration() throws {
    let configuration = try Self.configuration()
    #expect(configuration.hiddenSize == 384 && configuration.layerCount == 6 && configuration.headCount == 12)
    #expect(configuration.headSize == 32 && configuration.intermediateSize == 1536 && configuration.activation == .gelu)
    #expect(configuration.layerNormEpsilon == 1e-12 && configuration.vocabularySize == 30522)
    #expect(configuration.maximumPositions == 512 && configuration.tokenTypeCount == 2)
    #expect(try Self.configuration(replacing: "\"gelu\"", "\"gelu_new\"").activation == .geluTanh)
  }

  @Test(arguments: [
    ("\"bert\"", "\"roberta\"", "model_type: got \"roberta\", expected \"bert\""),
    ("\"model_type\"", "\"x\"", "got no model_type, expected a string"),
    ("\"bert\"", "1", "model_type: got a number, expected a string"),
    ("384", "0", "hidden_size: got \"0\", expected an integer from 1 to 1048576"),
    ("384", "384.5", "hidden_size: got \"384.5\", expected an integer from 1 to 1048576"),
    ("384", "-384", "hidden_size: got \"-384\", expected an integer from 1 to 1048576"),
    ("384", "\"384\"", "hidden_size: got a string, expected an integer from 1 to 1048576"),
    ("384", "385", "got hidden_size 385, expected a multiple of num_attention_heads, 12"),
    ("\"vocab_size\"", "\"x\"", "got no vocab_size, expected an integer from 1 to 16777216"),
    ("1e-12", "0", "layer_norm_eps: got \"0\", expected a number between 0 and 1"),
    ("1e-12", "-1e-5", "layer_norm_eps: got \"-1e-5\", expected a number between 0 and 1"),
    ("1e-12", "1e999", "layer_norm_eps: got \"1e999\", expected a number between 0 and 1"),
    ("\"layer_norm_eps\"", "\"x\"", "got no layer_norm_eps, expected a number above 0"),
    (
      "\"gelu\"", "\"mish\"", "hidden_act: got \"mish\", expected gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, silu or swish"
    ),
    ("\"absolute\"", "\"relative_key\"", "position_embedding_type: got \"relative_key\", expected \"absolute\""),
    ("\"use_cache\"", "\"is_decoder\"", "is_decoder: got true, expected an encoder"),
  ])
  func rejectsAConfiguration(old: String, new: String, expected: String) {
    #expect(message { try Self.configuration(replacing: old, new) } == expected)
  }

  /// A folder with these files beside a valid configuration.
  static func open(_ files: [String: String], _ body: (ModelDirectory) throws -> Void) throws {
    try withTemporaryFolder { folder in
      for (name, text) in files.merging(["config.json": valid], uniquingKeysWith: { old, _ in old }) {
        let file = URL(fileURLWithPath: folder + "/" + name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
      try body(ModelDirectory(path: folder))
    }
  }

  @Test func readsTheLimitOnTokens() throws {
    try Self.open([:]) { #expect($0.maximumTokens == 256) }
    try Self.open(["sentence_bert_config.json": "{\"max_seq_length\": 128}"]) { #expect($0.maximumTokens == 128) }
    try Self.open(["sentence_bert_config.json": "{\"max_seq_length\": 9999}"]) { #expect($0.maximumTokens == 512) }
    #expect(
      message { try Self.open(["sentence_bert_config.json": "{\"max_seq_length\": 1}"]) { _ in } }
        .hasSuffix("max_seq_length: got no integer of at least 2"))
  }

  @Test func poolsByTheMeanAlone() throws {
    let mean = "{\"pooling_mode_cls_token\": false, \"pooling_mode_mean_tokens\": true}"
    try Self.open(["1_Pooling/config.json": mean]) { _ in }
    let first = "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false}"
    #expect(
      message { try Self.open(["1_Pooling/config.json": first]) { _ in } }
        .hasSuffix("1_Pooling/config.json: pooling_mode_cls_token: got true, expected pooling by the mean alone"))
  }

  @Test func namesTheMissingFile() throws {
    #expect(message { try ModelDirectory(path: "/nowhere") } == "opening /nowhere/config.json: No such file or directory")
    try Self.open([:]) { model in
      #expect(message { try model.weights() } == "opening \(model.path)/model.safetensors: No such file or directory")
      #expect(message { try model.tokenizer() } == "opening \(model.path)/vocab.txt: No such file or directory")
    }
    #expect(message { try Self.open(["config.json": "{"]) { _ in } }.hasPrefix("reading "))
  }

  @Test func theVocabularyFitsTheEmbedding() throws {
    let configuration = Self.valid.replacingOccurrences(of: "30522", with: "2")
    try Self.open(["config.json": configuration, "vocab.txt": "[UNK]\n[CLS]\n[SEP]\n"]) { model in
      #expect(message { try model.tokenizer() }.hasSuffix("vocab.txt: got 3 words, expected at most vocab_size, 2"))
    }
  }

  @Test(.enabled(if: TestModel.isThere, TestModel.skipMessage)) func opensThePretrainedModel() throws {
    let model = try ModelDirectory(path: TestModel.path)
    #expect(model.configuration.hiddenSize == 384 && model.maximumTokens == 256)
    let weights = try model.weights()
    #expect(weights.entries.allSatisfy { $0.element == .f32 || $0.element == .i64 })
    let embedding = try weights.array("embeddings.word_embeddings.weight")
    #expect(embedding.shape == [30522, 384] && embedding.element == .f32)
    #expect(embedding.values(as: Float.self).allSatisfy { $0.isFinite })
  }
}
