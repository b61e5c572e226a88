extension AttributeKey where Value == Bool {
  /// Whether the elements of a pair stand side by side.
  public static var interleaved: Self { Self("interleaved") }
}

extension Op {
  /// `rotary %x, %cos, %sin {interleaved = true}`: rotates pairs of elements of each row: rotary position embedding.
  ///
  /// x is `[..., S, D]`, cos and sin are `[S, D/2]`. Pair p of a row is its elements p and `D/2 + p`; interleaved: `2p` and `2p + 1`. A pair
  /// (a, b) becomes `(a cos - b sin, a sin + b cos)`, as in ONNX's RotaryEmbedding.
  public static let rotary: Op = Op(
    "rotary", operands: .named(["x", "cos", "sin"]), attributes: [.optional(.interleaved)], traits: [.composite],
    infer: { inference in
      let (x, cos, sin) = (inference.operands[0], inference.operands[1], inference.operands[2])
      try inference.expect(x.element.isFloat && x.rank >= 2, "got \(x), expected floats of rank 2 or more")
      try inference.expect(
        [cos, sin].allSatisfy {
          $0.element == x.element && $0.rank == 2 && inference.areEqual($0.shape[0], x.shape[x.rank - 2])
            && inference.areEqual($0.shape[1] * 2, x.shape[x.rank - 1])
        },
        "got \(inference.describe(inference.operands)), expected cosines and sines of shape [\(x.shape[x.rank - 2]), (\(x.shape[x.rank - 1]))/2]"
      )
      return [x]
    },
    evaluate: { evaluation in
      let (x, cos, sin) = (evaluation.operands[0], evaluation.operands[1], evaluation.operands[2])
      let interleaved = evaluation.attributes.isSet(.interleaved)
      let (rows, pairs) = (cos.shape[0], cos.shape[1])
      var result = x
      var row = 0
      x.forEachRow(along: x.shape.count - 1) { positions in
        for pair in 0..<pairs {
          let first = positions[interleaved ? 2 * pair : pair]
          let second = positions[interleaved ? 2 * pair + 1 : pairs + pair]
          let angle = row % rows * pairs + pair
          result.reals[first] = x.reals[first] * cos.reals[angle] - x.reals[second] * sin.reals[angle]
          result.reals[second] = x.reals[first] * sin.reals[angle] + x.reals[second] * cos.reals[angle]
        }
        row += 1
      }
      return [result]
    },
    cost: { Cost(flops: $0.results[0].shape.count * 3, bytes: $0.bytes) },
    decompose: { context in
      let type = context.resultTypes[0]
      let pairs = context.type(context.operands[1]).shape[1]
      // [..., S, 2, D/2], or [..., S, D/2, 2] where interleaved.
      let interleaved = context.attributes.isSet(.interleaved)
      let outer = type.shape.extents.dropLast()
      let split = Shape(outer + (interleaved ? [pairs, 2] : [2, pairs]))
      let dim = interleaved ? type.rank : type.rank - 1
      let paired = try context.emit(.reshape, context.operands[0], stated: TensorType(type.element, split))
      var halfShape = split.extents
      halfShape[dim] = 1
      let kept = [type.rank - 2, interleaved ? type.rank - 1 : type.rank]
      func half(_ number: Int) throws -> ValueID {
        var (start, stop) = (split.extents.map { _ in Extent(0) }, split.extents)
        (start[dim], stop[dim]) = (Extent(number), Extent(number + 1))
        return try context.emit(
          .slice, paired, attributes: [Attribute(.start, start), Attribute(.stop, stop)])
      }
      let (a, b) = (try half(0), try half(1))
      let cos = try context.broadcast(context.operands[1], to: Shape(halfShape), dims: kept)
      let sin = try context.broadcast(context.operands[2], to: Shape(halfShape), dims: kept)
      let first = try context.emit(.subtract, context.emit(.multiply, a, cos), context.emit(.multiply, b, sin))
      let second = try context.emit(.add, context.emit(.multiply, a, sin), context.emit(.multiply, b, cos))
      let joined = try context.emit(.concatenate, first, second, attributes: [Attribute(.dim, dim)])
      return [try context.emit(.reshape, joined, stated: type)]
    },
    derivative: Derivative(
      forward: { context, tangents in
        let (x, cos, sin) = (context.operands[0], context.operands[1], context.operands[2])
        let turned = try tangents[0].map { try context.applyOp(to: [$0, cos, sin]) }
        guard tangents[1] != nil || tangents[2] != nil else { return [turned] }
        // Linear in the cosines and sines together.
        let table = context.type(cos)
        let other = try context.applyOp(
          to: [x, tangents[1] ?? context.zeros(table), tangents[2] ?? context.zeros(table)])
        return [try turned.map { try context.emit(.add, $0, other) } ?? other]
      },
      reverse: { context, cotangents in
        let (x, cos, sin, cotangent) = (context.operands[0], context.operands[1], context.operands[2], cotangents[0]!)
        let table = context.type(cos)
        var found: [ValueID?] = [nil, nil, nil]
        if context.isWanted(0) { found[0] = try context.applyOp(to: [cotangent, cos, context.emit(.negate, sin)]) }
        if context.isWanted(1) { found[1] = try context.sumOfPairs(cotangent, x) }
        if context.isWanted(2) {
          // A pair (a, b) meets its sine as (-b, a): turned by a right angle.
          let one = try context.broadcast(context.constant(1, table.element), to: table.shape, dims: [])
          found[2] = try context.sumOfPairs(cotangent, context.applyOp(to: [x, context.zeros(table), one]))
        }
        return found
      }))
}

extension Differentiation {
  /// The products of the elements of two tensors like the operand, summed over the elements of each pair and over all that share its angle.
  fileprivate mutating func sumOfPairs(_ left: ValueID, _ right: ValueID) throws -> ValueID {
    let (type, pairs) = (type(results[0]), type(operands[1]).shape[1])
    let wide = try [left, right].map { try widened($0, to: type.element.computed) }
    let isInterleaved = attributes.isSet(.interleaved)
    let split = Shape(type.shape.extents.dropLast() + (isInterleaved ? [pairs, 2] : [2, pairs]))
    let products = try emit(
      .reshape, emit(.multiply, wide[0], wide[1]), stated: TensorType(type.element.computed, split))
    let sum = try sum(products, over: Array(0..<(type.rank - 2)) + [isInterleaved ? type.rank : type.rank - 1])
    return try widened(sum, to: type.element)
  }
}
