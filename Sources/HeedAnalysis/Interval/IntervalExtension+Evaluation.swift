package import HeedIR

extension IntervalExtension {
  /// What the extension says of a rectangle of pairs.
  package typealias Answers = (canHold: Bool, canFail: Bool)

  /// The answers for a rectangle, with the bounds of the terms taken from all their values in it. What kernels compute in machine
  /// numbers is computed here by the ops' definitions: for analyses, tests and pictures of what a mask does.
  ///
  /// - Parameters:
  ///   - tables: the condition's captured tensors.
  ///   - binding: the values of the symbols that the condition mentions.
  /// - Throws: where the condition reads outside of a table, or an extent has no value.
  package func verdict(
    queries: ClosedRange<Int>, keys: ClosedRange<Int>, batch: [Int], tables: [ReferenceArray] = [], binding: [Name: Int] = [:]
  ) throws -> Answers {
    func evaluate(_ term: MaskTerm, query: Int, key: Int) throws -> Literal {
      try term.evaluate(batch: batch, query: query, key: key, tables: tables, binding: binding)
    }
    var arguments = ([queries.lowerBound, queries.upperBound, keys.lowerBound, keys.upperBound] + batch).map { Literal($0) }
    for term in terms {
      let values: [Literal]
      switch term.side {
      case .uniform: values = [try evaluate(term, query: 0, key: 0)]
      case .query: values = try queries.map { try evaluate(term, query: $0, key: 0) }
      case .key: values = try keys.map { try evaluate(term, query: 0, key: $0) }
      }
      arguments += term.side == .uniform ? values : term.bounds(of: values)
    }
    let answers = try function.evaluate(arguments, tables: tables, binding: binding)
    return (answers[0].integer != 0, answers[1].integer != 0)
  }
}

extension MaskTerm {
  /// The least and the greatest of some values; a NaN makes them infinite.
  fileprivate func bounds(of values: [Literal]) -> [Literal] {
    guard boundType.isFloat else { return [values.map(\.integer).min()!, values.map(\.integer).max()!].map { Literal($0) } }
    let reals = values.map(\.real)
    guard !reals.contains(where: \.isNaN) else { return [Literal(-Double.infinity), Literal(Double.infinity)] }
    return [Literal(reals.min()!), Literal(reals.max()!)]
  }
}
