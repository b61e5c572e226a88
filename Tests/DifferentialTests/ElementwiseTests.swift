import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Numbers at which rules change: ends of ranges, zeros, infinities, halves.
private func edges(_ element: ElementType) -> [Literal] {
  switch element {
  case .f32, .f16, .bf16:
    return [
      0, -0.0, 0.5, -0.5, 1, -1, 1.5, 2.5, -2.5, 3.75, -7.25, 88.5, -103, 1e-30, -1e-30, 1e10, -1e10, 3e38, -3e38, .infinity,
      -.infinity, .nan,
    ]
    .map { Literal(element.round($0)) }
  case .f64:
    return [
      0, -0.0, 0.5, -0.5, 1, -1, 1.5, 2.5, -2.5, 3.75, -7.25, 88.5, -709, 1e-300, -1e-300, 1e10, -1e10, 1e308, -1e308, .infinity,
      -.infinity, .nan,
    ]
    .map { Literal($0) }
  case .bool: return [Literal(false), Literal(true)]
  default:
    let range = element.integerRange
    return [
      0, 1, 2, 3, 5, 7, 31, 33, 63, 64, 100, -1, -2, -3, -7, -64, range.lowerBound, range.lowerBound + 1, range.upperBound,
      range.upperBound - 1,
    ]
    .filter { range.contains($0) }.map { Literal($0) }
  }
}

/// What an op is run on: element types of its operands, and of its result where that must be stated.
private struct Signature {
  var op: Op
  var operands: [ElementType]
  var stated: ElementType?
}

/// The ops that take elements of this type first.
private func signatures(_ element: ElementType) -> [Signature] {
  return Op.all.compactMap { op -> [Signature]? in
    guard let scalar = op.scalar else { return nil }
    switch scalar.rule {
    case .unary(let real, let integer):
      return taken(real != nil, integer != nil, scalar) ? [Signature(op: op, operands: [element])] : nil
    case .binary(let real, let integer):
      return taken(real != nil, integer != nil, scalar) ? [Signature(op: op, operands: [element, element])] : nil
    case .ternary: return element.isFloat ? [Signature(op: op, operands: [element, element, element])] : nil
    case .randomBits: return element == .i64 ? [Signature(op: op, operands: [.i64, .i64, .i64])] : nil
    case .comparison: return [Signature(op: op, operands: [element, element])]
    case .select: return [Signature(op: op, operands: [.bool, element, element])]
    case .convert: return compiledTypes.map { Signature(op: op, operands: [element], stated: $0) }
    case .bitcast:
      return compiledTypes.filter { $0.byteCount == element.byteCount && $0 != .bool }.map {
        Signature(op: op, operands: [element], stated: $0)
      }
    }
  }.flatMap { $0 }
  func taken(_ real: Bool, _ integer: Bool, _ scalar: ScalarSemantics) -> Bool {
    element.isFloat ? real : integer && (element != .bool || scalar.takesBool)
  }
}

@Suite struct ElementwiseTests {
  /// Every op on every element type it takes, on all pairs of edge values, each op by itself.
  @Test(arguments: compiledTypes) func edgeValues(_ element: ElementType) throws {
    let values = edges(element)
    // Triples are too many: the third operand runs through the values at another pace.
    let count = values.count * values.count
    func operand(_ number: Int, _ type: ElementType) -> ReferenceArray {
      let list = edges(type)
      return .generated(type, [count]) { at in
        switch number {
        case 0: list[at[0] % list.count]
        case 1: list[at[0] / values.count % list.count]
        default: list[at[0] * 7 / 3 % list.count]
        }
      }
    }
    for signature in signatures(element) {
      let names = signature.operands.indices.map { "%x\($0)" }
      let arguments = zip(names, signature.operands).map { "\($0): \($1)[N]" }.joined(separator: ", ")
      let type = signature.stated.map { " : \($0)[N]" } ?? ""
      let graph = try graph(arguments, "%r = \(signature.op.mnemonic) \(names.joined(separator: ", "))\(type)\nreturn %r")
      var inputs = Dictionary(
        uniqueKeysWithValues: signature.operands.enumerated().map { (Name("x\($0)"), operand($0, $1)) })
      if Self.isUnspecified(signature.op) { continue }
      // GELU of -inf is NaN or the limit.
      if signature.op == .gelu { inputs["x0"]!.reals.replace([-.infinity], with: [-1]) }
      // Two roundings where there is no fused instruction: large products overflow.
      let targets = allHostTargets.filter { $0.has(.fma) || signature.op != .fusedMultiplyAdd }
      try expectAgreement(
        graph, [inputs], Tolerance(f32: 2e-6, f64: 1e-13, roundings: 1, scale: .element), targets: targets,
        note: "\(signature.op.mnemonic) ")
    }
  }

  /// Ops whose error grows with their argument: their own tests know where they are exact.
  private static func isUnspecified(_ op: Op) -> Bool { [Op.sin, Op.cos, Op.power].contains(op) }

  /// Lengths around vectors and tiles, scalars as operands and results, literals, views as operands.
  @Test(arguments: compiledTypes) func shapes(_ element: ElementType) throws {
    let op = element == .bool ? "xor" : "add"
    let one = element == .bool ? "true" : element.isFloat ? "1.5" : "3"
    let graph = try graph(
      "%x: \(element)[M, N], %y: \(element)[N, M], %s: \(element)",
      """
      %t = transpose %y {permutation = [1, 0]}
      %a = \(op) %x, %t
      %b = \(op) %a, %s
      %c = \(op) %b, \(one)
      %d = \(op) %s, \(one)
      %e = slice %x {start = [0, 0], stop = [M, N], step = [2, 3]}
      %f = \(op) %e, %e
      %g = slice %x {start = [0, 0], stop = [M, 1]}
      %h = broadcast %g {dims = [0, 1]} : \(element)[M, N]
      %k = \(op) %h, %x
      %u = transpose %k {permutation = [1, 0]}
      %i = iota {dim = 1} : i32[M, N]
      %j = less_equal %i, 2
      %z = select %j, %x, %k
      return %a, %c, %d, %f, %k, %u, %z, %t, %h, %s
      """)
    let lengths = [(1, 1), (3, 5), (2, 95), (1, 97), (7, 16), (1, 384), (33, 1), (64, 49)]
    let sizes: [[Name: Int]] = lengths.map { ["M": $0.0, "N": $0.1] }
    try expectAgreement(graph, at: sizes, .elements)
    try expectAgreement(graph, at: [["M": 3, "N": 17]], .elements, pipeline: PassPipeline([]))
  }

  @Test(arguments: [ElementType.f32, .bf16, .i8]) func emptyArrays(_ element: ElementType) throws {
    let graph = try graph(
      "%x: \(element)[M, N], %s: \(element)",
      """
      %a = add %x, %s
      %t = transpose %a {permutation = [1, 0]}
      %r = reshape %a : \(element)[M*N]
      %c = concatenate %r, %r {dim = 0}
      %p = pad %x {low = [1, 0], high = [0, 2], value = 1}
      return %a, %t, %r, %c, %p
      """)
    try expectAgreement(graph, at: [["M": 0, "N": 3], ["M": 3, "N": 0], ["M": 0, "N": 0], ["M": 2, "N": 3]])
  }

  /// Functions over the range where they are stated to be accurate.
  @Test(arguments: floatTypes) func functions(_ element: ElementType) throws {
    let functions = ["sin", "cos", "tanh", "erf", "sigmoid", "gelu", "gelu_tanh", "silu", "exp", "exp2"]
    let lines =
      functions.map { "%\($0) = \($0) %x" } + ["%p = absolute %x", "%power = power %p, %y", "%log = log %p", "%log2 = log2 %p"]
    let names = (functions + ["power", "log", "log2"]).map { "%\($0)" }.joined(separator: ", ")
    let graph = try graph("%x: \(element)[N], %y: \(element)[N]", (lines + ["return \(names)"]).joined(separator: "\n"))
    let count = 1001
    let x = ReferenceArray(element, [count], reals: (0..<count).map { element.round(Double($0 - 500) / 31) })
    let y = ReferenceArray(element, [count], reals: (0..<count).map { element.round(Double($0 * 37 % count - 500) / 100) })
    try expectAgreement(graph, [["x": x, "y": y]], Tolerance(f32: 4e-6, f64: 1e-13, roundings: 1, scale: .element))
  }
}
