import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Softmax, norms and rotary.
@Suite struct RowTests {
  @Test(arguments: floatTypes, 0..<3) func softmax(_ element: ElementType, _ dim: Int) throws {
    let graph = try graph(
      "%x: \(element)[A, B, C]",
      """
      %p = softmax %x {dim = \(dim)}
      %t = transpose %x {permutation = [1, 2, 0]}
      %r = softmax %t {dim = \(dim)}
      return %p, %r
      """)
    try expectAgreement(
      graph, at: [["A": 2, "B": 3, "C": 5], ["A": 17, "B": 1, "C": 33], ["A": 0, "B": 2, "C": 3], ["A": 1, "B": 1, "C": 1]],
      Tolerance(roundings: 1))
    // Lanes of -inf alone give zeros; a NaN makes its lane NaN; a +inf gives NaN as in the definition.
    var special = try randomInputs(graph, ["A": 4, "B": 4, "C": 4])["x"]!
    for position in 0..<64 {
      let at = [position / 16, position / 4 % 4, position % 4]
      let lane = (0..<3).filter { $0 != dim }.reduce(0) { $0 * 4 + at[$1] }
      if lane % 3 == 0 { special.reals[position] = -.infinity }
      if lane % 5 == 1, at[dim] == 2 { special.reals[position] = -.infinity }
      if lane == 7, at[dim] == 1 { special.reals[position] = .nan }
      if lane == 8 { special.reals[position] = element.round(3e4 * Double(at[dim])) }
    }
    try expectAgreement(graph, [["x": special]])
  }

  @Test(arguments: floatTypes) func norms(_ element: ElementType) throws {
    let graph = try graph(
      "%x: \(element)[A, B, D], %w: \(element)[D], parameter %b: \(element)[D]",
      """
      %l = layer_norm %x, %w, %b {epsilon = 1.0e-5}
      %r = rms_norm %x, %w {epsilon = 1.0e-6}
      %t = transpose %x {permutation = [1, 0, 2]}
      %m = layer_norm %t, %b, %w {epsilon = 1.0e-12}
      return %l, %r, %m
      """)
    try expectAgreement(
      graph, at: [["A": 2, "B": 3, "D": 7], ["A": 1, "B": 17, "D": 64], ["A": 0, "B": 2, "D": 3], ["A": 2, "B": 2, "D": 385]],
      Tolerance(f32: 6e-6, f64: 1e-11, roundings: 1))
  }

  /// The sums over rows are those of tasks of 64 rows: more tasks than one, and a last one that is not full.
  @Test(arguments: floatTypes) func gradientsOfNorms(_ element: ElementType) throws {
    let graph = try graph(
      "%x: \(element)[A, B, D], %w: \(element)[D], %c: \(element)[A, B, D]",
      """
      %l, %m, %n = norm_gradient %x, %w, %c {centered = true, epsilon = 1.0e-2}
      %r, %s = norm_gradient %x, %w, %c {epsilon = 1.0e-2}
      %t = transpose %x {permutation = [1, 0, 2]}
      %u = transpose %c {permutation = [1, 0, 2]}
      %y, %z = norm_gradient %t, %w, %u {epsilon = 1.0e-2}
      return %l, %m, %n, %r, %s, %y, %z
      """)
    try expectAgreement(
      graph,
      at: [
        ["A": 2, "B": 3, "D": 7], ["A": 1, "B": 17, "D": 64], ["A": 0, "B": 2, "D": 3], ["A": 2, "B": 70, "D": 385],
        ["A": 3, "B": 64, "D": 1],
      ],
      Tolerance(f32: 2e-5, f64: 1e-11, roundings: 2))
  }

  @Test(arguments: floatTypes, [false, true]) func rotary(_ element: ElementType, _ isInterleaved: Bool) throws {
    let graph = try graph(
      "%x: \(element)[B, S, 2, 6], %c: \(element)[S, 3], %s: \(element)[S, 3]",
      """
      %t = transpose %x {permutation = [0, 2, 1, 3]}
      %r = rotary %t, %c, %s\(isInterleaved ? " {interleaved = true}" : "")
      return %r
      """)
    try expectAgreement(graph, at: [["B": 2, "S": 3], ["B": 1, "S": 0], ["B": 1, "S": 97]])
  }
}
