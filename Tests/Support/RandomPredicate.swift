package import HeedIR

/// A random boolean function of a batch index, a query index and a key index.
///
/// Numbers are made of indices, constants, elements of tables, sums, differences, products with small constants, quotients, remainders,
/// shifts, bits, minima, maxima, absolute values and choices; they are compared, and the comparisons, random rectangles and a table
/// of blocks combined.
package struct RandomPredicate {
  package private(set) var function: ScalarFunction
  /// The contents of the function's tables.
  package private(set) var tables: [ReferenceArray] = []
  private let index: ElementType
  private var numbers: SeededGenerator
  private let constants: [Int]

  /// Indices are below this where tables are read.
  package static let length = 512
  private static let classes = 8

  /// - Parameters:
  ///   - hasLargeConstants: whether constants near the ends of the type's range occur, so that arithmetic wraps.
  ///   - readsTables: whether tables are read.
  package init(
    seed: UInt64, index: ElementType = .i32, hasLargeConstants: Bool = false, readsTables: Bool = false
  ) throws {
    (self.index, numbers) = (index, SeededGenerator(seed: seed))
    let range = index.integerRange
    constants =
      [0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 20, 33, 48, -1, -2, -5, -16]
      + (hasLargeConstants
        ? [1 << 27, 1 << 30, Int(range.upperBound), Int(range.upperBound) - 3, Int(range.lowerBound), -(1 << 30)] : [])
    let (length, classes) = (Extent(Self.length), Extent(Self.classes))
    let declared: [ScalarFunction.Table] = [
      .init(Name("classes"), TensorType(.i32, [length])), .init(Name("places"), TensorType(.f32, [length])),
      .init(Name("flags"), TensorType(.bool, [3, length])), .init(Name("limits"), TensorType(.i64, [3])),
      .init(Name("blocks"), TensorType(.bool, [classes, classes])),
      .init(Name("distances"), TensorType(.f32, [classes, classes])),
    ]
    function = ScalarFunction(
      parameters: [.init("h", index), .init("i", index), .init("j", index)], tables: readsTables ? declared : [])
    if readsTables { tables = declared.map { contents($0.type) } }
    function.results = [try truth(depth: 3)]
  }

  /// Attention of `M` queries and `N` keys under the predicate, whose tables are arguments.
  /// - Parameter tile: attributes of the op, such as ` {tile = [8, 8]}` for many small tiles.
  package func attention(tile attributes: String = "") throws -> Graph {
    let tables = function.tables
    let arguments = tables.map { ", %\($0.name): \($0.type)" }.joined()
    let region = function.text(tables: tables.map { "%\($0.name)" }, indent: 2)
    return try Graph.parse(
      """
      graph @masked(%q: f32[3, M, 2], %k: f32[3, N, 2], %v: f32[3, N, 3]\(arguments)) {
        %out = attention %q, %k, %v\(tables.map { ", %\($0.name)" }.joined()) score (%s: f32, %h: i32, %i: i32, %j: i32) {
          yield %s
        } where \(region)\(attributes) : f32[3, M, 3]
        return %out
      }
      """)[0]
  }

  /// Numbers that rise slowly, lie in runs or are scattered.
  private mutating func contents(_ type: TensorType) -> ReferenceArray {
    let shape = type.shape.extents.map { $0.constant! }
    var array = ReferenceArray(type.element, shape)
    let kind = Int.random(in: 0..<3, using: &numbers)
    var value = 0
    for position in 0..<array.count {
      switch kind {
      case 0: value += Int.random(in: 0..<40, using: &numbers) == 0 ? 1 : 0
      case 1: value = Int.random(in: 0..<30, using: &numbers) == 0 ? Int.random(in: 0..<Self.classes, using: &numbers) : value
      default: value = Int.random(in: 0..<50, using: &numbers)
      }
      if type.element.isFloat {
        array.reals[position] = Int.random(in: 0..<400, using: &numbers) == 0 ? .nan : Double(value) / 4
      } else {
        array.integers[position] = type.element == .bool ? Int64(value & 1) : Int64(value)
      }
    }
    return array
  }

  private mutating func pick<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &numbers)! }

  private mutating func constant(_ value: Int) -> ScalarValue { function.constant(Literal(value), index) }

  private mutating func number(depth: Int) throws -> ScalarValue {
    guard depth > 0 else {
      if !tables.isEmpty, Int.random(in: 0..<4, using: &numbers) == 0 { return try tableNumber() }
      return function.parameter(pick([0, 1, 1, 1, 2, 2, 2]))
    }
    let left = try number(depth: depth - 1)
    switch Int.random(in: 0..<14, using: &numbers) {
    case 0, 1: return try function.append(pick([.add, .subtract]), [left, try number(depth: depth - 1)])
    case 2, 3: return try function.append(pick([.add, .subtract]), [left, constant(pick(constants))])
    case 4: return try function.append(.multiply, [left, constant(pick([0, 1, 2, 3, -1, -2, 9]))])
    case 5, 6: return try function.append(pick([.divide, .remainder]), [left, constant(pick([1, 2, 3, 5, 8, 16, 40, -3, 0]))])
    case 7: return try function.append(pick([.minimum, .maximum]), [left, constant(pick(constants))])
    case 8: return try function.append(pick([.minimum, .maximum]), [left, try number(depth: depth - 1)])
    case 9: return try function.append(.absolute, [left])
    case 10: return try function.append(pick([.shiftLeft, .shiftRight]), [left, constant(pick([0, 1, 3, 5]))])
    case 11: return try function.append(pick([.and, .or, .xor]), [left, constant(pick([1, 3, 5, 12, 21, 85]))])
    case 12: return try function.append(pick([.and, .or, .xor]), [left, try number(depth: depth - 1)])
    default: return try function.append(.select, [try comparison(), left, try number(depth: depth - 1)])
    }
  }

  /// An element of a table of one index, as a number.
  private mutating func tableNumber() throws -> ScalarValue {
    switch Int.random(in: 0..<3, using: &numbers) {
    case 0:
      return try function.append(.convert, [try function.element(ofTable: 3, [function.parameter(0)])], type: index)
    case 1:
      // A place that is computed, within the table.
      let place = try function.append(.remainder, [try number(depth: 1), constant(Self.length)])
      return try function.append(.convert, [try function.element(ofTable: 0, [place])], type: index)
    default:
      return try function.append(.convert, [try function.element(ofTable: 0, [function.parameter(pick([1, 2]))])], type: index)
    }
  }

  private mutating func comparison() throws -> ScalarValue {
    let left = try number(depth: Int.random(in: 0...3, using: &numbers))
    let right = pick([true, false]) ? constant(pick(constants)) : try number(depth: Int.random(in: 0...2, using: &numbers))
    return try function.append(pick([.less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual]), [left, right])
  }

  /// Something that is true or false by a table.
  private mutating func tableTruth() throws -> ScalarValue {
    switch Int.random(in: 0..<4, using: &numbers) {
    case 0: return try function.element(ofTable: 2, [function.parameter(0), function.parameter(pick([1, 2]))])
    case 1:
      let sides = try [1, 2].map { side in
        let block = try function.append(.divide, [function.parameter(side), constant(pick([4, 16, 40]))])
        return try function.append(.remainder, [block, constant(Self.classes)])
      }
      guard pick([true, false]) else { return try function.element(ofTable: 4, sides) }
      let distance = try function.element(ofTable: 5, sides)
      return try function.append(pick([.less, .notEqual]), [distance, function.constant(Literal(4.0), .f32)])
    case 2:
      let sides = try [1, 2].map { try function.element(ofTable: 0, [function.parameter($0)]) }
      return try function.append(pick([.equal, .lessEqual, .notEqual]), sides)
    default:
      let sides = try [1, 2].map { try function.element(ofTable: 1, [function.parameter($0)]) }
      let distance = try function.append(.absolute, [try function.append(.subtract, sides)])
      return try function.append(pick([.less, .greaterEqual]), [distance, function.constant(Literal(2.5), .f32)])
    }
  }

  private mutating func rectangle() throws -> ScalarValue {
    var inside: ScalarValue?
    for side in [1, 2] {
      let first = Int.random(in: 0..<100, using: &numbers)
      let last = first + Int.random(in: 0..<60, using: &numbers)
      let isLate = try function.append(.greaterEqual, [function.parameter(side), constant(first)])
      let isEarly = try function.append(.lessEqual, [function.parameter(side), constant(last)])
      let isInside = try function.append(.and, [isLate, isEarly])
      inside = try inside.map { try function.append(.and, [$0, isInside]) } ?? isInside
    }
    return inside!
  }

  private mutating func truth(depth: Int) throws -> ScalarValue {
    switch depth == 0 ? 0 : Int.random(in: 0..<8, using: &numbers) {
    case 0, 1: return !tables.isEmpty && pick([true, false]) ? try tableTruth() : try comparison()
    case 2: return try function.append(.not, [try truth(depth: depth - 1)])
    case 3, 4: return try function.append(.and, [try truth(depth: depth - 1), try truth(depth: depth - 1)])
    case 5: return try rectangle()
    case 6: return try function.append(pick([.xor, .equal]), [try truth(depth: depth - 1), try truth(depth: depth - 1)])
    default: return try function.append(.or, [try truth(depth: depth - 1), try truth(depth: depth - 1)])
    }
  }
}
