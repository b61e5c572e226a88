package import HeedIR

/// Everything that can be said about a mask without running it. A mask is a boolean function of batch indices, a query index and a key
/// index: which pairs of attention live.
///
/// Made once for a region and asked by passes, lowering and the command. What takes long is computed when it is first asked for, and
/// kept.
package struct MaskAnalysis: Sendable {
  /// The mask. Its last two parameters are the query and the key index, the others the batch indices.
  package let condition: ScalarFunction
  private let kept = Lock(Kept())

  private struct Kept {
    var conjuncts: [ScalarFunction]?
    var terms: [MaskTerm]?
    var interval: IntervalExtension?
    var ranges: [IndexSide: IndexRange] = [:]
    var intervals: [IntervalExtension]?
  }

  /// - Throws: where `condition` is not a boolean function of at least two indices.
  package init(_ condition: ScalarFunction) throws {
    guard condition.parameters.count >= 2, condition.parameters.allSatisfy({ $0.type.isInteger }) else {
      throw HeedError("got a mask of the parameters \(condition.parameters.map(\.type.name)), expected whole-number indices")
    }
    guard condition.results.count == 1, condition.type(condition.results[0]) == .bool else {
      throw HeedError("got a mask of \(condition.results.count) results, expected one truth value")
    }
    self.condition = condition
  }

  /// Whether every pair lives: there is no mask.
  package var isAlwaysTrue: Bool { condition.constant(condition.results[0])?.integer == 1 }

  /// The parts of the mask that must all hold.
  package var conjuncts: [ScalarFunction] { keeping(\.conjuncts) { condition.conjuncts() } }

  /// The parts of the mask whose values or bounds are taken before rectangles are asked for.
  package var terms: [MaskTerm] { keeping(\.terms) { MaskTerm.terms(of: condition) } }

  /// The terms whose values `keysOfQueries` and `queriesOfKeys` take.
  package var uniformNumbers: [MaskTerm] { terms.filter(\.isUniformNumber) }

  /// The mask over rectangles of pairs.
  package var interval: IntervalExtension { keeping(\.interval) { IntervalExtension(condition, terms) } }

  /// The keys that some query of a block of queries can see.
  package var keysOfQueries: IndexRange { range(.key) }

  /// The queries that can see some key of a block of keys.
  package var queriesOfKeys: IndexRange { range(.query) }

  /// The indices of `side` that can meet some index of a block of the other side.
  private func range(_ side: IndexSide) -> IndexRange {
    keeping(\.ranges[side]) {
      var solver = RangeSolver(condition, solvingFor: side, terms: uniformNumbers)
      return solver.finish()
    }
  }

  /// The parts of the mask, by their numbers in `conjuncts`, that stay open over a rectangle: each can be false for some pair of it.
  ///
  /// - Parameters:
  ///   - tables: the mask's captured tensors.
  ///   - binding: the values of the symbols that the mask mentions.
  /// - Throws: where the mask reads outside of a table, or an extent has no value.
  package func openConjuncts(
    queries: ClosedRange<Int>, keys: ClosedRange<Int>, batch: [Int], tables: [ReferenceArray] = [], binding: [Name: Int] = [:]
  ) throws -> [Int] {
    let intervals = keeping(\.intervals) { conjuncts.map { IntervalExtension($0) } }
    return try intervals.indices.filter {
      try intervals[$0].verdict(queries: queries, keys: keys, batch: batch, tables: tables, binding: binding).canFail
    }
  }

  /// A key that every query sees, as far as that can be proved before a call: no row of the result is empty. Nil where none is found.
  ///
  /// - Parameter hasOwnKeys: whether there is a key at each query's place.
  package func emptyRows(hasOwnKeys: Bool) throws -> Witness? { try condition.witness(for: .query, hasOwn: hasOwnKeys) }

  /// A query that sees every key, as far as that can be proved before a call: no key is unseen. Nil where none is found.
  ///
  /// - Parameter hasOwnQueries: whether there is a query at each key's place.
  package func unseenKeys(hasOwnQueries: Bool) throws -> Witness? { try condition.witness(for: .key, hasOwn: hasOwnQueries) }

  /// The value at `path`, made where it is missing. Making it may ask for other values.
  private func keeping<Value: Sendable>(_ path: any WritableKeyPath<Kept, Value?> & Sendable, _ make: () -> Value) -> Value {
    if let known = kept.withLock({ $0[keyPath: path] }) { return known }
    let value = make()
    kept.withLock { $0[keyPath: path] = value }
    return value
  }
}
