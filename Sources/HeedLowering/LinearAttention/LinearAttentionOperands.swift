import HeedIR

/// The extents of a linear attention.
struct LinearAttentionShape {
  /// The type of sums, states and factors: f32, or f64 for f64.
  let element: ElementType
  /// The batch dimensions: sequences, heads.
  let batch: [Extent]
  let rows: Extent
  /// The components of queries and keys, and of values.
  let depth: Int
  let width: Int
  let segmentCount: Extent

  /// The most components of a head, and the most numbers of the state, for which the tiles of a chunk fit a kernel's scratch.
  static let mostWidth = 1 << 16
  static let mostStateElements = 1 << 22

  /// The rows of a chunk: the fewer, the fewer products of pairs within it, half of them dead, and the more often the state is read and
  /// written. What a chunk works on then also fits the first-level cache beside a small state.
  ///
  /// Measured with widths of 32, 64 and 128, chunks of 16, 24, 32 and 48: 16 are 46%, 10% and -12% faster than 32, more are slower.
  var chunk: Int { depth * width * element.byteCount <= 32 << 10 ? 16 : 32 }
}

/// What a linear attention reads, bound to its kernel.
struct LinearAttentionOperands {
  let query: BoundView
  let key: BoundView
  let value: BoundView
  /// Whether products can read the values by vectors as they are stored.
  let readsValues: Bool
  /// The logarithms of the decays; nil where nothing decays.
  let decay: BoundSource?
  /// The state before the first row; nil for zeros.
  let firstState: BoundView?
  let firstSum: BoundView?
  /// Where the segments of a ragged batch begin; nil where the batch is not ragged.
  let offsets: BoundView?
}

/// What a linear attention writes, bound to its kernel.
struct LinearAttentionResults {
  let output: BoundView
  /// The state after the last row, where it is asked for.
  let lastState: BoundView?
  let lastSum: BoundView?

  init(_ builder: KernelBuilder, _ views: [ResultName: StridedView]) {
    output = builder.output(views[.output]!)
    lastState = views[.finalState].map { builder.output($0, name: "last_state") }
    lastSum = views[.finalKeySum].map { builder.output($0, name: "last_key_sum") }
  }
}

extension LinearAttentionKernel {
  /// Binds the operands and the results of `node`.
  /// - Throws: where a head width is not a constant.
  init(_ context: inout LoweringContext, _ node: NodeID) throws {
    let graph = context.graph
    let operands = Array(graph.operands(node))
    let shapes = operands.prefix(3).map { graph.type($0).shape.extents }
    guard let depth = shapes[0].last?.constant, let width = shapes[2].last?.constant else {
      throw context.unsupported(node, "the head widths must be constants")
    }
    guard max(depth, width) <= LinearAttentionShape.mostWidth, depth * width <= LinearAttentionShape.mostStateElements else {
      throw context.unsupported(
        node,
        "got heads of \(depth) and \(width) components, expected at most \(LinearAttentionShape.mostWidth) and a state of at most "
          + "\(LinearAttentionShape.mostStateElements) numbers")
    }
    let rows = shapes[0][shapes[0].count - 2]
    let views = try operands.prefix(3).map { try context.view($0) }
    let offsets = try graph.captured(node, .ragged).map { try context.offsets($0, total: rows) }
    let states = try [graph.captured(node, .state), graph.captured(node, .keySum)].map { try $0.map { try context.view($0) } }
    let results = context.allocateResults(node)

    let builder = KernelBuilder(Op.linearAttention)
    self.builder = builder
    self.operands = LinearAttentionOperands(
      query: builder.input(views[0]), key: builder.input(views[1]), value: builder.input(views[2]),
      readsValues: views[2].strides.last == 1,
      decay: graph.captured(node, .decay).map { builder.input(context.source($0)) },
      firstState: states[0].map { builder.input($0) }, firstSum: states[1].map { builder.input($0) },
      offsets: offsets.map { builder.input($0) })
    self.results = LinearAttentionResults(builder, results)
    shape = LinearAttentionShape(
      element: graph.type(operands[0]).element.computed, batch: Array(shapes[0].dropLast(2)), rows: rows, depth: depth,
      width: width, segmentCount: offsets.map { $0.shape[0] - 1 } ?? 1)
    let attributes = graph.attributes(node)
    (epsilon, isReverse, isExclusive) = (attributes[.epsilon]?.real, attributes.isSet(.reverse), attributes.isSet(.exclusive))
  }
}
