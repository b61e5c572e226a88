import HeedIR

/// The operands of a chunk in scratch memory.
extension LinearAttentionKernel {
  /// The decays of a chunk, each the factor e to a sum of logarithms from one row to another.
  struct Decays {
    /// The sums of the logarithms up to each row, its own included.
    let logarithms: Place
    /// The factor from the state before the chunk to each row.
    let ofRow: Place
    /// The factor from each row to the state after the chunk.
    let toEnd: Place
    /// The factor over the whole chunk: one number.
    let ofChunk: Scalar
  }

  /// The rows of a chunk in a tile.
  func load(
    _ view: BoundView, _ at: LinearAttentionChunk, isTransposed: Bool = false,
    _ place: (_ row: IntegerExpression, _ column: IntegerExpression) -> Access
  ) {
    let (rows, depth): ((Name, IntegerExpression), (Name, IntegerExpression)) = (("r", at.rows), ("d", .constant(shape.depth)))
    builder.map(isTransposed ? [depth, rows] : [rows, depth]) { body, index in
      let (r, d) = isTransposed ? (index[1], index[0]) : (index[0], index[1])
      body.store(body.load(view.access(at.batch + [at.first + r, d]), element), place(r, d))
    }
  }

  /// Where products read the values of a chunk: where they are stored, or a tile.
  func loadValues(_ at: LinearAttentionChunk) -> Elements {
    let value = operands.value
    if operands.readsValues { return { value.access(at.batch + [at.first + $0, $1]) } }
    let tile = builder.tile("values", element, [shape.chunk, max(shape.width, 1)])
    builder.map([("r", at.rows), ("e", .constant(shape.width))]) { body, index in
      body.store(body.load(value.access(at.batch + [at.first + index[0], index[1]]), element), Access(tile, index[0], index[1]))
    }
    return { Access(tile, $0, $1) }
  }

  /// The sums of the logarithms of the chunk's decays, and the factors made of them.
  func loadDecays(_ decay: BoundSource, _ at: LinearAttentionChunk) throws -> Decays {
    let decays = Decays(
      logarithms: builder.tile("decay", element, [shape.chunk]), ofRow: builder.tile("row_decay", element, [shape.chunk]),
      toEnd: builder.tile("end_decay", element, [shape.chunk]), ofChunk: builder.scalar("chunk_decay", element))
    let total = builder.scalar("total", element, initial: .literal(Literal(0.0))).access
    builder.loop("t", to: at.rows) { row in
      builder.compute { body in
        // Differences of sums of infinities would be NaN.
        let next = body.apply(
          .maximum, body.constant(element.logarithmOfZero, element),
          decay.read(at.batch + [at.first + row], as: element, in: &body))
        let sum = body.apply(.add, body.load(total, element), next)
        body.store(sum, total)
        body.store(sum, Access(decays.logarithms, row))
      }
    }
    builder.map([("r", at.rows)]) { body, index in
      let sum = body.load(Access(decays.logarithms, index[0]), element)
      let rest = body.apply(.subtract, body.load(total, element), sum)
      body.store(body.apply(.exp, isReverse ? rest : sum), Access(decays.ofRow, index[0]))
      body.store(body.apply(.exp, isReverse ? sum : rest), Access(decays.toEnd, index[0]))
    }
    builder.compute { body in
      body.store(body.apply(.exp, body.load(total, element)), decays.ofChunk.access)
    }
    return decays
  }
}
