import HeedIR

// Rows in segments that follow each other: sequences of a ragged batch, edges by the node that they reach, tokens by their expert.
// Segment s has the rows `offsets[s] ..< offsets[s + 1]`; offsets are integers `[B + 1]` that rise from 0 to the number of rows T.

extension Tensor {
  /// Sums over segments of rows: `[T, ...]` and offsets `[B + 1]` to `[B, ...]`. An empty segment sums to 0.
  public func segmentSum(_ offsets: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.emit(.segmentSum, [self, offsets], [], CallSite(file, line))
  }

  /// The greatest element over segments of rows: `[T, ...]` and offsets `[B + 1]` to `[B, ...]`. Of an empty segment it is the type's
  /// least value.
  public func segmentMax(_ offsets: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.emit(.segmentMax, [self, offsets], [], CallSite(file, line))
  }

  /// The mean over segments of rows, of floats: `[T, ...]` and offsets `[B + 1]` to `[B, ...]`. Of an empty segment it is 0.
  public func segmentMean(_ offsets: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.located(file, line) {
      guard element.isFloat else { return builder.fail("segmentMean: got \(summary), expected a float type", nil, guess: type) }
      let sums = cast(to: element.computed).segmentSum(offsets)
      guard builder.graph.failure == nil else { return builder.poison(type) }
      let counts = maximum(offsets[1...] - offsets[..<(-1)], 1).cast(to: sums.element)
      return (sums / counts.reshape(Shape([counts.extent(0)] + sums.shape.extents.dropFirst().map { _ in 1 }))).cast(to: element)
    }
  }

  /// The softmax over the rows of each segment, of floats: `[T, ...]` to the same shape. Attention of a graph's nodes over their edges.
  ///
  /// As in `softmax`, where all elements of a segment are -inf, the result is 0.
  /// Source: Velickovic et al., "Graph attention networks", 2018.
  public func segmentSoftmax(_ offsets: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.located(file, line) {
      guard element.isFloat, rank >= 1 else {
        return builder.fail("segmentSoftmax: got \(summary), expected floats of rank 1 or more", nil, guess: type)
      }
      let ids = builder.segmentIDs(offsets, count: extent(0))
      let x = cast(to: element.computed)
      let greatest = x.segmentMax(offsets)
      let weights = exp(x - select(greatest == -.infinity, 0, greatest).gather(ids))
      let sums = weights.segmentSum(offsets)
      return (weights / select(sums == 0, 1, sums).gather(ids)).cast(to: element)
    }
  }

  /// The product of the rows of each segment with a matrix of its own: `[T, K]`, matrices `[B, K, N]` and offsets `[B + 1]` to
  /// `[T, N]`. A mixture of experts, whose rows are sorted by expert.
  ///
  /// Rows of no segment are 0.
  /// Source: Gale et al., "MegaBlocks: efficient sparse training with mixture-of-experts", 2023 (grouped products).
  public func segmentMatmul(_ matrices: Tensor, _ offsets: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.emit(.segmentMatmul, [self, matrices, offsets], [], CallSite(file, line))
  }
}
