import Heed
import HeedTestSupport
import Testing

/// Attention of every element type, head width, mask, length and arrangement of heads together, each combination on some target.
@Suite struct AttentionShapeTests {
  /// Queries and keys, and whether the graph knows their numbers: one query, a few and many; keys in one part and in several.
  struct Lengths {
    let queries, keys: Int
    var areConstant = false
  }

  static let lengths = [
    Lengths(queries: 1, keys: 1), Lengths(queries: 1, keys: 700), Lengths(queries: 1, keys: 1537, areConstant: true),
    Lengths(queries: 3, keys: 130), Lengths(queries: 5, keys: 600, areConstant: true), Lengths(queries: 16, keys: 520),
    Lengths(queries: 17, keys: 49), Lengths(queries: 48, keys: 48), Lengths(queries: 97, keys: 193),
    Lengths(queries: 96, keys: 384, areConstant: true), Lengths(queries: 130, keys: 40),
  ]

  /// Dimensions of heads: those of the queries, which of them keys have, and the number of sequences.
  static let heads: [(batch: [String], ofKeys: [Int], sequences: Int)] = [
    (["B", "2"], [0, 1], 2), (["B", "2", "2"], [0, 1], 1), (["B", "3"], [0], 2), (["B", "3"], [0, 1], 9), (["B"], [0], 1),
  ]

  static let forms = [
    "dense", "causal", "window", "causal documents", "offset from the end", "lengths", "soft cap and causal",
  ].map { name in (ScoreForm.masks + ScoreForm.scores).first { $0.name == name }! }

  @Test(arguments: Combination.first(92)) func agree(_ combination: Combination) throws {
    let lengths = combination.pick(Self.lengths)
    let heads = combination.pick(Self.heads)
    let form = combination.pick(Self.forms)
    let element = combination.pick(floatTypes)
    let width = combination.pick(edgeExtents)
    // Every other combination has values of another width than keys.
    let valueWidth = combination.number / 2 % 2 == 0 ? width : combination.pick(edgeExtents, shift: 9)
    // Some 16-bit operands are summed and give their result in f32.
    let wide = combination.number % 8 >= 6 ? ElementType.f32 : element
    let problem = AttentionGraph(
      element: element, wide: wide, batch: heads.batch, keyBatch: heads.ofKeys, width: width, valueWidth: valueWidth,
      scale: 0.6 / Double(width).squareRoot(), arguments: form.arguments.map { $0.replacing("$E", with: "\(wide)") },
      score: form.lines)
    var binding: [Name: Int] = ["B": heads.sequences, "M": lengths.queries, "N": lengths.keys]
    // The reference takes its time.
    let products = heads.sequences * lengths.queries * lengths.keys * (width + valueWidth)
    if products > 3 << 20 { binding["B"] = 1 }
    if products > 12 << 20 { binding["M"] = lengths.queries / 3 }
    var graph = try problem.graph()
    if lengths.areConstant { graph = try parse(graph.text.replacingWords(["M": binding["M"]!, "N": binding["N"]!])) }
    var targets = [combination.pick(hostTargets)]
    if element == .bf16, allHostTargets.contains(.x86AVX512BF16) { targets.append(.x86AVX512BF16) }
    // Weights of bf16 operands are rounded to bf16 where the processor multiplies these.
    let tolerance = wide == element ? Tolerance.sums : Tolerance(f32: 4 * element.roundoff)
    try expectAgreement(
      graph, at: [binding], tolerance, attentions: 1, targets: targets,
      note: "\(combination.number) \(form.name) \(element) \(wide) \(width) \(valueWidth) \(heads.batch) ")
  }
}
