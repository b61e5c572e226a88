// Linear attention is linear in queries, keys and values each, and its transposes are linear attentions: derivatives take time linear in
// the number of rows, and store no pairs. Decays have the gradients of sums of logarithms, from products of rows.

/// A linear attention that is being differentiated, in the type of its sums.
private struct DifferentiatedLinearAttention {
  let element: ElementType
  let query, key, value: ValueID
  let decay, offsets: ValueID?
  /// The state before all rows, `[batch..., D, E]`, and the sum of keys as the state of values that are 1, `[batch..., D, 1]`.
  let state, keySum: ValueID?
  let isReverse, isExclusive: Bool
  /// Ones, `[batch..., N, 1]`.
  let ones: ValueID

  init(_ context: inout Differentiation) throws {
    let shape = context.type(context.operands[0]).shape
    let element = context.type(context.operands[0]).element.computed
    self.element = element
    func wide(_ value: ValueID?) throws -> ValueID? { try value.map { try context.widened($0, to: element) } }
    query = try wide(context.operands[0])!
    key = try wide(context.operands[1])!
    value = try wide(context.operands[2])!
    decay = try wide(context.captured(.decay))
    offsets = context.captured(.ragged)
    state = context.captured(.state)
    keySum = try context.captured(.keySum).map { try context.withColumn($0) }
    (isReverse, isExclusive) = (context.attributes.isSet(.reverse), context.attributes.isSet(.exclusive))
    ones = try context.broadcast(context.constant(1, element), to: Shape(shape.extents.dropLast() + [1]), dims: [])
  }

  /// How an attention goes through the rows.
  struct Way {
    var isReverse, isExclusive: Bool
    var decays = true
    var hasFinalState = false
  }

  /// The way of this attention.
  var way: Way { Way(isReverse: isReverse, isExclusive: isExclusive) }
  /// The way of its transposes.
  var transposedWay: Way { Way(isReverse: !isReverse, isExclusive: isExclusive) }

  /// An attention over the same segments, without a denominator; the final state where the way has it.
  func attend(
    _ query: ValueID, _ key: ValueID, _ value: ValueID, state: ValueID? = nil, _ way: Way, _ context: inout Differentiation
  ) throws -> (output: ValueID, state: ValueID?) {
    var operands = [query, key, value]
    var attributes: [Attribute] = []
    func add(_ key: AttributeKey<CapturedOperand>, _ operand: ValueID?) {
      guard let operand else { return }
      attributes.append(Attribute(key, CapturedOperand(operands.count - 3)))
      operands.append(operand)
    }
    add(.decay, way.decays ? decay : nil)
    add(.ragged, offsets)
    add(.state, state)
    if way.isReverse { attributes.append(Attribute(.reverse, true)) }
    if way.isExclusive { attributes.append(Attribute(.exclusive, true)) }
    if way.hasFinalState { attributes.append(Attribute(.finalState, true)) }
    let node = try context.rewriter.result.append(.linearAttention, operands, attributes: attributes)
    let results = context.rewriter.result.results(node)
    return (results[0], way.hasFinalState ? results[1] : nil)
  }

  /// The sum of what stands before each row in its segment, of a number per row.
  func sumBefore(_ value: ValueID, isExclusive: Bool, _ context: inout Differentiation) throws -> ValueID {
    guard offsets != nil else {
      return try context.scan(value, .add, dim: context.type(value).rank - 1, isExclusive: isExclusive)
    }
    let way = Way(isReverse: false, isExclusive: isExclusive, decays: false)
    return try context.withoutColumn(attend(ones, ones, context.withColumn(value), way, &context).output)
  }

  /// 1 by the denominator of each row, 0 where that is 0, and whether it is not 0; nil without a denominator.
  func inverse(_ context: inout Differentiation) throws -> (value: ValueID, isNotZero: ValueID)? {
    guard let epsilon = context.attributes[.epsilon]?.real else { return nil }
    let sum = try context.withoutColumn(attend(query, key, ones, state: keySum, way, &context).output)
    let (zero, one) = (try context.constant(0, element), try context.constant(1, element))
    let total = try context.emit(.add, sum, context.constant(epsilon, element))
    let isNotZero = try context.emit(.notEqual, total, zero)
    let inverse = try context.emit(.divide, one, context.emit(.select, isNotZero, total, one))
    return (try context.keeping(inverse, where: isNotZero), isNotZero)
  }
}

extension Differentiation {
  // MARK: Numbers of rows

  /// `[..., N]` as `[..., N, 1]`.
  fileprivate mutating func withColumn(_ value: ValueID) throws -> ValueID {
    try emit(.reshape, value, stated: TensorType(type(value).element, Shape(type(value).shape.extents + [1])))
  }

  /// `[..., N, 1]` as `[..., N]`.
  fileprivate mutating func withoutColumn(_ value: ValueID) throws -> ValueID {
    try emit(.reshape, value, stated: TensorType(type(value).element, Shape(type(value).shape.extents.dropLast())))
  }

  /// Rows multiplied by a number each.
  private mutating func scaled(_ rows: ValueID, _ factor: ValueID) throws -> ValueID {
    let shape = type(rows).shape
    return try emit(.multiply, rows, broadcast(factor, to: shape, without: shape.rank - 1))
  }

  /// `value`, whose rows are kept where the condition holds; the others are 0.
  private mutating func keepingRows(_ value: ValueID, where condition: ValueID) throws -> ValueID {
    let shape = type(value).shape
    return try keeping(value, where: broadcast(condition, to: shape, without: shape.rank - 1))
  }

  /// The last two dimensions exchanged.
  private mutating func matrixTransposed(_ value: ValueID) throws -> ValueID {
    let rank = type(value).rank
    return try emit(
      .transpose, value, attributes: [Attribute(.permutation, Array(0..<rank - 2) + [rank - 1, rank - 2])])
  }

  /// A state multiplied by a number per batch index.
  private mutating func scaledState(_ state: ValueID, _ factor: ValueID) throws -> ValueID {
    let shape = type(state).shape
    return try emit(.multiply, state, broadcast(factor, to: shape, dims: Array(0..<type(factor).rank)))
  }

  /// The sum of the products of two states, one number per batch index.
  private mutating func stateProduct(_ left: ValueID, _ right: ValueID) throws -> ValueID {
    let rank = type(left).rank
    return try sum(emit(.multiply, left, right), over: [rank - 2, rank - 1])
  }

  // MARK: Reverse

  mutating func cotangentsOfLinearAttention(_ cotangents: [ValueID?]) throws -> [ValueID?] {
    let attention = try DifferentiatedLinearAttention(&self)
    let element = attention.element
    let named = Dictionary(uniqueKeysWithValues: zip(op.resultNames(attributes)!, cotangents))
    let ofState = named[.finalState] ?? nil
    let ofKeySum = try (named[.finalKeySum] ?? nil).map { try withColumn($0) }
    var ofOutput = try (named[.output] ?? nil).map { try widened($0, to: element) }
    let (query, key, value) = (attention.query, attention.key, attention.value)
    func isWanted(_ position: Int?) -> Bool { position.map { self.isWanted($0) } ?? false }
    let isDecayWanted = isWanted(position(.decay))

    // The output is a quotient: the cotangents of what is above and below, `ofOutput` and `ofSum`.
    let inverse = try ofOutput == nil ? nil : attention.inverse(&self)
    if let inverse, let above = ofOutput {
      ofOutput = try keepingRows(scaled(above, inverse.value), where: inverse.isNotZero)
    }
    // A row's pair with itself has no decay. What it has in common with the gradient of one is rounded away: it is left out, and added after.
    let isStrict = attention.isExclusive || isDecayWanted
    var (way, transposedWay) = (attention.way, attention.transposedWay)
    (way.isExclusive, transposedWay.isExclusive) = (isStrict, isStrict)
    let hasOwn = isStrict && !attention.isExclusive
    var ofQuery = try ofOutput.map {
      try attention.attend($0, value, key, state: attention.state.map { try matrixTransposed($0) }, way, &self).output
    }
    // What weighs a row's own key for its query, and the other way about.
    var own = try hasOwn ? ofOutput.map { try rowProduct($0, value, element) } : nil
    func withOwn(_ rows: ValueID, _ other: ValueID) throws -> ValueID {
      try own.map { try emit(.add, rows, scaled(other, $0)) } ?? rows
    }
    var ofSum: ValueID?
    if let inverse, let above = ofQuery {
      let product = try emit(.multiply, rowProduct(query, withOwn(above, key), element), inverse.value)
      let below = try emit(.negate, keeping(product, where: inverse.isNotZero))
      let column = try withColumn(below)
      let rows = try attention.attend(
        column, attention.ones, key, state: attention.keySum.map { try matrixTransposed($0) }, way, &self
      ).output
      ofQuery = try emit(.add, above, rows)
      (ofSum, own) = (column, try own.map { try emit(.add, $0, below) })
    }

    let noOutput = try ofOutput ?? zeros(type(value))
    var ofKey: ValueID?
    var ofFirstSum: ValueID?
    if isWanted(1) || isDecayWanted || isWanted(position(.keySum)) {
      ofKey =
        try ofOutput == nil && ofState == nil
        ? nil
        : attention.attend(value, noOutput, query, state: ofState.map { try matrixTransposed($0) }, transposedWay, &self).output
      if ofSum != nil || ofKeySum != nil {
        var way = transposedWay
        way.hasFinalState = attention.keySum != nil
        let (rows, state) = try attention.attend(
          attention.ones, ofSum ?? zeros(type(attention.ones)), query, state: ofKeySum.map { try matrixTransposed($0) }, way, &self)
        ofKey = try ofKey.map { try emit(.add, $0, rows) } ?? rows
        ofFirstSum = try state.map { try matrixTransposed($0) }
      }
    }
    var (ofValue, ofFirstState): (ValueID?, ValueID?)
    if ofOutput != nil || ofState != nil {
      var way = attention.transposedWay
      way.hasFinalState = attention.state != nil
      (ofValue, ofFirstState) = try attention.attend(key, query, noOutput, state: ofState, way, &self)
    }

    var found = [ValueID?](repeating: nil, count: operands.count)
    func set(_ position: Int?, _ value: ValueID?) throws {
      guard let position, let value else { return }
      found[position] = try widened(value, to: type(operands[position]).element)
    }
    if isDecayWanted {
      var atStart: [ValueID] = []
      let pairs =
        attention.isReverse
        ? [(ofState, result(.finalState)), (ofKeySum, try result(.finalKeySum).map { try withColumn($0) })]
        : [(ofFirstState, attention.state), (ofFirstSum, attention.keySum)]
      for case (let left?, let right?) in pairs { atStart.append(try stateProduct(left, right)) }
      try set(position(.decay), cotangentOfDecay(attention, ofQuery, ofKey, atStart: total(atStart)))
    }
    try set(0, ofQuery.map { try withOwn($0, key) })
    try set(1, ofKey.map { try withOwn($0, query) })
    try set(2, ofValue)
    try set(position(.state), ofFirstState)
    try set(position(.keySum), ofFirstSum.map { try withoutColumn($0) })
    return found
  }

  /// With `L_t` the sum of the logarithms up to row t, a pair has the factor `exp(L_t - L_s)`: `L_t` has the cotangent
  /// `query_t . ofQuery_t - key_t . ofKey_t`, and a decay the sum of those from its row on. That is what the first row has, `atStart`, less
  /// the sum before it: so a decay that nothing is before has exactly 0. So has a factor of 0.
  private mutating func cotangentOfDecay(
    _ attention: DifferentiatedLinearAttention, _ ofQuery: ValueID?, _ ofKey: ValueID?, atStart: ValueID?
  ) throws -> ValueID? {
    let element = attention.element
    let ofTarget = try ofQuery.map { try rowProduct(attention.query, $0, element) }
    let ofSource = try ofKey.map { try rowProduct(attention.key, $0, element) }
    let (plus, minus) = attention.isReverse ? (ofTarget, ofSource) : (ofSource, ofTarget)
    var sum: ValueID?
    if let difference = try plus.map({ value in try minus.map { try emit(.subtract, value, $0) } ?? value })
      ?? minus.map({ try emit(.negate, $0) })
    {
      sum = try attention.sumBefore(difference, isExclusive: true, &self)
    }
    if let atStart {
      let shape = type(attention.decay!).shape
      let start = try broadcast(atStart, to: shape, without: shape.rank - 1)
      sum = try sum.map { try emit(.add, $0, start) } ?? start
    }
    let isFactor = try emit(.notEqual, attention.decay!, constant(-.infinity, element))
    return try sum.map { try keeping($0, where: isFactor) }
  }

  // MARK: Forward

  mutating func tangentsOfLinearAttention(_ tangents: [ValueID?]) throws -> [ValueID?] {
    let attention = try DifferentiatedLinearAttention(&self)
    let element = attention.element
    func tangent(_ position: Int?) throws -> ValueID? {
      try position.flatMap { tangents[$0] }.map { try widened($0, to: element) }
    }
    let ofDecay = try tangent(position(.decay))
    // A pair changes by the difference of two sums of the decays' tangents, which scale queries and keys.
    let sums = try ofDecay.map { try attention.sumBefore($0, isExclusive: false, &self) }
    let less = try sums.map { try emit(.negate, $0) }
    let (ofTarget, ofSource) = attention.isReverse ? (less, sums) : (sums, less)
    func change(_ rows: ValueID, _ factor: ValueID?, _ tangent: ValueID?) throws -> ValueID? {
      try total([tangent, factor.map { try scaled(rows, $0) }].compactMap { $0 })
    }
    let ofQuery = try change(attention.query, ofTarget, tangent(0))
    let ofKey = try change(attention.key, ofSource, tangent(1))
    // The state that is behind all rows changes by the whole sum.
    let whole = try attention.offsets == nil ? ofDecay.map { try sum($0, over: [type($0).rank - 1]) } : nil
    let hasFinalState = result(.finalState) != nil

    /// The tangents of the sums of these values, and of the final state.
    func sumTangents(
      _ value: ValueID, _ ofValue: ValueID?, _ state: ValueID?, _ ofState: ValueID?, _ finalState: ValueID?
    ) throws -> (output: ValueID?, state: ValueID?) {
      var (outputs, states): ([ValueID], [ValueID]) = ([], [])
      var way = attention.way
      func add(_ query: ValueID, _ key: ValueID, _ value: ValueID, _ state: ValueID?) throws {
        let (output, state) = try attention.attend(query, key, value, state: state, way, &self)
        outputs.append(output)
        if let state { states.append(state) }
      }
      if let ofQuery { try add(ofQuery, attention.key, value, state) }
      way.hasFinalState = finalState != nil
      var change = [ofState].compactMap { $0 }
      if attention.isReverse, let whole, let state { change.append(try scaledState(state, whole)) }
      let ofFirst = try total(change)
      if ofKey != nil || ofFirst != nil {
        try add(attention.query, ofKey ?? zeros(type(attention.key)), value, ofFirst)
      }
      if let ofValue { try add(attention.query, attention.key, ofValue, nil) }
      if !attention.isReverse, let whole, let finalState { states.append(try scaledState(finalState, whole)) }
      return (try total(outputs), try total(states))
    }
    var (ofOutput, ofState) = try sumTangents(
      attention.value, tangent(2), attention.state, tangent(position(.state)), result(.finalState))
    var ofKeySum: ValueID?
    if let inverse = try attention.inverse(&self) {
      let (ofSum, ofLastSum) = try sumTangents(
        attention.ones, nil, attention.keySum, tangent(position(.keySum)).map { try withColumn($0) },
        hasFinalState ? result(.finalKeySum).map { try withColumn($0) } : nil)
      ofKeySum = try ofLastSum.map { try withoutColumn($0) }
      var terms = try ofOutput.map { [try scaled($0, inverse.value)] } ?? []
      if let ofSum {
        let factor = try emit(.negate, emit(.multiply, withoutColumn(ofSum), inverse.value))
        terms.append(try scaled(widened(result(.output)!, to: element), factor))
      }
      ofOutput = try total(terms).map { try keepingRows($0, where: inverse.isNotZero) }
    }
    let found: [ResultName: ValueID?] = [
      .output: try ofOutput.map { try widened($0, to: type(results[0]).element) }, .finalState: ofState, .finalKeySum: ofKeySum,
    ]
    return op.resultNames(attributes)!.map { found[$0] ?? nil }
  }
}
