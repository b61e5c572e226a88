import Foundation
import HeedIR

/// Numbers between which a value lies, where it is not NaN: what is proved from the ops that it is made by.
struct RealBounds: Equatable {
  var low = -Double.infinity
  var high = Double.infinity
  /// Whether the value is never NaN.
  var isNumber = false
  /// Whether the value is never -0.
  var isNeverMinusZero = false

  static let unknown = RealBounds()
  /// The bounds of an index, an extent or another whole number that is not negative.
  static let count = RealBounds(low: 0, isNumber: true)
  private static let truth = RealBounds(low: 0, high: 1, isNumber: true)

  /// The bounds of both.
  func union(_ other: RealBounds) -> RealBounds {
    RealBounds(low: min(low, other.low), high: max(high, other.high), isNumber: isNumber && other.isNumber)
  }

  /// The bounds of any value of a type.
  static func any(_ type: ElementType) -> RealBounds {
    if type == .bool { return .truth }
    guard type.isInteger else { return .unknown }
    return RealBounds(low: Double(type.integerRange.lowerBound), high: Double(type.integerRange.upperBound), isNumber: true)
  }

  /// The bounds of a constant.
  init(_ literal: Literal) {
    let real = literal.isReal ? literal.real : Double(literal.integer)
    if !real.isNaN { self.init(low: real, high: real, isNumber: true) } else { self.init() }
  }

  init(low: Double = -.infinity, high: Double = .infinity, isNumber: Bool = false) {
    (self.low, self.high, self.isNumber) = (low, high, isNumber)
  }

  /// The bounds of an elementwise op's result.
  /// - Parameter areSame: whether the two operands are one value.
  init(_ op: Op, _ operands: [RealBounds], to type: ElementType, areSame: Bool = false) {
    self = Self.unrounded(op, operands, type, areSame) ?? .any(type)
    if type.isFloat {
      // As the definition rounds, and as fused code does, which may not.
      (low, high) = (min(low, type.round(low)), max(high, type.round(high)))
    } else if type.isInteger {
      let all = Self.any(type)
      // It may wrap.
      if low < all.low || high > all.high { self = all }
    }
    if low.isNaN || high.isNaN { self = .any(type) }
  }

  private static func unrounded(_ op: Op, _ operands: [RealBounds], _ type: ElementType, _ areSame: Bool) -> RealBounds? {
    let a = operands[0]
    if type == .bool { return .truth }
    switch op {
    case .convert:
      // NaN becomes the integer 0.
      return type.isFloat || a.isNumber ? RealBounds(low: a.low, high: a.high, isNumber: a.isNumber) : nil
    case .negate: return RealBounds(low: -a.high, high: -a.low, isNumber: a.isNumber)
    case .absolute:
      return RealBounds(low: max(a.low, -a.high, 0), high: max(a.high, -a.low), isNumber: a.isNumber)
    case .add, .subtract:
      let b = op == .add ? operands[1] : unrounded(.negate, [operands[1]], type, false)!
      var sum = RealBounds(low: a.low + b.low, high: a.high + b.high)
      // A number and its opposite make +0.
      sum.isNeverMinusZero = [a, b].contains { $0.low == $0.high && $0.low != 0 }
      return sum
    case .multiply where areSame:
      let sizes = unrounded(.absolute, [a], type, false)!
      return RealBounds(low: sizes.low * sizes.low, high: sizes.high * sizes.high)
    case .multiply: return corners(a, operands[1]) { $0 == 0 || $1 == 0 ? 0 : $0 * $1 }
    case .divide where type.isFloat && operands[1].low > 0: return corners(a, operands[1], /)
    case .divide where type.isFloat && operands[1].low == 0 && operands[1].isNeverMinusZero && a.low >= 0:
      return RealBounds(low: 0)
    case .minimum:
      let b = operands[1]
      // Where the left is NaN, the result is the right.
      return RealBounds(low: min(a.low, b.low), high: a.isNumber ? min(a.high, b.high) : b.high, isNumber: a.isNumber && b.isNumber)
    case .maximum:
      let b = operands[1]
      return RealBounds(low: a.isNumber ? max(a.low, b.low) : b.low, high: max(a.high, b.high), isNumber: a.isNumber && b.isNumber)
    case .select: return operands[1].union(operands[2])
    case .floor: return RealBounds(low: a.low.rounded(.down), high: a.high.rounded(.down))
    case .ceil: return RealBounds(low: a.low.rounded(.up), high: a.high.rounded(.up))
    case .sqrt: return RealBounds(low: sqrt(max(a.low, 0)), high: a.high >= 0 ? sqrt(a.high) : .infinity)
    case .reciprocal where a.low > 0: return rising([-a.high, -a.low]) { -1 / $0 }
    case .rsqrt where a.low > 0: return rising([-a.high, -a.low]) { 1 / sqrt(-$0) }
    case .exp: return rising([a.low, a.high], atLeast: 0) { Foundation.exp($0) }
    case .exp2: return rising([a.low, a.high], atLeast: 0) { Foundation.exp2($0) }
    case .log: return rising([max(a.low, 0), max(a.high, 0)]) { Foundation.log($0) }
    case .log2: return rising([max(a.low, 0), max(a.high, 0)]) { Foundation.log2($0) }
    case .sigmoid: return rising([a.low, a.high], atLeast: 0) { 1 / (1 + Foundation.exp(-$0)) }
    case .tanh: return rising([a.low, a.high]) { Foundation.tanh($0) }
    case .erf: return rising([a.low, a.high]) { Foundation.erf($0) }
    case .sin, .cos: return RealBounds(low: -1.001, high: 1.001)
    case .power where a.low > 0:
      let exponents = corners(RealBounds(low: Foundation.log(a.low), high: Foundation.log(a.high)), operands[1]) {
        $0 == 0 || $1 == 0 ? 0 : $0 * $1
      }
      return rising([exponents.low, exponents.high], atLeast: 0) { Foundation.exp($0) }
    default: return nil
    }
  }

  /// The bounds of a function that takes its greatest and least values at the ends of both operands' bounds.
  private static func corners(_ a: RealBounds, _ b: RealBounds, _ function: (Double, Double) -> Double) -> RealBounds {
    let ends = [function(a.low, b.low), function(a.low, b.high), function(a.high, b.low), function(a.high, b.high)]
    guard !ends.contains(where: \.isNaN) else { return .unknown }
    return RealBounds(low: ends.min()!, high: ends.max()!)
  }

  /// How far the result of a function may be from its definition: more than any expansion states.
  private static let slack = 1e-3

  /// The bounds of a function that rises, which kernels approximate.
  private static func rising(
    _ ends: [Double], atLeast least: Double = -.infinity, _ function: (Double) -> Double
  ) -> RealBounds {
    let (low, high) = (function(ends[0]), function(ends[1]))
    return RealBounds(low: max(low - abs(low) * slack, least), high: high + abs(high) * slack)
  }
}

extension Graph {
  /// What is proved of every element of `value`.
  func realBounds(_ value: ValueID) -> RealBounds {
    var known: [ValueID: RealBounds] = [:]
    return realBounds(value, &known, depth: 0)
  }

  /// Ops are followed this far.
  private static let deepestBounds = 64

  private func realBounds(_ value: ValueID, _ known: inout [ValueID: RealBounds], depth: Int) -> RealBounds {
    if let bounds = known[value] { return bounds }
    let type = type(value)
    guard depth < Self.deepestBounds, let node = definingNode(value) else { return .any(type.element) }
    let (op, inputs) = (op(node), inputs(node))
    func operand(_ position: Int) -> RealBounds { realBounds(inputs[position], &known, depth: depth + 1) }
    var bounds = RealBounds.any(type.element)
    switch op {
    case .constant:
      let all = attributes(node).required(.constantValue).compactMap { $0.converted(to: type.element) }.map { RealBounds($0) }
      if let first = all.first { bounds = all.dropFirst().reduce(first) { $0.union($1) } }
    case .iota:
      let last = type.shape[attributes(node).required(.dim)].constant.map { Double(max($0 - 1, 0)) } ?? .infinity
      bounds = RealBounds(.convert, [RealBounds(low: 0, high: last, isNumber: true)], to: type.element)
    case .extent: bounds = .count
    case .broadcast, .reshape, .transpose, .slice: bounds = operand(0)
    case .concatenate: bounds = inputs.indices.dropFirst().reduce(operand(0)) { $0.union(operand($1)) }
    case .softmax: bounds = RealBounds(low: 0, high: 1.001)
    case .gather:
      // An index outside of the table reads NaN, or the integer 0.
      bounds = operand(0).union(type.element.isFloat ? RealBounds(low: .infinity, high: -.infinity) : RealBounds(Literal(0)))
    case .reduce, .scan:
      if attributes(node).required(.kind) == .add, type.element.isFloat, operand(0).low >= 0 { bounds = RealBounds(low: 0) }
    default:
      if op.has(.elementwise) {
        bounds = RealBounds(
          op, inputs.indices.map(operand), to: type.element, areSame: inputs.count == 2 && inputs[0] == inputs[1])
      }
    }
    known[value] = bounds
    return bounds
  }
}

extension FunctionBuilder {
  /// What is proved of `value`: parameters other than the first are indices.
  /// - Parameter table: what is proved of the elements of a captured tensor.
  func realBounds(_ value: ScalarValue, table: (Int) -> RealBounds) -> RealBounds {
    var known = function.parameters.indices.map { $0 == 0 ? RealBounds.unknown : .count }
    for instruction in function.instructions.prefix(max(value.index + 1 - known.count, 0)) {
      switch instruction.operation {
      case .constant(let literal): known.append(RealBounds(literal))
      case .extent: known.append(.count)
      case .element(let number): known.append(table(number))
      case .elementwise(let op):
        let operands = instruction.operands
        known.append(
          RealBounds(
            op, operands.map { known[$0.index] }, to: instruction.type, areSame: operands.count == 2 && operands[0] == operands[1]))
      }
    }
    return known[value.index]
  }
}
