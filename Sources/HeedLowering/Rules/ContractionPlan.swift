import HeedIR
import HeedSchedule

/// What a contraction's kernel is made of: its operands, the letters of its subscripts in groups, and the form of the products.
struct ContractionPlan {
  let left: LetteredView
  let right: LetteredView
  let output: LetteredView
  /// What the epilogue reads: views of the result's shape.
  let extras: [(source: Source, element: ElementType)]
  /// The type of the sums.
  let accumulator: ElementType

  let groups: ContractionGroups

  /// Whether the right operand is packed into panels; otherwise it is read as it is.
  let isPacked: Bool
  /// The columns of a panel of the packed right operand.
  let width: Int
  /// What a block computes: rows, columns, and the depth multiplied at once where that is not all.
  let tile: (rows: Int, columns: Int, depth: Int?)
  /// Whether products of two neighbours of the depth are summed at once.
  let isPaired: Bool

  var panelCount: Extent { groups.extent(groups.column).dividedRoundingUp(by: width) }
  var hasWholePanels: Bool { groups.extent(groups.column).dividedExactly(by: width) != nil }

  /// The most rows that count as few: then reading the right operand sets the pace, and it is packed at load alone.
  private static let fewRows = 16
  private let hasFewRows: Bool

  /// The type of the packed elements. For a few rows they stay as short as they are.
  var packedElement: ElementType {
    let element = right.view.element
    return isPaired || hasFewRows && element.byteCount < accumulator.byteCount ? element : accumulator
  }

  /// The parts of the depth that are multiplied one after the other, the last of them shorter or as long; in pairs where there are
  /// pairs. Nil for one part.
  var depthParts: (count: Int, length: Int, total: Int)? {
    guard let depth = tile.depth, groups.over.count == 1, let extent = groups.extent(groups.over[0]).constant, extent > depth else {
      return nil
    }
    let unit = isPaired ? 2 : 1
    let (length, total) = (max(1, depth / unit), extent / unit)
    return total > length ? ((total + length - 1) / length, length, total) : nil
  }

  init(_ context: inout LoweringContext, _ node: NodeID) throws {
    let graph = context.graph
    var operands = Array(graph.operands(node))
    var subscripts = graph.attributes(node).required(.subscripts)
    if subscripts.rightFree.isEmpty, !subscripts.leftFree.isEmpty {
      // Columns fill vectors: an operand that has none goes to the left.
      operands.swapAt(0, 1)
      subscripts = subscripts.swapped
    }
    var extents: [Character: Extent] = [:]
    for (letters, operand) in zip([subscripts.left, subscripts.right], operands) {
      for (letter, extent) in zip(letters, graph.type(operand).shape.extents) { extents[letter] = extent }
    }
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
    func grouped(_ letters: [Character], _ sources: [(Source, [Character])]) -> [[Character]] {
      let selected = sources.map { source in source.0.selecting(letters.map { source.1.firstIndex(of: $0)! }) }
      return context.collapsedDimensions(letters.map { extents[$0]! }, sources: selected).map { $0.map { letters[$0] } }
    }
    let few = extents.count(of: subscripts.leftFree).constant.map { $0 <= Self.fewRows } ?? false
    let strides = right.view.strides
    let isReadable = [subscripts.rightFree.last, subscripts.over.last].contains { letter in
      letter.map { strides[subscripts.right.firstIndex(of: $0)!] == 1 } ?? false
    }
    (hasFewRows, isPacked) = (few, !(few && isReadable && !context.isLoadTime(right.view) && !subscripts.rightFree.isEmpty))
    let inRight = isPacked ? [] : [(Source.view(right.view), right.letters)]
    let groups = ContractionGroups(
      batch: subscripts.batch.map { [$0] }, rows: grouped(subscripts.leftFree, inLeft + inResult),
      columns: grouped(subscripts.rightFree, inResult + inRight), over: grouped(subscripts.over, inLeft + inRight),
      extents: extents)
    self.groups = groups
    width =
      Self.panelVectors(groups.extent(groups.column), accumulator, context.target) * context.target.lanes(of: accumulator)

    var canPair = context.target.has(.bfloat16Products) && accumulator == .f32
    canPair = canPair && left.view.element == .bf16 && right.view.element == .bf16
    if canPair, let innermost = groups.over.last {
      canPair = groups.extent(innermost).dividedExactly(by: 2) != nil && left.stride(innermost.last!) == 1
    }
    isPaired = canPair && !groups.over.isEmpty && isPacked
    let rowCount = groups.extent(groups.row).constant
    // Rows that are read as they are lie far apart: so many at once stay within what the processor's page tables know.
    if !isPacked, right.stride(subscripts.rightFree.last!) == 1 {
      tile = (max(1, rowCount ?? 1), 4096 / right.view.element.byteCount, 64)
      return
    }
    let standard = context.target.panelWidth(ofSums: accumulator)
    let sizes = graph.attributes(node)[.tile] ?? []
    let depth = ProductBlocks.depth(groups.over.map(groups.extent))
    let blocks = ProductBlocks(
      rows: sizes.first ?? rowCount, depth: depth, panel: standard,
      byteCount: left.view.element.byteCount, on: context.target)
    tile = (
      sizes.first ?? blocks.rows, sizes.count > 1 ? sizes[1] : 4 * standard, sizes.count > 2 ? sizes[2] : blocks.depth
    )
  }

  /// The vectors of a panel's width: those that leave the fewest columns empty, three where that is all the same.
  ///
  /// The costs are those of a column in register tiles of so many vectors.
  private static func panelVectors(_ columns: Extent, _ element: ElementType, _ target: Target) -> Int {
    guard let columns = columns.constant, columns > 0 else { return 3 }
    let lanes = target.lanes(of: element)
    var costs: [(vectors: Int, cost: Double)] = [(3, 1.0), (2, 1.04), (1, 1.3)]
    // Four vectors leave too few rows where there are 16 registers.
    if target.vectorRegisterCount > 16 { costs.insert((4, 1.01), at: 1) }
    func cost(_ choice: (vectors: Int, cost: Double)) -> Double {
      let width = choice.vectors * lanes
      return Double((columns + width - 1) / width * width) * choice.cost
    }
    return costs.min { cost($0) < cost($1) }!.vectors
  }
}
