public import HeedDSL
public import HeedIR

/// Training on pairs of sentences that belong together.
extension Encoder {
  /// How the embeddings of pairs are compared.
  public struct Contrast: Hashable, Sendable {
    /// What cosines are divided by.
    public var temperature: Double
    /// Whether each second sentence is to find its first one too.
    public var isSymmetric: Bool

    /// A comparison with these numbers.
    public init(temperature: Double = 0.05, isSymmetric: Bool = true) {
      (self.temperature, self.isSymmetric) = (temperature, isSymmetric)
    }
  }

  /// The graph that returns the `loss` of P pairs of sentences: `infoNCE` of their embeddings, where each sentence is to be nearest
  /// to its partner among all of the batch.
  ///
  /// One ragged batch has all 2 P sentences, first those that come first in their pairs: `ids i32[T]`, `offsets i32[2 * P + 1]`, as `TokenPairs`
  /// makes them. Nothing is padded, and one program serves all lengths and numbers of pairs.
  /// - Parameters:
  ///   - adaptation: which linear maps have low-rank adapters; nil where none has.
  ///   - train: makes a step of training of it, where it calls `minimize`; what it returns are further results.
  /// - Returns: the graph, and what its adapters hold before training.
  /// - Throws: the first mistake in building it.
  public func contrastGraph(
    name: String = "contrast", _ contrast: Contrast = Contrast(), adaptation: LowRankAdaptation? = nil,
    train: (_ g: GraphBuilder, _ loss: Tensor) -> [Tensor] = { _, _ in [] }
  ) throws -> (graph: Graph, initializers: Initializers) {
    try Graph.withInitializers(name) { g in
      let pairs: Extent = "P"
      func states() -> (states: Tensor, offsets: Tensor, probabilities: [Tensor]) { tokenStates(g, sentences: pairs * 2) }
      let (states, offsets, _) = adaptation.map { g.adapting($0, states) } ?? states()
      let embeddings = sentenceEmbeddings(states, offsets)
      let loss = infoNCE(
        embeddings[.range(0, pairs)], embeddings[.range(pairs, pairs * 2)], temperature: contrast.temperature,
        isSymmetric: contrast.isSymmetric, normalizes: false
      ).named("loss")
      let others = train(g, loss)
      return [loss] + others
    }
  }
}

/// The linear maps of each layer by what they do.
extension Encoder {
  /// A linear map of a layer.
  public enum LinearMap: String, Hashable, Sendable, CaseIterable {
    case query
    case key
    case value
    /// From the results of all heads to rows.
    case output
    /// The two maps of the block after attention.
    case feedForward

    fileprivate var names: [String] {
      switch self {
      case .query, .key, .value: ["attention.self.\(rawValue)"]
      case .output: ["attention.output.dense"]
      case .feedForward: ["intermediate.dense", "output.dense"]
      }
    }
  }

  /// Low-rank adapters of these maps in every layer.
  public func adaptation(of maps: [LinearMap], rank: Int, alpha: Double? = nil) -> LowRankAdaptation {
    let names = maps.flatMap(\.names)
    let patterns = (0..<configuration.layerCount).flatMap { layer in
      names.map { NamePattern("\(parameterPrefix)encoder.layer.\(layer).\($0)") }
    }
    return LowRankAdaptation(of: patterns, rank: rank, alpha: alpha)
  }
}
