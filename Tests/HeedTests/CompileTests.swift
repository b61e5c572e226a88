import Foundation
import Heed
import Testing

/// The example of the README.
private let attention = Graph("causal") { g in
  let q = g.input("q", .f32, ["B", 8, "S", 64])
  let k = g.input("k", .f32, ["B", 8, "S", 64])
  let v = g.input("v", .f32, ["B", 8, "S", 64])
  let scores = matmul(q, k.transposed()) / 8
  let (i, j) = (scores.index(2), scores.index(3))
  return matmul(softmax(scores.where(j <= i, else: -.infinity)), v)
}

/// An object cache of its own, so that tests neither see nor leave anything.
private func options(threads: Int = 1) -> CompileOptions {
  CompileOptions(threads: threads, cache: ObjectCache(directory: nil))
}

private func noise(_ shape: [Int], seed: Int) throws -> NDArray {
  var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
  let values = (0..<shape.reduce(1, *)).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
  }
  return try NDArray(values, shape)
}

/// Causal attention with plain loops in double precision: `[B, H, S, D]`.
private func reference(_ q: NDArray, _ k: NDArray, _ v: NDArray) -> [Double] {
  let (heads, length, depth) = (q.shape[0] * q.shape[1], q.shape[2], q.shape[3])
  let arrays = [q, k, v].map { $0.values(as: Float.self).map(Double.init) }
  var out = [Double](repeating: 0, count: heads * length * depth)
  for h in 0..<heads {
    for i in 0..<length {
      func at(_ row: Int, _ d: Int) -> Int { (h * length + row) * depth + d }
      let weights = (0...i).map { j in exp((0..<depth).reduce(0) { $0 + arrays[0][at(i, $1)] * arrays[1][at(j, $1)] } / 8) }
      let sum = weights.reduce(0, +)
      for d in 0..<depth { out[at(i, d)] = (0...i).reduce(0) { $0 + weights[$1] * arrays[2][at($1, d)] } / sum }
    }
  }
  return out
}

@Suite struct CompileTests {
  @Test func runsTheExampleAtManyLengths() throws {
    let program = try attention.compile(options())
    #expect(program.graph.text.contains("= attention "))
    #expect(program.remarks.description.contains("fuse-attention"))
    for (batch, length) in [(1, 1), (2, 0), (2, 17), (1, 130)] {
      let shape = [batch, 8, length, 64]
      let (q, k, v) = (try noise(shape, seed: 1), try noise(shape, seed: 2), try noise(shape, seed: 3))
      let out = try program(["q": q, "k": k, "v": v])[0]
      #expect(out.shape == shape)
      let error = zip(out.values(as: Float.self), reference(q, k, v)).map { abs(Double($0) - $1) }.max() ?? 0
      #expect(error < 1e-6)
    }
  }

  /// A remark about a value without a name says which line makes it.
  @Test func remarksNameLines() throws {
    let line = #line + 6
    let graph = Graph("unnamed") { g in
      let q = g.input("q", .f32, ["S", 8])
      let weights = softmax(matmul(q, q.transposed()) * 0.5)
      let scanned = softmax(matmul(q * 2, q.transposed()).cumulativeSum(1))
      // The next line has the weighted sums.
      return matmul(weights, q).named("out") + matmul(scanned, q)
    }
    let remarks = try graph.optimized().remarks.map(\.description)
    #expect(
      remarks.contains { $0.hasPrefix("fuse-attention: %out at CompileTests.swift:\(line): fused into attention") }, "\(remarks)")
    #expect(remarks.contains { $0.contains("at CompileTests.swift:\(line - 2): declined: not fused") }, "\(remarks)")
    #expect(!remarks.contains { $0.contains("the transpose") }, "\(remarks)")
  }

  /// What passes make stands where it was written, and ops have the language's names.
  @Test func remarksSpeakOfWhatWasWritten() throws {
    let line = #line + 4
    let graph = Graph("mixed") { g in
      let (q, k, v) = (g.input("q", .f32, ["S", 8]), g.input("k", .f32, ["S", 8]), g.input("v", .f32, ["S", 4]))
      let e = exp(matmul(q, q.transposed()) * 0.5)
      let out = matmul(e, v) / (e.sum(1, keepingDimensions: true) + 1e-6)
      let scores = matmul(q, k.transposed())
      let least = scores.topK(4).values[.rest, 3...]
      let sharp = matmul(softmax(scores.where(scores >= least, else: -.infinity)), v)
      return [out, sharp]
    }
    let remarks = try graph.optimized().remarks.map(\.description)
    #expect(remarks.contains { $0.hasPrefix("fuse-attention: the attention at CompileTests.swift:\(line): fused") }, "\(remarks)")
    #expect(
      remarks.contains {
        $0.contains("the topK at CompileTests.swift:\(line + 2) is made from the scores") && $0.contains("fewer queries")
      }, "\(remarks)")
    for internalName in ["contract", "top_k", "the reduce"] {
      #expect(!remarks.contains { $0.contains(internalName) }, "\(internalName): \(remarks)")
    }
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let shape = [2, 8, 150, 64]
    let inputs = ["q": try noise(shape, seed: 1), "k": try noise(shape, seed: 2), "v": try noise(shape, seed: 3)]
    let outs = try [1, 2, 3].map { try attention.compile(options(threads: $0))(inputs)[0].values(as: Float.self) }
    #expect(outs[0] == outs[1])
    #expect(outs[0] == outs[2])
  }

  @Test func bindsParametersOnce() throws {
    let graph = Graph("affine") { g in
      let x = g.input("x", .f32, ["N", 24])
      return matmul(x, g.parameter("weight", .f32, [24, 40])).named("y")
    }
    let compiled = try graph.compile(options())
    let (x, weight) = (try noise([5, 24], seed: 1), try noise([24, 40], seed: 2))
    #expect(throws: HeedError("got a call of affine without its parameters ('weight'), expected load(parameters:) before")) {
      _ = try compiled(["x": x])
    }
    let y = try #require(try compiled.load(parameters: ["weight": weight])(["x": x])["y"])
    let (a, b) = (x.values(as: Float.self), weight.values(as: Float.self))
    for n in 0..<5 {
      for c in 0..<40 {
        let sum = (0..<24).reduce(0.0) { $0 + Double(a[n * 24 + $1]) * Double(b[$1 * 40 + c]) }
        #expect(abs(Double(y.values(as: Float.self)[n * 40 + c]) - sum) < 1e-5)
      }
    }
  }

  @Test func objectsComeFromTheCache() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("heed-tests-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func outputs() throws -> [Float] {
      let cache = ObjectCache(directory: folder, log: { _ in })
      let shape = [1, 8, 20, 64]
      let program = try attention.compile(CompileOptions(threads: 1, cache: cache))
      return try program(["q": noise(shape, seed: 1), "k": noise(shape, seed: 2), "v": noise(shape, seed: 3)])[0].values()
    }
    let first = try outputs()
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).map { folder + "/" + $0 }
    #expect(!files.isEmpty)
    let date = try FileManager.default.attributesOfItem(atPath: files[0])[.size] as? Int
    #expect(try outputs() == first)
    // A damaged entry is compiled again and replaced.
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: files[0]))
    #expect(try outputs() == first)
    #expect(try FileManager.default.attributesOfItem(atPath: files[0])[.size] as? Int == date)
  }

  @Test func mistakesAreNamed() throws {
    let graph = Graph("wrong") { g in g.input("x", .f32, [2, 3]) + g.input("y", .f32, [4]) }
    #expect(throws: HeedError.self) { try graph.compile(options()) }
    let foreign = CompileOptions(target: .aarch64NEON, threads: 1)
    #if arch(x86_64)
      #expect(throws: HeedError.self) { try attention.compile(foreign) }
    #endif
    #expect(try attention.lowered(foreign).assembly().contains("fmla"))
  }
}
