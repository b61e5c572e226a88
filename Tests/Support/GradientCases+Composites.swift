import HeedIR

private let rows: [[Name: Int]] = [["A": 2, "B": 3, "C": 2], ["A": 2, "B": 1, "C": 1], ["A": 1, "B": 0, "C": 2]]

let compositeGradientCases: [GradientCase] = contractCases + rowCases + otherCases

private let contractCases: [GradientCase] = [
  GradientCase(
    "contract", "%x: f64[A, B, C], %y: f64[A, C, D]", "%r = contract %x, %y {subscripts = \"abc,acd->dab\"} return %r",
    [["A": 2, "B": 3, "C": 2, "D": 4], ["A": 1, "B": 1, "C": 0, "D": 1]]),
  GradientCase("contract", "%x: f64[A, B]", "%r = contract %x, %x {subscripts = \"ab,cb->ac\"} return %r", [["A": 2, "B": 3]]),
]

private let rowCases: [GradientCase] = [0, 1, 2].flatMap { dim in
  ["softmax", "log_sum_exp", "relative_log_sum_exp"].flatMap { mnemonic in
    [
      // The logarithm of no elements is -inf.
      GradientCase(
        mnemonic, "%x: f64[A, B, C]", "%r = \(mnemonic) %x {dim = \(dim)} return %r",
        mnemonic == "softmax" ? rows : Array(rows.prefix(2))),
      GradientCase(
        mnemonic, "%c: bool[A, B, C], %x: f64[A, B, C]",
        "%m = select %c, %x, -inf %r = \(mnemonic) %m {dim = \(dim)} return %r", [["A": 4, "B": 5, "C": 6]]
      ) { name, array in
        // Each row has a live element, whichever dimension it lies along.
        if name == "c" { for position in stride(from: 0, to: array.count, by: 7) { array.integers[position] = 1 } }
        if name == "c" { for position in array.integers.indices where position % 3 == 0 { array.integers[position] = 1 } }
      },
    ]
  }
}

private let otherCases: [GradientCase] = [
  GradientCase(
    "layer_norm", "%x: f64[A, D], %s: f64[D], %b: f64[D]", "%r = layer_norm %x, %s, %b {epsilon = 1e-2} return %r",
    [["A": 3, "D": 5], ["A": 2, "D": 1], ["A": 0, "D": 3]]),
  GradientCase(
    "layer_norm", "%x: f64[A, 2, 4], %s: f64[4], %b: f64[4]", "%r = layer_norm %x, %s, %b {epsilon = 0.0} return %r", [["A": 2]]),
  GradientCase(
    "rms_norm", "%x: f64[A, 2, D], %s: f64[D]", "%r = rms_norm %x, %s {epsilon = 1e-2} return %r",
    [["A": 2, "D": 4], ["A": 1, "D": 1], ["A": 2, "D": 0]]),
  GradientCase(
    "rms_norm", "%x: f64[4], %s: f64[4]", "%r = rms_norm %x, %s {epsilon = 0.0} return %r", [[:]]),
  GradientCase(
    "norm_gradient", "%x: f64[A, D], %s: f64[D], %c: f64[A, D]",
    "%r, %a, %b = norm_gradient %x, %s, %c {centered = true, epsilon = 1e-2} return %r, %a, %b",
    [["A": 3, "D": 5], ["A": 2, "D": 1], ["A": 0, "D": 3]]),
  GradientCase(
    "norm_gradient", "%x: f64[A, 2, 4], %s: f64[4], %c: f64[A, 2, 4]",
    "%r, %a = norm_gradient %x, %s, %c {epsilon = 1e-2} return %r, %a", [["A": 2]]),
  GradientCase(
    "rotary", "%x: f64[A, S, 6], %c: f64[S, 3], %s: f64[S, 3]", "%r = rotary %x, %c, %s return %r",
    [["A": 2, "S": 3], ["A": 2, "S": 0]]),
  GradientCase(
    "rotary", "%x: f64[2, A, S, 2*H], %c: f64[S, H], %s: f64[S, H]", "%r = rotary %x, %c, %s {interleaved = true} return %r",
    [["A": 2, "S": 3, "H": 2], ["A": 1, "S": 1, "H": 1]]),
  GradientCase(
    "rotary", "%x: f64[S, 4], %c: f64[S, 2], %s: f64[S, 2]", "%r = rotary %x, %c, %s return %r", [["S": 3]]),
  GradientCase(
    "map", "%x: f64[N], %y: f64[N], %z: f64, %n: i32[N]",
    """
    %r, %u, %w = map %x, %y, %z, %n (%x: f64, %y: f64, %z: f64, %n: i32) {
      %a = multiply %x, %y : f64
      %b = tanh %a : f64
      %c = multiply %b, %z : f64
      %d = maximum %c, %x : f64
      %e = convert %n : f64
      %f = multiply %d, %e : f64
      %g = extent {value = [N]} : f64
      %h = divide %y, %g : f64
      %k = add %n, %n : i32
      yield %f, %h, %k
    }
    return %r, %u, %w
    """, [["N": 5], ["N": 0]]),
  GradientCase(
    "map", "%x: f64, %y: f64[N]", "%r = map %y, %x (%y: f64, %x: f64) { %a = exp %x : f64 yield %a } return %r",
    [["N": 3], ["N": 0]]),
  GradientCase("map", "%x: f64", "%r = map %x (%x: f64) { %a = sin %x : f64 yield %a } return %r", [[:]]),
  GradientCase(
    "linear", "%x: f64[A, B], %w: f64[B, 3], %e: f64[A, 3], %s: f64",
    """
    %r = linear %x, %w, %e, %s epilogue (%acc: f64, %e: f64, %s: f64) {
      %g = gelu %acc : f64
      %a = add %g, %e : f64
      %m = multiply %a, %s : f64
      yield %m
    } {subscripts = "ab,bc->ac"}
    return %r
    """, [["A": 2, "B": 3], ["A": 1, "B": 0]]),
  GradientCase(
    "linear", "%x: f64[A, B], %w: f64[3, B], %e: f64[A, 3]",
    """
    %r = linear %x, %w, %e epilogue (%acc: f64, %e: f64) {
      %a = add %acc, %e : f64
      yield %a
    } {subscripts = "ab,cb->ac"}
    return %r
    """, [["A": 2, "B": 3]]),
]
