import HeedIR

extension LoweringRule {
  /// Causal linear attention by chunks of rows: within a chunk the masked product of queries and keys times the values, from the
  /// chunks before it the queries times the state, a tile of D x E numbers that is carried along. Batch and heads run in parallel.
  /// (The chunked form of Katharopoulos et al. 2020; decays as in RetNet, Sun et al. 2023.)
  static let linearAttention = LoweringRule { context, node in
    let kernel = try LinearAttentionKernel(&context, node)
    try kernel.attend()
    try context.emit(kernel.builder, cost: context.cost(node))
  }
}

/// The kernel of one `linear_attention` being built.
struct LinearAttentionKernel {
  let builder: KernelBuilder
  let shape: LinearAttentionShape
  let operands: LinearAttentionOperands
  let results: LinearAttentionResults
  /// What is added to the denominator; nil where there is none.
  let epsilon: Double?
  /// Whether chunks are taken from the last to the first, and a query reads the keys from its row on.
  let isReverse: Bool
  /// Whether a query does not read the key of its own row.
  let isExclusive: Bool

  /// The type of sums, states and factors.
  var element: ElementType { shape.element }

  /// The one phase: a point for each batch index and segment.
  func attend() throws {
    let (points, indices) = builder.domain(shape.batch)
    guard let offsets = operands.offsets else {
      return try builder.phase("attend", points) {
        try attend(indices, Span(first: 0, count: IntegerExpression(shape.rows)))
      }
    }
    let (segments, segment) = builder.dimension("s", IntegerExpression(shape.segmentCount))
    try builder.phase("attend", points + [segments]) {
      // What is not checked at the call may be anything: no segment leaves the rows.
      func offset(_ segment: IntegerExpression) -> IntegerExpression {
        .smaller(.apply(.maximum, .load(offsets.access([segment])), 0), IntegerExpression(shape.rows))
      }
      let start = builder.define("start", offset(segment))
      let length = builder.define("length", .apply(.maximum, offset(segment + 1) - start, 0))
      try attend(indices, Span(first: start, count: length))
    }
  }

  /// The chunks of a sequence or a segment, in order.
  private func attend(_ batch: [IntegerExpression], _ sequence: Span) throws {
    let state = LinearAttentionState(builder, shape, hasSum: epsilon != nil)
    begin(state, batch)
    try builder.loop("i0", to: sequence.count, step: shape.chunk) { index in
      let rows = builder.define("rows", .smaller(sequence.count - index, .constant(shape.chunk)))
      // A chunk's rows are in their order in both directions.
      let start = isReverse ? sequence.count - index - rows : index
      let first = builder.define("first", sequence.first + start)
      try attend(LinearAttentionChunk(batch: batch, first: first, rows: rows), state)
    }
    finish(state, batch)
  }

  /// The state before the first row.
  private func begin(_ state: LinearAttentionState, _ batch: [IntegerExpression]) {
    builder.map([("d", .constant(shape.depth)), ("e", .constant(shape.width))]) { body, at in
      let number = operands.firstState.map { body.load($0.access(batch + at), element) } ?? body.constant(0, element)
      body.store(number, Access(state.matrix, at[0], at[1]))
    }
    guard let sum = state.sum else { return }
    builder.map([("d", .constant(shape.depth))]) { body, at in
      let number = operands.firstSum.map { body.load($0.access(batch + at), element) } ?? body.constant(0, element)
      body.store(number, Access(sum, at[0]))
    }
  }

  /// The state after the last row, where it is asked for.
  private func finish(_ state: LinearAttentionState, _ batch: [IntegerExpression]) {
    if let lastState = results.lastState {
      builder.map([("d", .constant(shape.depth)), ("e", .constant(shape.width))]) { body, at in
        body.store(body.load(Access(state.matrix, at[0], at[1]), element), lastState.access(batch + at))
      }
    }
    if let lastSum = results.lastSum, let sum = state.sum {
      builder.map([("d", .constant(shape.depth))]) { body, at in
        body.store(body.load(Access(sum, at[0]), element), lastSum.access(batch + at))
      }
    }
  }
}

/// What is carried from chunk to chunk: tiles of a phase.
struct LinearAttentionState {
  /// The sum of the products of keys and values: [depth, width].
  let matrix: Place
  /// The sum of the keys, where there is a denominator: [depth].
  let sum: Place?

  init(_ builder: KernelBuilder, _ shape: LinearAttentionShape, hasSum: Bool) {
    matrix = builder.tile("state", shape.element, [max(shape.depth, 1), max(shape.width, 1)])
    sum = hasSum ? builder.tile("key_sum", shape.element, [max(shape.depth, 1)]) : nil
  }
}

/// A chunk of rows.
struct LinearAttentionChunk {
  var batch: [IntegerExpression]
  var first: IntegerExpression
  var rows: IntegerExpression
}
