import Foundation
import Heed
import Testing

/// The loss of pairs of sentences against its formula, from the vectors that the encoder returns.
@Suite struct ContrastTests {
  private func withEncoder<Result>(_ body: (_ encoder: Encoder, _ file: SafetensorsFile) throws -> Result) throws -> Result {
    try withFolder { folder in
      try writeSmallModel(to: folder)
      let file = try SafetensorsFile(path: folder + "/model.safetensors")
      return try body(Encoder(ModelDirectory(path: folder).configuration, weights: file), file)
    }
  }

  /// Sentences of 1 to 7 tokens.
  private static func sentences(_ count: Int, _ seed: Int) -> [[Int32]] {
    (0..<count).map { i in (0..<1 + (i * 5 + seed) % 7).map { Int32(5 + ($0 * 3 + i * 7 + seed) % 20) } }
  }

  @Test(arguments: [1, 2, 9], [true, false])
  func lossIsTheFormulas(_ count: Int, _ isSymmetric: Bool) throws {
    try withEncoder { encoder, file in
      let (first, second) = (Self.sentences(count, 1), Self.sentences(count, 4))
      let (graph, _) = try encoder.contrastGraph(Encoder.Contrast(temperature: 0.1, isSymmetric: isSymmetric))
      let program = try graph.compile().load(parameters: Encoder.parameters(of: graph, from: file))
      let batch = try TokenPairs(first, second).batch(Array(0..<count))
      let loss = try (program(batch) as NDArray).float()

      let embeddings = encoder.embeddingGraph()
      let embed = try embeddings.compile().load(parameters: Encoder.parameters(of: embeddings, from: file))
      func vectors(_ ids: [[Int32]]) throws -> [[Double]] {
        let rows: NDArray = try embed(SentenceEmbedder.inputs(ids))
        let numbers = try rows.converted(to: .f64).doubles()
        return stride(from: 0, to: numbers.count, by: 16).map { Array(numbers[$0..<$0 + 16]) }
      }
      let (a, b) = (try vectors(first), try vectors(second))
      func score(_ i: Int, _ j: Int) -> Double { zip(a[i], b[j]).reduce(0) { $0 + $1.0 * $1.1 } / 0.1 }
      func term(_ i: Int, _ others: (Int) -> Double) -> Double { log((0..<count).reduce(0) { $0 + exp(others($1)) }) - score(i, i) }
      let expected = (0..<count).reduce(0.0) { sum, i in
        let forward = term(i) { score(i, $0) }
        return sum + (isSymmetric ? (forward + term(i) { score($0, i) }) / 2 : forward) / Double(count)
      }
      #expect(abs(Double(loss) - expected) < 1e-5, "\(loss), expected \(expected)")
    }
  }

  @Test func adaptersOfEveryMap() throws {
    try withEncoder { encoder, _ in
      for (map, names) in [
        (Encoder.LinearMap.query, ["attention.self.query"]), (.key, ["attention.self.key"]), (.value, ["attention.self.value"]),
        (.output, ["attention.output.dense"]), (.feedForward, ["intermediate.dense", "output.dense"]),
      ] {
        let (graph, initializers) = try encoder.contrastGraph(adaptation: encoder.adaptation(of: [map], rank: 2))
        let adapters = graph.parameters.map(\.name).filter { $0.contains(".adapter.") }
        #expect(adapters == names.flatMap { ["encoder.layer.0.\($0).adapter.down", "encoder.layer.0.\($0).adapter.up"] })
        #expect(adapters.allSatisfy { initializers.initializer(of: $0) != nil })
      }
    }
  }
}
