import HeedIR

extension LoweringRule {
  /// Causal linear attention by chunks of rows: within a chunk the masked product of queries and keys times the values, from the
  /// chunks before it the queries times the state, a tile of D x E numbers that is carried along. Batch and heads run in parallel.
  /// (The chunked form of Katharopoulos et al. 2020; decays as in RetNet, Sun et al. 2023.)
  static let linearAttention = LoweringRule { context, node in
    var lowering = try LinearAttentionLowering(&context, node)
    try lowering.attend()
    try context.emit(lowering.builder, cost: context.cost(node))
  }
}

/// The state of lowering one `linear_attention`.
struct LinearAttentionLowering {
  /// The type of sums, states and factors: f32, or f64 for f64.
  let element: ElementType
  let batch: [Extent]
  let rows: Extent
  /// The components of queries and keys, and of values.
  let depth: Int
  let width: Int
  /// What is added to the denominator; nil where there is none.
  let epsilon: Double?
  /// The rows of a chunk.
  let chunk: Int

  let builder: KernelBuilder
  let query: BoundView
  let key: BoundView
  let value: BoundView
  /// Whether products can read the values by vectors as they are stored.
  let readsValues: Bool
  let decay: BoundSource?
  let firstState: BoundView?
  let firstSum: BoundView?
  let offsets: BoundView?
  let segmentCount: Extent
  let output: BoundView
  let lastState: BoundView?
  let lastSum: BoundView?

  init(_ context: inout LoweringContext, _ node: NodeID) throws {
    let graph = context.graph
    let (operands, attributes) = (Array(graph.operands(node)), graph.attributes(node))
    let shapes = operands.prefix(3).map { graph.type($0).shape.extents }
    guard let depth = shapes[0].last?.constant, let width = shapes[2].last?.constant else {
      throw context.unsupported(node, "the head widths must be constants")
    }
    element = graph.type(operands[0]).element.computed
    let rows = shapes[0][shapes[0].count - 2]
    (batch, self.rows) = (Array(shapes[0].dropLast(2)), rows)
    (self.depth, self.width) = (depth, width)
    epsilon = attributes[.epsilon]?.real
    chunk = Self.rowsOfChunk(stateBytes: depth * width * element.byteCount)

    let views = try operands.prefix(3).map { try context.view($0) }
    let offsetsView = try graph.captured(node, .ragged).map { try context.offsets($0, total: rows) }
    segmentCount = offsetsView.map { $0.shape[0] - 1 } ?? 1
    let states = try [graph.captured(node, .state), graph.captured(node, .keySum)].map { try $0.map { try context.view($0) } }
    let results = context.allocateResults(node)

    let builder = KernelBuilder(Op.linearAttention)
    (query, key, value) = (builder.input(views[0]), builder.input(views[1]), builder.input(views[2]))
    readsValues = views[2].strides.last == 1
    decay = graph.captured(node, .decay).map { builder.input(context.source($0)) }
    firstState = states[0].map { builder.input($0) }
    firstSum = states[1].map { builder.input($0) }
    offsets = offsetsView.map { builder.input($0) }
    output = builder.output(results[.output]!)
    lastState = results[.finalState].map { builder.output($0, name: "last_state") }
    lastSum = results[.finalKeySum].map { builder.output($0, name: "last_key_sum") }
    self.builder = builder
  }

  /// The one phase: a point for each batch index and segment.
  mutating func attend() throws {
    let (points, indices) = builder.domain(batch)
    var domain = points
    let total = IntegerExpression(rows)
    var block: [Statement] = []
    var (start, length): (IntegerExpression, IntegerExpression) = (0, total)
    if let offsets {
      let (segments, segment) = builder.dimension("s", IntegerExpression(segmentCount))
      domain.append(segments)
      // What is not checked at the call may be anything: no segment leaves the rows.
      func offset(_ segment: IntegerExpression) -> IntegerExpression {
        .smaller(.apply(.maximum, .load(offsets.access([segment])), 0), total)
      }
      start = builder.define("start", offset(segment), in: &block)
      length = builder.define("length", .apply(.maximum, offset(segment + 1) - start, 0), in: &block)
    }
    let state = LinearAttentionState(builder, element, depth: depth, width: width, hasSum: epsilon != nil, in: &block)
    begin(state, indices, in: &block)
    let variable = builder.variable("i0")
    var round: [Statement] = []
    let rows = builder.define("rows", .smaller(length - .variable(variable), .constant(chunk)), in: &round)
    let first = builder.define("first", start + .variable(variable), in: &round)
    try attend(LinearAttentionChunk(batch: indices, first: first, rows: rows), state, in: &round)
    block.append(.loop(Loop(variable, from: 0, to: length, step: chunk, body: round)))
    finish(state, indices, in: &block)
    builder.phase("attend", domain, block)
  }

  /// The state before the first row.
  private mutating func begin(_ state: LinearAttentionState, _ batch: [IntegerExpression], in block: inout [Statement]) {
    let (element, firstState, firstSum) = (element, firstState, firstSum)
    builder.map([("d", .constant(depth)), ("e", .constant(width))], in: &block) { body, at in
      let number = firstState.map { body.load($0.access(batch + at), element) } ?? body.constant(0, element)
      body.store(number, Access(state.matrix, at[0], at[1]))
    }
    guard let sum = state.sum else { return }
    builder.map([("d", .constant(depth))], in: &block) { body, at in
      let number = firstSum.map { body.load($0.access(batch + at), element) } ?? body.constant(0, element)
      body.store(number, Access(sum, at[0]))
    }
  }

  /// The state after the last row, where it is asked for.
  private mutating func finish(_ state: LinearAttentionState, _ batch: [IntegerExpression], in block: inout [Statement]) {
    let element = element
    if let lastState {
      builder.map([("d", .constant(depth)), ("e", .constant(width))], in: &block) { body, at in
        body.store(body.load(Access(state.matrix, at[0], at[1]), element), lastState.access(batch + at))
      }
    }
    if let lastSum, let sum = state.sum {
      builder.map([("d", .constant(depth))], in: &block) { body, at in
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

  init(
    _ builder: KernelBuilder, _ element: ElementType, depth: Int, width: Int, hasSum: Bool, in block: inout [Statement]
  ) {
    matrix = builder.tile("state", element, [max(depth, 1), max(width, 1)], in: &block)
    sum = hasSum ? builder.tile("key_sum", element, [max(depth, 1)], in: &block) : nil
  }
}

/// A chunk of rows.
struct LinearAttentionChunk {
  var batch: [IntegerExpression]
  var first: IntegerExpression
  var rows: IntegerExpression
}
