import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Sums over pairs, compiled, against the interpreter.
@Suite struct PairTests {
  /// What pairs live.
  private static let masks = [
    "yield true", "%l = less_equal %j, %i : bool yield %l", "yield false",
    "%d = subtract %i, %j : i32 %a = less %d, 9 : bool %b = less_equal %j, %i : bool %l = and %a, %b : bool yield %l",
    "%x = element %docs[%i] : i32 %y = element %docs[%j] : i32 %l = equal %x, %y : bool yield %l",
    "%x = element %stored[%i, %j] : bool yield %x",
    "%a = divide %i, 8 : i32 %b = divide %j, 5 : i32 %c = add %a, %b : i32 %d = remainder %c, 3 : i32 %l = equal %d, 0 : bool yield %l",
  ]
  private static let batches: [[Extent]] = [[], ["B"], ["B", 2], [1, "B", 2]]
  private static let sizes: [[(Int, Int)]] = [
    [(70, 130), (1, 1)], [(33, 7), (0, 5)], [(5, 201), (4, 0)], [(129, 64), (1, 40)], [(40, 1), (17, 96)],
  ]
  private static let tiles = ["", ", tile = [4, 8]", ", tile = [16, 48]", ", tile = [96, 128]"]

  /// Several products of unlike widths, sums of both kinds, and tensors that a region reads in every way.
  private static func sums(_ step: Combination, _ element: ElementType) throws -> Graph {
    let batch = step.pick(batches)
    let wide = element.computed
    let leading = batch.map { "\($0)" }
    func shape(_ rest: String...) -> String { "[\((leading + rest).joined(separator: ", "))]" }
    let widths = step.pick([(1, 5), (16, 3), (31, 40), (8, 64)])
    let names = batch.indices.map { "%b\($0)" } + ["%i", "%j"]
    let indices = names.map { "\($0): i32" }.joined(separator: ", ")
    let column = step.pick(["i8", element.name, element.name])
    let own = batch.isEmpty ? "%i" : "%b0, %i"
    let list = ([leading.first].compactMap { $0 } + ["M"]).joined(separator: ", ")
    // One or two products; weights of both, of tables alone, and 1.
    let text = """
      %a, %b, %c, %d, %e = pair_sums %x, %y, %u, %w, %bias, %rows, %far, %docs, %stored weights (%s: \(wide), %p: \(wide), \(indices)) {
        %n0 = element %bias[%i, %j] : \(element) %n = convert %n0 : \(wide)
        %r0 = element %rows[\(own)] : \(element) %r = convert %r0 : \(wide)
        %o = add %i, %j : i32 %f0 = element %far[%o] : \(element) %f = convert %f0 : \(wide)
        %g = multiply %s, 0.1 : \(wide) %h = multiply %p, %n : \(wide) %k = add %g, %h : \(wide)
        %m = tanh %k : \(wide) %q = multiply %r, %f : \(wide) %z = maximum %q, 0.0 : \(wide)
        yield %m, %z
      } where (\(indices)) { \(step.pick(masks)) } {
        column_sums = [1, 0, 0, -1], pairs = \(shape("M", "N")), products = [0, 1, 2, 3], row_sums = [0, 3, 1, 1, 1, -1]\
      \(step.pick(tiles))
      } : \(element)\(shape("M", "\(widths.1)")), \(wide)\(shape("M", "\(widths.0)")), \(wide)\(shape("M")), \
      \(element)\(shape("N", "\(widths.0)")), \(element)\(shape("N"))
      %t = pair_scatter %x, %y, %bias, %docs, %stored value (%s: \(wide), \(indices)) {
        %o = subtract %i, %j : i32 %v = add %o, 20 : i32 yield %s, \((names.dropLast(2) + ["%v"]).joined(separator: ", "))
      } where (\(indices)) { \(step.pick(masks)) } {pairs = \(shape("M", "N")), products = [0, 1]\(step.pick(tiles))} : \
      \(element)\(shape("41"))
      %own = pair_scatter %x, %y, %bias, %docs, %stored value (%s: \(wide), \(indices)) { yield %s, %j, %i } where (\(indices)) {
        \(step.pick(masks, shift: 2))
      } {pairs = \(shape("M", "N")), products = [0, 1]} : \(element)[N, M]
      return %a, %b, %c, %d, %e, %t, %own
      """
    return try Graph.parse(
      """
      graph @pairs(%x: \(element)\(shape("M", "\(widths.0)")), %y: \(column)\(shape("N", "\(widths.0)")), \
      %u: \(element)\(shape("M", "\(widths.1)")), %w: \(element)\(shape("N", "\(widths.1)")), %bias: \(element)[M, N], \
      %rows: \(element)[\(list)], %far: \(element)[M + N], %docs: i32[400], %stored: bool[M, N]) {
      \(text)
      }
      """)[0]
  }

  private static func inputs(_ graph: Graph, _ size: (Int, Int), _ seed: Int) throws -> [Name: ReferenceArray] {
    var inputs = try randomInputs(graph, ["B": 2, "M": size.0, "N": size.1], seed: UInt64(seed + 1))
    inputs["docs"]!.integers = (0..<400).map { Int64($0 / (13 + seed % 5)) }
    return inputs
  }

  @Test(arguments: Combination.first(28)) func compiledSumsAgree(_ step: Combination) throws {
    let element = step.pick(floatTypes)
    let graph = try Self.sums(step, element)
    let inputs = try step.pick(Self.sizes).map { try Self.inputs(graph, $0, step.number) }
    try expectAgreement(graph, inputs, .loose, targets: [step.pick(hostTargets)], note: "\(element) \(step.number) ")
  }

  /// The same bits for any number of threads.
  @Test(arguments: Combination.first(6)) func threads(_ step: Combination) throws {
    let graph = try Self.sums(step, .f32)
    try expectSameBits(graph, [Self.inputs(graph, (230, 161), step.number)])
  }

  /// What a weight of 0 weighs adds nothing: infinities and NaN in rows and columns.
  @Test(arguments: floatTypes) func zeroWeightsHide(_ element: ElementType) throws {
    let wide = element.computed
    let graph = try graph(
      "%x: \(element)[M, 24], %y: \(element)[N, 24], %z: \(element)[M, N]",
      """
      %a, %b = pair_sums %x, %y, %z weights (%i: i32, %j: i32) {
        %e = element %z[%i, %j] : \(element) %f = convert %e : \(wide) yield %f
      } where (%i: i32, %j: i32) { %l = less_equal %j, %i : bool yield %l } {
        column_sums = [0, 0], pairs = [M, N], row_sums = [0, 1]
      } : \(element)[M, 24], \(element)[N, 24]
      return %a, %b
      """)
    for (rows, keys) in [(70, 70), (5, 130), (130, 5)] {
      var inputs = try randomInputs(graph, ["M": rows, "N": keys])
      for (name, odd) in [("x", rows / 2), ("y", keys / 3)] as [(Name, Int)] {
        for e in 0..<24 { inputs[name]!.reals[odd * 24 + e] = e % 2 == 0 ? Double.infinity : Double.nan }
        // The odd row and column have no weight but in the last column and the last row.
        for other in 0..<(name == "x" ? keys - 1 : rows - 1) {
          inputs["z"]!.reals[name == "x" ? odd * keys + other : other * keys + odd] = 0
        }
      }
      try expectAgreement(graph, [inputs], .loose)
    }
  }
}
