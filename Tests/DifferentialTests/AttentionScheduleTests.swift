import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Attention's schedules: few rows in parts, blocks of rows whose keys form a run, heads that share keys, every float type.
@Suite struct AttentionScheduleTests {
  private func grouped(_ element: ElementType, width: Int, valueWidth: Int, group: Int, mask: [String]) throws -> Graph {
    let lines =
      [
        "%p = contract %q, %k {subscripts = \"bgrid,bgjd->bgrij\"}", "%s = multiply %p, 0.4",
        "%i = iota {dim = 3} : i32[B, 2, \(group), M, N]", "%j = iota {dim = 4} : i32[B, 2, \(group), M, N]",
        "%n = extent {value = [N - M]} : i32", "%h = iota {dim = 2} : i32[B, 2, \(group), M, N]",
      ] + mask + [
        "%w = softmax %x {dim = 4}", "%out = contract %w, %v {subscripts = \"bgrij,bgje->bgrie\"}", "return %out",
      ]
    return try graph(
      "%q: \(element)[B, 2, \(group), M, \(width)], %k: \(element)[B, 2, N, \(width)], %v: \(element)[B, 2, N, \(valueWidth)]",
      lines.joined(separator: "\n"))
  }

  private static let masks: [[String]] = [
    ["%x = multiply %s, 1.0"],
    ["%last = add %i, %n", "%live = less_equal %j, %last", "%x = select %live, %s, -inf"],
    [
      "%last = add %i, %n", "%a = less_equal %j, %last", "%d = subtract %last, %j", "%b = less %d, 600", "%live = and %a, %b",
      "%x = select %live, %s, -inf",
    ],
    // A mask of its own for each head of a group, and rows without a live key.
    ["%t = multiply %h, 3", "%live = less %j, %t", "%x = select %live, %s, -inf"],
    ["%t = tanh %s", "%x = multiply %t, 3.0"],
  ]

  @Test(arguments: [ElementType.f32, .bf16], Self.masks.indices) func fewRows(_ element: ElementType, _ mask: Int) throws {
    let bindings: [[Name: Int]] = [(1, 1, 1), (1, 2, 517), (2, 1, 1030), (4, 1, 511), (5, 1, 40), (0, 1, 3), (3, 1, 0)].map {
      ["M": $0.0, "B": $0.1, "N": $0.2]
    }
    try expectAgreement(
      grouped(element, width: 37, valueWidth: 20, group: 3, mask: Self.masks[mask]), at: bindings, attentions: 1,
      note: "mask \(mask) ")
  }

  @Test(arguments: floatTypes) func fewRowsOfOneHead(_ element: ElementType) throws {
    for (width, valueWidth) in [(1, 1), (33, 130)] {
      let bindings: [[Name: Int]] = [(1, 700), (16, 530), (17, 90)].map { ["M": $0.0, "B": 1, "N": $0.1] }
      try expectAgreement(
        grouped(element, width: width, valueWidth: valueWidth, group: 1, mask: Self.masks[1]), at: bindings, .loose,
        attentions: 1)
    }
  }

  @Test(arguments: [ElementType.f32, .bf16]) func everyWidth(_ element: ElementType) throws {
    for (width, valueWidth) in [(1, 512), (15, 17), (65, 48), (512, 1)] {
      var attention = AttentionGraph(element: element)
      (attention.width, attention.valueWidth) = (width, valueWidth)
      attention.score = ["%live = less_equal %j, %i", "%x = select %live, %s, -inf"]
      try expectAgreement(
        attention.graph(), at: [["B": 1, "M": 1, "N": 1], ["B": 1, "M": 50, "N": 50], ["B": 2, "M": 131, "N": 97]], .loose,
        attentions: 1)
    }
  }

  @Test(arguments: [ElementType.bf16]) func runsOfKeys(_ element: ElementType) throws {
    for form in ScoreForm.masks {
      var attention = AttentionGraph(element: element)
      attention.score = form.lines
      attention.arguments = form.arguments
      let graph = try attention.graph()
      try expectAgreement(graph, at: [["B": 1, "M": 170, "N": 170], ["B": 1, "M": 33, "N": 401]], note: form.name + " ")
    }
  }

  /// bf16 or f16 in, f32 out: only the weights are rounded, where bf16 is multiplied as it is.
  @Test(arguments: [ElementType.bf16, .f16]) func narrowOperands(_ element: ElementType) throws {
    let graph = try graph(
      "%q: \(element)[B, M, 40], %k: \(element)[B, N, 40], %v: \(element)[B, N, 24]",
      """
      %q32 = convert %q : f32[B, M, 40]
      %k32 = convert %k : f32[B, N, 40]
      %v32 = convert %v : f32[B, N, 24]
      %p = contract %q32, %k32 {subscripts = "bid,bjd->bij"}
      %s = multiply %p, 0.2
      %w = softmax %s {dim = 2}
      %out = contract %w, %v32 {subscripts = "bij,bje->bie"}
      return %out
      """)
    let bindings: [[Name: Int]] = [["B": 2, "M": 1, "N": 700], ["B": 1, "M": 60, "N": 131]]
    let rounded = element == .bf16 ? allHostTargets.filter { $0.has(.bfloat16Products) } : []
    let exact = allHostTargets.filter { !rounded.contains($0) }
    try expectAgreement(graph, at: bindings, attentions: 1, targets: exact)
    try expectAgreement(graph, at: bindings, Tolerance(f32: 0x1p-8), attentions: 1, targets: rounded)
  }
}
