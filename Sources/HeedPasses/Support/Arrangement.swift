import HeedIR

/// How a value arranges the elements of another one, its source, by views that keep dimensions whole: transposes, broadcasts,
/// and reshapes that put in or take out dimensions of extent 1.
struct Arrangement {
  /// The tensor that the views arrange.
  var source: ValueID
  /// For each dimension of the source, the dimension of the value that indexes it, or nil where its extent is 1.
  var dimensions: [Int?]
  /// The nodes between, the last first.
  var views: [NodeID] = []

  /// The arrangement of `value`, as far down as views of this kind reach.
  init(_ value: ValueID, in graph: Graph) {
    source = value
    dimensions = Array(0..<graph.type(value).rank)
    while let node = graph.definingNode(source), let step = graph.dimensionsOfView(node) {
      dimensions = step.map { $0.flatMap { dimensions[$0] } }
      source = graph.inputs(node)[0]
      views.append(node)
    }
  }

  /// Whether the value is the source itself with dimensions in the same order, none broadcast, of extents other than 1.
  func isIdentity(rank: Int) -> Bool { dimensions == Array(0..<rank) }
}

extension Graph {
  /// For each dimension of a view's operand, the result's dimension that indexes it, nil where its extent is 1; nil where `node` is
  /// no view that keeps dimensions whole.
  func dimensionsOfView(_ node: NodeID) -> [Int?]? {
    let op = op(node)
    if op == .transpose {
      let permutation = attributes(node).required(.permutation)
      return permutation.indices.map { dimension in permutation.firstIndex(of: dimension) }
    }
    if op == .broadcast {
      let (from, to) = (type(inputs(node)[0]).shape.extents, type(result(node)).shape.extents)
      return zip(attributes(node).required(.dims), from).map { target, extent in
        extent == 1 && to[target] != 1 ? nil : target
      }
    }
    if op == .reshape {
      return Self.unitReshape(from: type(inputs(node)[0]).shape.extents, to: type(result(node)).shape.extents, facts: facts)
    }
    return nil
  }

  private static func unitReshape(from: [Extent], to: [Extent], facts: [Fact]) -> [Int?]? {
    var targets = to.indices.filter { to[$0] != 1 }[...]
    var dimensions: [Int?] = []
    for extent in from {
      if extent == 1 {
        dimensions.append(nil)
      } else {
        guard let target = targets.popFirst(), to[target].isEqual(to: extent, given: facts) else { return nil }
        dimensions.append(target)
      }
    }
    return targets.isEmpty ? dimensions : nil
  }
}
