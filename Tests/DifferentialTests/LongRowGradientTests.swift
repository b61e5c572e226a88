import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Gradients of rows of many keys in 16-bit types: sums are kept in f32 and rounded once. The interpreter's gradients of the graph as written
/// are rounded to the 16-bit type between ops as well, so that the two differ by up to two roundings; 1.5 were measured.
@Suite struct LongRowGradientTests {
  @Test(arguments: [ElementType.bf16, .f16], [false, true]) func twoRoundings(_ element: ElementType, _ isCausal: Bool) throws {
    let graph = try Graph(building: "long") { g in
      let (q, k) = (g.input("q", element, ["M", 64]), g.input("k", element, ["N", 64]))
      var scores = matmul(q, k.transposed()) * 0.125
      if isCausal { scores = scores.where(.causal(.bottomRight), else: -.infinity) }
      return matmul(softmax(scores), g.input("v", element, ["N", 64]))
    }.reverseGraph()
    let inputs = try randomInputs(graph, ["M": 24, "N": 1024])
    var tolerance = Tolerance.loose
    tolerance.roundings = 2
    tolerance.least = 0
    try expectAgreement(graph, [inputs], tolerance, targets: [hostTargets.last!], note: "\(element) ")
  }
}
