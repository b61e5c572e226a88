import Foundation
import HeedIR
import HeedInterpreter
import Testing

/// The kernels written by hand give what straightforward loops in double precision give, at sizes around their tiles.
struct HandWrittenKernelTests {
  @Test(arguments: KernelFile.names)
  func printingAndVerifying(file: String) throws {
    let kernels = try KernelFile.kernels(file)
    #expect(!kernels.isEmpty)
    for kernel in kernels {
      try kernel.verify()
      let again = try Kernel.parse(kernel.text, file: file)
      #expect(again == [kernel])
      #expect(again[0].text == kernel.text)
    }
  }

  /// The kernels that the documentation shows are well formed.
  @Test(arguments: ["DESIGN.md", "docs/kernel-language.md"])
  func documentedKernels(path: String) throws {
    let page = try String(contentsOf: KernelFile.root.appending(path: path), encoding: .utf8)
    let blocks = page.components(separatedBy: "```").filter { $0.hasPrefix("\nkernel @") }
    #expect(!blocks.isEmpty)
    for block in blocks { for kernel in try Kernel.parse(block, file: path) { try kernel.verify() } }
  }

  // MARK: Attention

  /// Softmax attention of one head over the live pairs; rows without one give zeros.
  static func attention(
    _ q: (Int, Int) -> Double, _ k: (Int, Int) -> Double, _ v: (Int, Int) -> Double, rows: Int, keys: Int, depth: Int, width: Int,
    live: (Int, Int) -> Bool
  ) -> [Double] {
    var output = [Double](repeating: 0, count: rows * width)
    for i in 0..<rows {
      let lives = (0..<keys).filter { live(i, $0) }
      let scores = lives.map { j in sum(depth) { q(i, $0) * k(j, $0) } / Double(depth).squareRoot() }
      guard let maximum = scores.max() else { continue }
      let weights = scores.map { exp($0 - maximum) }
      let total = weights.reduce(0, +)
      for e in 0..<width { output[i * width + e] = sum(lives.count) { weights[$0] * v(lives[$0], e) } / total }
    }
    return output
  }

  @Test(arguments: [(0, 0), (1, 1), (1, 0), (31, 47), (32, 48), (33, 49), (64, 96), (65, 17), (5, 97)])
  func flashDense(rows: Int, keys: Int) throws {
    let (batch, heads) = (3, 2)
    let q = ReferenceArray.random([batch, heads, rows, 32], scale: 3, seed: 1)
    let k = ReferenceArray.random([batch, heads, keys, 32], scale: 3, seed: 2)
    let v = ReferenceArray.random([batch, heads, keys, 32], seed: 3)
    // All keys, half of them, none: whole batch entries without a live key.
    let lengths = [keys, keys / 2, 0]
    let result = try KernelEvaluator.evaluate(
      try KernelFile.kernel("flash_dense", in: "flash_attention.heed"),
      inputs: ["q": q, "k": k, "v": v, "lengths": ReferenceArray(.i32, [batch], integers: lengths.map(Int64.init))])
    var expected: [Double] = []
    for b in 0..<batch {
      for h in 0..<heads {
        expected += Self.attention(
          { q.at(b, h, $0, $1) }, { k.at(b, h, $0, $1) }, { v.at(b, h, $0, $1) }, rows: rows, keys: keys, depth: 32, width: 32,
          live: { _, j in j < lengths[b] })
      }
    }
    #expect(result["o"]!.shape == [batch, heads, rows, 32])
    #expect(result["o"]!.largestDifference(expected) < 2e-6)
  }

  @Test(arguments: [0, 1, 31, 32, 33, 48, 49, 96, 97])
  func flashCausal(length: Int) throws {
    let (batch, heads) = (3, 2)
    let q = ReferenceArray.random([batch, heads, length, 32], scale: 3, seed: 1)
    let k = ReferenceArray.random([batch, heads, length, 32], scale: 3, seed: 2)
    let v = ReferenceArray.random([batch, heads, length, 32], seed: 3)
    // The diagonal, the first 40 rows dead, all of the next 20 keys live.
    let shift = [0, -40, 20]
    let result = try KernelEvaluator.evaluate(
      try KernelFile.kernel("flash_causal", in: "flash_attention.heed"),
      inputs: ["q": q, "k": k, "v": v, "shift": ReferenceArray(.i32, [batch], integers: shift.map(Int64.init))])
    var expected: [Double] = []
    for b in 0..<batch {
      for h in 0..<heads {
        expected += Self.attention(
          { q.at(b, h, $0, $1) }, { k.at(b, h, $0, $1) }, { v.at(b, h, $0, $1) }, rows: length, keys: length, depth: 32, width: 32,
          live: { i, j in j <= i + shift[b] })
      }
    }
    #expect(result["o"]!.largestDifference(expected) < 2e-6)
  }

  @Test(arguments: [0, 1, 47, 48, 49, 96, 97, 200])
  func attentionBackward(length: Int) throws {
    let (batch, heads) = (3, 1)
    let shape = [batch, heads, length, 64]
    let (q, k) = (ReferenceArray.random(shape, scale: 3, seed: 1), ReferenceArray.random(shape, scale: 3, seed: 2))
    let (v, cotangent) = (ReferenceArray.random(shape, seed: 3), ReferenceArray.random(shape, seed: 4))
    // The diagonal, the first 40 rows dead, all of the next 20 keys live.
    let shift = [0, -40, 20]
    let gradients = (0..<batch).map { b in
      AttentionGradients(
        { q.at(b, 0, $0, $1) }, { k.at(b, 0, $0, $1) }, { v.at(b, 0, $0, $1) }, { cotangent.at(b, 0, $0, $1) }, length: length,
        width: 64, live: { i, j in j <= i + shift[b] })
    }
    let result = try KernelEvaluator.evaluate(
      try KernelFile.kernel("attention_backward"),
      inputs: [
        "q": q, "k": k, "v": v, "cotangent": cotangent, "o": ReferenceArray(.f32, shape, reals: gradients.flatMap(\.output)),
        "log_sum_exp": ReferenceArray(.f32, [batch, heads, length], reals: gradients.flatMap(\.logSumExp)),
        "shift": ReferenceArray(.i32, [batch], integers: shift.map(Int64.init)),
      ])
    #expect(result["dq"]!.largestDifference(gradients.flatMap(\.queries)) < 1e-5)
    #expect(result["dk"]!.largestDifference(gradients.flatMap(\.keys)) < 1e-5)
    #expect(result["dv"]!.largestDifference(gradients.flatMap(\.values)) < 1e-5)
  }

  @Test(arguments: [0, 1, 23, 24, 25, 48, 71])
  func linearAttention(length: Int) throws {
    let (batch, heads) = (1, 2)
    let q = ReferenceArray.random([batch, heads, length, 32], scale: 2, seed: 1)
    let k = ReferenceArray.random([batch, heads, length, 32], scale: 2, seed: 2)
    let v = ReferenceArray.random([batch, heads, length, 48], seed: 3)
    let result = try KernelEvaluator.evaluate(try KernelFile.kernel("linear_attention"), inputs: ["q": q, "k": k, "v": v])
    func feature(_ x: Double) -> Double { x > 0 ? x + 1 : exp(x) }
    var expected: [Double] = []
    for h in 0..<heads {
      for i in 0..<length {
        let weights = (0...i).map { j in sum(32) { feature(q.at(0, h, i, $0)) * feature(k.at(0, h, j, $0)) } }
        let total = weights.reduce(0, +)
        for e in 0..<48 { expected.append(sum(i + 1) { weights[$0] * v.at(0, h, $0, e) } / total) }
      }
    }
    #expect(result["o"]!.largestDifference(expected) < 2e-6)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 32, 33, 50])
  func differentialAttention(length: Int) throws {
    let heads = 2
    let q = ReferenceArray.random([1, heads, 2, length, 32], scale: 3, seed: 1)
    let k = ReferenceArray.random([1, heads, 2, length, 32], scale: 3, seed: 2)
    let v = ReferenceArray.random([1, heads, length, 64], seed: 3)
    let lambda = ReferenceArray.random([heads], seed: 4)
    let scale = ReferenceArray.random([64], seed: 5)
    let result = try KernelEvaluator.evaluate(
      try KernelFile.kernel("differential_attention"), inputs: ["q": q, "k": k, "v": v, "lambda": lambda, "scale": scale])
    var expected = [Double](repeating: 0, count: length * heads * 64)
    for h in 0..<heads {
      let maps = (0..<2).map { s in
        Self.attention(
          { q.at(0, h, s, $0, $1) }, { k.at(0, h, s, $0, $1) }, { v.at(0, h, $0, $1) }, rows: length, keys: length, depth: 32,
          width: 64,
          live: { i, j in j <= i })
      }
      for i in 0..<length {
        let row = (0..<64).map { maps[0][i * 64 + $0] - lambda.at(h) * maps[1][i * 64 + $0] }
        let root = (sum(64) { row[$0] * row[$0] } / 64 + 1e-5).squareRoot()
        for e in 0..<64 { expected[(i * heads + h) * 64 + e] = row[e] / root * scale.at(e) }
      }
    }
    #expect(result["o"]!.largestDifference(expected) < 2e-5)
  }

  // MARK: Layers

  @Test(arguments: [(0, 3, 20), (1, 1, 1), (23, 7, 15), (24, 16, 48), (25, 17, 49), (50, 8, 97), (3, 0, 16)])
  func linear(rows: Int, depth: Int, columns: Int) throws {
    let x = ReferenceArray.random([rows, depth], seed: 1)
    let w = ReferenceArray.random([depth, columns], seed: 2)
    let bias = ReferenceArray.random([columns], seed: 3)
    let residual = ReferenceArray.random([rows, columns], seed: 4)
    let panels = try KernelEvaluator.evaluate(try KernelFile.kernel("pack", in: "linear.heed"), inputs: ["w": w])["panels"]!
    #expect(panels.shape == [(columns + 15) / 16, depth, 16])
    let result = try KernelEvaluator.evaluate(
      try KernelFile.kernel("linear"), inputs: ["x": x, "panels": panels, "bias": bias, "residual": residual])
    var expected: [Double] = []
    for i in 0..<rows {
      for j in 0..<columns {
        let z = bias.at(j) + sum(depth) { x.at(i, $0) * w.at($0, j) }
        expected.append(z / 2 * (1 + erf(z / 2.0.squareRoot())) + residual.at(i, j))
      }
    }
    #expect(result["y"]!.largestDifference(expected) < 2e-6)
  }

  @Test(arguments: [(0, 5), (1, 1), (7, 33), (8, 64), (9, 65)])
  func layerNorm(rows: Int, width: Int) throws {
    let x = ReferenceArray.random([rows, width], scale: 5, seed: 1)
    let scale = ReferenceArray.random([width], seed: 2)
    let bias = ReferenceArray.random([width], seed: 3)
    let result = try KernelEvaluator.evaluate(try KernelFile.kernel("layer_norm"), inputs: ["x": x, "scale": scale, "bias": bias])
    var expected: [Double] = []
    for i in 0..<rows {
      let mean = sum(width) { x.at(i, $0) } / Double(width)
      let variance = sum(width) { (x.at(i, $0) - mean) * (x.at(i, $0) - mean) } / Double(width)
      for d in 0..<width { expected.append((x.at(i, d) - mean) / (variance + 1e-12).squareRoot() * scale.at(d) + bias.at(d)) }
    }
    #expect(result["y"]!.largestDifference(expected) < 1e-5)
  }

  @Test func embedding() throws {
    let table = ReferenceArray.random([7, 19], seed: 1)
    let places = ReferenceArray.random([3, 19], .bf16, seed: 2)
    let ids: [Int64] = [6, 0, 3, 3, -1, 7, 2]
    let positions: [Int64] = [0, 1, 2, 0, 1, 2, 3]
    let result = try KernelEvaluator.evaluate(
      try KernelFile.kernel("embedding"),
      inputs: [
        "ids": ReferenceArray(.i32, [7], integers: ids), "positions": ReferenceArray(.i64, [7], integers: positions),
        "table": table, "places": places,
      ])
    var expected: [Double] = []
    for (id, position) in zip(ids, positions) {
      for d in 0..<19 {
        let isInside = 0..<7 ~= id && 0..<3 ~= position
        expected.append(isInside ? table.at(Int(id), d) + places.at(Int(position), d) : .nan)
      }
    }
    #expect(result["y"]!.largestDifference(expected) < 1e-6)
    #expect(result["y"]!.reals.filter(\.isNaN).count == 3 * 19)
  }

  @Test(arguments: [[0], [0, 0], [0, 1], [0, 5, 5, 30, 31]])
  func meanPooling(offsets: [Int]) throws {
    let total = offsets.last!
    let x = ReferenceArray.random([total, 40], seed: 1)
    let result = try KernelEvaluator.evaluate(
      try KernelFile.kernel("mean_pooling"),
      inputs: ["x": x, "offsets": ReferenceArray(.i32, [offsets.count], integers: offsets.map(Int64.init))])
    var expected: [Double] = []
    for (from, to) in zip(offsets, offsets.dropFirst()) {
      let mean = (0..<40).map { d in sum(to - from) { x.at(from + $0, d) } / Double(max(to - from, 1)) }
      let norm = max(sum(40) { mean[$0] * mean[$0] }.squareRoot(), 1e-12)
      expected += mean.map { $0 / norm }
    }
    #expect(result["y"]!.largestDifference(expected) < 1e-6)
  }
}
