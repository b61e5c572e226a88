package import HeedIR

/// The indices of one side that a block of consecutive indices of the other side can meet: the keys that some query of a block can
/// see, or the queries that can see some key of a block. Outside of the range the condition is false for the whole block.
///
/// The range is scalar code, like the interval extension: kernels, the interpreter and people read one text of it.
package struct IndexRange: Sendable {
  /// Parameters, all i64: the first and the last index of the block, the number of indices on the solved side, the batch indices,
  /// then for each uniform whole-number term of the condition its clamped value (see `clamp`). Results: the ends that are known.
  package let function: ScalarFunction
  /// The position of the first index among the results; nil where the range begins with the first index there is.
  package let low: Int?
  /// The position of the last index among the results; nil where the range ends with the last index there is.
  package let high: Int?

  /// Whether one of the ends is known.
  package var isBounded: Bool { low != nil || high != nil }
  /// Whether the range begins behind the first index: it may hold far fewer indices than there are.
  package var hasLowerEnd: Bool { low != nil }

  /// The greatest magnitude of a term that ranges are computed with: far beyond all indices, and its multiples fit 64 bits.
  package static let mostOfTerm = 1 << 40

  /// A term's value within the bounds of what ranges are computed with.
  package static func clamp(_ value: Int) -> Int { min(max(value, -mostOfTerm), mostOfTerm) }

  /// The range by the ops' definitions: for tests, and for pictures of what a mask does.
  ///
  /// - Parameters:
  ///   - block: the indices of the given side.
  ///   - count: the number of indices on the solved side.
  ///   - terms: the values of the uniform whole-number terms.
  ///   - binding: the values of the symbols that the condition mentions.
  /// - Returns: the ends, inclusive and not trimmed to the indices that there are; nil where the range is unbounded.
  package func evaluate(
    _ block: ClosedRange<Int>, count: Int, batch: [Int] = [], terms: [Int] = [], binding: [Name: Int] = [:]
  ) throws -> (low: Int?, high: Int?) {
    let arguments = [block.lowerBound, block.upperBound, count] + batch + terms.map(Self.clamp)
    let ends = try function.evaluate(arguments.map { Literal($0) }, binding: binding)
    return (low.map { Int(ends[$0].integer) }, high.map { Int(ends[$0].integer) })
  }
}
