import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// One softmax over several sets of keys, compiled.
@Suite struct KeySetTests {
  struct Form: Sendable {
    var element = ElementType.f32
    /// Whether keys and values are put side by side, not scores.
    var areKeysTogether = false
    var isCausal = false
    var isMasked = false
    var hasSink = false
    var hasOneSum = false
  }

  /// `M` rows against `N` keys of a cache and `T` new ones.
  static func graph(_ form: Form) -> Graph {
    Graph("sets") { g in
      let (element, all) = (form.element, Extent("N") + Extent("T"))
      let q = g.input("q", element, ["B", 2, "M", 16])
      let (k, v) = (g.input("k", element, ["B", 2, "N", 16]), g.input("v", element, ["B", 2, "N", 12]))
      let (l, w) = (g.input("l", element, ["B", 2, "T", 16]), g.input("w", element, ["B", 2, "T", 12]))
      func product(_ keys: Tensor) -> Tensor { matmul(q, keys.transposed()) * 0.25 }
      var scores =
        form.areKeysTogether ? product(concatenate([k, l], dimension: 2)) : concatenate([product(k), product(l)], dimension: 3)
      if form.isCausal {
        scores = scores.where(scores.index(3) - scores.index(2) <= k.size(2), else: -.infinity)
      }
      if form.isMasked {
        let keep = g.input("keep", .bool, ["B", all]).broadcast(to: scores.shape, dimensions: [0, 3])
        scores = scores.where(keep, else: -.infinity)
      }
      if form.hasSink {
        let sink = g.input("sink", element, [2]).broadcast(to: ["B", 2, "M", 1], dimensions: [1])
        scores = concatenate([scores, sink], dimension: 3)
      }
      let weights = softmax(scores)
      func part(_ start: Extent, _ stop: Extent) -> Tensor {
        weights[.rest, .range(start, stop)]
      }
      if form.hasOneSum || form.areKeysTogether {
        return matmul(form.hasSink ? part(0, all) : weights, concatenate([v, w], dimension: 2))
      }
      return matmul(part(0, "N"), v) + matmul(part("N", all), w)
    }
  }

  private static func inputs(_ graph: Graph) throws -> [[Name: ReferenceArray]] {
    let sizes: [[Name: Int]] = [
      ["B": 2, "M": 1, "N": 130, "T": 1], ["B": 1, "M": 3, "N": 1100, "T": 3], ["B": 1, "M": 60, "N": 100, "T": 60],
      ["B": 1, "M": 2, "N": 0, "T": 4], ["B": 1, "M": 20, "N": 7, "T": 0], ["B": 1, "M": 3, "N": 0, "T": 0],
    ]
    return try sizes.enumerated().map { number, size in
      // The first sequence sees nothing of the cache, the second nothing at all.
      let (cached, all) = (size["N"]!, size["N"]! + size["T"]!)
      let keep = (0..<size["B"]!).flatMap { b in (0..<all).map { Int64(b == 0 && $0 >= cached ? 1 : 0) } }
      return try randomInputs(
        graph, size, seed: UInt64(number + 1), given: ["keep": ReferenceArray(.bool, [size["B"]!, all], integers: keep)])
    }
  }

  @Test(arguments: Combination.first(16)) func agrees(_ combination: Combination) throws {
    let form = Form(
      element: combination.pick([.f32, .f64, .f16, .bf16, .f32]), areKeysTogether: combination.number % 3 == 1,
      isCausal: combination.number % 2 == 1, isMasked: combination.number % 4 > 1,
      hasSink: combination.number % 7 == 3 && combination.number % 3 != 1, hasOneSum: combination.number % 5 == 2)
    let graph = Self.graph(form)
    var tolerance = Tolerance.loose
    tolerance.roundings = 12
    try expectAgreement(
      graph, Self.inputs(graph), tolerance, attentions: 2, targets: [combination.pick(hostTargets)],
      note: "\(combination.number) \(form) ")
  }

  /// A cache is not copied to stand beside the new rows.
  @Test func nothingIsCopied() throws {
    let program = try Self.graph(Form(areKeysTogether: true, isCausal: true)).compile(options()).program
    #expect(!program.steps.contains { $0.op == .concatenate }, "\(program)")
  }
}
