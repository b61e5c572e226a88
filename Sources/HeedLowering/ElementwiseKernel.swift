import HeedIR

extension LoweringContext {
  /// A kernel that computes `outputs` element by element: all outputs and inputs have the shape `shape`. Each input is read in the
  /// type that its element type is computed in.
  ///
  /// Dimensions that are contiguous in all of them become one; the last is vectorised, the others run in parallel.
  mutating func emitElementwise(
    _ name: Name, shape: [Extent], inputs: [(Source, ElementType)], outputs: [StridedView], cost: Cost? = nil,
    _ region: (_ body: inout BodyBuilder, _ values: [BodyValue]) throws -> [BodyValue]
  ) throws {
    let groups = collapsedDimensions(shape, sources: inputs.map(\.0) + outputs.map(Source.view))
    let extents = groups.map { group in group.reduce(Extent(1)) { $0 * shape[$1] } }
    let builder = KernelBuilder(name)
    let boundInputs = inputs.map { builder.input($0.0.collapsed(groups, shape)) }
    let boundOutputs = outputs.map { builder.output($0.collapsed(groups, shape)) }
    try builder.elementwisePhase("run", extents) { body, indices in
      let values = zip(boundInputs, inputs).map { $0.read(indices, as: $1.1.computed, in: &body) }
      for (value, output) in zip(try region(&body, values), boundOutputs) { body.store(value, output.access(indices)) }
    }
    let bytes =
      shape.reduce(Extent(1), *)
      * Extent(outputs.reduce(0) { $0 + $1.element.byteCount } + inputs.reduce(0) { $0 + $1.1.byteCount })
    try emit(builder, cost: cost ?? Cost(flops: 0, bytes: bytes))
  }

  /// Groups of neighbouring dimensions that can be taken as one: in every view the outer stride is the inner one times the inner
  /// extent, and no iota counts along either. Dimensions of extent 1 are dropped.
  func collapsedDimensions(_ shape: [Extent], sources: [Source]) -> [[Int]] {
    var groups: [[Int]] = []
    for dimension in shape.indices where shape[dimension] != 1 {
      if let last = groups.last?.last, sources.allSatisfy({ $0.canMerge(last, dimension, shape) }) {
        groups[groups.count - 1].append(dimension)
      } else {
        groups.append([dimension])
      }
    }
    return groups
  }
}

extension Source {
  fileprivate func canMerge(_ outer: Int, _ inner: Int, _ shape: [Extent]) -> Bool {
    switch self {
    case .view(let view): view.strides[outer] == view.strides[inner] * shape[inner]
    case .iota(let dimension): dimension != outer && dimension != inner
    case .literal, .extent: true
    }
  }

  func collapsed(_ groups: [[Int]], _ shape: [Extent]) -> Source {
    switch self {
    case .view(let view): .view(view.collapsed(groups, shape))
    case .iota(let dimension): groups.firstIndex { $0.contains(dimension) }.map { .iota(dimension: $0) } ?? .literal(Literal(0))
    case .literal, .extent: self
    }
  }
}

extension StridedView {
  func collapsed(_ groups: [[Int]], _ shape: [Extent]) -> StridedView {
    var view = self
    view.shape = groups.map { group in group.reduce(Extent(1)) { $0 * shape[$1] } }
    view.strides = groups.map { strides[$0.last!] }
    return view
  }
}

extension KernelBuilder {
  /// How many elements one point of an elementwise phase's domain computes, about.
  private static let grain = 8192

  /// A phase that visits every index of a box, the last dimension vectorised, the others in parallel.
  func elementwisePhase(
    _ name: Name, _ extents: [Extent], _ build: (_ body: inout BodyBuilder, _ indices: [IntegerExpression]) throws -> Void
  ) rethrows {
    let (outer, indices) = domain(extents.dropLast(2))
    func blocked(_ extent: Extent, size: Int) -> (blocks: Dimension, start: IntegerExpression, count: IntegerExpression) {
      let (blocks, index) = dimension("t", IntegerExpression(extent.dividedRoundingUp(by: size)))
      let start = index * .constant(size)
      return (blocks, start, .blockSize(extent, block: start, size: size))
    }
    switch extents.count {
    case 0: try phase(name, []) { try compute { body in try build(&body, []) } }
    case 1:
      let (blocks, start, count) = blocked(extents[0], size: Self.grain)
      try phase(name, [blocks]) {
        try map([("c", count)]) { body, inner in try build(&body, [start + inner[0]]) }
      }
    default:
      let columns = extents[extents.count - 1]
      let (blocks, start, count) = blocked(
        extents[extents.count - 2], size: max(1, Self.grain / (columns.constant.map { max($0, 1) } ?? 1024)))
      try phase(name, outer + [blocks]) {
        try map([("r", count), ("c", IntegerExpression(columns))]) { body, inner in
          try build(&body, indices + [start + inner[0], inner[1]])
        }
      }
    }
  }
}
