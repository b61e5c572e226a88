extension Mask {
  /// Drafts in the form of a tree: queries are the nodes of a tree that follows `prefixLength` keys. A node sees the prefix and the
  /// nodes on its path from the root, itself included.
  ///
  /// Source: JetSpec, 2026, and attention-gym, `jetspec`.
  ///
  /// - Parameter ancestors: whether node j is on the path to node i, bools `[nodes, nodes]`.
  public static func treeCausal(_ ancestors: Tensor, prefixLength: Int) -> Mask {
    keys(below: prefixLength) | Mask { $0.element(of: ancestors, at: $0.query, $0.key - prefixLength) }
  }

  /// The training form of tree-causal drafts: queries are blocks of an anchor and the positions after it; keys are a prefix and
  /// then the same blocks. A query sees the prefix and its own block up to itself.
  ///
  /// Source: JetSpec, 2026, and attention-gym, `jetspec`.
  public static func draftBlocks(prefixLength: Int, blockSize: Int) -> Mask {
    keys(below: prefixLength)
      | Mask { pair in
        let key = pair.key - prefixLength
        return (pair.query / blockSize == key / blockSize) & (key % blockSize <= pair.query % blockSize)
      }
  }
}
