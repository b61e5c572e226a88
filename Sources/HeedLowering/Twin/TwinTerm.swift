import HeedIR

/// A part of a condition that depends on the query alone, on the key alone or on neither, and whose bounds over a range of indices are
/// taken from its values: it reads a captured tensor, or computes what the twin does not follow.
package struct TwinTerm {
  /// The index that the term depends on, beside those of the batch.
  package enum Side: Hashable { case uniform, query, key }

  /// The value in the condition.
  let value: ScalarValue
  package let side: Side
  /// The term over all parameters of the condition: batch indices, query, key.
  let function: ScalarFunction
  /// The batch indices that the term depends on.
  let batch: [Int]
  /// Whether the condition computes with the term, and does more than compare it.
  let entersArithmetic: Bool

  /// The type of its bounds: i64 for whole numbers and bools, else the float type in which kernels compute.
  var boundType: ElementType { function.type(function.results[0]).twinType }

  /// Whether the term is a whole number that depends on neither query nor key.
  var isUniformNumber: Bool { side == .uniform && function.type(function.results[0]).isInteger }

  /// The names of the tables that the term reads, or its own.
  var describedValue: String {
    let read = Set(
      function.instructions.compactMap { instruction in
        if case .element(let table) = instruction.operation { "%\(function.tables[table].name)" } else { nil }
      })
    return read.isEmpty ? "%\(function.name(function.results[0]))" : read.sorted().joined(separator: " and ")
  }

  /// The terms of `condition`, whose last two parameters are the query and the key.
  static func terms(of condition: ScalarFunction) throws -> [TwinTerm] {
    let count = condition.parameters.count
    let (query, key) = (count - 2, count - 1)
    /// The parameters that each value depends on.
    var sources: [Set<Int>] = (0..<count).map { [$0] }
    var isTerm = Array(repeating: false, count: count)
    for instruction in condition.instructions {
      let used = instruction.operands.reduce(into: Set<Int>()) { $0.formUnion(sources[$1.index]) }
      sources.append(used)
      let isConstant = if case .constant = instruction.operation { true } else { false }
      let dependsOnPair = used.contains(query) && used.contains(key)
      let isUniform = !used.contains(query) && !used.contains(key)
      // A number of neither index is known exactly: what is computed with it is followed.
      let isOpaque =
        !instruction.isFollowed
        || instruction.operands.contains { isTerm[$0.index] && !sources[$0.index].isDisjoint(with: [query, key]) }
      isTerm.append(!isConstant && !dependsOnPair && (isUniform || isOpaque))
    }
    var roots: Set<ScalarValue> = Set(condition.results.filter { isTerm[$0.index] })
    var entersArithmetic: Set<ScalarValue> = []
    for (position, instruction) in condition.instructions.enumerated() where !isTerm[count + position] {
      for operand in instruction.operands where isTerm[operand.index] {
        roots.insert(operand)
        if !instruction.isComparisonOrLogic { entersArithmetic.insert(operand) }
      }
    }
    return try roots.sorted().map { value in
      let used = sources[value.index]
      return TwinTerm(
        value: value, side: used.contains(query) ? .query : used.contains(key) ? .key : .uniform,
        function: try condition.extracting(
          [value], parameters: condition.parameters, numbers: Array(condition.parameters.indices), tables: condition.tables,
          tableMap: Dictionary(uniqueKeysWithValues: condition.tables.indices.map { ($0, $0) })),
        batch: used.filter { $0 < query }.sorted(), entersArithmetic: entersArithmetic.contains(value))
    }
  }
}

extension ScalarFunction.Instruction {
  /// Whether the twin bounds the result from bounds of the operands without loss that matters.
  fileprivate var isFollowed: Bool {
    switch operation {
    case .constant: return true
    case .element: return false
    case .elementwise(let op):
      let followed: Set<Op> = [
        Op.add, Op.subtract, Op.multiply, Op.divide, Op.remainder, Op.minimum,
        Op.maximum, Op.negate, Op.absolute, Op.convert, Op.shiftLeft, Op.shiftRight,
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
  /// The type in which the twin holds numbers of this type.
  var twinType: ElementType { isFloat ? computed : .i64 }
}
