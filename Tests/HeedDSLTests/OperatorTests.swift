import Foundation
import HeedDSL
import HeedIR
import Testing

@Suite struct OperatorTests {
  /// The only line of the graph of one op on x and y, `f32[2]` or of `element`.
  private func line(_ element: ElementType = .f32, _ build: (Tensor, Tensor) -> Tensor) throws -> String {
    let lines = try text { g in build(g.input("x", element, [2]), g.input("y", element, [2])) }.split(separator: "\n")
    #expect(lines.count == 2 && lines[1] == "return %0")
    return String(lines[0].dropFirst("%0 = ".count))
  }

  @Test func arithmeticText() throws {
    #expect(try line { $0 + $1 } == "add %x, %y : f32[2]")
    #expect(try line { $0 - $1 } == "subtract %x, %y : f32[2]")
    #expect(try line { $0 * $1 } == "multiply %x, %y : f32[2]")
    #expect(try line { $0 / $1 } == "divide %x, %y : f32[2]")
    #expect(try line { $0 % $1 } == "remainder %x, %y : f32[2]")
    #expect(try line { x, _ in -x } == "negate %x : f32[2]")
  }

  @Test func comparisonText() throws {
    #expect(try line { $0 < $1 } == "less %x, %y : bool[2]")
    #expect(try line { $0 <= $1 } == "less_equal %x, %y : bool[2]")
    #expect(try line { $0 > $1 } == "greater %x, %y : bool[2]")
    #expect(try line { $0 >= $1 } == "greater_equal %x, %y : bool[2]")
    #expect(try line { $0 == $1 } == "equal %x, %y : bool[2]")
    #expect(try line { $0 != $1 } == "not_equal %x, %y : bool[2]")
  }

  @Test func bitText() throws {
    #expect(try line(.i32) { $0 & $1 } == "and %x, %y : i32[2]")
    #expect(try line(.i32) { $0 | $1 } == "or %x, %y : i32[2]")
    #expect(try line(.i32) { $0 ^ $1 } == "xor %x, %y : i32[2]")
    #expect(try line(.i32) { $0 << $1 } == "shift_left %x, %y : i32[2]")
    #expect(try line(.i32) { $0 >> $1 } == "shift_right %x, %y : i32[2]")
    #expect(try line(.i32) { x, _ in ~x } == "not %x : i32[2]")
    #expect(try line(.bool) { $0 && $1 } == "and %x, %y : bool[2]")
    #expect(try line(.bool) { $0 || $1 } == "or %x, %y : bool[2]")
    #expect(try line(.bool) { x, _ in !x } == "not %x : bool[2]")
  }

  @Test func numbersTakeTheTensorsType() throws {
    #expect(try line { x, _ in x * 8 } == "multiply %x, 8.0 : f32[2]")
    #expect(try line { x, _ in 0.5 - x } == "subtract 0.5, %x : f32[2]")
    #expect(try line { x, _ in x / Float(0.25) } == "divide %x, 0.25 : f32[2]")
    #expect(try line(.i32) { x, _ in x % 3 } == "remainder %x, 3 : i32[2]")
    #expect(try line(.i32) { x, _ in 1 << x } == "shift_left 1, %x : i32[2]")
    #expect(try line(.i8) { x, _ in x >= -1 } == "greater_equal %x, -1 : bool[2]")
    #expect(try line(.bf16) { x, _ in -Double.infinity < x } == "less -inf, %x : bool[2]")
  }

  @Test func values() throws {
    let inputs = ["x": integers([-7, 7, 5]), "y": integers([2, -2, 0])]
    let results = try run(inputs) { g in
      let (x, y) = (g.input("x", .i32, [3]), g.input("y", .i32, [3]))
      return [x / y, x % y, x * y - 1, (x < y).cast(to: .i32), (x & y) | (x ^ 1), x << 2, x >> 1, ~x, -x]
    }
    let expected: [[Int64]] = [
      [-4, -4, 0], [1, -1, 0], [-15, -15, -1], [1, 0, 0], [(-7 & 2) | (-7 ^ 1), (7 & -2) | (7 ^ 1), (5 & 0) | (5 ^ 1)],
      [-28, 28, 20],
      [-4, 3, 2], [6, -8, -6], [7, -7, -5],
    ]
    #expect(results.map(\.integers) == expected)
  }

  @Test func logicValues() throws {
    let results = try run { g in
      let (a, b) = (g.constant([false, false, true, true], .bool), g.constant([false, true, false, true], .bool))
      return [a && b, a || b, !a, a ^ b, a == b]
    }
    #expect(results.map(\.integers) == [[0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 1]])
  }
}

@Suite struct ElementwiseFunctionTests {
  private func check(_ name: String, _ value: (Double) -> Double, _ build: (Tensor) -> Tensor) throws {
    let numbers = [0.5, 1.0, 2.5, 3.25]
    #expect(try text { build($0.input("x", .f32, [4])) } == "%0 = \(name) %x : f32[4]\nreturn %0")
    let result = try run(["x": reals(numbers)]) { build($0.input("x", .f32, [4])) }[0]
    #expect(isNear(result, reals(numbers.map(value)), 1e-12), "\(name): \(result.reals)")
  }

  @Test func unary() throws {
    try check("absolute", { $0.magnitude }, { abs($0) })
    try check("exp", { Foundation.exp($0) }, { exp($0) })
    try check("exp2", { Foundation.exp2($0) }, { exp2($0) })
    try check("log", { Foundation.log($0) }, { log($0) })
    try check("log2", { Foundation.log2($0) }, { log2($0) })
    try check("sqrt", { $0.squareRoot() }, { sqrt($0) })
    try check("rsqrt", { 1 / $0.squareRoot() }, { rsqrt($0) })
    try check("reciprocal", { 1 / $0 }, { reciprocal($0) })
    try check("tanh", { Foundation.tanh($0) }, { tanh($0) })
    try check("erf", { Foundation.erf($0) }, { erf($0) })
    try check("sigmoid", { 1 / (1 + Foundation.exp(-$0)) }, { sigmoid($0) })
    try check("sin", { Foundation.sin($0) }, { sin($0) })
    try check("cos", { Foundation.cos($0) }, { cos($0) })
    try check("floor", { $0.rounded(.down) }, { floor($0) })
    try check("ceil", { $0.rounded(.up) }, { ceil($0) })
    try check("round", { $0.rounded(.toNearestOrEven) }, { round($0) })
    try check("silu", { $0 / (1 + Foundation.exp(-$0)) }, { silu($0) })
    try check("gelu", { $0 / 2 * (1 + Foundation.erf($0 / 2.0.squareRoot())) }, { gelu($0) })
    func byTanh(_ x: Double) -> Double {
      let inner: Double = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
      return x / 2 * (1 + Foundation.tanh(inner))
    }
    try check("gelu_tanh", byTanh, { gelu($0, approximation: .tanh) })
  }

  @Test func several() throws {
    let (x, y) = (reals([1, -2, .nan]), reals([3, -5, 1]))
    let results = try run(["x": x, "y": y]) { g in
      let (x, y) = (g.input("x", .f32, [3]), g.input("y", .f32, [3]))
      return [
        minimum(x, y), maximum(x, y), maximum(x, 0), minimum(x, -1), pow(y, 2), fusedMultiplyAdd(x, y, g.constant(1)), relu(y),
      ]
    }
    let expected: [[Double]] = [[1, -5, 1], [3, -2, 1], [1, 0, 0], [-1, -2, -1], [9, 25, 1], [4, 11, .nan], [3, 0, 1]]
    for (got, expected) in zip(results, expected) { #expect(isNear(got, reals(expected))) }
  }

  @Test func choice() throws {
    let results = try run(["x": reals([1, 2, 3]), "y": reals([.nan, 5, 6])]) { g in
      let (x, y) = (g.input("x", .f32, [3]), g.input("y", .f32, [3]))
      let isLow = x < 2
      return [
        select(isLow, x, y), x.where(isLow, else: y), x.where(isLow, else: -.infinity), x.where(!isLow, else: 7),
        select(isLow, 0.5, y),
        select(isLow, x, 9),
      ]
    }
    let expected: [[Double]] = [[1, 5, 6], [1, 5, 6], [1, -.infinity, -.infinity], [7, 2, 3], [0.5, 5, 6], [1, 9, 9]]
    for (got, expected) in zip(results, expected) { #expect(isNear(got, reals(expected))) }
  }

  @Test func casts() throws {
    #expect(try text { $0.input("x", .f32, ["S"]).cast(to: .bf16) } == "%0 = convert %x : bf16[S]\nreturn %0")
    #expect(try text { $0.input("x", .f32, ["S"]).bitcast(to: .i32) } == "%0 = bitcast %x : i32[S]\nreturn %0")
    #expect(try text { $0.input("x", .f32, ["S"]).cast(to: .f32) } == "return %x")
    let results = try run(["x": reals([-1.75, 2.5, 300])]) { g in
      let x = g.input("x", .f32, [3])
      return [x.cast(to: .i32), x.cast(to: .u8), x.bitcast(to: .i32).bitcast(to: .f32).cast(to: .i32), (x > 0).cast(to: .i32)]
    }
    #expect(results.map(\.integers) == [[-1, 2, 300], [0, 2, 255], [-1, 2, 300], [0, 1, 1]])
  }
}
