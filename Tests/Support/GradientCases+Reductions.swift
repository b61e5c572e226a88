import HeedIR

/// Offsets of segments of 7 rows, one of them empty; of no rows where there is one segment.
private let segments: @Sendable (Name, inout ReferenceArray) -> Void = { name, array in
  if name == "o" { array.integers = array.count == 2 ? [0, 0] : [0, 2, 2, 7] }
}

/// Some zeros among the elements, three of them in one row.
private let zeros: @Sendable (Name, inout ReferenceArray) -> Void = { name, array in
  if name == "x", array.count > 7 { (array.reals[1], array.reals[6], array.reals[7]) = (0, 0, 0) }
}

private let cube: [[Name: Int]] = [["A": 2, "B": 3, "C": 2], ["A": 2, "B": 1, "C": 1], ["A": 2, "B": 0, "C": 2]]

let reductionGradientCases: [GradientCase] = sumCases + extremumCases + scanCases + pickingCases + segmentCases

private let sumCases: [GradientCase] = ["add", "multiply"].flatMap { kind in
  ["[]", "[1]", "[0, 2]", "[2, 0, 1]"].map { dims in
    GradientCase(
      "reduce", "%x: f64[A, B, C]", "%r = reduce %x {dims = \(dims), kind = \(kind)} return %r", cube
    ) { name, array in if dims.count < 9 { zeros(name, &array) } }
  }
}

/// Without elements the result is infinite.
private let extremumCases: [GradientCase] = ["minimum", "maximum"].flatMap { kind in
  ["[]", "[1]", "[0, 2]"].map { dims in
    GradientCase(
      "reduce", "%x: f64[A, B, C]", "%r = reduce %x {dims = \(dims), kind = \(kind)} return %r", Array(cube.prefix(2)))
  }
}

private let scanCases: [GradientCase] =
  ["add", "multiply", "minimum", "maximum"].flatMap { kind in
    ["", ", exclusive = true", ", reverse = true", ", exclusive = true, reverse = true"].map { scan(kind, $0) }
  } + [GradientCase("scan", "%x: f64[N]", "%r = scan %x {dim = 0, kind = multiply} return %r", [["N": 6]])]

private func scan(_ kind: String, _ flags: String) -> GradientCase {
  let head = "%s = scan %x {dim = 1, kind = \(kind)\(flags)}"
  let sizes: [[Name: Int]] = [["A": 2, "B": 4, "C": 2], ["A": 1, "B": 1, "C": 2], ["A": 2, "B": 0, "C": 2]]
  // Before the first element an exclusive extremum is infinite.
  if kind.hasSuffix("imum"), flags.contains("exclusive") {
    let (start, stop) = flags.contains("reverse") ? ("0", "B - 1") : ("1", "B")
    let slice = "%r = slice %s {start = [0, \(start), 0], stop = [A, \(stop), C]}"
    return GradientCase("scan", "%x: f64[A, B, C]", "\(head) \(slice) return %r", Array(sizes.prefix(2)))
  }
  return GradientCase("scan", "%x: f64[A, B, C]", "\(head) return %s", sizes) { name, array in
    if kind == "multiply" { zeros(name, &array) }
  }
}

private let pickingCases: [GradientCase] = [
  GradientCase("top_k", "%x: f64[2, N]", "%r, %i = top_k %x {count = 2} return %r", [["N": 5], ["N": 2]]),
  GradientCase("top_k", "%x: f64[N]", "%r, %i = top_k %x {count = 0} return %r", [["N": 3]]),
  GradientCase("sort", "%x: f64[2, N]", "%r, %i = sort %x return %r", [["N": 5], ["N": 1], ["N": 0]]),
  GradientCase("sort", "%x: f64[N]", "%r, %i = sort %x {descending = true} return %r", [["N": 5]]),
]

private let segmentCases: [GradientCase] = [
  GradientCase(
    "segment_sum", "%x: f64[T, 2], %o: i32[B + 1]", "%r = segment_sum %x, %o return %r", [["T": 7, "B": 3], ["T": 0, "B": 1]],
    prepare: segments),
  GradientCase(
    "segment_max", "%x: f64[T, 2], %o: i64[B + 1]", "%r = segment_max %x, %o return %r", [["T": 7, "B": 3]]
  ) { name, array in if name == "o" { array.integers = [0, 2, 3, 7] } },
  GradientCase(
    "segment_matmul", "%x: f64[T, 2], %m: f64[B, 2, 3], %o: i32[B + 1]", "%r = segment_matmul %x, %m, %o return %r",
    [["T": 7, "B": 3], ["T": 0, "B": 1]], prepare: segments),
]
