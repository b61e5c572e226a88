public import HeedArrays
import HeedDSL
public import HeedIR

/// A sentence encoder of the BERT family: graphs of plain tensor math, whose parameters are named as its weight file names them.
///
/// Sentences of different lengths follow one another in one ragged batch, without padding: `ids i32[T]` and `offsets i32[B + 1]`,
/// which rise from 0 to T. Sentence b is the tokens `offsets[b] ..< offsets[b + 1]`.
public struct Encoder: Hashable, Sendable {
  /// The sizes of the encoder.
  public let configuration: EncoderConfiguration
  /// What the names of all parameters begin with: nothing, or `bert.`.
  public let parameterPrefix: String
  /// The type that factors of products are rounded to and that is kept in memory between layers: f32, bf16 or f16. Parameters are
  /// f32 as in the weight file; sums, norms and softmax are computed in f32.
  public let element: ElementType

  /// An encoder of these sizes.
  public init(_ configuration: EncoderConfiguration, parameterPrefix: String = "", element: ElementType = .f32) {
    (self.configuration, self.parameterPrefix, self.element) = (configuration, parameterPrefix, element)
  }

  /// The encoder whose weights are in a file, which tells how their names begin.
  /// - Throws: where the file has no word embedding.
  public init(_ configuration: EncoderConfiguration, weights: SafetensorsFile, element: ElementType = .f32) throws {
    let probe = "embeddings.word_embeddings.weight"
    guard let prefix = ["", "bert."].first(where: { weights.entry($0 + probe) != nil }) else {
      throw HeedError("reading \(weights.path): got no tensor \(probe), with or without bert. before it")
    }
    self.init(configuration, parameterPrefix: prefix, element: element)
  }

  /// The graph that returns `embeddings f32[B, hidden]`: per sentence the mean over its tokens, scaled to length 1.
  public func embeddingGraph(name: String = "encoder") -> Graph {
    Graph(name) { g in
      let (states, offsets, _) = tokenStates(g)
      return [sentenceEmbeddings(states, offsets).named("embeddings")]
    }
  }

  /// The graph that returns `embeddings f32[B, hidden]` and, given their `cotangent` of the same type, the gradient of each parameter:
  /// `gradient.embeddings.word_embeddings.weight` and so on. Weights change between steps of training: they are inputs.
  public func gradientGraph(name: String = "encoder_gradients") -> Graph {
    var graph = Graph(name) { g in
      let (states, offsets, _) = tokenStates(g)
      let embeddings = sentenceEmbeddings(states, offsets).named("embeddings")
      let cotangent = g.input("cotangent", embeddings.element, embeddings.shape)
      return [embeddings] + gradients(of: embeddings, with: g.parameters, cotangent: cotangent)
    }
    graph.makeParametersInputs()
    return graph
  }

  /// The graph that returns the attention probabilities of each layer as `attention.0`, `attention.1` and so on: f32[heads, T, T],
  /// one row per query. Between sentences they are 0.
  public func attentionGraph(name: String = "attention") -> Graph {
    Graph(name) { g in
      tokenStates(g).probabilities.enumerated().map { $1.named("attention.\($0)") }
    }
  }

  /// The graph that returns the last layer's `states f32[T, hidden]`.
  public func stateGraph(name: String = "states") -> Graph {
    Graph(name) { g in [tokenStates(g).states.named("states")] }
  }

  /// The weights that a graph's parameters name.
  /// - Throws: where one is missing or not of the parameter's type.
  public static func parameters(of graph: Graph, from weights: SafetensorsFile) throws -> [String: NDArray] {
    try arrays(of: graph.arguments.filter { $0.role == .parameter }, of: graph, from: weights)
  }

  /// The weights that a step of training reads: those of parameters, and those of the states that begin as weights of the file do.
  /// - Parameter adapters: the names that the file lacks, as they are not of the model itself.
  /// - Throws: where one is missing or not of its declared type.
  public static func weights(of step: Graph, from weights: SafetensorsFile, without adapters: Set<String> = []) throws
    -> (parameters: [String: NDArray], states: [String: NDArray])
  {
    let states = step.arguments.filter {
      $0.role == .state && $0.initial == nil && !adapters.contains(step.name($0.value).text)
    }
    return (try parameters(of: step, from: weights), try arrays(of: states, of: step, from: weights))
  }

  private static func arrays(of arguments: [Argument], of graph: Graph, from weights: SafetensorsFile) throws -> [String: NDArray] {
    var arrays: [String: NDArray] = [:]
    for argument in arguments {
      let (name, type) = (graph.name(argument.value), graph.type(argument.value))
      let array = try weights.array(name.text)
      guard array.element == type.element, array.shape.map({ Extent($0) }) == type.shape.extents else {
        throw HeedError("reading \(weights.path): tensor \(name): got \(array.element)\(array.shape), expected \(type)")
      }
      arrays[name.text] = array
    }
    return arrays
  }
}
