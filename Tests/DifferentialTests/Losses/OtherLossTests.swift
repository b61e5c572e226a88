import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Mean squared error, binary cross-entropy and InfoNCE.
@Suite struct OtherLossTests {
  private static func infoNCE(_ element: ElementType, _ isSymmetric: Bool, _ others: Extent, _ reduction: LossReduction = .mean)
    throws -> Graph
  {
    try Graph(building: "contrast") { g in
      let (a, b) = (g.input("a", element, ["B", 6]), g.input("b", element, Shape([others, 6])))
      return HeedDSL.infoNCE(a, b, temperature: 0.2, isSymmetric: isSymmetric, reduction: reduction).named("loss")
    }
  }

  /// Whether a program has a buffer with a number for each pair of a million rows.
  private static func storesPairs(_ graph: Graph) throws -> Bool {
    try graph.lowered(options()).program.buffers.contains { buffer in
      try buffer.type.shape.count.evaluate { _ in 1_000_000 } >= 1_000_000_000_000
    }
  }

  @Test(arguments: [false, true], [0, 3]) func infoNCEByLoops(_ isSymmetric: Bool, _ negatives: Int) throws {
    let graph = try Self.infoNCE(.f64, isSymmetric, "B" + Extent(negatives), .none)
    let (count, width) = (5, 6)
    let (a, b) = (
      NDArray.random([count, width], seed: 1, element: .f64), NDArray.random([count + negatives, width], seed: 2, element: .f64)
    )
    let got = ReferenceArray(try graph.compile(options())(["a": a, "b": b])["loss"]!).reals
    func rows(_ array: NDArray) -> [[Double]] {
      let numbers = ReferenceArray(array).reals
      return stride(from: 0, to: numbers.count, by: width).map { start in
        let row = Array(numbers[start..<start + width])
        let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return row.map { $0 / length }
      }
    }
    let (left, right) = (rows(a), rows(b))
    func similarity(_ i: Int, _ j: Int) -> Double { zip(left[i], right[j]).reduce(0) { $0 + $1.0 * $1.1 } / 0.2 }
    for i in 0..<count {
      var loss = log(right.indices.reduce(0) { $0 + exp(similarity(i, $1)) }) - similarity(i, i)
      if isSymmetric { loss = (loss + log((0..<count).reduce(0) { $0 + exp(similarity($1, i)) }) - similarity(i, i)) / 2 }
      #expect(abs(got[i] - loss) < 1e-12)
    }
  }

  @Test(arguments: floatTypes, [false, true]) func infoNCEAgrees(_ element: ElementType, _ isSymmetric: Bool) throws {
    for others in ["B", "B + 3"] as [Extent] {
      let graph = try Self.infoNCE(element, isSymmetric, others).reverseGraph()
      try expectAgreement(graph, at: [["B": 5], ["B": 40]], .loose, note: "\(element) \(isSymmetric) ")
    }
  }

  /// Neither forward nor with gradients is a matrix of similarities stored.
  @Test(arguments: [false, true]) func noSimilaritiesAreStored(_ isSymmetric: Bool) throws {
    let graph = try Self.infoNCE(.f32, isSymmetric, "B")
    for derived in [graph, try graph.reverseGraph()] {
      #expect(try !Self.storesPairs(derived), "\(derived.text)")
    }
  }

  /// Similarities by hand: a product with its own places as labels, and sigmoids of all pairs.
  @Test func writtenContrasts() throws {
    let graph = try Graph(building: "contrast") { g in
      let (a, b) = (g.input("a", .f64, ["B", 6]), g.input("b", .f64, ["B", 6]))
      let scores = matmul(a, b.transposed()) * 0.3
      let ofRows = crossEntropy(scores, g.iota(["B"])), ofColumns = crossEntropy(scores.transposed(), g.iota(["B"]))
      let signs = select(scores.index(0) == scores.index(1), 1.0, -1.0, as: .f64)
      return [(ofRows + ofColumns).named("clip"), softplus(-(matmul(a, b.transposed()) * 0.7) * signs).sum().named("sigmoids")]
    }
    try expectAgreement(graph.reverseGraph(), at: [["B": 4], ["B": 33]], .loose)
    #expect(try !Self.storesPairs(graph.reverseGraph()))
    var check = DirectionalCheck()
    check.directions = 1
    let fused = try graph.optimized(options()).graph.ir
    let failures = try check.failures(of: fused, at: randomInputs(fused, ["B": 5]))
    #expect(failures.isEmpty)
  }

  /// Rows of zeros have finite losses and gradients.
  @Test func zeroEmbeddings() throws {
    let graph = try Graph(building: "contrast") { g in
      let (a, b) = (g.input("a", .f32, ["B", 6]), g.input("b", .f32, ["B", 6]))
      let loss = HeedDSL.infoNCE(a, b)
      return [loss.named("loss")] + gradients(of: loss, with: [a, b])
    }
    let zeros = try NDArray(zeros: .f32, [3, 6])
    let outputs = try graph.compile(options())(["a": zeros, "b": zeros])
    #expect(abs(try outputs["loss"]!.floats()[0] - Float(log(3.0))) < 1e-6)
    #expect(try outputs["gradient.a"]!.floats().allSatisfy { $0 == 0 })
  }

  @Test(arguments: floatTypes) func elementwiseLossesAgree(_ element: ElementType) throws {
    let graph = try Graph(building: "losses") { g in
      let (x, t) = (g.input("x", element, ["B", 5]), g.input("t", element, ["B", 5]))
      return [
        meanSquaredError(x, t), meanSquaredError(x, t, reduction: .none), binaryCrossEntropy(logits: x, t),
        binaryCrossEntropy(logits: x * 4, t, weights: t, positiveWeight: t[0], reduction: .sum),
      ].enumerated().map { $1.named("l\($0)") }
    }
    try expectAgreement(graph, at: [["B": 3]], .loose)
    try expectAgreement(graph.reverseGraph(), at: [["B": 3]], .loose)
  }

  /// The derivative of binary cross-entropy is the probability less the target, at 0 and far out as well.
  @Test func binaryCrossEntropyFarOut() throws {
    let graph = try Graph(building: "loss") { g in
      let (x, t) = (g.input("x", .f32, ["B"]), g.input("t", .f32, ["B"]))
      let loss = binaryCrossEntropy(logits: x, t, reduction: .sum)
      return [binaryCrossEntropy(logits: x, t, reduction: .none).named("loss")] + gradients(of: loss, with: [x])
    }
    let (xs, ts): ([Float], [Float]) = ([0, 0, 1e-3, -14, 14, -60, 60, 1e30, -1e30, 3], [0, 1, 0.5, 0, 1, 0, 0, 1, 0, 0.25])
    let outputs = try graph.compile(options())(["x": NDArray(xs, [10]), "t": NDArray(ts, [10])])
    let (losses, slopes) = (try outputs["loss"]!.floats(), try outputs["gradient.x"]!.floats())
    for (position, (x, t)) in zip(xs.map(Double.init), ts.map(Double.init)).enumerated() {
      let softplus = max(x, 0) + Foundation.log1p(exp(-abs(x)))
      let slope = (x > 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x))) - t
      #expect(abs(Double(losses[position]) - (softplus - x * t)) <= 2e-6 * max(1e-6, abs(softplus)) + (x == 1e30 ? 1e24 : 0))
      #expect(
        abs(Double(slopes[position]) - slope) <= 1e-6 * abs(slope) + (t == 0 ? 0 : 1e-7), "\(x): \(slopes[position]), \(slope)")
    }
  }
}
