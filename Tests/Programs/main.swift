import Foundation
import Heed

// Small programs as users write them, one after the other. scripts/test-dependency.sh builds them in a package of its own, runs them, and
// compares what they print with printed.txt.

/// Prints what a program does, or its error without the folders of its file.
func program(_ title: String, _ body: () throws -> Void) {
  print("# \(title)")
  do { try body() } catch { print("\(error)".replacingOccurrences(of: #filePath, with: "main.swift")) }
}

/// The number of attention ops in a graph's optimised form.
func attentionCount(_ graph: Graph) throws -> Int {
  try graph.optimized().graph.ir.text.components(separatedBy: "= attention ").count - 1
}

program("extents that are none") {
  _ = try Graph("g") { g in g.input("x", .f32, ["batch size"]) }.compile()
}
program("an extent too large") {
  _ = try Graph("g") { g in g.input("x", .f32, ["S * 4611686018427387904"]) * 2 }.compile()
}
program("nothing to concatenate") {
  _ = try Graph("g") { _ in concatenate([]) }.compile()
}
program("elements of another type") {
  let values: [Double] = try NDArray([1, 2] as [Float], [2]).values()
  print(values)
}
program("a fraction and integers") {
  _ = try Graph("g") { g in g.input("a", .i32, ["S"]) + 0.5 }.compile()
}
program("two results of one name") {
  let compiled = try Graph("g") { g in
    let x = g.input("x", .f32, ["S"])
    return [(x + 1).named("y"), (x + 2).named("y")]
  }.compile()
  print(compiled)
}

program("a gradient of several numbers") {
  _ = try Graph("g") { g in
    let x = g.input("x", .f32, ["S"])
    return gradients(of: exp(x), with: [x])
  }.compile()
}

program("what reads like Swift") {
  let n = 3
  let compiled = try Graph("g") { g in
    let x = g.input("x", .f32, [n, "S"])
    var y = x[.from(1)]
    y += x[..<2]
    let live = y > -.infinity
    let flat = max(select(live, y, -.infinity), 0).reshape(["\(n - 1)*S"])
    return [flat, x.reshape(["S", n])]
  }.compile()
  for result in try compiled(["x": [[1, -2], [3, 4], [5, 6]]]) { print(result) }
}
program("a mask for a layer") {
  let graph = Graph("g") { g in
    MultiHeadAttention("attention", in: g, size: 8, headCount: 2)(g.input("x", .f32, [1, "S", 8]), mask: .causal())
  }
  print(try attentionCount(graph), "attention")
}

program("the threshold of the greatest scores") {
  let graph = Graph("g") { g in
    let (q, k, v) = (g.input("q", .f32, ["M", 8]), g.input("k", .f32, ["N", 8]), g.input("v", .f32, ["N", 8]))
    let scores = matmul(q, k.transposed())
    return matmul(softmax(scores.where(scores >= scores.topK(2).values[.rest, (-1)...], else: -.infinity)), v)
  }
  print(
    try graph.optimized().remarks.filter { $0.kind == .declined && $0.pass == "fuse-attention" }.count,
    "remark says why it stays as written")
  let (k, v): (NDArray, NDArray) = (.random([5, 8], seed: 1), .random([5, 8], seed: 2))
  let inputs = ["q": k, "k": k, "v": v]
  let difference = zip(try graph.compile()(inputs).doubles(), try graph.interpret(inputs).doubles()).map { abs($0 - $1) }.max()!
  print(difference < 1e-5)
}
program("running products of the scores' complements") {
  let graph = Graph("g") { g in
    let (q, v) = (g.input("q", .f32, ["S", 8]), g.input("v", .f32, ["S", 8]))
    return matmul(exp(matmul(q, q.transposed()).cumulativeSum(1)), v)
  }
  print(
    try graph.optimized().remarks.filter { $0.kind == .declined && $0.pass == "fuse-attention" }.count,
    "remark says why it stays as written")
}

program("a chain of residual attentions") {
  let graph = Graph("g") { g in
    var x = g.input("x", .f32, ["S", 16])
    for _ in 0..<25 { x = x + matmul(softmax(matmul(x, x.transposed())), x) }
    return x
  }
  print(try attentionCount(graph), "attentions")
}
program("a long chain of functions of elements") {
  let graph = Graph("g") { g in
    var x = g.input("x", .f32, ["S"])
    for i in 0..<200 { x = tanh(x) + Double(i % 7) }
    return x
  }
  print(try graph.compile()(["x": [0.5, 1]]).shape)
}
program("many programs, one pool of threads") {
  var options = CompileOptions()
  options.threads = 8
  let compiled = try (0..<40).map { i in try Graph("g\(i)") { g in g.input("x", .f32, ["S"]) + Double(i) }.compile(options) }
  let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let threads = status.split(separator: "\n").first { $0.hasPrefix("Threads:") }.flatMap { Int($0.split(separator: "\t")[1]) }
  print(compiled.count, threads.map { $0 < 40 } ?? false)
}
program("softmax and sums along either dimension") {
  let graph = Graph("g") { g in
    let x = g.input("x", .f32, ["M", "N"])
    return [
      softmax(x, dimension: 0) - softmax(x.transposed()).transposed(),
      x.cumulativeSum(1) - x.transposed().cumulativeSum(0).transposed(),
    ]
  }
  for result in try graph.compile()(["x": .random([33, 70], seed: 3)]) { print(try result.doubles().allSatisfy { abs($0) < 1e-5 }) }
}
program("gradients of a layer's parameters, and a product with a Hessian matrix") {
  let graph = Graph("g") { g in
    let x = g.input("x", .f32, ["S", 2])
    let y = Linear("map", in: g, inputs: 2, outputs: 1)(x)
    let loss = (y * y).sum().named("loss")
    let slopes = gradients(of: loss, with: g.parameters)
    return [loss] + slopes + [jvp(of: slopes[1], with: [g.parameters[1]], tangents: [g.constant([3])])]
  }
  let weights: [String: NDArray] = ["map.weight": [[1, -1]], "map.bias": [2]]
  print(try graph.compile().load(parameters: weights)(["x": [[1, 2], [3, 4]]]))
}
program("a graph differentiated by names") {
  let graph = Graph("g") { g in exp(g.input("x", .f32, ["S"])).named("y") }
  let outputs = try graph.differentiated(of: ["y"], with: ["x"]).compile()(["x": [0, 0], "cotangent.y": [1, 2]])
  print(outputs.names, outputs["gradient.x"]!)
  _ = try graph.differentiated(of: ["y"], with: ["xs"])
}
