import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// The region `factor` and sums of weights as the op has them, in every schedule. Factors of dead pairs are NaN and infinite.
@Suite struct AttentionFactorTests {
  /// A mask as a region over the batch index, the query and the key, and the schedule that it leads to.
  struct Mask: Sendable, CustomTestStringConvertible {
    let name: String
    let lines: String
    var testDescription: String { name }

    static let all = [
      Mask(name: "none", lines: "yield true"),
      Mask(name: "causal", lines: "%l = less_equal %j, %i : bool yield %l"),
      // Blocks of rows pack the keys that they see.
      Mask(
        name: "window",
        lines:
          "%d = subtract %i, %j : i32 %past = less_equal 0, %d : bool %near = less %d, 40 : bool %l = and %past, %near : bool yield %l"
      ),
      // Some rows have no live pair.
      Mask(name: "table", lines: "%n = element %length[%b] : i32 %l = less %j, %n : bool yield %l"),
    ]
  }

  private static func graph(_ element: ElementType, _ mask: Mask, keyBatch: String = "B, ", isRagged: Bool = false) throws -> Graph
  {
    let (rows, columns) = isRagged ? ("T", "T") : ("M", "N")
    let batch = isRagged ? "2, " : "B, "
    let indices = "(%b: i32, %i: i32, %j: i32)"
    let score = "score (%s: \(element), %b: i32, %i: i32, %j: i32)"
    let live = mask.lines.replacing(" yield %l", with: " %y = select %l, %x, %far : \(element) yield %y")
      .replacing("yield true", with: "yield %x")
    let attributes = (isRagged ? ", ragged = 2" : "") + ", weight_sum = true"
    return try DifferentialTests.graph(
      "%q: \(element)[\(batch)\(rows), 5], %k: \(element)[\(keyBatch.isEmpty ? "1, " : isRagged ? "2, " : keyBatch)\(columns), 5], "
        + "%v: \(element)[\(keyBatch.isEmpty ? "1, " : isRagged ? "2, " : keyBatch)\(columns), 3], %rate: \(element)[\(rows), \(columns)], "
        + "%length: i32[\(isRagged ? "2" : "B")]" + (isRagged ? ", %offsets: i32[B + 1]" : ""),
      """
      \(keyBatch.isEmpty ? "%k1 = reshape %k : \(element)[\(columns), 5] %v1 = reshape %v : \(element)[\(columns), 3]" : "")
      \(keyBatch.isEmpty ? "%kk = broadcast %k1 {dims = [1, 2]} : \(element)[\(batch)\(columns), 5]" : "")
      \(keyBatch.isEmpty ? "%vv = broadcast %v1 {dims = [1, 2]} : \(element)[\(batch)\(columns), 3]" : "")
      %out, %lse, %total = attention %q, \(keyBatch.isEmpty ? "%kk, %vv" : "%k, %v"), %rate, %length\(isRagged ? ", %offsets" : "") \(score) {
        %y = multiply %s, 0.4 : \(element) yield %y
      } where \(indices) { \(mask.lines) } factor \(indices) {
        %x = element %rate[%i, %j] : \(element)
        %odd = remainder %j, 2 : i32
        %isOdd = equal %odd, 1 : bool
        %far = select %isOdd, nan, inf : \(element)
        \(live)
      } {log_sum_exp = true\(attributes)}
      %sum, %plain = attention %q, \(keyBatch.isEmpty ? "%kk, %vv" : "%k, %v"), %rate, %length\(isRagged ? ", %offsets" : "") \(score) {
        %r = maximum %s, 0.0 : \(element) yield %r
      } where \(indices) { \(mask.lines) } {\(isRagged ? "ragged = 2, " : "")weight_sum = true, weights = score}
      return %out, %lse, %total, %sum, %plain
      """)
  }

  private static let sizes: [[Name: Int]] = [
    ["B": 2, "M": 50, "N": 130], ["B": 1, "M": 130, "N": 50], ["B": 2, "M": 3, "N": 1100], ["B": 2, "M": 1, "N": 1],
    ["B": 1, "M": 0, "N": 4], ["B": 1, "M": 4, "N": 0],
  ]

  private static func inputs(_ graph: Graph) throws -> [[Name: ReferenceArray]] {
    try sizes.enumerated().map { number, size in
      let lengths = ReferenceArray(.i32, [size["B"]!], integers: [Int64(max(size["N"]! - 1, 0)), 0].prefix(size["B"]!).map { $0 })
      return try randomInputs(graph, size, seed: UInt64(number + 1), given: ["length": lengths])
    }
  }

  @Test(arguments: Mask.all, floatTypes) func agree(_ mask: Mask, _ element: ElementType) throws {
    let graph = try Self.graph(element, mask)
    try expectAgreement(
      graph, Self.inputs(graph), attentions: 2, targets: element == .f32 ? nil : [hostTargets.last!],
      note: "\(mask.name) \(element) ")
  }

  /// bf16 that is multiplied in pairs: weights are rounded.
  @Test(arguments: Mask.all) func pairs(_ mask: Mask) throws {
    let graph = try Self.graph(.bf16, mask)
    try expectAgreement(
      graph, Self.inputs(graph), Tolerance(f32: 0x1p-7), attentions: 2, targets: [allHostTargets.last!], note: "\(mask.name) ")
  }

  /// Heads that share keys are rows of one block where there are few.
  @Test(arguments: Mask.all) func sharedKeys(_ mask: Mask) throws {
    let graph = try Self.graph(.f32, mask, keyBatch: "")
    try expectAgreement(graph, Self.inputs(graph), attentions: 2, targets: [hostTargets.last!], note: "\(mask.name) ")
  }

  @Test(arguments: [ElementType.f32, .f64, .bf16]) func segments(_ element: ElementType) throws {
    let graph = try Self.graph(element, Mask.all[1], isRagged: true)
    let offsets = ReferenceArray(.i32, [5], integers: [0, 3, 3, 70, 120])
    let inputs = [try randomInputs(graph, ["T": 120, "B": 4], given: ["offsets": offsets])]
    try expectAgreement(graph, inputs, attentions: 2, targets: [hostTargets.last!], note: "\(element) ")
  }
}
