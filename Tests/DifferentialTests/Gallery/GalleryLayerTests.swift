import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// What the library has besides masks and changes of scores: other weights than a softmax, attention by residue class, rotary embedding.
@Suite struct GalleryLayerTests {
  private static func attention(
    _ element: ElementType = .f32, _ attend: @escaping (_ g: GraphBuilder, _ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor
  ) throws -> Graph {
    try Graph(building: "attention") { g in
      let (q, k) = (g.input("q", element, ["B", 4, "4*S", 6]), g.input("k", element, ["B", 4, "4*S", 6]))
      return attend(g, q, k, g.input("v", element, ["B", 4, "4*S", 5]))
    }
  }

  private static func scores(_ q: Tensor, _ k: Tensor) -> Tensor { matmul(q, k.transposed()) * 0.3 }

  private static let sizes: [[Name: Int]] = [["B": 2, "S": 9], ["B": 1, "S": 33], ["B": 1, "S": 1]]

  /// Attention by residue class is attention with a dilated window, and one fused op over views.
  @Test func residueClassesAreADilatedWindow() throws {
    let dilated = try Self.attention { _, q, k, v in
      matmul(softmax(Self.scores(q, k).where(.dilatedSlidingWindow(reach: 12, dilation: 4), else: -.infinity)), v)
    }
    let classes = try Self.attention { _, q, k, v in
      attendingByResidue(q, k, v, count: 4) { q, k, v in
        matmul(softmax(Self.scores(q, k).where(.slidingWindow(before: 3, after: 3), else: -.infinity)), v)
      }
    }
    for sizes in Self.sizes {
      let inputs = try randomInputs(dilated, sizes)
      let expected = try GraphInterpreter.evaluate(dilated, inputs: inputs)[0].array
      let got = try GraphInterpreter.evaluate(classes, inputs: inputs)[0].array
      #expect(zip(got.reals, expected.reals).allSatisfy { abs($0 - $1) < 1e-12 }, "\(sizes)")
    }
    try expectAgreement(classes, at: Self.sizes, attentions: 1, targets: [hostTargets.last!])
    let kernels = try classes.lowered(options()).program.kernels.map(\.name.text)
    // Nothing is put in order before or after.
    #expect(kernels == ["attention"])
  }

  @Test(arguments: [ElementType.f32, .f16]) func rotaryEmbeddings(_ element: ElementType) throws {
    let graph = try Self.attention(element) { _, q, k, v in
      let rotary = RotaryEmbedding(size: 6)
      return matmul(softmax(Self.scores(rotary(q), rotary(k)).where(.causal(), else: -.infinity)), v)
    }
    try expectAgreement(graph, at: Self.sizes, attentions: 1, targets: [hostTargets.last!])
  }

  /// The weights beside a sink are those of a softmax of which the sink takes its part.
  @Test func sinks() throws {
    let graph = try Graph(building: "sink") { g in
      let scores = g.input("scores", .f64, ["B", 4, "M", "N"])
      return softmax(scores.where(.keys(below: 3), else: -.infinity), sink: g.input("sink", .f64, [4]))
    }
    let inputs = try randomInputs(graph, ["B": 2, "M": 3, "N": 5])
    let weights = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array
    ReferenceArray.forEachIndex(of: weights.shape) { at, position in
      func exponential(_ key: Int) -> Double {
        key < 3 ? exp(inputs["scores"]!.reals[inputs["scores"]!.position(at[..<3] + [key])]) : 0
      }
      let sum = (0..<5).reduce(exp(inputs["sink"]!.reals[at[1]])) { $0 + exponential($1) }
      #expect(abs(weights.reals[position] - exponential(at[3]) / sum) < 1e-12)
    }
    let attention = try Self.attention { g, q, k, v in
      matmul(softmax(Self.scores(q, k).where(.causal(), else: -.infinity), sink: g.input("sink", .f32, [4])), v)
    }
    try expectAgreement(attention, at: Self.sizes, targets: [hostTargets.last!])
  }

  /// Weights that are a function of each score alone.
  @Test func activations() throws {
    let graph = try Graph(building: "weights") { g in
      weights(g.input("scores", .f64, ["B", 4, "S", "S"]), .causal()) { relu($0) }
    }
    let inputs = try randomInputs(graph, ["B": 2, "S": 5])
    let got = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array
    ReferenceArray.forEachIndex(of: got.shape) { at, position in
      #expect(got.reals[position] == (at[3] <= at[2] ? max(0, inputs["scores"]!.reals[position]) : 0))
    }
    let attention = try Self.attention { _, q, k, v in matmul(weights(Self.scores(q, k), .causal()) { sigmoid($0) }, v) }
    try expectAgreement(attention, at: Self.sizes, targets: [hostTargets.last!])
  }

  /// The approximate soft cap is as near as its comment says.
  @Test func approximateSoftCap() throws {
    let graph = try Graph(building: "caps") { g in
      let scores = g.input("scores", .f64, [1, "N"])
      return scores.applying(.softCap(1)) - scores.applying(.approximateSoftCap(1))
    }
    let numbers = (-4000...4000).map { Double($0) / 500 }
    let inputs: [Name: ReferenceArray] = ["scores": ReferenceArray(.f64, [1, numbers.count], reals: numbers)]
    let worst = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array.reals.reduce(0) { max($0, abs($1)) }
    #expect(worst < 1.4e-3 && worst > 1.2e-3)
  }
}
