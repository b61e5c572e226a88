extension Op {
  /// `gather %table, %indices {dim = d}`: slices of the table picked along dimension `d` by integers.
  ///
  /// `r[a..., n..., b...] = table[a..., indices[n...], b...]`: the table's dimensions before `d`, those of the indices, the table's after
  /// `d`. For an index outside the table the slice is NaN, or 0 for a table of integers or bools. Its cotangent goes nowhere.
  public static let gather = Op(
    "gather", operands: .named(["table", "indices"]), attributes: [.required(.dim)],
    infer: { inference in
      let (table, indices) = (inference.operands[0], inference.operands[1])
      let dim = try inference.dimension(rank: table.rank)
      try inference.expect(indices.element.isInteger, "got indices of type \(indices), expected an integer type")
      let extents = table.shape.extents
      return [TensorType(table.element, Shape(extents[..<dim] + indices.shape.extents + extents[(dim + 1)...]))]
    },
    evaluate: { evaluation in
      let (table, indices, dim) = (evaluation.operands[0], evaluation.operands[1], evaluation.attributes.required(.dim))
      let outside = table.element.isFloat ? Literal(Double.nan) : Literal(0)
      let rank = indices.shape.count
      return [
        .generated(table.element, evaluation.resultShapes[0]) { at in
          let index = indices.integers[indices.position(at[dim..<dim + rank])]
          guard index >= 0, index < Int64(table.shape[dim]) else { return outside }
          return table[table.position(at[..<dim] + [Int(index)] + at[(dim + rank)...])]
        }
      ]
    },
    cost: { query in
      let result = query.results[0]
      // Of the table only what is picked is read.
      let picked = result.shape.count * Extent(2 * result.element.byteCount)
      return Cost(flops: 0, bytes: picked + query.operands[1].shape.count * Extent(query.operands[1].element.byteCount))
    },
    derivative: .linear { context, cotangent in
      let (table, indices) = (context.type(context.operands[0]), context.type(context.operands[1]))
      let dim = context.attributes.required(.dim)
      let (count, extents) = (indices.shape.count, context.type(cotangent).shape.extents)
      let slices = Shape(extents[..<dim] + [count] + extents[(dim + indices.rank)...])
      return [
        try context.emit(
          .scatterAdd, context.zeros(table),
          context.emit(.reshape, context.operands[1], stated: TensorType(indices.element, [count])),
          context.emit(.reshape, cotangent, stated: TensorType(table.element, slices)), attributes: [Attribute(.dim, dim)]), nil,
      ]
    })
}
