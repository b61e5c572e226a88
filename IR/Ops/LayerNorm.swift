extension Op {
  /// `layer_norm %x, %scale, %bias {epsilon = e}`: over the last dimension of extent D,
  /// `r = (x - mean) / sqrt(variance + e) * scale + bias`, where `variance = sum of (x - mean)^2 / D`. Scale and bias are `[D]`.
  public static let layerNorm = Op(
    "layer_norm", operands: .named(["x", "scale", "bias"]), attributes: [.required(.epsilon)], traits: [.composite],
    infer: { inference in
      try inference.checkNormalization()
      return [inference.operands[0]]
    },
    evaluate: { evaluation in
      var result = evaluation.operands[0]
      let (scale, bias) = (evaluation.operands[1].reals, evaluation.operands[2].reals)
      let epsilon = evaluation.attributes.required(.epsilon).real
      evaluation.operands[0].forEachRow(along: result.shape.count - 1) { positions in
        let count = Double(positions.count)
        let mean = positions.reduce(0) { $0 + result.reals[$1] } / count
        let variance = positions.reduce(0) { $0 + (result.reals[$1] - mean) * (result.reals[$1] - mean) } / count
        let deviation = (variance + epsilon).squareRoot()
        for (d, position) in positions.enumerated() {
          result.reals[position] = (result.reals[position] - mean) / deviation * scale[d] + bias[d]
        }
      }
      return [result]
    },
    cost: { Cost(flops: $0.results[0].shape.count * 8, bytes: $0.bytes) },
    decompose: { context in
      let (x, type) = (context.operands[0], context.resultTypes[0])
      let last = type.rank - 1
      let mean = try context.broadcast(context.mean(x, dim: last), to: type.shape, without: last)
      let centered = try context.emit(.subtract, x, mean)
      let normalized = try context.divideByRoot(centered, ofMeanSquare: centered)
      let scaled = try context.emit(.multiply, normalized, context.broadcast(context.operands[1], to: type.shape, dims: [last]))
      return [try context.emit(.add, scaled, context.broadcast(context.operands[2], to: type.shape, dims: [last]))]
    },
    derivative: Derivative(
      forward: { context, tangents in [try context.tangentOfNormalization(tangents, isCentered: true)] },
      reverse: { context, cotangents in try context.cotangentsOfNormalization(cotangents[0]!, isCentered: true) }))
}

extension Inference {
  /// Checks the operands of a normalisation over the last dimension: floats `[..., D]`, and `[D]` for each of the others; and its epsilon.
  /// - Parameter rowCount: how many of the last operands are like the first.
  func checkNormalization(rows rowCount: Int = 0) throws {
    let x = operands[0]
    try expect(x.element.isFloat && x.rank >= 1, "got \(x), expected floats of rank 1 or more")
    let row = TensorType(x.element, [x.shape[x.rank - 1]])
    for other in operands.dropFirst().dropLast(rowCount) {
      try expect(
        other.element == x.element && areEqual(other.shape, row.shape), "got \(describe(operands)), expected \(row) after \(x)")
    }
    for other in operands.suffix(rowCount) {
      try expect(
        other.element == x.element && areEqual(other.shape, x.shape), "got \(describe(operands)), expected \(x) first and last")
    }
    let epsilon = attributes.required(.epsilon).real
    try expect(epsilon >= 0, "got epsilon = \(epsilon), expected at least 0")
  }
}

extension NodeEmitter {
  /// The mean along a dimension, which is dropped.
  mutating func mean(_ value: ValueID, dim: Int) throws -> ValueID {
    let type = type(value)
    let count: ValueID
    if let extent = type.shape[dim].constant {
      count = try constant(Double(extent), type.element)
    } else {
      count = try emit(
        .extent, attributes: [Attribute(.extentValue, [type.shape[dim]])], stated: TensorType(type.element, .scalar))
    }
    return try emit(.divide, reduce(value, .add, dim: dim), count)
  }
}

extension Decomposition {
  /// `value / sqrt(mean of square^2 along the last dimension + epsilon)`.
  mutating func divideByRoot(_ value: ValueID, ofMeanSquare square: ValueID) throws -> ValueID {
    let type = type(value)
    let epsilon = try constant(attributes.required(.epsilon).real, type.element)
    let variance = try mean(emit(.multiply, square, square), dim: type.rank - 1)
    let deviation = try emit(.sqrt, emit(.add, variance, epsilon))
    return try emit(.divide, value, broadcast(deviation, to: type.shape, without: type.rank - 1))
  }
}
