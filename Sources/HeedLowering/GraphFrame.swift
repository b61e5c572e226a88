import HeedIR

/// What lowering knows of a graph: the whole one, or the body of a loop.
struct GraphFrame {
  let graph: Graph
  /// Whether the graph is the body of a loop.
  let isBody: Bool
  let uses: ValueUses
  /// The operands of attention that are read in pages.
  let pagedRows: [ValueID: PagedRows]
  /// The nodes whose values are read elsewhere: the gathers of those pages and the views of them. They have nothing to compute.
  let readElsewhere: Set<NodeID>
  /// The values whose pages are gathered into a buffer first, and why.
  let pagesGathered: [(ValueID, String)]
  /// How states are replaced.
  let states: StateUpdates
  /// Where values are computed, for those that are computed into the memory of others and those of whom it is known beforehand.
  var homes: [ValueID: StridedView] = [:]
  /// The buffers that hold the states.
  private(set) var stateBuffers: Set<Int> = []
  /// The blocks `recompute` around the node that was lowered last.
  var recomputations: Set<BlockID> = []
  fileprivate(set) var sources: [Source?]

  init(_ graph: Graph, isBody: Bool = false) {
    (self.graph, self.isBody) = (graph, isBody)
    sources = Array(repeating: nil, count: graph.valueCapacity)
    uses = ValueUses(graph)
    if isBody {
      (pagedRows, readElsewhere, pagesGathered) = ([:], [], [])
    } else {
      let paged = graph.pagedRows(users: uses.users)
      (pagedRows, readElsewhere, pagesGathered) = (paged.rows, paged.nodes, paged.obstacles.map { ($0, $1) })
    }
    states = StateUpdates(graph, users: uses.users, readElsewhere: readElsewhere)
  }

  /// Puts the updates that are computed in place where their states lie.
  mutating func placeUpdates() {
    for argument in graph.arguments where argument.role == .state {
      if case .view(let view)? = sources[Int(argument.value.index)] { stateBuffers.insert(view.buffer) }
    }
    for (update, state) in states.inPlace {
      if case .view(let view)? = sources[Int(state.index)] { homes[update] = view }
    }
  }
}

extension LoweringContext {
  var graph: Graph { frame.graph }
  var uses: ValueUses { frame.uses }
  var states: StateUpdates { frame.states }
  var pagedRows: [ValueID: PagedRows] { frame.pagedRows }
  /// Where values are computed, if that is known.
  var homes: [ValueID: StridedView] {
    get { frame.homes }
    set { frame.homes = newValue }
  }

  func source(_ value: ValueID) -> Source {
    guard let source = frame.sources[Int(value.index)] else {
      preconditionFailure("%\(graph.name(value)) used before it is lowered")
    }
    return source
  }

  mutating func setSource(_ value: ValueID, _ source: Source) { frame.sources[Int(value.index)] = source }

  /// Goes on with the body of a loop, whose arguments are these.
  /// - Returns: the graph around it.
  mutating func enter(_ body: Graph, _ arguments: [Source]) -> GraphFrame {
    let outer = frame
    frame = GraphFrame(body, isBody: true)
    for (argument, source) in zip(body.arguments, arguments) { setSource(argument.value, source) }
    frame.placeUpdates()
    return outer
  }

  /// Goes on with the graph around the body.
  mutating func leave(to outer: GraphFrame) { frame = outer }

  /// Begins the calls that a loop repeats; `index` stands for the number of the step.
  /// - Parameter changed: the buffers that its steps write and that are read before that, or behind it.
  mutating func openLoop(_ index: Name, changing changed: Set<Int>) {
    levels.open(index)
    for buffer in changed {
      levels.keep(buffer, at: levels.depth)
      levels.note(buffer, at: levels.depth)
    }
  }

  /// Ends the calls that a loop repeats.
  mutating func closeLoop(_ loop: Program.Loop) {
    // What was packed in each step is of the last one.
    panels = panels.filter { levels.level(of: $0.value) < levels.depth }
    levels.close(loop)
  }
}
