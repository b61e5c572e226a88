import Foundation
import HeedIR
import HeedTestSupport
import Testing

private func rounded(_ function: ScalarFunction, _ arguments: [Double]) throws -> Double {
  try function.evaluate(arguments.map { Literal($0) })[0].real
}

/// How far an expansion may be from the definition: in units in the last place of the true value, and absolutely; the larger counts.
private struct Bound: Sendable {
  var ulps = 0.0
  var absolute = 0.0
  /// Multiplies `absolute` by the larger of 1 and the operand's size.
  var growsWithOperand = false

  func isMet(_ got: Double, _ expected: Double, operand: Double, _ element: ElementType) -> Bool {
    if expected.isNaN { return got.isNaN }
    let rounded = element.round(expected)
    if rounded.isInfinite {
      return got == rounded
        || got.magnitude == (element == .f32 ? Double(Float.greatestFiniteMagnitude) : Double.greatestFiniteMagnitude)
    }
    let unit = element == .f32 ? Double(Float(expected).ulp) : expected.ulp
    let scale = growsWithOperand ? max(1, operand.magnitude) : 1
    return (got - expected).magnitude <= max(ulps * unit, absolute * scale)
  }
}

private struct Case: Sendable, CustomTestStringConvertible {
  var op: Op
  var element: ElementType
  var ranges: [ClosedRange<Double>]
  var bound: Bound
  /// Operands at which the definition is no guide.
  var except: @Sendable (Double) -> Bool = { _ in false }

  var testDescription: String { "\(op.mnemonic) \(element)" }
}

private let cases: [Case] = [
  Case(op: .exp2, element: .f32, ranges: [-140...140, -1...1], bound: Bound(ulps: 2, absolute: 1.7e-38)),
  Case(op: .exp, element: .f32, ranges: [-100...90, -1...1], bound: Bound(ulps: 2, absolute: 1.7e-38)),
  Case(op: .log, element: .f32, ranges: [1e-38...1e-30, 0.01...4, 0.9...1.1, 1...1e30], bound: Bound(ulps: 3)),
  Case(op: .log2, element: .f32, ranges: [1e-38...1e-30, 0.01...4, 0.9...1.1, 1...1e30], bound: Bound(ulps: 4)),
  Case(op: .tanh, element: .f32, ranges: [-12...12, -1...1, -1e-3...1e-3], bound: Bound(ulps: 3)),
  Case(op: .erf, element: .f32, ranges: [-6...6, -1...1, -1e-3...1e-3], bound: Bound(ulps: 3)),
  Case(op: .sin, element: .f32, ranges: [-7...7, -1e6...1e6], bound: Bound(ulps: 1)),
  Case(op: .cos, element: .f32, ranges: [-7...7, -1e6...1e6], bound: Bound(ulps: 1)),
  Case(op: .sigmoid, element: .f32, ranges: [-100...100, -4...4], bound: Bound(ulps: 4, absolute: 2e-38)),
  Case(
    op: .silu, element: .f32, ranges: [-100...100, -4...4], bound: Bound(ulps: 4, absolute: 1e-36), except: { $0 == -.infinity }),
  Case(
    op: .gelu, element: .f32, ranges: [-20...20, -3...3, -100...0], bound: Bound(absolute: 2e-7, growsWithOperand: true),
    except: { $0 == -.infinity }),
  Case(
    op: .geluTanh, element: .f32, ranges: [-20...20, -3...3, -100...0], bound: Bound(absolute: 2e-7, growsWithOperand: true),
    except: { $0 == -.infinity }),
  Case(op: .rsqrt, element: .f32, ranges: [1e-30...1, 0...100], bound: Bound(ulps: 2)),
  Case(op: .reciprocal, element: .f32, ranges: [-100...100], bound: Bound(ulps: 1)),
  Case(op: .exp2, element: .f64, ranges: [-1030...1030, -1...1], bound: Bound(ulps: 4, absolute: 4e-308)),
  Case(op: .exp, element: .f64, ranges: [-720...710, -1...1], bound: Bound(ulps: 4, absolute: 4e-308)),
  Case(op: .log, element: .f64, ranges: [1e-308...1e-300, 0.01...4, 0.9...1.1, 1...1e300], bound: Bound(ulps: 4)),
  Case(op: .log2, element: .f64, ranges: [1e-308...1e-300, 0.01...4, 0.9...1.1, 1...1e300], bound: Bound(ulps: 4)),
  Case(op: .tanh, element: .f64, ranges: [-22...22, -1...1, -1e-3...1e-3], bound: Bound(ulps: 5)),
  Case(op: .erf, element: .f64, ranges: [-7...7, -1...1, -1e-3...1e-3], bound: Bound(absolute: 1e-15)),
  Case(op: .sin, element: .f64, ranges: [-7...7, -1e6...1e6], bound: Bound(absolute: 1e-15)),
  Case(op: .cos, element: .f64, ranges: [-7...7, -1e6...1e6], bound: Bound(absolute: 1e-15)),
  Case(op: .sigmoid, element: .f64, ranges: [-720...720, -4...4], bound: Bound(ulps: 6, absolute: 4e-308)),
  Case(
    op: .silu, element: .f64, ranges: [-720...720, -4...4], bound: Bound(ulps: 6, absolute: 1e-304), except: { $0 == -.infinity }),
  Case(
    op: .gelu, element: .f64, ranges: [-20...20, -3...3], bound: Bound(absolute: 1e-15, growsWithOperand: true),
    except: { $0 == -.infinity }),
  Case(
    op: .geluTanh, element: .f64, ranges: [-20...20, -3...3], bound: Bound(absolute: 1e-15, growsWithOperand: true),
    except: { $0 == -.infinity }),
  Case(op: .rsqrt, element: .f64, ranges: [0...100], bound: Bound(ulps: 2)),
  Case(op: .reciprocal, element: .f64, ranges: [-100...100], bound: Bound(ulps: 1)),
]

private let edges: [Double] = [
  0, -0.0, 1, -1, 0.5, -0.5, .infinity, -.infinity, .nan, 1e-45, 1e-40, -1e-40, 88.7, 88.72284, 89, -87.3, -87.5, -104, 127.5,
  127.99, 128,
  -125.9, -126, -126.5, -127, -149, -150, 1e30, -1e30, 5, 16, -16, 1e10,
]

@Suite struct ExpansionTests {
  @Test("An expansion is as near to the definition as it states", arguments: cases)
  private func accuracy(_ test: Case) throws {
    let function = try #require(try test.op.scalar?.expansion?(test.element))
    guard case .unary(let real?, _) = test.op.scalar?.rule else {
      Issue.record("\(test.op.mnemonic) takes more than one operand")
      return
    }
    var failures = 0
    func check(_ operand: Double) throws {
      let x = test.element.round(operand)
      guard !test.except(x) else { return }
      let (got, expected) = (try rounded(function, [x]), real(x))
      if !test.bound.isMet(got, expected, operand: x, test.element) {
        failures += 1
        if failures <= 5 { Issue.record("\(test.op.mnemonic)(\(x)) is \(got), expected \(expected)") }
      }
    }
    let count = 6_000
    for range in test.ranges {
      for step in 0...count {
        try check(range.lowerBound + (range.upperBound - range.lowerBound) * Double(step) / Double(count))
      }
    }
    // The angles' accuracy is stated up to 10^6.
    let isAngle = test.op == .sin || test.op == .cos
    for edge in edges where !isAngle || !(edge.magnitude > 1e6) || edge.isInfinite { try check(edge) }
  }

  @Test("The expansion of power keeps C's edges", arguments: [ElementType.f32, .f64])
  func power(element: ElementType) throws {
    let function = try #require(try Op.power.scalar?.expansion?(element))
    let bases: [Double] = [0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 10, 1.0009765625, .infinity, -.infinity, .nan]
    let exponents: [Double] = [0, -0.0, 1, -1, 2, 3, -3, 0.5, -0.5, 7.25, 30, 1e10, -1e10, .infinity, -.infinity, .nan]
    for base in bases {
      for exponent in exponents {
        let expected = element.round(pow(base, exponent))
        let got = try rounded(function, [base, exponent])
        let isNear = (got - expected).magnitude <= expected.magnitude * (element == .f32 ? 1.2e-7 : 1e-13)
        #expect(got == expected && got.sign == expected.sign || got.isNaN && expected.isNaN || isNear, "\(base) ^ \(exponent)")
      }
    }
  }

  @Test("16-bit types are computed in f32", arguments: [ElementType.f16, .bf16])
  func narrow(element: ElementType) throws {
    let function = try #require(try Op.exp.scalar?.expansion?(element))
    #expect(function.parameters.map(\.type) == [element])
    #expect(function.type(function.results[0]) == element)
    #expect(try rounded(function, [1]) == element.round(exp(1)))
    #expect(function.instructions.contains { $0.type == .f32 })
  }

  @Test("Expansions consist of primitive ops and exp2", arguments: Op.all.filter { $0.scalar?.expansion != nil }.map(\.mnemonic))
  func primitive(mnemonic: String) throws {
    let op = try #require(Op.named(mnemonic))
    for element in op == .randomBits ? [ElementType.i64] : [.f32, .f64, .f16, .bf16] {
      let function = try #require(try op.scalar?.expansion?(element))
      for case .elementwise(let used) in function.instructions.map(\.operation) {
        let isPower = used == .exp2 && op != .exp2
        #expect(isPower || used.scalar?.expansion == nil, "\(used)")
      }
    }
    #expect(try op.scalar?.expansion?(.i32) == nil)
  }
}
