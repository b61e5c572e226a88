public import HeedIR

extension Mask {
  /// The first `length` keys for every query, the others causally: a language model with a prefix that is read in both directions.
  ///
  /// Source: Raffel et al., "Exploring the limits of transfer learning", 2020; attention-gym, `prefix_lm`.
  public static func prefixLM(_ length: Int, _ alignment: Alignment? = nil) -> Mask { keys(below: length) | causal(alignment) }

  /// The same with one length per row of the batch, integers `[batch]`.
  public static func prefixLM(_ lengths: Tensor, _ alignment: Alignment? = nil) -> Mask { keys(below: lengths) | causal(alignment) }

  /// Groups of `size` positions that see each other and no other, each under a mask of positions in the group.
  ///
  /// Source: attention-gym, `batchify`.
  public static func batchify(_ size: Int, _ mask: Mask = .all) -> Mask {
    Mask { pair in
      (pair.query / size == pair.key / size) & mask(pair.at(query: pair.query % size, key: pair.key % size))
    }
  }

  /// Training of block diffusion: `count` noised positions, then the same `count` clean ones, both in blocks of `blockSize`.
  ///
  /// A noised position sees its own noised block and the clean blocks before; a clean one sees its own clean block and those before.
  /// Source: Arriola et al., "Block diffusion", 2025, section 3.1; attention-gym, `block_diffusion`.
  public static func blockDiffusion(count: Extent, blockSize: Int) -> Mask {
    Mask { pair in
      let count = pair.builder.size(count)
      let (queryIsNoised, keyIsNoised) = (pair.query < count, pair.key < count)
      let (query, key) = (pair.query % count / blockSize, pair.key % count / blockSize)
      let own = (query == key) & (queryIsNoised == keyIsNoised)
      let earlier = (query > key) & queryIsNoised & !keyIsNoised
      let upToOwn = (query >= key) & !queryIsNoised & !keyIsNoised
      return own | earlier | upToOwn
    }
  }
}
