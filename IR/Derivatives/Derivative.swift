/// How an op is differentiated: the directional derivative of its results, and the transpose of that.
///
/// An op gives its rule in its own file. Where a value has no tangent or cotangent, that is 0 and stands as nil.
public struct Derivative: Sendable {
  /// The tangents of the results from those of the operands.
  public typealias Forward = @Sendable (_ context: inout Differentiation, _ tangents: [ValueID?]) throws -> [ValueID?]
  /// The cotangents of the operands from those of the results.
  public typealias Reverse = @Sendable (_ context: inout Differentiation, _ cotangents: [ValueID?]) throws -> [ValueID?]

  /// The tangents of the results, of their types, from those of the operands; some operand has one.
  let forward: Forward
  /// The cotangents of the operands, of their types, from those of the results; some result has one. Those that nobody wants may be nil.
  let reverse: Reverse
  /// The attributes by which a node of these attributes and regions returns what the rules read, beside its other results.
  let residuals: Residuals
  typealias Residuals = @Sendable (_ attributes: Attributes, _ regions: [ScalarFunction]) -> [Attribute]
  /// Why the derivative is 0; nil where it is not.
  public let reasonForZero: String?

  /// A derivative by two rules.
  init(
    forward: @escaping Forward, reverse: @escaping Reverse,
    residuals: @escaping Residuals = { _, _ in [] }, reasonForZero: String? = nil
  ) {
    (self.forward, self.reverse, self.residuals, self.reasonForZero) = (forward, reverse, residuals, reasonForZero)
  }

  /// The derivative is 0, for a reason: the op's results are whole numbers, or constant between jumps.
  static func zero(_ reason: String) -> Derivative {
    Derivative(
      forward: { context, _ in context.results.map { _ in nil } }, reverse: { context, _ in context.operands.map { _ in nil } },
      reasonForZero: reason)
  }

  /// The op is linear in all of its float operands together: its tangent is the op itself on their tangents.
  /// - Parameter transpose: the cotangents of the operands, given the one of the only result.
  static func linear(
    transpose: @escaping @Sendable (_ context: inout Differentiation, _ cotangent: ValueID) throws -> [ValueID?]
  ) -> Derivative {
    Derivative(
      forward: { context, tangents in
        let operands = try context.operands.indices.map { position in
          let operand = context.operands[position]
          guard context.type(operand).element.isFloat else { return operand }
          return try tangents[position] ?? context.zeros(context.type(operand))
        }
        return [try context.applyOp(to: operands)]
      }, reverse: { context, cotangents in try transpose(&context, cotangents[0]!) })
  }

  /// The op is linear in each of its float operands: its tangent is the sum of the op with one tangent in place of its operand.
  /// - Parameter transpose: the cotangents of the operands, given the one of the only result.
  static func multilinear(
    transpose: @escaping @Sendable (_ context: inout Differentiation, _ cotangent: ValueID) throws -> [ValueID?]
  ) -> Derivative {
    Derivative(
      forward: { context, tangents in
        var sum: ValueID?
        for (position, tangent) in tangents.enumerated() {
          guard let tangent else { continue }
          var operands = context.operands
          operands[position] = tangent
          let term = try context.applyOp(to: operands)
          sum = try sum.map { try context.emit(.add, $0, term) } ?? term
        }
        return [sum]
      }, reverse: { context, cotangents in try transpose(&context, cotangents[0]!) })
  }

  /// The derivative of what the op decomposes into.
  static let ofDecomposition = Derivative(
    forward: { context, tangents in
      let (operands, results, nodes) = try context.decomposed()
      var active: [ValueID: ValueID] = [:]
      for (operand, tangent) in zip(operands, tangents) { if let tangent { active[operand] = tangent } }
      return try context.tangents(of: results, from: active, through: nodes)
    },
    reverse: { context, cotangents in
      let (operands, results, nodes) = try context.decomposed()
      let outputs = zip(results, cotangents).compactMap { result, cotangent in cotangent.map { (result, $0) } }
      return try context.cotangents(
        of: outputs, with: operands.enumerated().map { context.isWanted($0.offset) ? $0.element : nil }, through: nodes)
    })
}
