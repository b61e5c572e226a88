package import HeedIR

/// A part of a condition that depends on the query alone, on the key alone or on neither, and whose bounds over a range of indices are
/// taken from its values: it reads a captured tensor, or computes what the interval extension does not follow.
package struct MaskTerm: Sendable {
  /// The index that the term depends on, beside those of the batch.
  package enum Side: Hashable, Sendable { case uniform, query, key }

  /// The value in the condition.
  package let value: ScalarValue
  package let side: Side
  /// The term over all parameters of the condition: batch indices, query, key.
  package let function: ScalarFunction
  /// The batch indices that the term depends on.
  package let batch: [Int]
  /// Whether the condition computes with the term, and does more than compare it.
  package let entersArithmetic: Bool

  /// The type of its bounds: i64 for whole numbers and bools, else the float type in which kernels compute.
  package var boundType: ElementType { function.type(function.results[0]).boundType }

  /// Whether the term is a whole number that depends on neither query nor key.
  package var isUniformNumber: Bool { side == .uniform && function.type(function.results[0]).isInteger }

  /// The names of the tables that the term reads, or its own.
  package var describedValue: String {
    let read = Set(function.readTables.map { "%\(function.tables[$0].name)" })
    return read.isEmpty ? "%\(function.name(function.results[0]))" : read.sorted().joined(separator: " and ")
  }

  /// The term's value at a pair.
  /// - Throws: where it reads outside of a table, or an extent has no value.
  package func evaluate(
    batch: [Int], query: Int, key: Int, tables: [ReferenceArray], binding: [Name: Int] = [:]
  ) throws -> Literal {
    try function.evaluate((batch + [query, key]).map { Literal($0) }, tables: tables, binding: binding)[0]
  }

  /// The terms of `condition`, whose last two parameters are the query and the key.
  package static func terms(of condition: ScalarFunction) -> [MaskTerm] {
    let count = condition.parameters.count
    let (query, key) = (count - 2, count - 1)
    /// The parameters that each value depends on.
    var sources: [Set<Int>] = (0..<count).map { [$0] }
    var isTerm = Array(repeating: false, count: count)
    // Constants, extents and what is made of them alone: computed where it is needed.
    var isKnown = isTerm
    let magnitudes = IndexMagnitudes(condition)
    for instruction in condition.instructions {
      let used = instruction.operands.reduce(into: Set<Int>()) { $0.formUnion(sources[$1.index]) }
      sources.append(used)
      let value = ScalarValue(sources.count - 1)
      let fits = instruction.operands.isEmpty || instruction.type == .bool || magnitudes[value] != nil
      isKnown.append(instruction.isFollowed && fits && instruction.operands.allSatisfy { isKnown[$0.index] })
      let dependsOnPair = used.contains(query) && used.contains(key)
      let isUniform = !used.contains(query) && !used.contains(key)
      // A number of neither index is known exactly: what is computed with it is followed.
      let isOpaque =
        !instruction.isFollowed
        || instruction.operands.contains { isTerm[$0.index] && !sources[$0.index].isDisjoint(with: [query, key]) }
      isTerm.append(!isKnown[value.index] && !dependsOnPair && (isUniform || isOpaque))
    }
    var roots: Set<ScalarValue> = Set(condition.results.filter { isTerm[$0.index] })
    var entersArithmetic: Set<ScalarValue> = []
    for (position, instruction) in condition.instructions.enumerated() where !isTerm[count + position] {
      for operand in instruction.operands where isTerm[operand.index] {
        roots.insert(operand)
        if !instruction.isComparisonOrLogic { entersArithmetic.insert(operand) }
      }
    }
    return roots.sorted().map { value in
      let used = sources[value.index]
      return MaskTerm(
        value: value, side: used.contains(query) ? .query : used.contains(key) ? .key : .uniform,
        function: condition.extracting([value]), batch: used.filter { $0 < query }.sorted(),
        entersArithmetic: entersArithmetic.contains(value))
    }
  }
}

extension ScalarFunction.Instruction {
  /// Whether the interval extension bounds the result from bounds of the operands without loss that matters.
  fileprivate var isFollowed: Bool {
    switch operation {
    case .constant, .extent: return true
    case .element: return false
    case .elementwise(let op):
      let followed: Set<Op> = [
        .add, .subtract, .multiply, .divide, .remainder, .minimum, .maximum, .negate, .absolute, .convert, .shiftLeft, .shiftRight,
      ]
      return isComparisonOrLogic || type.isInteger && followed.contains(op)
    }
  }

  fileprivate var isComparisonOrLogic: Bool {
    guard case .elementwise(let op) = operation, type == .bool else { return false }
    if case .comparison = op.scalar!.rule { return true }
    return [Op.and, Op.or, Op.not, Op.xor].contains(op)
  }
}

extension ElementType {
  /// The type in which bounds of numbers of this type are held.
  var boundType: ElementType { isFloat ? computed : .i64 }
}
