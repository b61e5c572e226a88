import HeedIR

extension Mask {
  /// The spatial heads of a video model: `promptLength` positions of text that see all and are seen by all, then frames of
  /// `frameLength` positions. These see what is less than `reach` positions away.
  ///
  /// Source: Xi et al., "Sparse VideoGen", 2025; attention-gym, `svg`.
  ///
  /// - Parameter includesFirstFrame: whether all see the first frame, as a sink.
  public static func spatialHead(promptLength: Int, frameLength: Int, reach: Int, includesFirstFrame: Bool = false) -> Mask {
    queries(below: promptLength) | keys(below: promptLength.saturatingSum(includesFirstFrame ? frameLength : 0))
      | Mask { abs($0.query - $0.key) < reach }
  }

  /// The temporal heads of a video model: after the text, positions see those that are less than `reach` away from their own place, in
  /// every frame.
  ///
  /// Source: Xi et al., "Sparse VideoGen", 2025; attention-gym, `svg`.
  public static func temporalHead(promptLength: Int, frameLength: Int, reach: Int) -> Mask {
    queries(below: promptLength) | keys(below: promptLength)
      | Mask { abs(($0.query - promptLength) % frameLength - ($0.key - promptLength) % frameLength) < reach }
  }

  /// Blocks of queries that see the blocks of keys that were chosen for them: the fine part of video sparse attention.
  ///
  /// Source: Zhang et al., "VSA: faster video diffusion with trainable sparse attention", 2025; attention-gym, `vsa`.
  ///
  /// - Parameter chosen: for each block of queries the numbers of a few blocks of keys: integers `[blocks, count]`,
  ///   `[batch, blocks, count]` or `[batch, heads, blocks, count]`, as `topK` returns them.
  public static func chosenBlocks(_ chosen: Tensor, blockSize: Int) -> Mask {
    listed(chosen, of: "chosenBlocks", queries: blockSize, keys: blockSize)
  }

  /// The blocks of queries and keys that a map marks as live.
  ///
  /// Source: attention-gym, `generate_vsa_block_map_mask_mod`.
  ///
  /// - Parameter map: bools `[blocks, blocks]`, `[batch, blocks, blocks]` or `[batch, heads, blocks, blocks]`.
  public static func blockMap(_ map: Tensor, blockSize: Int) -> Mask {
    Mask { $0.element(of: map, at: $0.query / blockSize, $0.key / blockSize) }
  }

  /// The first keys of each block; the rest of the block is padding.
  ///
  /// Source: attention-gym, `generate_vsa_padding_mask_mod`.
  ///
  /// - Parameter sizes: the number of keys in each block, integers `[blocks]`.
  public static func blockPadding(_ sizes: Tensor, blockSize: Int) -> Mask {
    Mask { $0.key % blockSize < $0.element(of: sizes, at: $0.key / blockSize) }
  }

  /// Pairs whose block of keys is listed for their block of queries.
  static func listed(_ lists: Tensor, of name: String, queries: Int, keys: Int) -> Mask {
    Mask { pair in
      guard lists.rank >= 2, let count = lists.extent(-1).constant, count <= 1024 else {
        return pair.builder.fail(
          "\(name): got the lists \(lists.summary), expected [blocks, count] with a number up to 1024 as count", nil,
          guess: TensorType(.bool, .scalar))
      }
      let key = pair.key / keys
      let isListed = (0..<count).map { pair.element(of: lists[.rest, $0], at: pair.query / queries) == key }
      return isListed.dropFirst().reduce(isListed.first ?? pair.builder.constant(false, .bool)) { $0 | $1 }
    }
  }
}
