extension AttributeKey where Value == [Extent] {
  /// The first index of a range, in each dimension.
  public static var start: Self { Self("start") }
  /// The end of a range, in each dimension.
  public static var stop: Self { Self("stop") }
}

extension AttributeKey where Value == [Int] {
  /// The distances between the indices that are kept, in each dimension.
  public static var step: Self { Self("step") }
}

extension Op {
  /// `slice {start = [...], stop = [...], step = [...]}`: from each dimension the indices `start`, `start + step`, ... below `stop`.
  ///
  /// `0 <= start <= stop <=` the operand's extent, checked when the extents are known; `step` is at least 1, and 1 where it is left
  /// out.
  public static let slice = Op(
    "slice", operands: .named(["operand"]),
    attributes: [.required(.start), .required(.stop), .optional(.step)], traits: [.view],
    infer: { inference in
      let operand = inference.operands[0]
      let (start, stop) = (inference.attributes.required(.start), inference.attributes.required(.stop))
      let step = inference.attributes[.step] ?? start.map { _ in 1 }
      try inference.expect(
        start.count == operand.rank && stop.count == operand.rank && step.count == operand.rank,
        "got \(start.count) starts, \(stop.count) stops and \(step.count) steps, expected \(operand.rank) of each for \(operand)")
      try inference.expect(step.allSatisfy { $0 >= 1 }, "got step = \(step), expected steps of at least 1")
      for (extent, (from, to)) in zip(operand.shape.extents, zip(start, stop)) {
        for distance in [from, to - from, extent - to] {
          try inference.expect(
            !distance.isAlwaysNegative, "got the range \(from) ..< \(to), expected one inside 0 ..< \(extent)")
        }
      }
      return [TensorType(operand.element, Shape(zip(zip(start, stop), step).map { ($0.1 - $0.0).dividedRoundingUp(by: $1) }))]
    },
    evaluate: { evaluation in
      let operand = evaluation.operands[0]
      let start = try evaluation.extents(.start)
      let stop = try evaluation.extents(.stop)
      let step = evaluation.attributes[.step] ?? start.map { _ in 1 }
      for (extent, (from, to)) in zip(operand.shape, zip(start, stop)) where from < 0 || to < from || to > extent {
        throw HeedError("slice: got the range \(from) ..< \(to), expected one inside 0 ..< \(extent)")
      }
      return [
        .generated(operand.element, evaluation.resultShapes[0]) { indices in
          operand[operand.position(indices.indices.map { start[$0] + indices[$0] * step[$0] })]
        }
      ]
    },
    cost: { query in
      // Only the part that is kept is read.
      Cost(flops: 0, bytes: query.results[0].shape.count * Extent(2 * query.results[0].element.byteCount))
    },
    derivative: .linear { context, cotangent in
      let shape = context.type(context.operands[0]).shape
      let (start, stop) = (context.attributes.required(.start), context.attributes.required(.stop))
      var value = cotangent
      for (dim, step) in (context.attributes[.step] ?? []).enumerated() where step > 1 {
        // Zeros after each element, as many as were left out.
        var extents = context.type(value).shape.extents
        let split = Shape(extents[...dim] + [1] + extents[(dim + 1)...])
        let apart = try context.padded(
          context.emit(.reshape, value, stated: TensorType(context.type(value).element, split)), dim: dim + 1,
          high: Extent(step - 1))
        extents[dim] = extents[dim] * Extent(step)
        let joined = try context.emit(.reshape, apart, stated: TensorType(context.type(value).element, Shape(extents)))
        value = try context.slice(joined, dim: dim, 0, stop[dim] - start[dim])
      }
      return [try context.padded(value, low: start, high: zip(shape.extents, stop).map { $0 - $1 })]
    })
}
