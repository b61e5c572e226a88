import HeedIR

let arrangementGradientCases: [GradientCase] = [
  GradientCase("broadcast", "%x: f64[N]", "%r = broadcast %x {dims = [1]} : f64[2, N, 3] return %r", [["N": 4], ["N": 0]]),
  GradientCase(
    "broadcast", "%x: f64[1, N]", "%r = broadcast %x {dims = [0, 2]} : f64[2, 3, N] return %r", [["N": 4], ["N": 1]]),
  GradientCase("broadcast", "%x: f64[1]", "%r = broadcast %x {dims = [0]} : f64[1, 3] return %r", [[:]]),
  GradientCase("broadcast", "%x: f64, %y: f64[N]", "%r = broadcast %x {dims = []} : f64[2, N] return %r", [["N": 4], ["N": 0]]),
  GradientCase(
    "reshape", "%x: f64[N, 2, M]", "%r = reshape %x : f64[2*N, 1, M] return %r", [["N": 3, "M": 2], ["N": 0, "M": 2]]),
  GradientCase(
    "transpose", "%x: f64[A, B, C]", "%r = transpose %x {permutation = [2, 0, 1]} return %r",
    [["A": 2, "B": 3, "C": 4], ["A": 2, "B": 0, "C": 1]]),
  GradientCase(
    "slice", "%x: f64[N, 5]", "%r = slice %x {start = [1, 0], stop = [N - 1, 5]} return %r", [["N": 5], ["N": 2]]),
  GradientCase(
    "slice", "%x: f64[N, 7]", "%r = slice %x {start = [0, 1], stop = [N, 6], step = [2, 3]} return %r",
    [["N": 5], ["N": 4], ["N": 1], ["N": 0]]),
  GradientCase("slice", "%x: f64[N]", "%r = slice %x {start = [N], stop = [N]} return %r", [["N": 2]]),
  GradientCase(
    "concatenate", "%x: f64[2, N], %y: f64[2, M]", "%r = concatenate %x, %y, %x {dim = 1} return %r",
    [["N": 2, "M": 3], ["N": 0, "M": 1]]),
  GradientCase("concatenate", "%x: f64[N, 2]", "%r = concatenate %x {dim = 0} return %r", [["N": 3]]),
  GradientCase(
    "pad", "%x: f64[N, 2]", "%r = pad %x {low = [1, 0], high = [2, N], value = 0.5} return %r", [["N": 3], ["N": 0]]),
  GradientCase(
    "gather", "%t: f64[6, N], %i: i32[M]", "%r = gather %t, %i {dim = 0} return %r", [["N": 2, "M": 9], ["N": 2, "M": 0]]),
  GradientCase(
    "gather", "%t: f64[N, 6, 2], %i: i64[M, 2]", "%r = gather %t, %i {dim = 1} return %r", [["N": 3, "M": 4], ["N": 1, "M": 1]]),
  GradientCase("gather", "%t: f64[6, N], %i: u8", "%r = gather %t, %i {dim = 0} return %r", [["N": 2]]),
  // Several of the same index: the last counts.
  GradientCase(
    "scatter", "%b: f64[4, N], %i: i32[K], %u: f64[K, N]", "%r = scatter %b, %i, %u {dim = 0} return %r",
    [["N": 2, "K": 9], ["N": 1, "K": 0]]),
  GradientCase(
    "scatter", "%b: f64[2, 4, N], %i: i64[K], %u: f64[2, K, N]", "%r = scatter %b, %i, %u {dim = 1} return %r",
    [["N": 3, "K": 7]]
  ) { name, array in if name == "i", array.count > 1 { (array.integers[0], array.integers[1]) = (-1, 7) } },
  // Indices 4 and 5 are outside.
  GradientCase(
    "scatter_add", "%b: f64[4, N], %i: i32[K], %u: f64[K, N]", "%r = scatter_add %b, %i, %u {dim = 0} return %r",
    [["N": 2, "K": 9], ["N": 1, "K": 0]]),
  GradientCase(
    "scatter_add", "%b: f64[2, 4, N], %i: i64[K], %u: f64[2, K, N]", "%r = scatter_add %b, %i, %u {dim = 1} return %r",
    [["N": 3, "K": 7]]
  ) { name, array in if name == "i", array.count > 1 { (array.integers[0], array.integers[1]) = (-1, 7) } },
]
