import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Numbers of rows that are subtracted from scores: a NaN or an infinity in them shows, and a logarithm of the same scores beside fuses.
@Suite struct RowShiftTests {
  struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    let body: @Sendable (_ s: Tensor, _ v: Tensor, _ row: Tensor) -> Tensor
    var testDescription: String { name }

    init(_ name: String, _ body: @escaping @Sendable (Tensor, Tensor, Tensor) -> Tensor) { (self.name, self.body) = (name, body) }
  }

  static func total(_ x: Tensor) -> Tensor { x.sum(-1, keepingDimensions: true) }
  static func most(_ x: Tensor) -> Tensor { x.max(-1, keepingDimensions: true) }
  static func logarithm(_ x: Tensor) -> Tensor { logSumExp(x).expandingDimension(-1) }

  static let forms: [Form] = [
    Form("softmax") { s, v, row in matmul(softmax(s - row), v) },
    Form("softmax of a sum") { s, v, row in matmul(softmax(s + row), v) },
    Form("half of it") { s, v, row in matmul(softmax(s - row * 0.5), v) },
    Form("the greater of it and a number") { s, v, row in matmul(softmax(s - max(row, -5.0)), v) },
    Form("relative to the greatest and a number") { s, v, row in
      let e = exp(s - row)
      return matmul(e / (total(e) + 0.5), v)
    },
    Form("with the logarithm beside") { s, v, row in
      let x = s - row
      return matmul(softmax(x), v) * sigmoid(logarithm(x))
    },
  ]

  /// Shifts by finite numbers, with another use of the same scores.
  static let shared: [Form] = [
    Form("a constant and the logarithm") { s, v, _ in
      let x = s - 3.0
      return matmul(softmax(x), v) * sigmoid(logarithm(x))
    },
    Form("a constant and the greatest") { s, v, _ in
      let x = s - 3.0
      return matmul(softmax(x), v) * sigmoid(most(x))
    },
    Form("a constant, written out, and the logarithm") { s, v, _ in
      let x = s - 3.0
      let e = exp(x - most(x))
      return matmul(e / total(e), v) * sigmoid(logarithm(x))
    },
    Form("the greatest and a constant") { s, v, _ in
      let e = exp(s - most(s) - 1.5)
      return matmul(e / total(e), v)
    },
    Form("the logarithm") { s, v, _ in matmul(softmax(s - logarithm(s)), v) },
  ]

  static func graph(_ form: Form) -> Graph {
    Graph("g") { g in
      let (q, k) = (g.input("q", .f32, ["B", 2, "M", 16]), g.input("k", .f32, ["B", 2, "N", 16]))
      let (v, row) = (g.input("v", .f32, ["B", 2, "N", 16]), g.input("row", .f32, ["B", 2, "M", 1]))
      return form.body(matmul(q, k.transposed()) / 4, v, row)
    }
  }

  @Test(arguments: forms + shared) func agree(_ form: Form) throws {
    let graph = Self.graph(form)
    let inputs = try [(3, 700), (60, 61)].map { try randomInputs(graph, ["B": 2, "M": $0.0, "N": $0.1]) }
    try expectAgreement(graph, inputs, .loose, attentions: 1, note: "\(form.name) ")
  }

  @Test(arguments: forms, [Double.nan, .infinity, -.infinity]) func shows(_ form: Form, _ number: Double) throws {
    let graph = Self.graph(form)
    let inputs = try [(3, 700), (60, 61)].map { rows, keys in
      var inputs = try randomInputs(graph, ["B": 2, "M": rows, "N": keys])
      inputs["row"]!.reals[1] = number
      inputs["row"]!.reals[2 * rows + 2] = number
      return inputs
    }
    try expectAgreement(graph, inputs, .loose, attentions: 1, note: "\(form.name) \(number) ")
  }

  /// A softmax that is written out is 0 where all of its scores are -inf, and NaN as written. A NaN shows in both.
  @Test(arguments: [
    Form("early") { s, v, row in
      let e = exp(s - row)
      return matmul(e / total(e), v)
    },
    Form("late") { s, v, row in
      let e = exp(s - row)
      return matmul(e, v) / total(e)
    },
    Form("before the greatest") { s, v, row in
      let x = s - row
      return matmul(softmax(x - most(x)), v)
    },
    Form("by the logarithm") { s, v, row in
      let x = s - row
      return matmul(exp(x - logarithm(x)), v)
    },
  ]) func writtenOut(_ form: Form) throws {
    let graph = Self.graph(form)
    var inputs = try randomInputs(graph, ["B": 2, "M": 60, "N": 61])
    try expectAgreement(graph, [inputs], .loose, attentions: 1)
    inputs["row"]!.reals[1] = .nan
    inputs["row"]!.reals[60 + 7] = -.infinity
    try expectAgreement(graph, [inputs], .loose, attentions: 1)
  }
}
