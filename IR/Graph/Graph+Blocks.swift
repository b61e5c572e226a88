/// A block of a graph's nodes. An index into the graph's blocks.
public struct BlockID: Hashable, Sendable, Comparable {
  /// The position among the graph's blocks.
  public let index: Int32
  /// The block at this position.
  init(_ index: Int) { self.index = Int32(index) }
  /// The order in which blocks were made.
  public static func < (left: BlockID, right: BlockID) -> Bool { left.index < right.index }
}

extension Graph {
  /// A block says how long what its nodes compute is kept. It does not change what they compute.
  public struct Block: Hashable, Sendable {
    /// What a block is for.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
      /// What is computed within is not kept for derivatives. A derivative computes it again.
      case checkpoint
      /// What is computed within was computed before, and not kept until then.
      case recompute
    }

    /// What the block is for.
    public let kind: Kind
    /// The block around this one; nil where there is none.
    public let parent: BlockID?
  }
}

/// Blocks: nodes whose values are not kept for derivatives, and nodes that compute such values again.
extension Graph {
  /// The block at a position.
  public subscript(block: BlockID) -> Block { blocks[Int(block.index)] }

  /// The blocks around a node, outermost first.
  public func path(_ node: NodeID) -> [BlockID] { path(block(node)) }

  /// A block and those around it, outermost first.
  func path(_ block: BlockID?) -> [BlockID] {
    var (path, next): ([BlockID], BlockID?) = ([], block)
    while let block = next {
      path.append(block)
      next = self[block].parent
    }
    return path.reversed()
  }

  /// The blocks around a node that compute values again.
  public func recomputations(around node: NodeID) -> Set<BlockID> { Set(path(node).filter { self[$0].kind == .recompute }) }

  /// Whether `later` may be left out where it computes the same as `earlier`, a node before it.
  ///
  /// What a block computes is not kept for nodes outside of it, and a value that is computed again must not be the one that was computed
  /// first. What is computed again is there for all that comes after it.
  public func canStand(_ earlier: NodeID, for later: NodeID) -> Bool {
    let (first, second) = (path(earlier), path(later))
    if second.starts(with: first) { return true }
    return first.starts(with: second) && first.dropFirst(second.count).allSatisfy { self[$0].kind == .recompute }
  }

  /// Whether some nodes may run as one, where the first of them does: none is computed again apart from that one.
  public func canRunTogether(_ nodes: some Sequence<NodeID>) -> Bool {
    guard blocks.contains(where: { $0.kind == .recompute }), let first = nodes.min() else { return true }
    let around = recomputations(around: first)
    return nodes.allSatisfy { recomputations(around: $0).isSubset(of: around) }
  }
}
