import HeedIR

private let lengths: [[Name: Int]] = [["N": 5], ["N": 1], ["N": 0]]

/// Numbers from 0.3 on, for the arguments of these names.
func positive(_ names: Name...) -> @Sendable (Name, inout ReferenceArray) -> Void {
  { name, array in if names.contains(name) { array.reals = array.reals.map { abs($0) + 0.3 } } }
}

let elementwiseGradientCases: [GradientCase] = unaryCases + farCases + binaryCases + otherCases

private let activations = ["tanh", "erf", "sigmoid", "gelu", "gelu_tanh", "silu"]
private let otherUnaryOps = ["negate", "absolute", "exp", "exp2", "sin", "cos", "floor", "ceil", "round"]

private let unaryCases: [GradientCase] =
  (activations + otherUnaryOps).flatMap { unary($0) }
  + ["log", "log2", "sqrt", "rsqrt", "reciprocal"].flatMap { unary($0, prepare: positive("x")) }

/// Far out, where the activations are nearly linear or nearly 0.
private let farCases: [GradientCase] = activations.map { mnemonic in
  GradientCase(mnemonic, "%x: f64[N]", "%r = \(mnemonic) %x return %r", lengths) { name, array in
    if name == "x" { array.reals = array.reals.map { $0 * 4 } }
  }
}

private let binaryCases: [GradientCase] =
  ["add", "subtract", "multiply", "minimum", "maximum"].flatMap { binary($0) }
  + binary("divide", prepare: positive("y")) + binary("power", prepare: positive("x"))
  + binary("remainder") { name, array in
    // Not near a multiple.
    if name == "y" { array.reals = array.reals.map { _ in 1.25 } }
    if name == "x" { array.reals = array.reals.map { $0.rounded(.down) + 0.4 } }
  }

private let otherCases: [GradientCase] = [
  // Whole exponents, with bases of both signs and 0.
  GradientCase("power", "%x: f64[N]", "%r = power %x, 3.0 return %r", lengths) { name, array in
    if name == "x", array.count > 2 { array.reals[2] = 0 }
  },
  GradientCase("power", "%x: f64[N]", "%r = power %x, 2.0 return %r", lengths) { name, array in
    if name == "x", array.count > 2 { array.reals[2] = 0 }
  },
  GradientCase(
    "fused_multiply_add", "%x: f64[N], %y: f64[N], %z: f64[N]", "%r = fused_multiply_add %x, %y, %z return %r", lengths),
  GradientCase("fused_multiply_add", "%x: f64[N], %y: f64, %z: f64", "%r = fused_multiply_add %x, %y, %z return %r", lengths),
  GradientCase(
    "less", "%x: f64[N], %y: f64[N]", "%l = less %x, %y %r = select %l, %x, %y return %r", lengths),
  GradientCase(
    "less_equal", "%x: f64[N], %y: f64", "%l = less_equal %x, %y %r = convert %l : f64[N] return %r", lengths),
  GradientCase("greater", "%x: f64[N]", "%l = greater %x, 0.5 %r = select %l, %x, 0.5 return %r", lengths),
  GradientCase(
    "greater_equal", "%x: f64[N], %y: f64[N]", "%l = greater_equal %x, %y %r = select %l, %y, %x return %r", lengths),
  GradientCase("equal", "%x: f64[N]", "%l = equal %x, 0.5 %r = select %l, 0.5, %x return %r", lengths),
  GradientCase("not_equal", "%x: f64[N]", "%l = not_equal %x, 0.5 %r = select %l, %x, 0.5 return %r", lengths),
  GradientCase("select", "%c: bool[N], %x: f64[N], %y: f64[N]", "%r = select %c, %x, %y return %r", lengths),
  GradientCase("select", "%c: bool[N], %x: f64, %y: f64", "%r = select %c, %x, %y return %r", lengths),
  GradientCase("select", "%c: bool, %x: f64[N], %y: f64", "%r = select %c, %x, %y return %r", lengths),
  GradientCase("convert", "%x: f64[N]", "%w = convert %x : f64[N] %r = multiply %w, %w return %r", lengths),
  GradientCase(
    "convert", "%x: f64[N]", "%n = convert %x : i32[N] %w = convert %n : f64[N] %r = multiply %w, %x return %r", lengths),
  GradientCase(
    "bitcast", "%x: f64[N]",
    "%w = convert %x : f32[N] %n = bitcast %w : i32[N] %l = less %n, 0 %r = select %l, %x, 0.5 return %r", lengths),
  GradientCase(
    "identity", "%x: f64[N]", "%w = identity %x %r = multiply %w, %x return %r", lengths),
]

private func unary(
  _ mnemonic: String, prepare: @escaping @Sendable (Name, inout ReferenceArray) -> Void = { _, _ in }
) -> [GradientCase] {
  [
    GradientCase(mnemonic, "%x: f64[N]", "%r = \(mnemonic) %x return %r", lengths, prepare: prepare),
    GradientCase(mnemonic, "%x: f64", "%r = \(mnemonic) %x return %r", [[:]], prepare: prepare),
  ]
}

/// Operands of one shape, and numbers for either; one value for both.
private func binary(
  _ mnemonic: String, prepare: @escaping @Sendable (Name, inout ReferenceArray) -> Void = { _, _ in }
) -> [GradientCase] {
  let body = "%r = \(mnemonic) %x, %y return %r"
  return [
    GradientCase(mnemonic, "%x: f64[N], %y: f64[N]", body, lengths, prepare: prepare),
    GradientCase(mnemonic, "%x: f64[2, N], %y: f64", body, lengths, prepare: prepare),
    GradientCase(mnemonic, "%x: f64, %y: f64[N]", body, lengths, prepare: prepare),
    GradientCase(mnemonic, "%x: f64, %y: f64", body, [[:]], prepare: prepare),
    GradientCase(mnemonic, "%y: f64[N]", "%s = exp %y %r = \(mnemonic) %s, %s return %r", lengths, prepare: prepare),
  ].filter { !($0.text.contains("%s, %s") && ["minimum", "maximum", "remainder"].contains(mnemonic)) }
}
