import Foundation
import HeedArrays
import HeedDSL
import HeedIR
import HeedInterpreter
import HeedModels
import HeedTestSupport
import Testing

@Suite struct EncoderTests {
  /// An encoder small enough to read: one layer, two heads of two features.
  static func tiny() throws -> EncoderConfiguration {
    let text = """
      {"model_type": "bert", "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 10,
       "max_position_embeddings": 16, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
      """
    return try EncoderConfiguration(JSON(parsing: text.utf8))
  }

  @Test func text() throws {
    let graph = Encoder(try Self.tiny(), parameterPrefix: "bert.").embeddingGraph()
    try graph.verify()
    #expect(try Graph.parse(graph.text, file: "encoder").map(\.text) == [graph.text])
    let golden = TestFiles.resource("encoder/tiny.heed")
    if ProcessInfo.processInfo.environment["BLESS"] == "1" {
      try (graph.text + "\n").write(toFile: golden, atomically: true, encoding: .utf8)
    }
    #expect(try graph.text + "\n" == String(contentsOfFile: golden, encoding: .utf8))
  }

  /// A sentence's embedding does not depend on its neighbours, and an empty sentence gives zeros.
  @Test func sentencesAreIndependent() throws {
    let graph = Encoder(try Self.tiny()).embeddingGraph()
    var generator = SeededGenerator(seed: 7)
    var inputs: [Name: ReferenceArray] = [:]
    for argument in graph.arguments where argument.role == .parameter {
      let shape = graph.type(argument.value).shape.extents.map { $0.constant! }
      inputs[graph.name(argument.value)] = ReferenceArray(
        .f32, shape, reals: (0..<shape.reduce(1, *)).map { _ in Double.random(in: -1...1, using: &generator) })
    }
    func embed(_ sentences: [[Int64]]) throws -> [[Double]] {
      try EncoderRun.evaluate(graph, sentences, inputs)[0].reals.chunked(4)
    }
    let sentences: [[Int64]] = [[1, 2, 3], [4], [], [5, 6, 7, 8, 9]]
    let together = try embed(sentences)
    #expect(try together == sentences.flatMap { try embed([$0]) })
    #expect(together[2] == [0, 0, 0, 0])
    for (position, row) in together.enumerated() where position != 2 {
      // The numbers are f32.
      #expect(abs(row.reduce(0) { $0 + $1 * $1 } - 1) < 1e-6)
    }
    #expect(together[0] != together[3])
  }

  @Test func namesMatchTheWeightFile() throws {
    let graph = Encoder(try Self.tiny()).stateGraph()
    let names = graph.arguments.filter { $0.role == .parameter }.map { graph.name($0.value).text }
    #expect(
      names.sorted() == [
        "embeddings.LayerNorm.bias", "embeddings.LayerNorm.weight", "embeddings.position_embeddings.weight",
        "embeddings.token_type_embeddings.weight", "embeddings.word_embeddings.weight",
        "encoder.layer.0.attention.output.LayerNorm.bias", "encoder.layer.0.attention.output.LayerNorm.weight",
        "encoder.layer.0.attention.output.dense.bias", "encoder.layer.0.attention.output.dense.weight",
        "encoder.layer.0.attention.self.key.bias", "encoder.layer.0.attention.self.key.weight",
        "encoder.layer.0.attention.self.query.bias", "encoder.layer.0.attention.self.query.weight",
        "encoder.layer.0.attention.self.value.bias", "encoder.layer.0.attention.self.value.weight",
        "encoder.layer.0.intermediate.dense.bias", "encoder.layer.0.intermediate.dense.weight",
        "encoder.layer.0.output.LayerNorm.bias", "encoder.layer.0.output.LayerNorm.weight", "encoder.layer.0.output.dense.bias",
        "encoder.layer.0.output.dense.weight",
      ])
  }

  @Test func weightFilesAreMatchedOrRefused() throws {
    let encoder = Encoder(try Self.tiny(), parameterPrefix: "bert.")
    let graph = encoder.stateGraph()
    var arrays: [(String, NDArray)] = []
    for argument in graph.arguments where argument.role == .parameter {
      let shape = graph.type(argument.value).shape.extents.map { $0.constant! }
      arrays.append((graph.name(argument.value).text, try NDArray(zeros: .f32, shape)))
    }
    try withTemporaryFolder { folder in
      func file(_ name: String, _ arrays: [(String, NDArray)]) throws -> SafetensorsFile {
        try SafetensorsFile.write(arrays.map { (name: $0.0, array: $0.1) }, to: "\(folder)/\(name)")
        return try SafetensorsFile(path: "\(folder)/\(name)")
      }
      let whole = try file("whole.safetensors", arrays)
      #expect(try Encoder(encoder.configuration, weights: whole) == encoder)
      #expect(try Encoder.parameters(of: graph, from: whole).count == arrays.count)

      let bare = try file("bare.safetensors", arrays.map { (String($0.0.dropFirst("bert.".count)), $0.1) })
      #expect(try Encoder(encoder.configuration, weights: bare).parameterPrefix == "")

      let other = try file("other.safetensors", [("weight", try NDArray(zeros: .f32, [2]))])
      #expect(
        message { try Encoder(encoder.configuration, weights: other) }
          == "reading \(folder)/other.safetensors: got no tensor embeddings.word_embeddings.weight, with or without bert. before it"
      )

      arrays[arrays.count - 1].1 = try NDArray(zeros: .f32, [3])
      let wrong = try file("wrong.safetensors", arrays)
      #expect(
        message { try Encoder.parameters(of: graph, from: wrong) }
          == "reading \(folder)/wrong.safetensors: tensor \(arrays.last!.0): got f32[3], expected f32[4]")
    }
  }
}

/// The pretrained model in the interpreter, against what PyTorch computed from it.
@Suite(.enabled(if: TestModel.isThere, TestModel.skipMessage)) struct PretrainedEncoderTests {
  /// The token ids of the reference's sentences.
  static func sentences() throws -> [[Int64]] {
    let lines = try String(contentsOfFile: TestFiles.resource("minilm/sentences.jsonl"), encoding: .utf8).split(separator: "\n")
    return try lines.map { line in try JSON(parsing: line.utf8).member("ids").map { Int64($0) } }
  }

  @Test func embeddings() throws {
    let expected = ReferenceArray(try NumPyFile.read(TestFiles.resource("minilm/embeddings.npy"))).reals.chunked(384)
    let all = try Self.sentences()
    #expect(all.count == expected.count)
    let chosen = ProcessInfo.processInfo.environment["HEED_TEST_ALL"] == nil ? [0, 2, 5] : Array(all.indices)
    let model = try ModelDirectory(path: TestModel.path)
    let weights = try model.weights()
    let graph = try Encoder(model.configuration, weights: weights).embeddingGraph()
    let parameters = try EncoderRun.parameters(of: graph, from: weights)
    let got = try EncoderRun.evaluate(graph, chosen.map { all[$0] }, parameters)[0].reals.chunked(384)
    for (row, sentence) in zip(got, chosen) {
      let difference = zip(row, expected[sentence]).map { abs($0 - $1) }.max()!
      #expect(difference < 1e-6, "sentence \(sentence)")
    }
  }

  @Test func attention() throws {
    let expected = ReferenceArray(try NumPyFile.read(TestFiles.resource("minilm/attention.npy")))
    let first = try Self.sentences()[0]
    let model = try ModelDirectory(path: TestModel.path)
    let weights = try model.weights()
    let graph = try Encoder(model.configuration, weights: weights).attentionGraph()
    let parameters = try EncoderRun.parameters(of: graph, from: weights)
    let got = try EncoderRun.evaluate(graph, [first], parameters)
    #expect(expected.shape == [got.count] + got[0].shape)
    let difference = zip(got.flatMap(\.reals), expected.reals).map { abs($0 - $1) }.max()!
    #expect(difference < 1e-6)
  }
}

enum EncoderRun {
  /// The weights that the graph's parameters name, as the interpreter has them.
  static func parameters(of graph: Graph, from weights: SafetensorsFile) throws -> [Name: ReferenceArray] {
    let arrays = try Encoder.parameters(of: graph, from: weights)
    return Dictionary(uniqueKeysWithValues: arrays.map { (Name($0.key), ReferenceArray($0.value)) })
  }

  /// The graph's results on sentences in one ragged batch.
  static func evaluate(_ graph: Graph, _ sentences: [[Int64]], _ parameters: [Name: ReferenceArray]) throws -> [ReferenceArray] {
    var inputs = parameters
    let ids = sentences.flatMap { $0 }
    let offsets = sentences.reduce(into: [Int64(0)]) { $0.append($0.last! + Int64($1.count)) }
    inputs["ids"] = ReferenceArray(.i32, [ids.count], integers: ids)
    inputs["offsets"] = ReferenceArray(.i32, [offsets.count], integers: offsets)
    let used = Set(graph.arguments.map { graph.name($0.value) })
    return try GraphInterpreter.evaluate(graph, inputs: inputs.filter { used.contains($0.key) }).map(\.array)
  }
}

extension Array {
  func chunked(_ count: Int) -> [[Element]] { stride(from: 0, to: self.count, by: count).map { Array(self[$0..<$0 + count]) } }
}

extension JSON {
  /// The integers of the list under a key.
  fileprivate func member(_ key: String) throws -> [Int] { try #require(self[key]?.array).map { try #require($0.integer) } }
}
