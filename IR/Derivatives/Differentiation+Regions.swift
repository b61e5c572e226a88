/// The derivative of the region of an elementwise op as a scalar function.
///
/// Its parameters are the region's own and after them one factor for each value that has a tangent or a cotangent. 16-bit floats are
/// computed in f32, as in elementwise ops.
private struct RegionDerivative {
  private let writer: ExpressionWriter
  private let factors: Range<Int>
  let function: DifferentiatedFunction

  /// - Parameter factors: the types of the factors.
  init(_ region: ScalarFunction, factors: [ElementType]) {
    precondition(region.tables.isEmpty, "a region that reads tensors has a rule of its own")
    writer = ExpressionWriter(
      parameters: region.parameters + factors.indices.map { ScalarFunction.Parameter(Name("d\($0)"), factors[$0]) })
    self.factors = region.parameters.count..<region.parameters.count + factors.count
    function = DifferentiatedFunction(region, region.parameters.indices.map(writer.parameter), in: writer, isWidened: false)
  }

  /// The factor of this number, wide enough to compute with.
  private func factor(_ number: Int) -> ScalarExpression {
    let factor = writer.parameter(factors.lowerBound + number)
    return factor.converted(to: factor.element.computed)
  }

  /// The tangents of the results, where the factors are those of the parameters of these numbers; nil where that is 0 everywhere.
  func tangents(of active: [Int]) -> [ScalarExpression?] {
    function.tangents(
      Dictionary(uniqueKeysWithValues: active.enumerated().map { (function.parameter($1), factor($0)) }))
  }

  /// The cotangents of the parameters, where the factors are those of the results of these numbers; nil where that is 0 everywhere.
  func cotangents(from active: [Int]) -> [ScalarExpression?] {
    var ofResults = [ScalarExpression?](repeating: nil, count: function.results.count)
    for (number, result) in active.enumerated() { ofResults[result] = factor(number) }
    let found = function.cotangents(of: ofResults)
    return (0..<factors.lowerBound).map { found[function.parameter($0)] }
  }

  /// The function that yields these values.
  func finish(_ results: [ScalarExpression]) -> ScalarFunction { writer.finish(results) }
}

extension Differentiation {
  /// The tangents of the results of a region on each element, by one `map`.
  /// - Parameters:
  ///   - tangents: those of the arguments.
  ///   - argument: makes the argument of this number; called for those that the derivative uses.
  mutating func tangents(
    ofRegion region: ScalarFunction, _ tangents: [ValueID?], argument: (inout Self, Int) throws -> ValueID
  ) throws -> [ValueID?] {
    let active = tangents.indices.filter { tangents[$0] != nil }
    let derivative = RegionDerivative(region, factors: active.map { type(tangents[$0]!).element })
    let yields = zip(derivative.tangents(of: active), region.results).map { $0?.converted(to: region.type($1)) }
    return try map(derivative, yields, argument: argument, factors: active.map { tangents[$0]! })
  }

  /// The cotangents of the arguments of a region on each element, by one `map`. That of an argument that is one number is summed.
  /// - Parameters:
  ///   - cotangents: those of the results.
  ///   - isWanted: whether the argument's cotangent is needed.
  ///   - argument: makes the argument of this number; called for those that the derivative uses.
  mutating func cotangents(
    ofRegion region: ScalarFunction, _ cotangents: [ValueID?], isWanted: (Int) -> Bool, isNumber: (Int) -> Bool,
    argument: (inout Self, Int) throws -> ValueID
  ) throws -> [ValueID?] {
    let active = cotangents.indices.filter { cotangents[$0] != nil }
    let derivative = RegionDerivative(region, factors: active.map { type(cotangents[$0]!).element })
    let isSummed = region.parameters.indices.map { isNumber($0) && type(results[0]).rank > 0 }
    let yields = derivative.cotangents(from: active).enumerated().map { number, value -> ScalarExpression? in
      guard isWanted(number) else { return nil }
      let element = region.parameters[number].type
      return value?.converted(to: isSummed[number] ? element.computed : element)
    }
    var found = try map(derivative, yields, argument: argument, factors: active.map { cotangents[$0]! })
    for (number, value) in found.enumerated() where isSummed[number] {
      guard let value else { continue }
      found[number] = try widened(sum(value, over: Array(0..<type(value).rank)), to: region.parameters[number].type)
    }
    return found
  }

  /// What a derivative yields as the results of one `map`, of the shape of the op's results.
  private mutating func map(
    _ derivative: RegionDerivative, _ yields: [ScalarExpression?], argument: (inout Self, Int) throws -> ValueID,
    factors: [ValueID]
  ) throws -> [ValueID?] {
    let present = yields.indices.filter { yields[$0] != nil }
    guard !present.isEmpty else { return yields.map { _ in nil } }
    let function = derivative.finish(present.map { yields[$0]! })
    let own = function.parameters.count - factors.count
    let used = Set(function.instructions.flatMap(\.operands) + function.results)
    // A factor is always there, so that the map has an operand.
    let numbers = function.parameters.indices.filter { $0 == own || used.contains(function.parameter($0)) }
    let region = function.extracting(
      function.results, parameters: numbers.map { function.parameters[$0] }, numbers: numbers, tables: [], tableMap: [:])
    let operands = try numbers.map { $0 < own ? try argument(&self, $0) : factors[$0 - own] }
    let node = try rewriter.result.append(.map, operands, regions: [region])
    var found = [ValueID?](repeating: nil, count: yields.count)
    let shape = type(results[0]).shape
    for (number, value) in zip(present, rewriter.result.results(node)) {
      found[number] = type(value).rank == shape.rank ? value : try broadcast(value, to: shape, dims: [])
    }
    return found
  }
}
