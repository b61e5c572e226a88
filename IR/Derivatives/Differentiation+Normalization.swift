/// A tensor normalised along its last dimension, as `layer_norm` and `rms_norm` do before they scale, in the computed type.
///
/// With D elements per row, the derivative of the normalised row n by the row is `deviation^-1 (1 - n n^T / D)`, less the mean of each row and
/// column where rows are centred. It is symmetric, so that both directions apply the same matrix.
struct NormalizedRows {
  let values: ValueID
  /// The reciprocal of the deviation, repeated along rows.
  let scale: ValueID
  let isCentered: Bool
}

extension NodeEmitter {
  /// The rows of a tensor of the computed type, normalised.
  mutating func normalizedRows(_ x: ValueID, epsilon: Double, isCentered: Bool) throws -> NormalizedRows {
    let centered = isCentered ? try emit(.subtract, x, meanOfRows(x)) : x
    let epsilon = try constant(epsilon, type(x).element)
    let last = type(x).rank - 1
    let variance = try mean(emit(.multiply, centered, centered), dim: last)
    let scale = try broadcast(emit(.rsqrt, emit(.add, variance, epsilon)), to: type(x).shape, without: last)
    return NormalizedRows(values: try emit(.multiply, centered, scale), scale: scale, isCentered: isCentered)
  }

  /// The matrix of derivatives of the normalised rows times `value`.
  mutating func product(_ rows: NormalizedRows, _ value: ValueID) throws -> ValueID {
    let along = try emit(.multiply, rows.values, meanOfRows(emit(.multiply, rows.values, value)))
    let centered = rows.isCentered ? try emit(.subtract, value, meanOfRows(value)) : value
    return try emit(.multiply, rows.scale, emit(.subtract, centered, along))
  }

  /// The mean of each row, repeated along it.
  private mutating func meanOfRows(_ value: ValueID) throws -> ValueID {
    let type = type(value)
    return try broadcast(mean(value, dim: type.rank - 1), to: type.shape, without: type.rank - 1)
  }
}

extension Differentiation {
  /// The first operand's rows, normalised again.
  private mutating func normalizedRows(isCentered: Bool) throws -> NormalizedRows {
    let x = try widened(operands[0], to: type(operands[0]).element.computed)
    return try normalizedRows(x, epsilon: attributes.required(.epsilon).real, isCentered: isCentered)
  }

  /// The tangent of a normalisation, from those of rows, scale and, where there is one, bias.
  mutating func tangentOfNormalization(_ tangents: [ValueID?], isCentered: Bool) throws -> ValueID {
    let rows = try normalizedRows(isCentered: isCentered)
    var terms: [ValueID] = []
    if let tangent = tangents[0] {
      terms.append(try emit(.multiply, product(rows, widened(tangent, to: type(rows.values).element)), spread(operands[1])))
    }
    if let tangent = tangents[1] { terms.append(try emit(.multiply, rows.values, spread(tangent))) }
    if tangents.count > 2, let tangent = tangents[2] { terms.append(try spread(tangent)) }
    var sum = terms[0]
    for term in terms.dropFirst() { sum = try emit(.add, sum, term) }
    return try widened(sum, to: type(results[0]).element)
  }

  /// The cotangents of rows, scale and, where there is one, bias: of one op where that of the rows is wanted.
  mutating func cotangentsOfNormalization(_ cotangent: ValueID, isCentered: Bool) throws -> [ValueID?] {
    if isWanted(0) {
      var attributes = [Attribute(.epsilon, attributes.required(.epsilon))]
      if isCentered { attributes.append(Attribute(.centered, true)) }
      let node = try rewriter.result.append(.normGradient, [operands[0], operands[1], cotangent], attributes: attributes)
      return rewriter.result.results(node).enumerated().map { isWanted($0.offset) ? $0.element : nil }
    }
    let narrow = type(cotangent).element
    let wide = try widened(cotangent, to: narrow.computed)
    let outer = Array(0..<(type(wide).rank - 1))
    var found = [ValueID?](repeating: nil, count: operands.count)
    if isWanted(1) {
      let rows = try normalizedRows(isCentered: isCentered)
      found[1] = try widened(sum(emit(.multiply, wide, rows.values), over: outer), to: narrow)
    }
    if operands.count > 2, isWanted(2) { found[2] = try widened(sum(wide, over: outer), to: narrow) }
    return found
  }

  /// A row repeated for every row of the result, in the computed type.
  private mutating func spread(_ row: ValueID) throws -> ValueID {
    let shape = type(results[0]).shape
    return try broadcast(widened(row, to: type(row).element.computed), to: shape, dims: [shape.rank - 1])
  }
}
