import HeedIR

/// A tensor whose dimensions have letters.
struct LetteredView {
  var view: StridedView
  var letters: [Character]

  func positions(_ group: [Character]) -> [Int] { group.map { letters.firstIndex(of: $0)! } }

  /// Each group of letters, which must merge, as one dimension; an empty one has extent 1.
  func arranged(_ groups: [[Character]]) -> StridedView { view.collapsedKeepingAll(groups.map(positions), view.shape) }

  /// The stride along a letter.
  func stride(_ letter: Character) -> Extent { view.strides[positions([letter])[0]] }
}

/// What of a contraction its kernel is made of: the letters of its subscripts in groups, each one dimension of the kernel, and the form
/// of the products.
struct ContractionPlan {
  let left: LetteredView
  let right: LetteredView
  let output: LetteredView
  /// What the epilogue reads: views of the result's shape.
  let extras: [(source: Source, element: ElementType)]
  /// The type of the sums.
  let accumulator: ElementType

  let batch: [[Character]]
  /// The rows but for the innermost group, and that.
  let rows: [[Character]]
  let row: [Character]
  let columns: [[Character]]
  let column: [Character]
  let over: [[Character]]

  /// The columns of a panel of the packed right operand.
  let width: Int
  /// Whether products of two neighbours of the depth are summed at once.
  let isPaired: Bool
  private let extents: [Character: Extent]

  var outer: [[Character]] { batch + rows }
  var panelCount: Extent { extent(column).dividedRoundingUp(by: width) }
  var hasWholePanels: Bool { extent(column).dividedExactly(by: width) != nil }

  /// The type of the packed elements.
  var packedElement: ElementType { isPaired ? .bf16 : accumulator }

  func extent(_ group: [Character]) -> Extent { group.reduce(Extent(1)) { $0 * extents[$1]! } }
  func extent(of letter: Character) -> Extent { extents[letter]! }

  init(_ context: inout LoweringContext, _ node: NodeID) throws {
    let graph = context.graph
    var operands = Array(graph.operands(node))
    var subscripts = try ContractSubscripts(graph.attributes(node).word("subscripts").text)
    if subscripts.rightFree.isEmpty, !subscripts.leftFree.isEmpty {
      // Columns fill vectors: an operand that has none goes to the left.
      operands.swapAt(0, 1)
      subscripts = ContractSubscripts(left: subscripts.right, right: subscripts.left, result: subscripts.result)
    }
    var extents: [Character: Extent] = [:]
    for (letters, operand) in zip([subscripts.left, subscripts.right], operands) {
      for (letter, extent) in zip(letters, graph.type(operand).shape.extents) { extents[letter] = extent }
    }
    self.extents = extents
    left = LetteredView(view: try context.view(operands[0]), letters: subscripts.left)
    right = LetteredView(view: try context.view(operands[1]), letters: subscripts.right)
    output = LetteredView(view: context.allocateResult(node), letters: subscripts.result)
    let shape = output.view.shape
    extras = operands.dropFirst(2).map { operand in
      let (type, source) = (graph.type(operand), context.source(operand))
      return (type.rank == 0 ? source.broadcast(dims: [], to: shape) : source, type.element)
    }
    accumulator = (graph.regions(node).first?.parameters[0].type ?? graph.type(graph.result(node)).element).computed

    let inResult = [(Source.view(output.view), output.letters)] + extras.map { ($0.source, subscripts.result) }
    let inLeft = [(Source.view(left.view), left.letters)]
    func groups(_ letters: [Character], _ sources: [(Source, [Character])]) -> [[Character]] {
      let selected = sources.map { source in source.0.selecting(letters.map { source.1.firstIndex(of: $0)! }) }
      return context.collapsedDimensions(letters.map { extents[$0]! }, sources: selected).map { $0.map { letters[$0] } }
    }
    batch = subscripts.batch.map { [$0] }
    var rowGroups = groups(subscripts.leftFree, inLeft + inResult)
    var columnGroups = groups(subscripts.rightFree, inResult)
    row = rowGroups.popLast() ?? []
    column = columnGroups.popLast() ?? []
    (rows, columns) = (rowGroups, columnGroups)
    over = groups(subscripts.over, inLeft)
    width = 3 * context.target.lanes(of: accumulator)

    var canPair = context.target.hasBFloat16Products && accumulator == .f32
    canPair = canPair && left.view.element == .bf16 && right.view.element == .bf16
    if canPair, let innermost = over.last {
      let depth = innermost.reduce(Extent(1)) { $0 * extents[$1]! }
      canPair = depth.dividedExactly(by: 2) != nil && left.stride(innermost.last!) == 1
    }
    isPaired = canPair && !over.isEmpty
  }

  /// The contracted dimensions of a kernel, and the operands' indices along them.
  struct Depth {
    fileprivate(set) var dimensions: [Dimension] = []
    fileprivate(set) var left: [IntegerExpression] = []
    fileprivate var packed: [IntegerExpression] = []
    fileprivate var pair: IntegerExpression?

    /// The last indices into the panels: the depth, the column and, where there are pairs, which of a pair.
    func right(column: IntegerExpression) -> [IntegerExpression] { packed + [column] + (pair.map { [$0] } ?? []) }
  }

  func depth(_ builder: inout KernelBuilder) -> Depth {
    var depth = Depth()
    for (position, group) in (over.isEmpty ? [[]] : over).enumerated() {
      let isPairs = isPaired && position == over.count - 1
      let extent = isPairs ? extent(group).dividedExactly(by: 2)! : extent(group)
      let (dimension, index) = builder.dimension(Name("k\(position)"), IntegerExpression(extent))
      depth.dimensions.append(dimension)
      if isPairs {
        let (pair, which) = builder.dimension("u", 2)
        depth.dimensions.append(pair)
        depth.left.append(index * 2 + which)
        depth.pair = which
      } else if !over.isEmpty {
        depth.left.append(index)
      }
      if !over.isEmpty { depth.packed.append(index) }
    }
    return depth
  }
}
