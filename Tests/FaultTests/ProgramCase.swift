import Heed
import HeedTestSupport

/// A program and what it is called with, for tests that let something fail on the way.
struct ProgramCase {
  let name: String
  let graph: Graph
  var parameters: [String: NDArray] = [:]
  var states: [String: NDArray] = [:]
  var inputs: [String: NDArray]

  /// What a call leads to.
  struct Bits: Equatable {
    let results: [[UInt8]]
    let states: [String: [UInt8]]
  }

  /// Compiles and binds the parameters.
  func loaded(_ options: CompileOptions) throws -> CompiledGraph {
    let program = try graph.compile(options)
    return parameters.isEmpty ? program : try program.load(parameters: parameters)
  }

  /// The bits of the results, and of the states after the call. An error leaves the states as they were, which is checked.
  func call(_ program: CompiledGraph) throws -> Bits {
    // The memory of the states is shared with `states`, so the call copies what it replaces.
    var held = states
    do {
      let outputs = try program.run(inputs.map { ($0.key, $0.value) }, states: &held)
      return Bits(results: outputs.map(bytes), states: held.mapValues(bytes))
    } catch {
      guard held.mapValues(bytes) == states.mapValues(bytes) else { throw ChangedStates(by: error) }
      throw error
    }
  }

  struct ChangedStates: Error { let by: any Error }
}

/// The bytes of an array's elements.
func bytes(_ array: NDArray) -> [UInt8] {
  let whole = array.contiguous()
  return withExtendedLifetime(whole.storage) { Array(whole.bytes) }
}

extension ProgramCase {
  /// A case of the derivatives' tests in f32, or what differentiates it.
  init(_ gradientCase: GradientCase, reverse: Bool) throws {
    let forward = try gradientCase.graph(.f32)
    let graph = try reverse ? forward.reverseGraph() : forward
    let arrays = try gradientCase.inputs(graph, gradientCase.sizes[0]).map { ($0.key.text, try NDArray($0.value)) }
    self.init(
      name: gradientCase.mnemonic + (reverse ? ", reverse" : ""), graph: graph, inputs: Dictionary(uniqueKeysWithValues: arrays))
  }

  /// Programs of all kinds that differ in how they take memory.
  static func all() throws -> [ProgramCase] {
    try [attention(length: 70), attention(length: 600), attentionGradients(), ragged(), paged(), step(), decoding(), parts()]
      + ["loop", "linear_attention", "attention"].flatMap { name in
        let first = gradientCases.first { $0.mnemonic == name }!
        return try [ProgramCase(first, reverse: false), ProgramCase(first, reverse: true)]
      }
  }

  static func attention(length: Int) throws -> ProgramCase {
    let graph = Graph("causal") { g in
      let (q, k, v) = (
        g.input("q", .f32, ["H", "S", 16]), g.input("k", .f32, ["H", "S", 16]), g.input("v", .f32, ["H", "S", 16])
      )
      let scores = matmul(q, k.transposed()) / 4
      return matmul(softmax(scores.where(scores.index(2) <= scores.index(1), else: -.infinity)), v)
    }
    return ProgramCase(name: "attention", graph: graph, inputs: arrays(["q", "k", "v"], [2, length, 16]))
  }

  private static func attentionGradients() throws -> ProgramCase {
    let graph = Graph("gradients") { g in
      let (q, k, v) = (
        g.input("q", .f32, ["H", "S", 16]), g.input("k", .f32, ["H", "S", 16]), g.input("v", .f32, ["H", "S", 16])
      )
      let scores = matmul(q, k.transposed()) / 4
      let out = matmul(softmax(scores.where(scores.index(2) <= scores.index(1), else: -.infinity)), v)
      return gradients(of: (out * out).sum(), with: [q, k, v])
    }
    return ProgramCase(name: "attention, backward", graph: graph, inputs: arrays(["q", "k", "v"], [2, 90, 16]))
  }

  /// Texts one after the other, by a mask of documents.
  private static func ragged() throws -> ProgramCase {
    let graph = Graph("ragged") { g in
      let x = g.input("x", .f32, [2, "T", 8])
      let document = g.segmentIDs(g.input("offsets", .i32, ["B + 1"]), count: "T")
      let scores = matmul(x, x.transposed())
      let same =
        document.broadcast(to: scores.shape, dimensions: [1]) == document.broadcast(to: scores.shape, dimensions: [2])
      return matmul(softmax(scores.where(same, else: -.infinity)), x)
    }
    var inputs = arrays(["x"], [2, 40, 8])
    inputs["offsets"] = try NDArray([0, 3, 3, 40] as [Int32])
    return ProgramCase(name: "ragged", graph: graph, inputs: inputs)
  }

  /// Keys and values in pages that a table names.
  private static func paged() throws -> ProgramCase {
    let graph = Graph("paged") { g in
      let q = g.input("q", .f32, ["B", 2, 1, 8])
      let (table, lengths) = (g.input("table", .i32, ["B", "P"]), g.input("lengths", .i32, ["B"]))
      let rows = ["keys", "values"].map { name in
        g.input(name, .f32, ["C", 16, 2, 8]).gather(table).transposed(0, 3, 1, 2, 4).reshape(["B", 2, "P" * 16, 8])
      }
      let scores = matmul(q, rows[0].transposed())
      let live = scores.index(3) < lengths.broadcast(to: scores.shape, dimensions: [0])
      return matmul(softmax(scores.where(live, else: -.infinity)), rows[1])
    }
    var inputs = arrays(["keys", "values"], [4, 16, 2, 8]).merging(arrays(["q"], [2, 2, 1, 8])) { $1 }
    inputs["table"] = try NDArray([2, 1, 0, 3] as [Int32], [2, 2])
    inputs["lengths"] = try NDArray([20, 7] as [Int32])
    return ProgramCase(name: "paged", graph: graph, inputs: inputs)
  }

  /// A step of training: weights and moments are states.
  static func step() throws -> ProgramCase {
    let (graph, initializers) = try Graph.withInitializers("step") { g in
      let (x, target) = (g.input("x", .f32, ["B", 12, 16]), g.input("target", .f32, ["B", 12, 16]))
      let y = MultiHeadAttention("attention", in: g, size: 16, headCount: 2)(
        LayerNorm("norm", in: g, size: 16)(x), mask: .causal())
      let error = FeedForward("mlp", in: g, size: 16, hiddenSize: 32)(x + y) - target
      let loss = (error * error).mean().named("loss")
      g.minimize(loss, by: AdamW(), learningRate: 1e-2)
      return [loss]
    }
    let state = try graph.initialState(initializers.arrays(for: graph, seed: 3))
    return ProgramCase(
      name: "training step", graph: graph, states: state.arrays, inputs: arrays(["x", "target"], [3, 12, 16]))
  }

  /// New rows beside a cache of keys and values.
  private static func decoding() throws -> ProgramCase {
    let (graph, initializers) = try Graph.withInitializers("decoding") { g in
      let attention = MultiHeadAttention("attention", in: g, size: 16, headCount: 2)
      let cache = KeyValueCache("cache", in: g, for: attention, batch: [1], capacity: 32)
      return [attention(g.input("x", .f32, [1, "S", 16]), cache: cache, at: g.input("position", .i32))]
    }
    var inputs = arrays(["x"], [1, 5, 16])
    inputs["position"] = try NDArray([3 as Int32], [])
    return ProgramCase(
      name: "decoding", graph: graph, parameters: try initializers.arrays(for: graph, seed: 1),
      states: try graph.initialState().arrays, inputs: inputs)
  }

  /// Arguments that are converted, and copied since they are parts with gaps; a constant, and a parameter.
  private static func parts() throws -> ProgramCase {
    let graph = Graph("parts") { g in
      let x = g.input("x", .f64, ["N", 24])
      return matmul(x.cast(to: .f32), g.parameter("weight", .f32, [24, 40])) + g.input("bias", .f32, [40])
    }
    return ProgramCase(
      name: "parts", graph: graph, parameters: ["weight": .random([24, 80], seed: 2)[0..<24, 10..<50]],
      inputs: ["x": .random([7, 24], seed: 1), "bias": .random([40, 3], seed: 3)[0..<40, 1]])
  }

  private static func arrays(_ names: [String], _ shape: [Int]) -> [String: NDArray] {
    Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, NDArray.random(shape, seed: $0 + 1)) })
  }
}
