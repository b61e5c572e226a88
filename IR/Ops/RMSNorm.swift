extension Op {
  /// `rms_norm %x, %scale {epsilon = e}`: over the last dimension of extent D, `r = x / sqrt(sum of x^2 / D + e) * scale`. Scale is `[D]`.
  public static let rmsNorm = Op(
    "rms_norm", operands: .named(["x", "scale"]), attributes: [.required(.epsilon)], traits: [.composite],
    infer: { inference in
      try inference.checkNormalization()
      return [inference.operands[0]]
    },
    evaluate: { evaluation in
      var result = evaluation.operands[0]
      let (scale, epsilon) = (evaluation.operands[1].reals, evaluation.attributes.required(.epsilon).real)
      evaluation.operands[0].forEachRow(along: result.shape.count - 1) { positions in
        let meanSquare = positions.reduce(0) { $0 + result.reals[$1] * result.reals[$1] } / Double(positions.count)
        for (d, position) in positions.enumerated() {
          result.reals[position] = result.reals[position] / (meanSquare + epsilon).squareRoot() * scale[d]
        }
      }
      return [result]
    },
    cost: { Cost(flops: $0.results[0].shape.count * 5, bytes: $0.bytes) },
    decompose: { context in
      let (x, type) = (context.operands[0], context.resultTypes[0])
      let normalized = try context.divideByRoot(x, ofMeanSquare: x)
      return [
        try context.emit(.multiply, normalized, context.broadcast(context.operands[1], to: type.shape, dims: [type.rank - 1]))
      ]
    },
    derivative: Derivative(
      forward: { context, tangents in [try context.tangentOfNormalization(tangents, isCentered: false)] },
      reverse: { context, cotangents in try context.cotangentsOfNormalization(cotangents[0]!, isCentered: false) }))
}
