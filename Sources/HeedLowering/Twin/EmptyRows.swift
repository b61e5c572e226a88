package import HeedIR

/// Whether every query of attention sees a key, as far as it can be proved before a call.
package enum EmptyRows {
  /// A key that every query sees.
  package enum Witness: CaseIterable {
    /// The key at the query's own place.
    case own
    case first
  }

  /// A witness that no row of the result is empty; nil where none is found.
  ///
  /// The condition at the pairs (i, i), or (i, 0), is a function of the query alone: it holds everywhere where its twin cannot fail over
  /// all queries, as many as indices are followed for.
  ///
  /// - Parameter hasOwnKeys: whether there are as many keys as queries.
  package static func witness(_ condition: ScalarFunction, hasOwnKeys: Bool) throws -> Witness? {
    let count = condition.parameters.count
    for witness in Witness.allCases where witness == .first || hasOwnKeys {
      var code = TwinCode(parameters: condition.parameters, tables: condition.tables)
      var arguments = (0..<count).map { condition.parameter($0) }
      let query = arguments[count - 2]
      arguments[count - 1] = witness == .own ? query : code.constant(Literal(0), code.type(query))
      let results = code.replay(condition, arguments)
      let function = try code.finish(results)
      let twin = try IntervalTwin(function)
      let used = Set(function.instructions.flatMap(\.operands))
      // The values of tables and batch indices are not known here.
      guard twin.terms.isEmpty, !(0..<count - 2).contains(where: { used.contains(function.parameter($0)) }) else { continue }
      let verdict = try twin.verdict(
        queries: 0...IndexMagnitudes.limit - 1, keys: 0...0, batch: Array(repeating: 0, count: count - 2))
      if !verdict.canFail { return witness }
    }
    return nil
  }
}
