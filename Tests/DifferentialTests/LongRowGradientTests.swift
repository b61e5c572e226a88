import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Gradients of rows of 1024 keys in 16-bit types: sums are kept in f32 and rounded once. They are compared with those of the same graph in
/// double precision: the interpreter's own 16-bit gradients are rounded between ops.
@Suite struct LongRowGradientTests {
  @Test(arguments: [ElementType.bf16, .f16], [false, true]) func oneRounding(_ element: ElementType, _ isCausal: Bool) throws {
    let graph = try Graph(building: "long") { g in
      let (q, k) = (g.input("q", element, ["M", 64]), g.input("k", element, ["N", 64]))
      var scores = matmul(q, k.transposed()) * 0.125
      if isCausal { scores = scores.where(.causal(.bottomRight), else: -.infinity) }
      return matmul(softmax(scores), g.input("v", element, ["N", 64]))
    }.reverseGraph()
    let inputs = try randomInputs(graph, ["M": 24, "N": 1024])
    let wide = inputs.mapValues { ReferenceArray(.f64, $0.shape, reals: $0.reals) }
    let exact = try GraphInterpreter.evaluate(graph.inDoublePrecision(), inputs: wide)
    let arrays = try Dictionary(uniqueKeysWithValues: inputs.map { ($0.key.text, try NDArray($0.value)) })
    for target in allHostTargets {
      let outputs = try graph.compile(CompileOptions(target: target, threads: 2))(arrays)
      for (name, expected) in exact {
        let got = ReferenceArray(outputs[name.text]!).reals
        // For sums in f32. Products of bf16 round the weights of the output, whose mean is taken: a quarter of a rounding of the largest.
        let isPaired = element == .bf16 && target.has(.bfloat16Products)
        let allowance = expected.reals.reduce(0) { max($0, abs($1)) } / Double(1 << (isPaired ? 10 : 14))
        for (position, (x, y)) in zip(got, expected.reals).enumerated() where abs(x - y) > half(element, y) + allowance {
          Issue.record("\(element) \(target) \(name) at \(position): got \(x), expected \(y)")
          return
        }
      }
    }
  }

  /// Half the distance between two numbers of the type near `value`: the largest error of one rounding.
  private func half(_ element: ElementType, _ value: Double) -> Double {
    let digits = element == .bf16 ? 8 : 11
    return abs(value).ulp * Double(sign: .plus, exponent: 52 - digits, significand: 1)
  }
}
