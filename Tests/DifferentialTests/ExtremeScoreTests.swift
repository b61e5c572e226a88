import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Rows whose scores are all very large in magnitude, by masks of finite numbers or by themselves: an f32 beside them holds no logarithm.
@Suite struct ExtremeScoreTests {
  struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    var element = ElementType.f32
    let attentions: Int
    let build: @Sendable (GraphBuilder, _ fill: Double) -> [Tensor]
    var testDescription: String { name }
  }

  /// The scores of 2 heads of `M` queries and `N` keys, and the values.
  private static func parts(_ g: GraphBuilder, _ element: ElementType = .f32) -> (scores: Tensor, values: Tensor) {
    let (q, k) = (g.input("q", element, [2, "M", 16]), g.input("k", element, [2, "N", 16]))
    return (matmul(q, k.transposed()) / 2, g.input("v", element, [2, "N", 8]))
  }

  private static func mask(_ g: GraphBuilder, like scores: Tensor) -> Tensor {
    g.input("mask", .bool, ["M", "N"]).broadcast(to: scores.shape, dimensions: [1, 2])
  }

  /// A masked row and one further thing of its scores or weights.
  private static func beside(
    _ name: String, _ element: ElementType = .f32, _ more: @escaping @Sendable (_ scores: Tensor, _ weights: Tensor) -> Tensor
  ) -> Form {
    Form(name: name, element: element, attentions: 1) { g, fill in
      let (s, v) = parts(g, element)
      let x = s.where(mask(g, like: s), else: fill)
      let p = softmax(x)
      return [matmul(p, v), more(x, p)]
    }
  }

  static let outputs: [Form] = [
    beside("greatest score") { x, _ in x.max(-1) },
    beside("logarithm of the sum") { x, _ in logSumExp(x) },
    beside("sum of weights") { _, p in p.sum(-1) },
    beside("greatest score, bf16", .bf16) { x, _ in x.max(-1) },
    beside("greatest score, f64", .f64) { x, _ in x.max(-1) },
  ]

  private static func newKeys(_ g: GraphBuilder) -> (keys: Tensor, values: Tensor) {
    (g.input("l", .f32, [2, "T", 16]), g.input("w", .f32, [2, "T", 8]))
  }

  static let keySets: [Form] = [
    Form(name: "scores side by side", attentions: 2) { g, fill in
      let (s, v) = parts(g)
      let (l, w) = newKeys(g)
      let t = matmul(g.input("r", .f32, [2, "M", 16]), l.transposed())
      let x = s.where(mask(g, like: s), else: fill)
      let y = t.where(g.input("mask2", .bool, ["M", "T"]).broadcast(to: t.shape, dimensions: [1, 2]), else: fill)
      return [matmul(softmax(concatenate([x, y], dimension: 2)), concatenate([v, w], dimension: 1))]
    },
    Form(name: "keys side by side, padded", attentions: 2) { g, fill in
      let (q, k, v) = (g.input("q", .f32, [2, "M", 16]), g.input("k", .f32, [2, "N", 16]), g.input("v", .f32, [2, "N", 8]))
      let (l, w) = newKeys(g)
      let s = matmul(q, concatenate([k, l], dimension: 1).transposed())
      let keep = g.input("keep", .bool, [2, Extent("N") + "T"]).broadcast(to: s.shape, dimensions: [0, 2])
      return [matmul(softmax(s.where(keep, else: fill)), concatenate([v, w], dimension: 1))]
    },
    Form(name: "float biases", attentions: 2) { g, fill in
      let (s, v) = parts(g)
      let (l, w) = newKeys(g)
      let t = matmul(g.input("r", .f32, [2, "M", 16]), l.transposed())
      let x = s + g.input("bias", .f32, ["M", "N"]).broadcast(to: s.shape, dimensions: [1, 2])
      let y = t + g.input("bias2", .f32, ["M", "T"]).broadcast(to: t.shape, dimensions: [1, 2])
      return [matmul(softmax(concatenate([x, y], dimension: 2)), concatenate([v, w], dimension: 1))]
    },
  ]

  static let statistics: [Form] = [
    beside("average of heads") { _, p in p.mean(0) },
    beside("average over queries") { _, p in p.mean(1) },
    beside("greatest of heads") { _, p in p.max(0) },
    beside("entropy") { _, p in (p * log(p.where(p > 0, else: 1.0))).sum(-1) },
    beside("greatest weights") { _, p in p.topK(3).values },
    beside("average of heads, bf16", .bf16) { _, p in p.mean(0) },
    Form(name: "average of heads under a float bias", attentions: 1) { g, _ in
      let (s, v) = parts(g)
      let p = softmax(s + g.input("bias", .f32, ["M", "N"]).broadcast(to: s.shape, dimensions: [1, 2]))
      return [matmul(p, v), p.mean(0), p.mean(1)]
    },
    Form(name: "average of heads in a causal mask", attentions: 1) { g, fill in
      let (s, v) = parts(g)
      let x = s.where(mask(g, like: s), else: fill).where(s.index(2) <= s.index(1), else: -.infinity)
      let p = softmax(x)
      return [matmul(p, v), p.mean(0), p.mean(1)]
    },
  ]

  /// Rows 0, those in the middle and the last are masked altogether; half of the second head's keys are padding, or all.
  static func inputs(_ graph: Graph, _ rows: Int, _ keys: Int, _ new: Int, fill: Double) throws -> [Name: ReferenceArray] {
    let empty = Set([0, rows / 2, rows / 2 + 1, rows - 1])
    func bools(_ count: Int, _ isLive: (Int, Int) -> Bool, _ rows: Int) -> ReferenceArray {
      ReferenceArray(
        .bool, [rows, count], integers: (0..<rows * count).map { isLive($0 / count, $0 % count) ? 1 : 0 })
    }
    func biases(_ bools: ReferenceArray) -> ReferenceArray {
      ReferenceArray(.f32, bools.shape, reals: bools.integers.map { $0 == 1 ? 0 : ElementType.f32.round(fill) })
    }
    let mask = bools(keys, { !empty.contains($0) && ($1 * 7 + $0) % 5 != 0 }, rows)
    let mask2 = bools(new, { row, _ in !empty.contains(row) }, rows)
    return try randomInputs(
      graph, ["M": rows, "N": keys, "T": new],
      given: [
        "mask": mask, "mask2": mask2, "bias": biases(mask), "bias2": biases(mask2),
        "keep": bools(keys + new, { head, key in head == 0 && key > 2 }, 2),
      ])
  }

  private static let sizes = [(1, 3, 1), (3, 1100, 2), (60, 61, 60), (110, 205, 7)]

  @Test(arguments: outputs + keySets + statistics, [-1e6, -1e9, -3.3895314e38]) func agree(_ form: Form, _ fill: Double) throws {
    let graph = Graph("extreme") { form.build($0, fill) }
    let sizes = fill == -1e9 ? Self.sizes : Array(Self.sizes.prefix(3))
    try expectAgreement(
      graph, sizes.map { try Self.inputs(graph, $0.0, $0.1, $0.2, fill: fill) },
      Tolerance(f32: 1e-4, f64: 1e-9, roundings: 8), attentions: form.attentions, note: "\(form.name) \(fill) ")
  }

  /// One row, all of its keys masked: all weigh the same, whatever their scores are.
  @Test(arguments: [-1e6, -1e9, -3.4028235e38]) func masked(_ fill: Double) throws {
    let graph = Graph("masked") { g in
      let (q, k, v) = (g.input("q", .f32, [1, 1, 4]), g.input("k", .f32, [1, 4, 4]), g.input("v", .f32, [1, 4, 1]))
      let s = (matmul(q, k.transposed()) / 2).where(g.input("m", .bool, [1, 1, 4]), else: fill)
      let p = softmax(s)
      return [matmul(p, v), s.max(-1), p.mean(0), p.sum(-1)]
    }
    let none = ReferenceArray(.bool, [1, 1, 4], integers: [0, 0, 0, 0])
    let values = ReferenceArray(.f32, [1, 4, 1], reals: [1, 2, 3, 4])
    let inputs = try randomInputs(graph, [:], given: ["m": none, "v": values])
    for target in hostTargets {
      let results = try graph.compile(options(target)).run(graph, inputs, guarding: .ends).map { ReferenceArray($0).reals }
      #expect(abs(results[0][0] - 2.5) < 1e-5)
      #expect(results[1] == [Double(Float(fill))])
      #expect(results[2].allSatisfy { abs($0 - 0.25) < 1e-6 }, "\(results[2])")
      #expect(abs(results[3][0] - 1) < 1e-6)
    }
  }

  /// Scores that are large by themselves, whose roundings decide: the weights that a second pass computes sum to 1, as every softmax's.
  @Test(arguments: [1e3, 1e9, -1e9]) func sums(_ size: Double) throws {
    let graph = Graph("large") { g in
      let (q, k, v) = (g.input("q", .f32, [2, "M", 16]), g.input("k", .f32, [2, "N", 16]), g.input("v", .f32, [2, "N", 8]))
      let p = softmax(matmul(q, k.transposed()) * 0.5)
      return [matmul(p, v), p.mean(0)]
    }
    for (rows, keys) in [(1, 40), (3, 1100), (70, 200)] {
      var inputs = try randomInputs(graph, ["M": rows, "N": keys])
      for name in ["q", "k"] as [Name] {
        let sign = name == "k" && size < 0 ? -1.0 : 1
        inputs[name]!.reals = inputs[name]!.reals.map { (abs($0) + 0.5) * sign * abs(size).squareRoot() }
      }
      for target in hostTargets {
        let weights = ReferenceArray(try graph.compile(options(target)).run(graph, inputs, guarding: .ends)[1]).reals
        for row in 0..<rows {
          let sum = weights[row * keys..<(row + 1) * keys].reduce(0, +)
          #expect(abs(sum - 1) < 1e-5, "\(target) \(rows) \(keys): \(sum)")
        }
      }
    }
  }
}
