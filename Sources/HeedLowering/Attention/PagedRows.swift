import HeedIR

/// Keys or values that lie in pages which a table names: views of what a `gather` of pages gives, not yet gathered.
///
/// `[B, H, P*16, D]` of the pages `[C, 16, H, D]` and the table `[B, P]`, say: row n of sequence b lies in the page `table[b, n/16]`, at
/// the place n % 16. Attention reads such rows where they are, so that no cache is copied.
struct PagedRows {
  /// What an index counts along.
  enum Axis: Hashable {
    case table(Int)
    /// A dimension of the pages but for the one that the table's entries index.
    case page(Int)
    /// The same again: what a broadcast made.
    case again(Int)
  }

  let pages: ValueID
  let table: ValueID
  /// The dimension of the pages that the table's entries index.
  let dimension: Int
  /// For each dimension of the rows, `[batch..., rows, columns]`, what its index counts along, the outermost first; nothing where all its
  /// indices are the same element.
  private(set) var axes: [[Axis]]
  /// The gather and the views of it.
  let nodes: [NodeID]

  /// What keeps rows from being read in pages.
  struct Obstacle: Error { let reason: String }

  /// The pages that `value` is read from; nil where it is no view of a gather.
  /// - Throws: `Obstacle` where it is one that cannot be read in place.
  init?(_ value: ValueID, in graph: Graph) throws(Obstacle) {
    var nodes: [NodeID] = []
    var current = value
    while let node = graph.definingNode(current) {
      nodes.append(node)
      if graph.op(node) == .gather { break }
      guard graph.isView(node) else { return nil }
      current = graph.operands(node).first!
    }
    guard let gather = nodes.last, graph.op(gather) == .gather else { return nil }
    let operands = Array(graph.operands(gather))
    (pages, table, self.nodes) = (operands[0], operands[1], nodes)
    let dimension = graph.attributes(gather).required(.dim)
    self.dimension = dimension
    guard case .argument(let position) = graph.origin(table), graph.arguments[position].role == .input else {
      throw Obstacle(reason: "the table of its pages is not an input: only entries of inputs are checked at each call")
    }
    let tableShape = graph.type(operands[1]).shape.extents
    var walk = Walk(facts: graph.facts)
    for (axis, extent) in graph.type(operands[0]).shape.extents.enumerated() {
      if axis == dimension {
        for (axis, extent) in tableShape.enumerated() { walk.append(.table(axis), extent) }
      } else {
        walk.append(.page(axis), extent)
      }
    }
    for node in nodes.dropLast().reversed() {
      guard walk.follow(node, in: graph) else {
        throw Obstacle(reason: "\(graph.op(node).mnemonic) takes its pages apart")
      }
    }
    axes = walk.dimensions
    guard isReadable else { throw Obstacle(reason: "its rows are not those of whole pages, one after the other") }
  }

  /// Whether the rows are those of pages, one page after the other or all in one, and each batch dimension counts along one thing.
  private var isReadable: Bool {
    guard axes.count >= 2, axes.dropLast(2).allSatisfy({ $0.count <= 1 }), axes.last!.count == 1, case .page = axes.last![0] else {
      return false
    }
    switch axes[axes.count - 2].count {
    case 1: if case .page = axes[axes.count - 2][0] { return true } else { return false }
    case 2: if case .table = axes[axes.count - 2][0], case .page = axes[axes.count - 2][1] { return true } else { return false }
    default: return false
    }
  }
}

/// The axes of a value's dimensions, from a gather through views of it.
private struct Walk {
  let facts: [Fact]
  var dimensions: [[PagedRows.Axis]] = []
  private var extents: [PagedRows.Axis: Extent] = [:]

  init(facts: [Fact]) { self.facts = facts }

  mutating func append(_ axis: PagedRows.Axis, _ extent: Extent) {
    extents[axis] = extent
    // An axis of one element has no index to find.
    dimensions.append(extent == 1 ? [] : [axis])
  }

  /// The dimensions after a view; false where one would hold a part of an axis.
  mutating func follow(_ node: NodeID, in graph: Graph) -> Bool {
    let (attributes, shape) = (graph.attributes(node), graph.type(graph.result(node)).shape.extents)
    switch graph.op(node) {
    case .transpose:
      dimensions = attributes.required(.permutation).map { dimensions[$0] }
      return true
    case .broadcast:
      let targets = attributes.required(.dims)
      dimensions = shape.indices.map { dimension in
        if let source = targets.firstIndex(of: dimension), !dimensions[source].isEmpty || shape[dimension] == 1 {
          return dimensions[source]
        }
        if shape[dimension] == 1 { return [] }
        let again = PagedRows.Axis.again(extents.count)
        extents[again] = shape[dimension]
        return [again]
      }
      return true
    // It is widened as it is loaded.
    case .convert: return true
    default: return regroup(shape)
    }
  }

  /// The same axes in the dimensions of a reshape.
  private mutating func regroup(_ shape: [Extent]) -> Bool {
    var rest = dimensions.flatMap { $0 }[...]
    var grouped: [[PagedRows.Axis]] = []
    for extent in shape {
      var (axes, count): ([PagedRows.Axis], Extent) = ([], 1)
      while !count.isEqual(to: extent, given: facts) {
        guard let axis = rest.popFirst() else { return false }
        axes.append(axis)
        count = count * extents[axis]!
      }
      grouped.append(axes)
    }
    dimensions = grouped
    return rest.isEmpty
  }
}

extension Graph {
  /// Whether the node arranges elements, or widens floats, which loads do.
  fileprivate func isView(_ node: NodeID) -> Bool {
    if op(node) == .convert { return type(result(node)).element.isNarrowed(by: type(operands(node).first!).element) }
    return [Op.transpose, .reshape, .broadcast].contains(op(node))
  }

  /// The keys and values of attention that can be read in pages, by operand; the nodes that need not run for that; and the operands that
  /// are views of a gather and cannot, with the reasons.
  func pagedRows(users: [[NodeID]]) -> (
    rows: [ValueID: PagedRows], nodes: Set<NodeID>, obstacles: [(value: ValueID, reason: String)]
  ) {
    var found: (rows: [ValueID: PagedRows], nodes: Set<NodeID>, obstacles: [(value: ValueID, reason: String)]) = ([:], [], [])
    for node in body where op(node) == .attention && attributes(node)[.ragged] == nil {
      for value in operands(node).dropFirst().prefix(2) where found.rows[value] == nil {
        do throws(PagedRows.Obstacle) {
          guard let rows = try PagedRows(value, in: self) else { continue }
          for (inner, user) in zip(rows.nodes, [node] + rows.nodes) {
            guard Set(users[Int(result(inner).index)]) == [user], !results.contains(result(inner)) else {
              throw PagedRows.Obstacle(reason: "it is used elsewhere")
            }
          }
          found.rows[value] = rows
          found.nodes.formUnion(rows.nodes)
        } catch {
          found.obstacles.append((value, error.reason))
        }
      }
    }
    return found
  }
}

/// Where the rows of keys or values lie.
enum RowSource {
  case array(StridedView)
  case pages(PagedRows, pages: StridedView, table: StridedView)
}

extension LoweringContext {
  /// Where a kernel reads the rows of keys or values: in pages, whose table is checked at each call, where they can be read so.
  mutating func rowSource(_ value: ValueID) throws -> RowSource {
    guard let rows = pagedRows[value] else { return .array(try view(value)) }
    if let buffer = inputBuffer(rows.table) {
      addCheck(.indices(buffer: buffer, limit: graph.type(rows.pages).shape[rows.dimension]))
    }
    remark(
      .applied, value,
      "its pages %\(graph.name(rows.pages)) are read where the table %\(graph.name(rows.table)) says, without a copy")
    return .pages(rows, pages: try view(rows.pages), table: try view(rows.table))
  }
}
