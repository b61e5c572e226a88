import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Ways to write a masked softmax whose rows may be without a live pair, each against plain loops and the reference.
@Suite struct DeadRowTests {
  /// Probabilities and their weighted sum, of masked scores s, values v and the mask.
  struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    /// What the reference, which is what was written, has in rows without a live pair.
    var isNaNAsWritten = false
    var attentions = 1
    let body: @Sendable (_ s: Tensor, _ v: Tensor, _ mask: Tensor) -> Tensor
    var testDescription: String { name }

    init(
      _ name: String, isNaNAsWritten: Bool = false, attentions: Int = 1,
      _ body: @escaping @Sendable (Tensor, Tensor, Tensor) -> Tensor
    ) {
      (self.name, self.isNaNAsWritten, self.attentions, self.body) = (name, isNaNAsWritten, attentions, body)
    }
  }

  static func sum(_ x: Tensor) -> Tensor { x.sum(-1, keepingDimensions: true) }
  static func greatest(_ x: Tensor) -> Tensor { x.max(-1, keepingDimensions: true) }
  static func finiteGreatest(_ x: Tensor) -> Tensor {
    let m = greatest(x)
    return select(m == -.infinity, 0.0, m)
  }

  /// Exponentials relative to the greatest score, which is -inf in a row without a live pair.
  static let unguarded: [Form] = [
    Form("mask behind the exponentials, divided late") { s, v, mask in
      let e = exp(s - greatest(s)).where(mask, else: 0)
      return matmul(e, v) / max(sum(e), 1e-20)
    },
    Form("scores above -inf, divided late") { s, v, _ in
      let e = exp(s - greatest(s)).where(s > -.infinity, else: 0)
      return matmul(e, v) / max(sum(e), 1e-20)
    },
    Form("mask, a number added to the sum") { s, v, mask in
      let e = exp(s - greatest(s)).where(mask, else: 0)
      return matmul(e / (sum(e) + 1e-20), v)
    },
    Form("mask, base 2") { s, v, mask in
      let e = exp2(s * 1.4426950408889634 - greatest(s * 1.4426950408889634)).where(mask, else: 0)
      return matmul(e, v) / max(sum(e), 1e-20)
    },
    Form("-inf chosen, sum of 0 replaced") { s, v, _ in
      let e = select(s == -.infinity, 0.0, exp(s - greatest(s)))
      let z = sum(e)
      return matmul(e / select(z == 0, 1.0, z), v)
    },
    Form("-inf chosen, at least a number") { s, v, _ in
      let e = select(s == -.infinity, 0.0, exp(s - greatest(s)))
      return matmul(e / max(sum(e), 1e-20), v)
    },
    Form("-inf chosen, a number added") { s, v, _ in
      let e = select(s == -.infinity, 0.0, exp(s - greatest(s)))
      return matmul(e, v) / (sum(e) + 1e-20)
    },
    Form("no mask behind the exponentials", isNaNAsWritten: true) { s, v, _ in
      let e = exp(s - greatest(s))
      return matmul(e / (sum(e) + 1e-20), v)
    },
    Form("times the mask", isNaNAsWritten: true) { s, v, mask in
      let e = exp(s - greatest(s)) * mask.cast(to: .f32)
      return matmul(e, v) / max(sum(e), 1e-20)
    },
    Form("the greatest is guarded") { s, v, mask in
      let e = exp(s - finiteGreatest(s)).where(mask, else: 0)
      return matmul(e, v) / max(sum(e), 1e-20)
    },
    Form("the greatest is bounded") { s, v, _ in
      let e = exp(s - max(greatest(s), -1e30)).where(s > -.infinity, else: 0)
      return matmul(e / max(sum(e), 1e-20), v)
    },
  ]

  /// Guards behind the softmax, that a NaN of a query or key shows through.
  static let guards: [Form] = [
    Form("all scores are -inf") { s, v, _ in
      matmul(select((s == -.infinity).all(-1, keepingDimensions: true), 0.0, softmax(s)), v)
    },
    Form("not one score is other than -inf") { s, v, _ in
      matmul(softmax(s).where((s != -.infinity).any(-1, keepingDimensions: true), else: 0), v)
    },
    Form("pairs of -inf") { s, v, _ in matmul(select(s == -.infinity, 0.0, softmax(s)), v) },
    Form("pairs other than -inf, as a number") { s, v, _ in matmul(softmax(s) * (s != -.infinity).cast(to: .f32), v) },
    Form("the greatest is -inf") { s, v, _ in matmul(select(greatest(s) == -.infinity, 0.0, softmax(s)), v) },
    Form("the logarithm is -inf") { s, v, _ in
      matmul(select(logSumExp(s).expandingDimension(-1) == -.infinity, 0.0, softmax(s)), v)
    },
    Form("a sum of 0") { s, v, _ in
      let e = exp(s - finiteGreatest(s))
      let z = sum(e)
      return matmul(select(z == 0, 0.0, e / z), v)
    },
    Form("a sum of 0, divided late") { s, v, _ in
      let e = exp(s - finiteGreatest(s))
      let z = sum(e)
      return select(z == 0, 0.0, matmul(e, v) / z)
    },
    Form("a sum other than 0, base 2") { s, v, _ in
      let t = s * 1.4426950408889634
      let e = exp2(t - finiteGreatest(t))
      let z = sum(e)
      return matmul((e / z).where(z != 0, else: 0), v)
    },
    Form("-inf chosen before the sum of 0") { s, v, _ in
      let e = select(s == -.infinity, 0.0, exp(s - greatest(s)))
      let z = sum(e)
      return matmul(select(z == 0, 0.0, e / z), v)
    },
    Form("0 or more, the probability on the right") { s, v, _ in matmul(max(0.0, softmax(s)), v) },
    Form("between 0 and 1") { s, v, _ in matmul(clamp(softmax(s), 0.0, 1.0), v) },
  ]

  /// Guards that NaN does not pass: as written, a row with NaN is 0.
  static let hiding: [Form] = [
    Form("a sum above 0") { s, v, _ in
      let e = exp(s - finiteGreatest(s))
      let z = sum(e)
      return matmul((e / z).where(z > 0, else: 0), v)
    },
    Form("the greatest is above -inf") { s, v, _ in matmul(softmax(s).where(greatest(s) > -.infinity, else: 0), v) },
    Form("times whether the greatest is above -inf") { s, v, _ in
      matmul(softmax(s) * (greatest(s) > -.infinity).cast(to: .f32), v)
    },
    Form("the logarithm is above -inf") { s, v, _ in
      matmul(softmax(s).where(logSumExp(s).expandingDimension(-1) > -.infinity, else: 0), v)
    },
    Form("0 or more") { s, v, _ in matmul(max(softmax(s), 0.0), v) },
    Form("not a number") { s, v, _ in
      let p = softmax(s)
      return matmul(select(p != p, 0.0, p), v)
    },
    Form("not a number, by the logarithm") { s, v, _ in
      let p = exp(logSoftmax(s))
      return matmul(select(p != p, 0.0, p), v)
    },
    Form("not a number, written out") { s, v, _ in
      let e = exp(s - greatest(s))
      let p = e / sum(e)
      return matmul(select(p != p, 0.0, p), v)
    },
  ]

  /// Comparisons by above rather than not equal, which hide a NaN where all of a row's live scores are that; compiled code shows it.
  static let above: [Form] = [
    Form("any score above -inf") { s, v, _ in
      matmul(softmax(s).where((s > -.infinity).any(-1, keepingDimensions: true), else: 0), v)
    },
    Form("pairs above -inf") { s, v, _ in matmul(softmax(s).where(s > -.infinity, else: 0), v) },
  ]

  static func graph(_ form: Form) -> Graph {
    Graph("g") { g in
      let (q, k) = (g.input("q", .f32, ["B", 2, "M", 16]), g.input("k", .f32, ["B", 2, "N", 16]))
      let (v, mask) = (g.input("v", .f32, ["B", 2, "N", 16]), g.input("mask", .bool, ["M", "N"]))
      let s = (matmul(q, k.transposed()) / 4).where(mask, else: -.infinity)
      return form.body(s, v, mask)
    }
  }

  /// Inputs in which the first row, one in the middle and the last have no live key.
  static func inputs(_ graph: Graph, _ rows: Int, _ keys: Int) throws -> [Name: ReferenceArray] {
    var inputs = try randomInputs(graph, ["B": 2, "M": rows, "N": keys])
    let dead = Set([0, rows / 2, rows - 1])
    inputs["mask"]!.integers = (0..<rows * keys).map { position in
      let (row, key) = (position / keys, position % keys)
      return !dead.contains(row) && (key * 7 + row) % 5 < 3 ? 1 : 0
    }
    return inputs
  }

  /// Attention by plain loops, rows without a live key 0.
  static func expected(_ inputs: [Name: ReferenceArray]) -> [Double] {
    let (q, k, v, mask) = (inputs["q"]!, inputs["k"]!, inputs["v"]!, inputs["mask"]!)
    let (rows, keys, width) = (q.shape[2], k.shape[2], 16)
    var result: [Double] = []
    for batch in 0..<q.shape[0] * q.shape[1] {
      for row in 0..<rows {
        let scores = (0..<keys).map { key -> Double in
          guard mask.integers[row * keys + key] != 0 else { return -.infinity }
          return (0..<width).reduce(0) {
            $0 + q.reals[(batch * rows + row) * width + $1] * k.reals[(batch * keys + key) * width + $1] / 4
          }
        }
        let isNaN = scores.contains(where: \.isNaN)
        let most = scores.max()!
        let weights = scores.map { isNaN ? .nan : most == -.infinity ? 0 : exp($0 - most) }
        let total = weights.reduce(0, +)
        result += (0..<width).map { e in
          let sum = (0..<keys).reduce(0.0) {
            scores[$1] == -.infinity ? $0 : $0 + weights[$1] * v.reals[(batch * keys + $1) * width + e]
          }
          return total == 0 ? 0 : sum / total
        }
      }
    }
    return result
  }

  static let sizes = [(4, 700), (60, 61)]

  @Test(arguments: unguarded) func rowsWithoutALivePair(_ form: Form) throws { try Self.check(form) }

  @Test(arguments: guards) func guardsShowNaN(_ form: Form) throws {
    try Self.check(form)
    for name in ["q", "k"] as [Name] { try Self.check(form, nanIn: name) }
  }

  @Test(arguments: hiding) func guardsHideNaN(_ form: Form) throws {
    try Self.check(form)
    for name in ["q", "k"] as [Name] { try Self.check(form, nanIn: name, isHidden: true) }
  }

  @Test(arguments: above) func comparisons(_ form: Form) throws {
    try Self.check(form)
    try Self.check(form, nanIn: "k")
  }

  static func check(_ form: Form, nanIn name: Name? = nil, isHidden: Bool = false) throws {
    let graph = graph(form)
    let compiled = try graph.compile(options())
    let count = compiled.graph.body.count { compiled.graph.op($0) == .attention }
    #expect(count == form.attentions, "\(graph.text)\n\(compiled.graph.text)\n\(compiled.remarks)")
    for (rows, keys) in sizes {
      var inputs = try inputs(graph, rows, keys)
      if let name { for e in 0..<3 { inputs[name]!.reals[(name == "q" && rows < 6 ? 1 : 5) * 16 + e] = .nan } }
      let reals = expected(inputs)
      #expect(name == nil || reals.contains(where: \.isNaN))
      let expected = ReferenceArray(.f32, [2, 2, rows, 16], reals: isHidden ? reals.map { $0.isNaN ? 0 : $0 } : reals)
      let got = try compiled.run(graph, inputs, guarding: .ends)[0]
      if let difference = try difference(got, expected, .loose) {
        Issue.record("\(form.name) \(rows) \(keys): \(difference)\n\(graph.text)\n\(compiled.graph.text)")
      }
      guard !form.isNaNAsWritten else { continue }
      let reference = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array
      if let difference = try difference(NDArray(reference), expected, .loose) {
        Issue.record("\(form.name) \(rows) \(keys), the reference: \(difference)\n\(graph.text)")
      }
    }
  }
}
