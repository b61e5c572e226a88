extension Mask {
  /// Keys at most `before` positions before the query and at most `after` positions after it: sliding window attention.
  ///
  /// Source: Beltagy, Peters, Cohan, "Longformer", 2020.
  public static func slidingWindow(before: Int, after: Int, _ alignment: Alignment? = nil) -> Mask {
    Mask { pair in
      let pair = pair.aligned(alignment, "slidingWindow")
      return (pair.query - pair.key <= before) & (pair.key - pair.query <= after)
    }
  }

  /// Every `dilation`th key up to `reach` positions from the query, on both sides: dilated sliding window attention.
  ///
  /// Its live keys are spread: in every tile inside the window, one pair in `dilation` is live. No tile is empty, and the kernel
  /// computes `dilation` times as many pairs as are live. `attendingByResidue` computes the same without that waste.
  /// Source: Beltagy, Peters, Cohan, "Longformer", 2020.
  public static func dilatedSlidingWindow(reach: Int, dilation: Int, _ alignment: Alignment? = nil) -> Mask {
    Mask { pair in
      let pair = pair.aligned(alignment, "dilatedSlidingWindow")
      let distance = abs(pair.query - pair.key)
      return (distance <= reach) & (distance % dilation == 0)
    }
  }

  /// The last `stride` keys up to the query, and every `stride`th before: the strided pattern of sparse transformers.
  ///
  /// The keys before are as wasteful as a dilated window.
  /// Source: Child, Gray, Radford, Sutskever, "Generating long sequences with sparse transformers", 2019.
  public static func strided(_ stride: Int, _ alignment: Alignment? = nil) -> Mask {
    Mask { pair in
      let pair = pair.aligned(alignment, "strided")
      let distance = pair.query - pair.key
      return (distance >= 0) & ((distance < stride) | (distance % stride == 0))
    }
  }

  /// In blocks of `length` positions: the keys of the query's own block up to the query, and the last `summaries` keys of every
  /// block before: the fixed pattern.
  ///
  /// Source: Child, Gray, Radford, Sutskever, "Generating long sequences with sparse transformers", 2019.
  public static func fixed(_ length: Int, summaries: Int) -> Mask {
    causal(.topLeft) & Mask { ($0.query / length == $0.key / length) | ($0.key % length >= length.saturatingDifference(summaries)) }
  }

  /// A window of `radius` positions to both sides, and all pairs in which the query or the key is marked global, bools `[length]` or
  /// `[batch, length]`.
  ///
  /// Source: Beltagy, Peters, Cohan, "Longformer", 2020; attention-gym, `global_sliding_window`.
  public static func globalSlidingWindow(radius: Int, isGlobal: Tensor) -> Mask {
    slidingWindow(before: radius, after: radius)
      | Mask { $0.element(of: isGlobal, at: $0.query) | $0.element(of: isGlobal, at: $0.key) }
  }

  /// Blocks of `blockSize` queries and keys: those at most `windowBlocks` from each other, all with the first `globalBlocks`, and
  /// those that `randomBlocks` lists. It lists a few blocks of keys per block of queries: integers `[blocks, count]`, repetitions
  /// allowed.
  ///
  /// Source: Zaheer et al., "Big Bird: transformers for longer sequences", 2020.
  public static func bigBird(blockSize: Int, windowBlocks: Int, globalBlocks: Int, randomBlocks: Tensor) -> Mask {
    let blocks = Mask { pair in
      let (query, key) = (pair.query / blockSize, pair.key / blockSize)
      return (abs(query - key) <= windowBlocks) | (query < globalBlocks) | (key < globalBlocks)
    }
    return blocks | .listed(randomBlocks, of: "bigBird", queries: blockSize, keys: blockSize)
  }
}
