import HeedIR

/// An op on small numbers, with its results worked out by hand.
struct OpCase: Sendable {
  var mnemonic: String
  /// The graph's arguments as text, with what is given for them in order.
  var arguments: String
  /// The nodes and what is returned.
  var body: String
  var inputs: [ReferenceArray]
  var expected: [ReferenceArray]
}

private func unary(_ mnemonic: String, _ input: ReferenceArray, _ expected: ReferenceArray) -> OpCase {
  OpCase(
    mnemonic: mnemonic, arguments: "%x: \(input.element)[N]", body: "%r = \(mnemonic) %x  return %r", inputs: [input],
    expected: [expected])
}

private func binary(_ mnemonic: String, _ left: ReferenceArray, _ right: ReferenceArray, _ expected: ReferenceArray) -> OpCase {
  OpCase(
    mnemonic: mnemonic, arguments: "%x: \(left.element)[N], %y: \(right.element)[N]", body: "%r = \(mnemonic) %x, %y  return %r",
    inputs: [left, right], expected: [expected])
}

private func cases(
  _ mnemonic: String, _ arguments: String, _ body: String, _ inputs: [ReferenceArray], _ expected: ReferenceArray...
) -> OpCase {
  OpCase(mnemonic: mnemonic, arguments: arguments, body: body, inputs: inputs, expected: expected)
}

private let inf = Double.infinity
private let nan = Double.nan
private let least = Int64(Int32.min)

/// A case or more for every op.
let opCases: [OpCase] =
  elementwiseCases + comparisonCases + arrangementCases + reductionCases + loopCases + compositeCases + fusedCases + derivativeCases

private let elementwiseCases: [OpCase] = [
  binary("add", f64([2], 1, inf), f64([2], 2, -inf), f64([2], 3, nan)),
  binary("add", i32([2], 1, Int64(Int32.max)), i32([2], 2, 1), i32([2], 3, least)),
  binary("add", u8([1], 255), u8([1], 2), u8([1], 1)),
  binary("subtract", f64([2], 1, 5), f64([2], 2, 3), f64([2], -1, 2)),
  binary("multiply", f64([2], 1.5, inf), f64([2], 2, 0), f64([2], 3, nan)),
  binary("divide", f64([3], 1, 1, 0), f64([3], 4, 0, 0), f64([3], 0.25, inf, nan)),
  binary("divide", i32([6], 7, -7, 7, -7, 5, least), i32([6], 2, 2, -2, -2, 0, -1), i32([6], 3, -4, -4, 3, 0, least)),
  binary("remainder", f64([5], 7, -7, 7, 5, 1), f64([5], 3, 3, -3, 0, inf), f64([5], 1, 2, -2, nan, 1)),
  binary("remainder", i32([6], 7, -7, 7, -7, 5, least), i32([6], 3, 3, -3, -3, 0, -1), i32([6], 1, 2, -2, -1, 0, 0)),
  binary("minimum", f64([4], 1, 3, nan, 1), f64([4], 2, 2, 5, nan), f64([4], 1, 2, 5, nan)),
  binary("minimum", i32([2], 1, -3), i32([2], 2, -4), i32([2], 1, -4)),
  binary("maximum", f64([4], 1, 3, nan, 1), f64([4], 2, 2, 5, nan), f64([4], 2, 3, 5, nan)),
  binary("power", f64([4], 2, -2, 4, 0), f64([4], 10, 3, 0.5, 0), f64([4], 1024, -8, 2, 1)),
  unary("negate", f64([2], 1, -inf), f64([2], -1, inf)),
  unary("negate", i32([2], 7, least), i32([2], -7, least)),
  unary("absolute", f64([2], -1.5, -inf), f64([2], 1.5, inf)),
  unary("absolute", i32([2], -7, least), i32([2], 7, least)),
  cases(
    "fused_multiply_add", "%x: f64[N], %y: f64[N]", "%r = fused_multiply_add %x, %y, 0.5  return %r",
    [f64([2], 2, 3), f64([2], 4, -1)],
    f64([2], 8.5, -2.5)),
  // The second and third words of the first block of the published test vectors: key and counter 0.
  cases(
    "random_bits", "%p: i64[N], %k: i64[N]", "%r = random_bits %k, 0, %p  return %r",
    [i64([3], 1, 2, 0), i64([3], 0, 0, 0)],
    i32([3], Int64(Int32(bitPattern: 0xe169_c58d)), Int64(Int32(bitPattern: 0xbc57_ac4c)), 0x6627_e8d5)),
  unary("stop_gradient", f64([2], 1.5, nan), f64([2], 1.5, nan)),
  unary("stop_gradient", i32([2], 7, least), i32([2], 7, least)),
  unary("exp", f64([4], 0, 1, -inf, inf), f64([4], 1, 2.718281828459045, 0, inf)),
  unary("exp2", f64([4], 3, -1, -inf, nan), f64([4], 8, 0.5, 0, nan)),
  unary("log", f64([4], 1, 2.718281828459045, 0, -1), f64([4], 0, 1, -inf, nan)),
  unary("log2", f64([3], 8, 0.25, inf), f64([3], 3, -2, inf)),
  unary("sqrt", f64([3], 9, 0, -1), f64([3], 3, 0, nan)),
  unary("rsqrt", f64([3], 4, 0, inf), f64([3], 0.5, inf, 0)),
  unary("reciprocal", f64([2], 4, 0), f64([2], 0.25, inf)),
  unary("sin", f64([3], 0, .pi / 2, inf), f64([3], 0, 1, nan)),
  unary("cos", f64([3], 0, .pi, inf), f64([3], 1, -1, nan)),
  unary("tanh", f64([3], 0, 0.5 * 1.0986122886681098, -inf), f64([3], 0, 0.5, -1)),
  unary("erf", f64([3], 0, 0.4769362762044699, inf), f64([3], 0, 0.5, 1)),
  unary("floor", f64([3], 1.5, -1.5, inf), f64([3], 1, -2, inf)),
  unary("ceil", f64([3], 1.5, -1.5, -inf), f64([3], 2, -1, -inf)),
  unary("round", f64([4], 0.5, 1.5, -2.5, 2.6), f64([4], 0, 2, -2, 3)),
  unary("sigmoid", f64([3], 0, 1.0986122886681098, -inf), f64([3], 0.5, 0.75, 0)),
  unary(
    "gelu", f64([3], 0, inf, 0.4769362762044699 * 2.0.squareRoot()), f64([3], 0, inf, 0.75 * 0.4769362762044699 * 2.0.squareRoot())),
  unary("gelu_tanh", f64([2], 0, inf), f64([2], 0, inf)),
  unary("silu", f64([2], 0, 1.0986122886681098), f64([2], 0, 0.75 * 1.0986122886681098)),
  binary("and", i32([2], 12, -1), i32([2], 10, 7), i32([2], 8, 7)),
  binary("and", bool([3], true, true, false), bool([3], true, false, false), bool([3], true, false, false)),
  binary("or", i32([1], 12), i32([1], 10), i32([1], 14)),
  binary("or", bool([2], true, false), bool([2], false, false), bool([2], true, false)),
  binary("xor", i32([1], 12), i32([1], 10), i32([1], 6)),
  binary("xor", bool([2], true, true), bool([2], false, true), bool([2], true, false)),
  unary("not", i32([2], 0, 5), i32([2], -1, -6)),
  unary("not", u8([1], 5), u8([1], 250)),
  unary("not", bool([2], true, false), bool([2], false, true)),
  binary("shift_left", i32([5], 1, 1, 3, 1, 1), i32([5], 4, 31, 31, 32, -1), i32([5], 16, least, least, 0, 0)),
  binary("shift_right", i32([5], -16, 16, -16, 16, -16), i32([5], 2, 2, 32, 99, -1), i32([5], -4, 4, -1, 0, -1)),
  binary("shift_right", u8([2], 240, 240), u8([2], 4, 8), u8([2], 15, 0)),
]

private let comparisonCases: [OpCase] = [
  binary("less", f64([3], 1, 2, nan), f64([3], 2, 2, 1), bool([3], true, false, false)),
  binary("less_equal", f64([3], 1, 2, nan), f64([3], 2, 2, nan), bool([3], true, true, false)),
  binary("greater", i32([2], 3, 2), i32([2], 2, 2), bool([2], true, false)),
  binary("greater_equal", i32([2], 1, 2), i32([2], 2, 2), bool([2], false, true)),
  binary("equal", f64([3], 0, inf, nan), f64([3], -0.0, inf, nan), bool([3], true, true, false)),
  binary("not_equal", f64([3], 0, 1, nan), f64([3], 0, 2, nan), bool([3], false, true, true)),
  binary("not_equal", bool([2], true, true), bool([2], true, false), bool([2], false, true)),
  cases(
    "select", "%c: bool[N], %x: f64[N]", "%r = select %c, %x, -inf  return %r", [bool([2], true, false), f64([2], 3, nan)],
    f64([2], 3, -inf)),
  cases(
    "convert", "%x: f64[N]", "%r = convert %x : i32[N]  return %r", [f64([5], 1.9, -1.9, nan, inf, -1e30)],
    i32([5], 1, -1, 0, Int64(Int32.max), least)),
  cases("convert", "%x: i32[N]", "%r = convert %x : u8[N]  return %r", [i32([3], 255, 256, -1)], u8([3], 255, 0, 255)),
  cases("convert", "%x: f64[N]", "%r = convert %x : bool[N]  return %r", [f64([3], 0, -0.5, nan)], bool([3], false, true, true)),
  cases(
    "convert", "%x: f64[N]", "%n = convert %x : bf16[N]  %r = convert %n : f64[N]  return %r", [f64([2], 1.00390625, 1.0 / 3)],
    f64([2], 1, 0.333984375)),
  cases(
    "bitcast", "%x: f32[N]", "%r = bitcast %x : i32[N]  return %r", [ReferenceArray(.f32, [3], reals: [1, -0.0, inf])],
    i32([3], 0x3F80_0000, least, 0x7F80_0000)),
]

private let arrangementCases: [OpCase] = [
  cases("constant", "", "%r = constant {value = [1, -2]} : i32[2]  return %r", [], i32([2], 1, -2)),
  cases(
    "iota", "%x: f64[N, 2]", "%r = iota {dim = 0} : i32[N, 2]  return %r", [f64([2, 2], 0, 0, 0, 0)], i32([2, 2], 0, 0, 1, 1)),
  cases(
    "iota", "%x: f64[N]", "%r = iota {dim = 0} : u8[257*N]  %s = slice %r {start = [255], stop = [257]}  return %s", [f64([1], 0)],
    u8([2], 255, 0)),
  cases("extent", "%x: f64[N]", "%r = extent {value = [2*N + 1]} : f64  return %r", [f64([3], 0, 0, 0)], f64([], 7)),
  cases(
    "broadcast", "%x: f64[N]", "%r = broadcast %x {dims = [1]} : f64[2, N]  return %r", [f64([2], 1, 2)], f64([2, 2], 1, 2, 1, 2)),
  cases(
    "broadcast", "%x: f64[1, N]", "%r = broadcast %x {dims = [0, 2]} : f64[2, 2, N]  return %r", [f64([1, 1], 5)],
    f64([2, 2, 1], 5, 5, 5, 5)),
  cases("reshape", "%x: f64[N, 2]", "%r = reshape %x : f64[2*N]  return %r", [f64([2, 2], 1, 2, 3, 4)], f64([4], 1, 2, 3, 4)),
  cases(
    "transpose", "%x: f64[A, B, C]", "%r = transpose %x {permutation = [2, 0, 1]}  return %r", [f64([1, 2, 3], 1, 2, 3, 4, 5, 6)],
    f64([3, 1, 2], 1, 4, 2, 5, 3, 6)),
  cases(
    "slice", "%x: f64[N, 3]", "%r = slice %x {start = [1, 0], stop = [N, 3], step = [1, 2]}  return %r",
    [f64([3, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9)], f64([2, 2], 4, 6, 7, 9)),
  cases("slice", "%x: f64[N]", "%r = slice %x {start = [N], stop = [N]}  return %r", [f64([2], 1, 2)], f64([0])),
  cases(
    "concatenate", "%x: f64[N, 1], %y: f64[N, 2]", "%r = concatenate %x, %y, %x {dim = 1}  return %r",
    [f64([2, 1], 1, 2), f64([2, 2], 3, 4, 5, 6)], f64([2, 4], 1, 3, 4, 1, 2, 5, 6, 2)),
  cases(
    "pad", "%x: f64[N, 1]", "%r = pad %x {low = [1, 0], high = [0, N], value = -inf}  return %r", [f64([1, 1], 5)],
    f64([2, 2], -inf, -inf, 5, -inf)),
  cases(
    "gather", "%t: f64[3, N], %i: i32[M]", "%r = gather %t, %i {dim = 0}  return %r",
    [f64([3, 2], 1, 2, 3, 4, 5, 6), i32([3], 2, -1, 0)],
    f64([3, 2], 5, 6, nan, nan, 1, 2)),
  cases(
    "gather", "%t: i32[2, 3], %i: i32[1, M]", "%r = gather %t, %i {dim = 1}  return %r",
    [i32([2, 3], 1, 2, 3, 4, 5, 6), i32([1, 2], 1, 3)],
    i32([2, 1, 2], 2, 0, 5, 0)),
  cases(
    "scatter", "%b: f64[2, 3], %i: i32[K], %u: f64[2, K]", "%r = scatter %b, %i, %u {dim = 1}  return %r",
    [f64([2, 3], 1, 1, 1, 2, 2, 2), i32([4], 0, 2, 0, 7), f64([2, 4], 1, 2, 3, 99, 4, 5, 6, 99)], f64([2, 3], 3, 1, 2, 6, 2, 5)),
  cases(
    "scatter_add", "%b: f64[2, 3], %i: i32[K], %u: f64[2, K]", "%r = scatter_add %b, %i, %u {dim = 1}  return %r",
    [f64([2, 3], 1, 1, 1, 2, 2, 2), i32([4], 0, 2, 0, 7), f64([2, 4], 1, 2, 3, 99, 4, 5, 6, 99)], f64([2, 3], 5, 1, 3, 12, 2, 7)),
]

private let loopCases: [OpCase] = [
  cases(
    "loop", "%x: f64[T], %h: f64",
    """
    %r, %y, %b = loop %h, %x body (state %h: f64, %x: f64) {
      %n = add %h, %x
      %d = multiply %n, 10.0
      update %h = %n
      return %d
    } {steps = [T], step_count = [T - 1], history = true}
    return %r, %y, %b
    """,
    [f64([3], 1, 2, 4), f64([], 5)],
    f64([], 8), f64([3], 60, 80, 0), f64([3], 5, 6, 0)),
  cases(
    "loop", "%x: i32[T, 2], %w: i32[2]",
    """
    %y = loop %x, %w body (%x: i32[2], parameter %w: i32[2]) {
      %i = extent {value = [t]} : i32
      %s = multiply %w, %i
      %n = add %s, %x
      return %n
    } {steps = [T], index = [t], reverse = true}
    return %y
    """, [i32([3, 2], 1, 2, 3, 4, 5, 6), i32([2], 10, 100)],
    i32([3, 2], 1, 2, 13, 104, 25, 206)),
]

private let reductionCases: [OpCase] = [
  cases(
    "reduce", "%x: f64[2, N]", "%r = reduce %x {dims = [1], kind = add}  return %r", [f64([2, 3], 1, 2, 3, 4, 5, 6)],
    f64([2], 6, 15)),
  cases(
    "reduce", "%x: f64[2, N]", "%r = reduce %x {dims = [0, 1], kind = maximum}  return %r", [f64([2, 2], 1, 9, 3, 4)], f64([], 9)),
  cases("reduce", "%x: f64[N]", "%r = reduce %x {dims = [0], kind = minimum}  return %r", [f64([0])], f64([], inf)),
  cases("reduce", "%x: i32[N]", "%r = reduce %x {dims = [0], kind = maximum}  return %r", [i32([0])], i32([], least)),
  cases("reduce", "%x: i32[N]", "%r = reduce %x {dims = [0], kind = multiply}  return %r", [i32([3], 65536, 65536, 5)], i32([], 0)),
  cases("reduce", "%x: bool[N]", "%r = reduce %x {dims = [0], kind = and}  return %r", [bool([0])], bool([], true)),
  cases("reduce", "%x: u8[N]", "%r = reduce %x {dims = [0], kind = and}  return %r", [u8([0])], u8([], 255)),
  cases("reduce", "%x: bool[N]", "%r = reduce %x {dims = [0], kind = or}  return %r", [bool([2], false, true)], bool([], true)),
  cases("scan", "%x: f64[N]", "%r = scan %x {dim = 0, kind = add}  return %r", [f64([3], 1, 2, 3)], f64([3], 1, 3, 6)),
  cases(
    "scan", "%x: f64[N, 2]", "%r = scan %x {dim = 0, kind = add, exclusive = true}  return %r", [f64([2, 2], 1, 2, 3, 4)],
    f64([2, 2], 0, 0, 1, 2)),
  cases(
    "scan", "%x: i32[N]", "%r = scan %x {dim = 0, kind = maximum, reverse = true}  return %r", [i32([3], 1, 3, 2)],
    i32([3], 3, 3, 2)),
  cases(
    "scan", "%x: f64[N]", "%r = scan %x {dim = 0, kind = multiply, exclusive = true, reverse = true}  return %r",
    [f64([3], 2, 3, 4)],
    f64([3], 12, 4, 1)),
  cases(
    "top_k", "%x: f64[2, N]", "%v, %i = top_k %x {count = 2}  return %v, %i", [f64([2, 4], 1, 3, 3, 2, nan, -inf, 5, nan)],
    f64([2, 2], 3, 3, 5, -inf), i32([2, 2], 1, 2, 2, 1)),
  cases("top_k", "%x: i32[N]", "%v, %i = top_k %x {count = 1}  return %v, %i", [i32([3], -4, -2, -2)], i32([1], -2), i32([1], 1)),
  cases(
    "sort", "%x: f64[2, N]", "%v, %i = sort %x  return %v, %i", [f64([2, 4], 1, 3, 3, 2, nan, -inf, 5, nan)],
    f64([2, 4], 1, 2, 3, 3, -inf, 5, nan, nan), i32([2, 4], 0, 3, 1, 2, 1, 2, 0, 3)),
  cases(
    "sort", "%x: i32[N]", "%v, %i = sort %x {descending = true}  return %v, %i", [i32([3], -2, -4, -2)], i32([3], -2, -2, -4),
    i32([3], 0, 2, 1)),
  cases("sort", "%x: u8[2, N]", "%v, %i = sort %x  return %v, %i", [u8([2, 0])], u8([2, 0]), i32([2, 0])),
  cases(
    "segment_ids", "%o: i32[B + 1], %x: f64[T]", "%r = segment_ids %o : i32[T]  return %r",
    [i32([5], 0, 2, 2, 3, 5), f64([5], 0, 0, 0, 0, 0)], i32([5], 0, 0, 2, 3, 3)),
  cases(
    "segment_sum", "%x: f64[T, 2], %o: i32[B + 1]", "%r = segment_sum %x, %o  return %r",
    [f64([3, 2], 1, 2, 3, 4, 5, 6), i32([4], 0, 2, 2, 3)], f64([3, 2], 4, 6, 0, 0, 5, 6)),
  cases(
    "segment_max", "%x: i32[T, 2], %o: i32[B + 1]", "%r = segment_max %x, %o  return %r",
    [i32([3, 2], 1, 7, 3, 4, 5, 6), i32([4], 0, 2, 2, 3)], i32([3, 2], 3, 7, least, least, 5, 6)),
  cases(
    "segment_matmul", "%x: f64[T, 2], %m: f64[B, 2, 1], %o: i32[B + 1]", "%r = segment_matmul %x, %m, %o  return %r",
    [f64([3, 2], 1, 2, 3, 4, 5, 6), f64([2, 2, 1], 1, 10, 2, 3), i32([3], 0, 1, 3)], f64([3, 1], 21, 18, 28)),
]

private let compositeCases: [OpCase] = [
  cases(
    "contract", "%x: f64[2, N], %y: f64[N, 2]", "%r = contract %x, %y {subscripts = \"ij,jk->ki\"}  return %r",
    [f64([2, 2], 1, 2, 3, 4), f64([2, 2], 5, 6, 7, 8)], f64([2, 2], 19, 43, 22, 50)),
  cases(
    "contract", "%x: f64[2, N], %y: f64[N, 1]", "%r = contract %x, %y {subscripts = \"ij,jk->ik\"}  return %r",
    [f64([2, 0]), f64([0, 1])],
    f64([2, 1], 0, 0)),
  cases(
    "softmax", "%x: f64[N, 2]", "%r = softmax %x {dim = 1}  return %r", [f64([4, 2], 0, 0, -inf, 5, -inf, -inf, nan, 0)],
    f64([4, 2], 0.5, 0.5, 0, 1, 0, 0, nan, nan)),
  cases(
    "softmax", "%x: f64[2, N]", "%r = softmax %x {dim = 0}  return %r", [f64([2, 1], 1000, 1000 + 1.0986122886681098)],
    f64([2, 1], 0.25, 0.75)),
  cases(
    "layer_norm", "%x: f64[N, 2], %s: f64[2], %b: f64[2]", "%r = layer_norm %x, %s, %b {epsilon = 3.0}  return %r",
    [f64([1, 2], 1, 3), f64([2], 2, 4), f64([2], 10, 20)], f64([1, 2], 9, 22)),
  cases(
    "rms_norm", "%x: f64[N, 2], %s: f64[2]", "%r = rms_norm %x, %s {epsilon = 2.0}  return %r",
    [f64([1, 2], 1, 3), f64([2], 1, 2)],
    f64([1, 2], 1 / 7.0.squareRoot(), 6 / 7.0.squareRoot())),
  cases(
    "norm_gradient", "%x: f64[N, 2], %s: f64[2], %c: f64[N, 2]",
    "%r, %a, %b = norm_gradient %x, %s, %c {centered = true, epsilon = 3.0}  %t = concatenate %a, %b {dim = 0}  return %r, %t",
    [f64([2, 2], 1, 3, 1, 3), f64([2], 2, 4), f64([2, 2], 1, 1, 0, 2)],
    f64([2, 2], -0.375, 0.375, -1.5, 1.5), f64([4], -0.5, 1.5, 1, 3)),
  cases(
    "norm_gradient", "%x: f64[N, 2], %s: f64[2], %c: f64[N, 2]",
    "%r, %a = norm_gradient %x, %s, %c {epsilon = 4.0}  return %r, %a",
    [f64([1, 2], 2, 4), f64([2], 7, 14), f64([1, 2], 2, 1)],
    f64(
      [1, 2], 14 / 14.0.squareRoot() - 2 * 42 / (14 * 14.0.squareRoot()), 14 / 14.0.squareRoot() - 4 * 42 / (14 * 14.0.squareRoot())
    ),
    f64([2], 4 / 14.0.squareRoot(), 4 / 14.0.squareRoot())),
  cases(
    "log_sum_exp", "%x: f64[2, N]", "%r = log_sum_exp %x {dim = 0}  return %r",
    [f64([2, 4], 1000, -inf, 0, nan, 1000 + 1.0986122886681098, -inf, -inf, 0)],
    f64([4], 1000 + 2 * 0.6931471805599453, -inf, 0, nan)),
  cases("log_sum_exp", "%x: f64[2, N]", "%r = log_sum_exp %x {dim = 1}  return %r", [f64([2, 0])], f64([2], -inf, -inf)),
  cases(
    "relative_log_sum_exp", "%x: f64[2, N]", "%r = relative_log_sum_exp %x {dim = 0}  return %r",
    [f64([2, 4], -1e300, -inf, 0, nan, -1e300, -inf, -inf, 0)], f64([4], 0.6931471805599453, -inf, 0, nan)),
  cases(
    "relative_log_sum_exp", "%x: f64[2, N]", "%r = relative_log_sum_exp %x {dim = 1}  return %r", [f64([2, 0])],
    f64([2], -inf, -inf)),
  cases(
    "rotary", "%x: f64[S, 4], %c: f64[S, 2], %s: f64[S, 2]", "%r = rotary %x, %c, %s  return %r",
    [f64([1, 4], 1, 2, 3, 4), f64([1, 2], 0, 1), f64([1, 2], 1, 0)], f64([1, 4], -3, 2, 1, 4)),
  cases(
    "rotary", "%x: f64[S, 4], %c: f64[S, 2], %s: f64[S, 2]", "%r = rotary %x, %c, %s {interleaved = true}  return %r",
    [f64([1, 4], 1, 2, 3, 4), f64([1, 2], 0, 1), f64([1, 2], 1, 0)], f64([1, 4], -2, 1, 3, 4)),
  cases(
    "linear_attention", "%q: f64[N, 1], %k: f64[N, 1], %v: f64[N, 2]", "%r = linear_attention %q, %k, %v  return %r",
    [f64([3, 1], 1, 2, 3), f64([3, 1], 1, 1, 2), f64([3, 2], 10, 1, 20, 0, 30, -1)], f64([3, 2], 10, 1, 60, 2, 270, -3)),
  cases(
    "linear_attention", "%q: f64[N, 1], %k: f64[N, 1], %v: f64[N, 1], %o: i32[B + 1]",
    "%r = linear_attention %q, %k, %v, %o {epsilon = 0.0, ragged = 0}  return %r",
    // The first segment's denominators are 1 and 2, the last one's is 0.
    [f64([3, 1], 1, 2, 3), f64([3, 1], 1, 1, 0), f64([3, 1], 10, 20, 30), i32([4], 0, 2, 2, 3)], f64([3, 1], 10, 15, 0)),
  cases(
    "linear_attention", "%q: f64[N, 1], %k: f64[N, 1], %v: f64[N, 1], %d: f64[N], %s: f64[1, 1], %z: f64[1]",
    """
    %r, %t, %y = linear_attention %q, %k, %v, %d, %s, %z {decay = 0, epsilon = 1.0, final_state = true, key_sum = 2, state = 1}
    return %r, %t, %y
    """,
    // Decays of a half: states 8/2 + 6 = 10 and 10/2 + 4 = 9, sums of keys 4/2 + 1 = 3 and 3/2 + 2 = 3.5.
    [
      f64([2, 1], 1, 2), f64([2, 1], 1, 2), f64([2, 1], 6, 2), f64([2], -0.6931471805599453, -0.6931471805599453), f64([1, 1], 8),
      f64([1], 4),
    ], f64([2, 1], 2.5, 2.25), f64([1, 1], 9), f64([1], 3.5)),
  cases(
    "linear_attention", "%q: f64[N, 1], %k: f64[N, 1], %v: f64[N, 1], %d: f64[N], %s: f64[1, 1]",
    """
    %r, %t = linear_attention %q, %k, %v, %d, %s {decay = 0, final_state = true, reverse = true, state = 1}
    return %r, %t
    """,
    // Row 1 reads 8 + 4; half of that and 6 is for row 0, and half of that is left.
    [
      f64([2, 1], 1, 2), f64([2, 1], 1, 2), f64([2, 1], 6, 2), f64([2], -0.6931471805599453, -0.6931471805599453), f64([1, 1], 8),
    ], f64([2, 1], 12, 24), f64([1, 1], 6)),
  cases(
    "linear_attention", "%q: f64[N, 1], %k: f64[N, 1], %v: f64[N, 1]",
    "%r = linear_attention %q, %k, %v {exclusive = true}  return %r",
    [f64([3, 1], 1, 2, 3), f64([3, 1], 1, 1, 2), f64([3, 1], 10, 20, 30)], f64([3, 1], 0, 20, 90)),
]

private let fusedCases: [OpCase] = [
  cases(
    "map", "%x: f64[N], %s: f64",
    "%a, %b = map %x, %s (%e: f64, %f: f64) { %p = multiply %e, %f : f64  %l = less %p, 3.0 : bool  yield %p, %l }  return %a, %b",
    [f64([2], 1, 2), f64([], 2)], f64([2], 2, 4), bool([2], true, false)),
  cases(
    "linear", "%x: f64[N, 2], %w: f64[2, 1], %b: f64",
    "%r = linear %x, %w, %b epilogue (%a: f64, %e: f64) { %y = add %a, %e : f64  yield %y } {subscripts = \"ij,jk->ik\"}  return %r",
    [f64([2, 2], 1, 2, 3, 4), f64([2, 1], 1, 1), f64([], 10)], f64([2, 1], 13, 17)),
  cases(
    "attention", "%q: f64[S, 1], %k: f64[S, 1], %v: f64[S, 1], %bias: f64[S]",
    """
    %r = attention %q, %k, %v, %bias score (%s: f64, %i: i32, %j: i32) { %b = element %bias[%j] : f64  %y = add %s, %b : f64  yield %y }
      where (%i: i32, %j: i32) { %l = less %j, %i : bool  yield %l }
    return %r
    """,
    // Row 0 has no live pair, row 1 one, row 2 two with scores log 3 and 0.
    [f64([3, 1], 5, 5, 0), f64([3, 1], 1, 2, 3), f64([3, 1], 4, 8, nan), f64([3], 1.0986122886681098, 0, nan)],
    f64([3, 1], 0, 4, 5)),
  cases(
    "attention", "%q: f64[S, 1], %k: f64[S, 1], %v: f64[S, 1], %sink: f64[S]",
    """
    %r, %l, %d, %m = attention %q, %k, %v, %sink score (%s: f64, %i: i32, %j: i32) { yield %s }
      where (%i: i32, %j: i32) { %l = less %j, %i : bool  yield %l }
      {log_sum_exp = true, maximum = true, relative_log_sum_exp = true, sink = 0}
    return %r, %l, %d, %m
    """,
    // Row 0 has no live pair and the sink alone, row 1 one of score 0 beside a sink of score log 3, row 2 two without a sink.
    [f64([3, 1], 5, 1, 0), f64([3, 1], 0, 2, 3), f64([3, 1], 4, 8, nan), f64([3], 7, 1.0986122886681098, -inf)],
    f64([3, 1], 0, 1, 6), f64([3], 7, 2 * 0.6931471805599453, 0.6931471805599453),
    f64([3], 0, 0.28768207245178085, 0.6931471805599453), f64([3], -inf, 0, 0)),
  cases(
    "attention", "%q: f64[S, 1], %k: f64[S, 1], %v: f64[S, 1]",
    """
    %r = attention %q, %k, %v score (%s: f64, %i: i32, %j: i32) { %y = multiply %s, %s : f64  yield %y }
      where (%i: i32, %j: i32) { %l = less %j, %i : bool  yield %l } {weights = score}
    return %r
    """,
    [f64([3, 1], 5, -1, 2), f64([3, 1], 2, 1, nan), f64([3, 1], 4, 8, nan)], f64([3, 1], 0, 16, 96)),
  cases(
    "attention", "%q: f64[S, 1], %k: f64[S, 1], %v: f64[S, 1], %g: f64[S, S]",
    """
    %r, %t = attention %q, %k, %v, %g score (%s: f64, %i: i32, %j: i32) { yield %s }
      where (%i: i32, %j: i32) { %l = less %j, %i : bool  yield %l }
      factor (%i: i32, %j: i32) { %f = element %g[%i, %j] : f64  yield %f } {weight_sum = true}
    return %r, %t
    """,
    // Rows of 0, 1 and 2 live pairs; the softmax's weights are 1; 1/4 and 3/4.
    [
      f64([3, 1], 5, 0, 1.0986122886681098), f64([3, 1], 0, 1, nan), f64([3, 1], 4, 8, nan),
      f64([3, 3], nan, nan, nan, 3, nan, nan, 2, 0, nan),
    ], f64([3, 1], 0, 12, 2), f64([3], 0, 3, 0.5)),
  cases(
    "attention", "%q: f64[S, 1], %k: f64[S, 1], %v: f64[S, 1]",
    """
    %r, %t = attention %q, %k, %v score (%s: f64, %i: i32, %j: i32) { %y = multiply %s, %s : f64  yield %y }
      where (%i: i32, %j: i32) { %l = less %j, %i : bool  yield %l } {weight_sum = true, weights = score}
    return %r, %t
    """,
    [f64([3, 1], 5, -1, 2), f64([3, 1], 2, 1, nan), f64([3, 1], 4, 8, nan)], f64([3, 1], 0, 16, 96), f64([3], 0, 4, 20)),
  // Row 0 has no live pair and weighs all alike; the NaN of the last key shows in it alone.
  cases(
    "attention", "%q: f64[S, 1], %k: f64[S, 1], %v: f64[S, 1]",
    """
    %r = attention %q, %k, %v score (%s: f64, %i: i32, %j: i32) { %five = constant -5.0 : f64  yield %s, %five }
      where (%i: i32, %j: i32) { %l = less %j, %i : bool  yield %l }
    return %r
    """,
    [f64([3, 1], 5, 0, 1.0986122886681098), f64([3, 1], 0, 1, nan), f64([3, 1], 4, 8, 3)], f64([3, 1], 5, 4, 7)),
  // Weights 0; 1; 1/4, 3/4 of rows with 0, 1 and 2 live keys.
  // The pair 0, 1 is dead: weights [[2, -], [4, 8]], their sums, and what they weigh.
  cases(
    "pair_sums", "%x: f64[M, 1], %y: f64[N, 1]",
    """
    %a, %b, %c, %d = pair_sums %x, %y weights (%s: f64, %i: i32, %j: i32) { yield %s }
      where (%i: i32, %j: i32) { %l = less_equal %j, %i : bool  yield %l }
      {column_sums = [0, 0, 0, -1], pairs = [M, N], products = [0, 1], row_sums = [0, 1, 0, -1]}
      : f64[M, 1], f64[M], f64[N, 1], f64[N]
    return %a, %b, %c, %d
    """,
    [f64([2, 1], 1, 2), f64([2, 1], 2, 4)], f64([2, 1], 4, 40), f64([2], 2, 12), f64([2, 1], 10, 16), f64([2], 6, 8)),
  // A weight of 0 and a dead pair add nothing, whatever they weigh.
  cases(
    "pair_sums", "%y: f64[N, 1]",
    """
    %a = pair_sums %y weights (%i: i32, %j: i32) { %z = convert %j : f64  yield %z }
      where (%i: i32, %j: i32) { %l = less %j, 2 : bool  yield %l } {pairs = [1, N], row_sums = [0, 0]} : f64[1, 1]
    return %a
    """,
    [f64([3, 1], nan, 5, inf)], f64([1, 1], 5)),
  // By distance; one outside adds nothing.
  cases(
    "pair_scatter", "%x: f64[M, 1], %y: f64[N, 1]",
    """
    %a = pair_scatter %x, %y value (%s: f64, %i: i32, %j: i32) { %d = subtract %j, %i : i32  yield %s, %d }
      where (%i: i32, %j: i32) { yield true } {pairs = [M, N], products = [0, 1]} : f64[2]
    return %a
    """,
    [f64([2, 1], 1, 10), f64([3, 1], 1, 2, 3)], f64([2], 21, 32)),
  cases(
    "attention_reduce", "%q: f64[S, 1], %k: f64[S, 1], %l: f64[S]",
    """
    %a = attention_reduce %q, %k, %l score (%s: f64, %i: i32, %j: i32) { yield %s }
      where (%i: i32, %j: i32) { %l = less %j, %i : bool  yield %l } value (%p: f64, %i: i32, %j: i32) { yield %p }
      {block = [0, 1], kind = add}
    %b = attention_reduce %q, %k, %l score (%s: f64, %i: i32, %j: i32) { yield %s }
      where (%i: i32, %j: i32) { %l = less %j, %i : bool  yield %l }
      value (%p: f64, %i: i32, %j: i32) { %x = convert %j : f64  %y = add %p, %x : f64  yield %y }
      {block = [2, 0], columns = [0, 2], kind = maximum, rows = [1, S]}
    return %a, %b
    """,
    [f64([3, 1], 5, 0, 1.0986122886681098), f64([3, 1], 0, 1, nan), f64([3], -inf, 0, 2 * 0.6931471805599453)],
    f64([1, 3], 1.25, 0.75, 0), f64([1, 1], 1.75)),
  // The logarithms of rows 0 and 2 are coarse: dead pairs of row 0 have their scores, and row 2 is a softmax of scores -200 beside a sink.
  cases(
    "attention_reduce", "%q: f64[S, 1], %k: f64[S, 1], %l: f64[S], %sink: f64[S]",
    """
    %a = attention_reduce %q, %k, %l, %sink score (%s: f64, %i: i32, %j: i32) { %c = constant -1e9 : f64  yield %s, %c }
      where (%i: i32, %j: i32) { %l = less %j, %i : bool  yield %l } value (%p: f64, %i: i32, %j: i32) { yield %p }
      {block = [1, 1], kind = add, sink = 0}
    return %a
    """,
    [f64([3, 1], 5, 0, 1), f64([3, 1], -200, -200, nan), f64([3], -1e9, 0, -200), f64([3], -inf, -inf, -200)],
    f64([3, 3], 1.0 / 3, 1.0 / 3, 1.0 / 3, 1, 0, 0, 1.0 / 3, 1.0 / 3, 0)),
  cases(
    "attention_top_k", "%q: f64[S, 1], %k: f64[S, 1], %l: f64[S]",
    """
    %v, %n = attention_top_k %q, %k, %l score (%s: f64, %i: i32, %j: i32) { yield %s }
      where (%i: i32, %j: i32) { %l = less %j, %i : bool  yield %l } {count = 2}
    return %v, %n
    """,
    [f64([3, 1], 5, 0, 1.0986122886681098), f64([3, 1], 0, 1, nan), f64([3], -inf, 0, 2 * 0.6931471805599453)],
    f64([3, 2], 0, 0, 1, 0, 0.75, 0.25), i32([3, 2], 0, 1, 0, 1, 1, 0)),
]

private let derivativeCases: [OpCase] = [
  cases(
    "vjp", "%x: f64[N], %c: f64[N]",
    "%y = multiply %x, %x  %s = reduce %y {dims = [0], kind = add}  %r, %u = vjp %y, %s, %c, 10.0, %x, %c {outputs = 2}  return %r, %u",
    [f64([2], 1, 3), f64([2], 1, 2)], f64([2], 22, 72), f64([2], 0, 0)),
  cases(
    "jvp", "%x: f64[N], %y: f64[N], %t: f64[N]",
    "%p = multiply %x, %y  %r = jvp %p, %x, %y, %t, %x {outputs = 1}  return %r",
    [f64([2], 1, 3), f64([2], 5, 7), f64([2], 10, -1)], f64([2], 51, 2)),
  cases("identity", "%x: f64[N]", "%r = identity %x  return %r", [f64([2], 1, nan)], f64([2], 1, nan)),
]
