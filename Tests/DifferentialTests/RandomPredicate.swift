import Heed
import HeedTestSupport

/// A random boolean function of a batch index, a query index and a key index, as a scalar region and as lines of a graph.
///
/// Numbers are made of indices, constants, sums, differences, products with small constants, quotients, remainders, minima, maxima
/// and absolute values; they are compared, and the comparisons combined.
struct RandomPredicate {
  private(set) var function: ScalarFunction
  /// The same as lines of a graph over `%h`, `%i` and `%j`; the last defines `%live`.
  private(set) var lines: [String] = []
  private let index: ElementType
  private var numbers: SeededGenerator
  private var names: [ScalarValue: String] = [:]
  private let constants: [Int]

  /// - Parameter hasLargeConstants: whether constants near the ends of the type's range occur, so that arithmetic wraps.
  init(seed: UInt64, index: ElementType = .i32, hasLargeConstants: Bool = false) throws {
    (self.index, numbers) = (index, SeededGenerator(seed: seed))
    let range = index.integerRange
    constants =
      [0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 20, 33, 48, -1, -2, -5, -16]
      + (hasLargeConstants
        ? [1 << 27, 1 << 30, Int(range.upperBound), Int(range.upperBound) - 3, Int(range.lowerBound), -(1 << 30)] : [])
    function = ScalarFunction(parameters: [.init("h", index), .init("i", index), .init("j", index)])
    for (position, name) in ["%h", "%i", "%j"].enumerated() { names[function.parameter(position)] = name }
    let truth = try truth(depth: 3)
    lines.append("%live = or \(names[truth]!), \(names[truth]!)")
    function.results = [truth]
  }

  private mutating func pick<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &numbers)! }

  private mutating func append(_ op: Op, _ operands: [ScalarValue]) throws -> ScalarValue {
    let result = try function.append(op, operands)
    names[result] = "%n\(lines.count)"
    lines.append("%n\(lines.count) = \(op.mnemonic) \(operands.map { names[$0]! }.joined(separator: ", "))")
    return result
  }

  private mutating func constant(_ value: Int) -> ScalarValue {
    let result = function.constant(Literal(value), index)
    names[result] = "\(value)"
    return result
  }

  private mutating func number(depth: Int) throws -> ScalarValue {
    guard depth > 0 else {
      return function.parameter(pick([0, 1, 1, 1, 2, 2, 2]))
    }
    // An op of constants alone would not print: one operand always holds an index.
    let left = try number(depth: depth - 1)
    switch Int.random(in: 0..<11, using: &numbers) {
    case 0, 1: return try append(pick([.add, .subtract]), [left, try number(depth: depth - 1)])
    case 2, 3: return try append(pick([.add, .subtract]), [left, constant(pick(constants))])
    case 4: return try append(.multiply, [left, constant(pick([0, 1, 2, 3, -1, -2, 9]))])
    case 5, 6: return try append(pick([.divide, .remainder]), [left, constant(pick([1, 2, 3, 5, 8, 16, 40, -3, 0]))])
    case 7: return try append(pick([.minimum, .maximum]), [left, constant(pick(constants))])
    case 8: return try append(pick([.minimum, .maximum]), [left, try number(depth: depth - 1)])
    case 9: return try append(.absolute, [left])
    default: return left
    }
  }

  private mutating func truth(depth: Int) throws -> ScalarValue {
    switch depth == 0 ? 0 : Int.random(in: 0..<6, using: &numbers) {
    case 0, 1:
      let left = try number(depth: Int.random(in: 0...3, using: &numbers))
      let right = pick([true, false]) ? constant(pick(constants)) : try number(depth: Int.random(in: 0...2, using: &numbers))
      return try append(pick([.less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual]), [left, right])
    case 2: return try append(.not, [try truth(depth: depth - 1)])
    case 3, 4: return try append(.and, [try truth(depth: depth - 1), try truth(depth: depth - 1)])
    default: return try append(.or, [try truth(depth: depth - 1), try truth(depth: depth - 1)])
    }
  }
}
