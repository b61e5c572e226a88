import HeedIR

/// Where a value is best computed: in the memory of what is made of it, where that is a mere arrangement.
private struct Home {
  /// The value whose memory it is.
  var root: ValueID
  /// The elements there; the buffer is -1 while there is none yet.
  var view: StridedView
  /// Whether other values lie in the same memory.
  var isShared = false
}

/// What a graph does with its values.
struct ValueUses {
  /// The nodes that use each value, by its index.
  let users: [[NodeID]]
  /// What is returned or replaces a state.
  let isResult: Set<ValueID>
  let isReturned: Set<ValueID>
  /// The values that change from call to call, or from step to step.
  let isOfCall: Set<ValueID>

  init(_ graph: Graph) {
    users = graph.users()
    isResult = Set(graph.results)
    isReturned = Set(graph.results.prefix(graph.returnedCount))
    isOfCall = graph.dependents { $0 != .parameter }
  }

  /// Whether a node uses the value, or it is a result.
  func isUsed(_ value: ValueID) -> Bool { isResult.contains(value) || !users[Int(value.index)].isEmpty }
}

extension LoweringContext {
  /// Memory for a value that a node computes, in the order in which its user reads it best.
  ///
  /// A value whose only user transposes it, reshapes it, concatenates it, or rounds it to a narrower float type is stored directly
  /// as the user's result. Then the user has nothing to do. The same holds for the user's user.
  mutating func allocate(_ value: ValueID) -> StridedView {
    var home = home(of: value)
    if homes[home.root] == nil {
      let (name, type) = (graph.name(home.root).isNone ? graph.name(value) : graph.name(home.root), graph.type(home.root))
      let isResult = !frame.isBody && uses.isReturned.contains(home.root)
      home.view.buffer = addBuffer(name, type, isResult ? .result : .slot(0))
      homes[home.root] = Self.rowMajor(home.view.buffer, type)
    }
    if home.isShared { keepAtCall(home.view.buffer) }
    return home.view
  }

  private func home(of value: ValueID) -> Home {
    let type = graph.type(value)
    let own = Home(root: value, view: homes[value] ?? Self.rowMajor(-1, type))
    let users = uses.users[Int(value.index)]
    guard !uses.isResult.contains(value), users.count == 1, let user = users.first, graph.results(user).count == 1 else {
      return own
    }
    let made = graph.result(user)
    // A state is written when nothing reads it any more, which may be later than this.
    guard states.inPlace[made] == nil else { return own }
    switch graph.op(user) {
    case .convert:
      let home = home(of: made)
      // It is rounded as it is stored, so there is one rounding.
      return type.element.isNarrowed(by: home.view.element) && home.view.element == graph.type(made).element ? home : own
    case .transpose:
      let permutation = graph.attributes(user).required(.permutation)
      var home = home(of: made)
      home.view = home.view.transposed(permutation.indices.map { permutation.firstIndex(of: $0)! })
      return home
    case .reshape:
      var home = home(of: made)
      guard let view = home.view.reshaped(to: type.shape.extents) else { return own }
      home.view = view
      return home
    case .concatenate:
      let operands = Array(graph.operands(user))
      // What is known at load is computed there, by itself.
      guard uses.isOfCall.contains(value), operands.count(where: { $0 == value }) == 1 else { return own }
      var home = home(of: made)
      home.view = graph.parts(of: home.view, concatenatedBy: user)[operands.firstIndex(of: value)!]
      home.isShared = true
      return home
    default: return own
    }
  }
}

extension Graph {
  /// The places of the operands of `node`, a concatenation, in the memory of its result.
  func parts(of output: StridedView, concatenatedBy node: NodeID) -> [StridedView] {
    let dimension = attributes(node).required(.dim)
    var start = Extent(0)
    return operands(node).map { operand in
      let shape = type(operand).shape
      var origin = shape.extents.map { _ in Extent(0) }
      origin[dimension] = start
      start = start + shape[dimension]
      return output.sliced(start: origin, step: origin.map { _ in 1 }, shape: shape.extents)
    }
  }
}

extension StridedView {
  /// Whether both views have the same elements at the same places.
  func isSameMemory(as other: StridedView) -> Bool {
    buffer == other.buffer && element == other.element && offset == other.offset && shape == other.shape
      && zip(shape, zip(strides, other.strides)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
  }
}
