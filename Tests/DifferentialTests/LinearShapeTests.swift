import Heed
import HeedTestSupport
import Testing

/// Linear layers of every element type, layout, epilogue and edge size together, each combination on some target.
@Suite struct LinearShapeTests {
  static let rows = [1, 2, 5, 8, 13, 16, 17, 32, 50, 96, 131]
  static let columns = [1, 7, 16, 47, 48, 49, 64, 100, 144, 17, 33, 97, 192]

  /// The weight's dimensions, and the subscripts of the product with rows of `x`.
  static let layouts: [(weight: String, x: String, subscripts: String, result: String)] = [
    ("O, K", "M, K", "mk,ok->mo", "M, O"), ("K, O", "M, K", "mk,ko->mo", "M, O"), ("O, K", "B, M, K", "bmk,ok->bmo", "B, M, O"),
    ("B, K, O", "B, M, K", "bmk,bko->bmo", "B, M, O"), ("K, O", "K, M", "km,ko->mo", "M, O"),
    ("2, O, K", "M, K", "mk,hok->hmo", "2, M, O"), ("O, K", "M, K", "ok,mk->om", "O, M"),
  ]

  /// What follows the product `%p`, with a bias `%b`, a residual `%r` and the result `%z`.
  static let epilogues = [
    ["%z = multiply %p, 1.0"], ["%z = add %p, %b"], ["%q = add %p, %b", "%z = gelu %q"], ["%q = silu %p", "%z = add %q, %r"],
    ["%q = add %p, %b", "%z = add %q, %r"],
  ]

  @Test(arguments: Combination.first(92)) func agree(_ combination: Combination) throws {
    let element = combination.pick(floatTypes)
    let layout = combination.pick(Self.layouts)
    let columns = combination.pick(Self.columns)
    let isParameter = combination.number / 3 % 3 != 0
    // Some products of 16-bit numbers give f32.
    let result = combination.number % 8 == 3 ? ElementType.f32 : element
    let sizes = ["O": columns, "K": combination.pick(edgeExtents), "B": 2]
    func types(_ text: String) -> String { text.replacingWords(sizes) }
    let shape = types(layout.result)
    let letters = Array(layout.subscripts.split(separator: ">")[1])
    let isOrdered = layout.subscripts.hasPrefix("ok")
    let operands = isOrdered ? "%w1, %x1" : "%x1, %w1"
    let converts = result != element
    let lines =
      [
        converts ? "%x1 = convert %x : \(result)[\(types(layout.x))]" : "%x1 = multiply %x, 1.0",
        converts ? "%w1 = convert %w : \(result)[\(types(layout.weight))]" : "%w1 = multiply %w, 1.0",
        "%p0 = contract \(operands) {subscripts = \"\(layout.subscripts)\"}",
        "%p = multiply %p0, 0.25",
        "%b = broadcast %bias {dims = [\(letters.firstIndex(of: "o")!)]} : \(result)[\(shape)]",
      ] + combination.pick(Self.epilogues) + ["return %z"]
    let graph = try graph(
      "%x: \(element)[\(types(layout.x))], \(isParameter ? "parameter " : "")%w: \(element)[\(types(layout.weight))], "
        + "%bias: \(result)[\(columns)], %r: \(result)[\(shape)]", lines.joined(separator: "\n"))
    var targets = [combination.pick(hostTargets)]
    if element == .bf16, allHostTargets.contains(.x86AVX512BF16) { targets.append(.x86AVX512BF16) }
    let binding: [Name: Int] = ["M": combination.pick(Self.rows)]
    try expectAgreement(graph, at: [binding], targets: targets, note: "\(combination.number) \(layout.subscripts) ")
  }
}
