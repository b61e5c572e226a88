extension Op {
  /// `scatter %base, %indices, %updates {dim = d}`: the base with slices replaced along dimension `d`, in order.
  ///
  /// For each `k`: `r[a..., indices[k], b...] = updates[a..., k, b...]`. Of equal indices the last counts. An index outside the base drops
  /// its update. Where the base is a state and the result its update, only the slices are written.
  public static let scatter: Op = Op(
    "scatter", operands: .named(["base", "indices", "updates"]), attributes: [.required(.dim)],
    infer: { try inferScatter($0) },
    evaluate: { evaluation in
      let (indices, updates, dim) = (evaluation.operands[1], evaluation.operands[2], evaluation.attributes.required(.dim))
      var result = evaluation.operands[0]
      ReferenceArray.forEachIndex(of: updates.shape) { at, position in
        let index = indices.integers[at[dim]]
        guard index >= 0, index < Int64(result.shape[dim]) else { return }
        var at = at
        at[dim] = Int(index)
        result[result.position(at)] = updates[position]
      }
      return [result]
    },
    cost: { query in
      let updates = query.operands[2]
      return Cost(flops: 0, bytes: updates.shape.count * Extent(2 * updates.element.byteCount))
    },
    derivative: .linear { context, cotangent in
      let (indices, dim) = (context.operands[1], context.attributes.required(.dim))
      let updates = context.type(context.operands[2])
      var ofUpdates: ValueID?
      if context.isWanted(2) {
        // An update that a later one replaces counts nowhere: the last to write its number is another.
        let count = TensorType(.i64, [updates.shape[dim]])
        let numbers = try context.iota(.i64, count.shape, dim: 0)
        let places = TensorType(.i64, [context.type(cotangent).shape[dim]])
        let last = try context.gatherOrZero(
          context.emit(.scatter, context.zeros(places), indices, numbers, attributes: [Attribute(.dim, 0)]), indices, dim: 0)
        let picked = try context.gatherOrZero(cotangent, indices, dim: dim)
        let isLast = try context.emit(.equal, last, numbers)
        ofUpdates = try context.keeping(picked, where: context.broadcast(isLast, to: context.type(picked).shape, dims: [dim]))
      }
      return [
        context.isWanted(0)
          ? try context.emit(.scatter, cotangent, indices, context.zeros(updates), attributes: [Attribute(.dim, dim)]) : nil,
        nil, ofUpdates,
      ]
    })

  /// The result type of an op that scatters slices over a base.
  static func inferScatter(_ inference: Inference) throws -> [TensorType] {
    let (base, indices, updates) = (inference.operands[0], inference.operands[1], inference.operands[2])
    let dim = try inference.dimension(rank: base.rank)
    try inference.expect(
      indices.element.isInteger && indices.rank == 1, "got indices of type \(indices), expected integers of rank 1")
    var extents = base.shape.extents
    extents[dim] = indices.shape[0]
    let expected = TensorType(base.element, Shape(extents))
    try inference.expect(
      updates.element == base.element && inference.areEqual(updates.shape, expected.shape),
      "got updates of type \(updates), expected \(expected)")
    return [base]
  }
}
