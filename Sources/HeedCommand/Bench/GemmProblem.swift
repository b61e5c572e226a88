import ArgumentParser
import Foundation
import Heed
import HeedInterpreter

/// A matrix product to measure: `x [B, M, K]` by `w [B, K, N]` to `[B, M, N]`, and what is done to each sum.
struct GemmProblem {
  /// What follows the product.
  enum Epilogue: String, CaseIterable, ExpressibleByArgument {
    case none
    /// A number for each column is added.
    case bias
    /// The same, and the GELU of it.
    case gelu
  }

  /// When the right operand is known.
  enum Weights: String, CaseIterable, ExpressibleByArgument {
    /// It is a parameter, packed once.
    case load
    /// It is an input of each call.
    case call
  }

  let batch, m, n, k: Int
  let element: ElementType
  let epilogue: Epilogue
  let weights: Weights

  init(batch: Int, m: Int, n: Int, k: Int, element: ElementType, epilogue: Epilogue, weights: Weights) throws {
    for (name, size) in [("batch", batch), ("m", m), ("n", n), ("k", k)] where !(1...1 << 30).contains(size) {
      throw HeedError("got --\(name) \(size), expected a number from 1 to \(1 << 30)")
    }
    (self.batch, self.m, self.n, self.k) = (batch, m, n, k)
    (self.element, self.epilogue, self.weights) = (element, epilogue, weights)
    // The packed weights and the baseline's result come on top.
    guard 2 * bytes < Double(ProcessInfo.processInfo.physicalMemory) else {
      throw HeedError("got sizes of \(fixed(2 * bytes / 1e9, 0)) GB, expected what fits in memory")
    }
  }

  /// The problem on one line.
  var title: String {
    "Product \(element): \(batch == 1 ? "" : "\(batch) times ")\(m) x \(n) over \(k), epilogue \(epilogue), weights given at \(weights)"
  }

  /// Multiplications and additions of the product.
  var flops: Double { 2 * Double(batch) * Double(m) * Double(n) * Double(k) }

  /// Bytes of both operands and the result.
  var bytes: Double {
    Double(element.byteCount * batch) * (Double(m) * Double(k) + Double(k) * Double(n) + Double(m) * Double(n))
  }

  /// The graph. The number of rows is a symbol; a small one is a constant, as where a model decodes.
  func graph() -> Graph {
    Graph("gemm") { g in
      let (b, n, k) = (Extent(batch), Extent(n), Extent(k))
      let leading: [Extent] = batch == 1 ? [] : [b]
      let rows: Extent = m <= 16 ? Extent(m) : "M"
      let x = g.input("x", element, Shape(leading + [rows, k]))
      let shape = Shape(leading + [k, n])
      let w = weights == .load ? g.parameter("w", element, shape) : g.input("w", element, shape)
      return finished(matmul(x, w), g)
    }
  }

  /// The epilogue alone, on a product `[R, N]`.
  func epilogueGraph() -> Graph {
    Graph("epilogue") { g in finished(g.input("product", element, ["R", Extent(n)]), g) }
  }

  private func finished(_ product: Tensor, _ g: GraphBuilder) -> Tensor {
    guard epilogue != .none else { return product.named("out") }
    let biased = product + g.parameter("bias", element, [Extent(n)])
    return (epilogue == .gelu ? gelu(biased) : biased).named("out")
  }

  /// Random operands by name, `x`, `w` and `bias`; without the batch where that is 1.
  func arrays() throws -> [String: NDArray] {
    let leading = batch == 1 ? [] : [batch]
    return [
      "x": try NDArray(normal: element, leading + [m, k], seed: 1),
      "w": try NDArray(normal: element, leading + [k, n], seed: 2, scale: 1 / Double(k).squareRoot()),
      "bias": try NDArray(normal: element, [n], seed: 3),
    ]
  }

  /// The arrays that a call passes and those that are bound at load.
  func split(_ arrays: [String: NDArray]) -> (inputs: [String: NDArray], parameters: [String: NDArray]) {
    let inputs: Set = weights == .load ? ["x"] : ["x", "w"]
    return (
      arrays.filter { inputs.contains($0.key) },
      arrays.filter { !inputs.contains($0.key) && (epilogue != .none || $0.key != "bias") }
    )
  }

  /// The largest difference of `out` from the reference interpreter, on as many rows as it computes in about a tenth of a second.
  func maximumError(of out: NDArray, _ arrays: [String: NDArray]) throws -> Double {
    let budget = 4 << 20
    let rowCount = max(1, min(4, budget / max(1, n * k)))
    let rows = Set([0, m / 3, m - 1, m / 2].prefix(rowCount)).sorted()
    let names = split(arrays)
    var worst = 0.0
    for b in Set([0, batch - 1]) {
      var inputs: [Name: NDArray] = ["x": try arrays["x"]!.rows(rows.map { b * m + $0 }, of: k)]
      inputs["w"] = try arrays["w"]!.rows(Array(b * k..<(b + 1) * k), of: n)
      if names.parameters["bias"] != nil { inputs["bias"] = arrays["bias"] }
      let one = try GemmProblem(batch: 1, m: rows.count, n: n, k: k, element: element, epilogue: epilogue, weights: weights)
      let expected = try GraphInterpreter.evaluate(one.graph(), inputs: inputs.mapValues { ReferenceArray($0) })[0].array.reals
      let got = ReferenceArray(try out.rows(rows.map { b * m + $0 }, of: n)).reals
      worst = max(worst, largestDifference(got, expected))
    }
    return worst
  }
}
