import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// ONNX's Attention at lengths that its own cases do not have: nothing, one, and more than a tile; compiled once for all of them.
@Suite struct ONNXShapeTests {
  /// An attention over B sequences of M queries and N keys, after P past ones.
  struct Form: Sendable, CustomTestStringConvertible {
    var name: String
    var element = ElementType.f32
    var attention = ONNX.Attention()
    /// Of queries and of keys.
    var heads = (4, 2)
    /// Of keys and of values.
    var widths = (8, 6)
    /// Rows that hold all heads, instead of a dimension for them.
    var isFlat = false
    var hasPast = false
    var hasLengths = false
    var mask: TensorType?

    var testDescription: String { name }

    func graph() -> Graph {
      Graph(name) { g in
        func rows(_ name: String, _ count: Extent, _ heads: Int, _ width: Int) -> Tensor {
          g.input(name, element, isFlat ? ["B", count, Extent(heads * width)] : ["B", Extent(heads), count, Extent(width)])
        }
        func past(_ name: String, _ width: Int) -> Tensor { g.input(name, element, ["B", Extent(heads.1), "P", Extent(width)]) }
        var attention = attention
        if isFlat { (attention.queryHeadCount, attention.keyValueHeadCount) = heads }
        let (q, k, v) = (
          rows("q", "M", heads.0, widths.0), rows("k", "N", heads.1, widths.0), rows("v", "N", heads.1, widths.1)
        )
        let results = attention(
          q, k, v, mask: mask.map { g.input("mask", $0.element, $0.shape) },
          past: hasPast ? (past("past_key", widths.0), past("past_value", widths.1)) : nil,
          nonpadKeyValueLengths: hasLengths ? g.input("lengths", .i64, ["B"]) : nil)
        return hasPast ? [results.output, results.presentKey, results.presentValue] : [results.output]
      }
    }

    /// Random numbers; of a mask every third one -inf, and lengths within the number of keys.
    func inputs(_ graph: Graph, _ binding: [Name: Int], seed: UInt64) throws -> [Name: ReferenceArray] {
      var inputs = try randomInputs(graph, binding, seed: seed)
      if var mask = inputs["mask"], mask.element.isFloat {
        for position in stride(from: 1, to: mask.count, by: 3) { mask.reals[position] = -.infinity }
        inputs["mask"] = mask
      }
      if var lengths = inputs["lengths"] {
        lengths.integers = lengths.integers.indices.map { Int64((binding["N"]! + $0) % (binding["N"]! + 1)) }
        inputs["lengths"] = lengths
      }
      return inputs
    }
  }

  static let causal = ONNX.Attention(isCausal: true)

  static let forms: [Form] = [
    Form(name: "causal, flat", attention: causal, isFlat: true),
    Form(name: "causal, flat, bf16", element: .bf16, attention: causal, widths: (16, 16), isFlat: true),
    Form(
      name: "window, one head of keys", element: .f64, attention: ONNX.Attention(leftWindowSize: 3, rightWindowSize: 2),
      heads: (3, 1)),
    Form(
      name: "past, causal window, flat", attention: ONNX.Attention(isCausal: true, leftWindowSize: 12), isFlat: true,
      hasPast: true),
    Form(name: "past, f16", element: .f16, attention: causal, heads: (2, 2), hasPast: true),
    Form(name: "lengths, causal", attention: causal, hasLengths: true),
    Form(name: "lengths, keys kept, bf16", element: .bf16, hasLengths: true, mask: TensorType(.bool, ["B", 1, 1, "N"])),
    Form(
      name: "pairs kept, soft cap", attention: ONNX.Attention(isCausal: true, softcap: 3), heads: (1, 1),
      mask: TensorType(.bool, ["M", "N"])),
    Form(name: "bias of heads and keys", mask: TensorType(.f32, [4, 1, "N"])),
    Form(name: "short bias", heads: (2, 2), mask: TensorType(.f32, ["B", 1, "M", "L"])),
    Form(name: "short, keys kept", attention: causal, mask: TensorType(.bool, ["L"])),
    Form(name: "f64 within f32", attention: ONNX.Attention(softmaxPrecision: .f64), mask: TensorType(.f32, ["B", 4, "M", "N"])),
  ]

  static let lengths: [[Name: Int]] = [
    ["B": 2, "M": 5, "N": 7, "P": 3, "L": 4], ["B": 1, "M": 1, "N": 1, "P": 0, "L": 1], ["B": 2, "M": 0, "N": 4, "P": 2, "L": 2],
    ["B": 0, "M": 3, "N": 2, "P": 1, "L": 1], ["B": 2, "M": 3, "N": 0, "P": 0, "L": 0],
    ["B": 3, "M": 19, "N": 130, "P": 9, "L": 100],
    ["B": 1, "M": 1, "N": 700, "P": 5, "L": 650], ["B": 1, "M": 130, "N": 40, "P": 60, "L": 40],
  ]

  @Test(arguments: forms.indices) func agrees(_ number: Int) throws {
    let form = Self.forms[number]
    let graph = form.graph()
    let inputs = try Self.lengths.enumerated().map { try form.inputs(graph, $1, seed: UInt64($0)) }
    let target = allHostTargets[number % allHostTargets.count]
    try expectAgreement(graph, inputs, attentions: 1, targets: [target], note: "\(form.name) ")
  }

  @Test func nothingToAttendGivesZero() throws {
    let form = Form(name: "none", attention: Self.causal, isFlat: true)
    let graph = form.graph()
    let inputs = try form.inputs(graph, ["B": 2, "M": 3, "N": 0], seed: 1)
    let got = try graph.compile(options()).run(graph, inputs, guarding: .allCases[0])[0]
    #expect(got.shape == [2, 3, 24] && got.values(as: Float.self).allSatisfy { $0 == 0 })
  }

  /// What lies beyond the valid keys may be anything, and so may the product with a key that no query may see.
  @Test(arguments: [ElementType.f32, .bf16]) func deadScoresHaveNoInfluence(_ element: ElementType) throws {
    let form = Form(
      name: "dead", element: element, attention: Self.causal, hasLengths: true, mask: TensorType(element, ["B", 1, 1, "N"]))
    let graph = form.graph()
    let compiled = try graph.compile(options())
    var inputs = try form.inputs(graph, ["B": 2, "M": 6, "N": 50], seed: 1)
    inputs["lengths"]?.integers = [33, 20]
    let expected = try compiled.run(graph, inputs, guarding: .allCases[0])[0]
    var key = try #require(inputs["k"])
    let (mask, lengths, width) = (try #require(inputs["mask"]), [33, 20], key.shape[3])
    for row in 0..<key.count / width {
      let (batch, j) = (row / 100, row % 50)
      if j >= lengths[batch] { key.reals[row * width + j % width] = .nan }
      if mask.reals[batch * 50 + j] == -.infinity { key.reals[row * width + j % width] = .infinity }
    }
    inputs["k"] = key
    let got = try compiled.run(graph, inputs, guarding: .allCases[1])[0]
    #expect(ReferenceArray(got) == ReferenceArray(expected))
    let reference = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array
    #expect(try difference(expected, reference, .sums) == nil)
  }

  /// A mask that is shorter than the keys is one that ends in -inf, in the output and in every stage of the scores.
  @Test func shortMasksEndInMinusInfinity() throws {
    let graph = Graph("stages") { g in
      let (q, k) = (g.input("q", .f32, ["B", 2, "M", 4]), g.input("k", .f32, ["B", 2, "N", 4]))
      let mask = g.input("mask", .f32, ["M", "L"])
      let long = mask.padded(low: [0, 0], high: [0, "N - L"], with: -Double.infinity)
      return ONNX.Attention.ScoreStage.allCases.flatMap { stage in
        let attention = ONNX.Attention(softcap: 2, qkMatmulOutputMode: stage)
        return [mask, long].flatMap { mask in
          let results = attention(q, k, k, mask: mask)
          return [results.output, results.qkMatmulOutput]
        }
      }
    }
    let bindings: [[Name: Int]] = [["B": 2, "M": 3, "N": 7, "L": 5], ["B": 1, "M": 2, "N": 3, "L": 0]]
    for binding in bindings {
      let results = try GraphInterpreter.evaluate(graph, inputs: randomInputs(graph, binding)).map(\.array)
      for first in stride(from: 0, to: results.count, by: 4) {
        for (short, long) in [(results[first], results[first + 2]), (results[first + 1], results[first + 3])] {
          #expect(try difference(NDArray(short), long, .sums) == nil)
        }
      }
    }
    try expectAgreement(graph, at: bindings, targets: [.host])
  }

  /// Rows of all heads, `[B, S, H * D]`, are read and written as they are stored: one call, no memory between.
  @Test(arguments: floatTypes) func flatRowsAreNotCopied(_ element: ElementType) throws {
    let form = Form(name: "flat", element: element, attention: Self.causal, isFlat: true)
    let program = try form.graph().compile(options()).program
    #expect(program.steps.count == 1 && program.load.isEmpty && program.buffers.count == 4, "\(program.text)")
  }

  /// With a past, its rows and the new ones are copied once, into the results that attention reads.
  @Test func presentKeysAreReadWhereTheyAreReturned() throws {
    let form = Form(name: "past", attention: Self.causal, isFlat: true, hasPast: true)
    let program = try form.graph().compile(options()).program
    #expect(program.steps.count == 5 && program.buffers.count == 8, "\(program.text)")
  }

  /// A bias by table inside score_mod, and a change of the probabilities that cannot be fused, which a remark names.
  @Test func flexAttentionOfCapturedTensors() throws {
    let graph = Graph("flex") { g in
      let (q, k, v) = (
        g.input("q", .bf16, ["B", 4, "M", 8]), g.input("k", .bf16, ["B", 2, "N", 8]), g.input("v", .bf16, ["B", 2, "N", 6])
      )
      let slopes = g.input("slopes", .f32, [4, 1, 1])
      let flex = ONNX.FlexAttention(softmaxPrecision: .f16)
      let fused = flex(q, k, v) { scores in
        let distance = (scores.index(2) - scores.index(3)).cast(to: .f32)
        return (scores.cast(to: .f32) + distance * slopes).cast(to: .f16)
      }
      let other = g.input("other", .bf16, ["B", 4, "M", 8])
      return [fused, ONNX.FlexAttention()(other, k, v, probMod: { $0 * $0 })]
    }
    let bindings: [[Name: Int]] = [["B": 2, "M": 5, "N": 7], ["B": 1, "M": 40, "N": 60]]
    // The scores are rounded to f16 before the softmax.
    try expectAgreement(graph, at: bindings, Tolerance(f32: 1e-2), attentions: 1, targets: [.host])
    let remarks = try graph.compile(options()).remarks
    #expect(remarks.contains { $0.kind == .declined && $0.message.contains("the probabilities are changed by the multiply") })
  }
}
