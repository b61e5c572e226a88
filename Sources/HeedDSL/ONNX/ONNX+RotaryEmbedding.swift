import HeedIR

extension ONNX {
  /// ONNX's RotaryEmbedding, opset 23: pairs of elements of each row rotated by the angles of its position.
  ///
  /// X is `[B, H, S, D]`, or `[B, S, H*D]` with the head count as an attribute. A pair (a, b) becomes `(a cos - b sin, a sin + b cos)`.
  public struct RotaryEmbedding: Hashable, Sendable {
    /// `interleaved`: a pair is two neighbours, else an element of the first half and one of the second.
    public var isInterleaved: Bool
    /// `rotary_embedding_dim`: how many elements of a row are rotated, an even number R; 0 for all. The others stay as they are.
    public var rotaryEmbeddingSize: Int
    /// `num_heads`: H, where X has three dimensions.
    public var headCount: Int?

    /// The operator with these attributes; without them, ONNX's defaults.
    public init(isInterleaved: Bool = false, rotaryEmbeddingSize: Int = 0, headCount: Int? = nil) {
      (self.isInterleaved, self.rotaryEmbeddingSize, self.headCount) = (isInterleaved, rotaryEmbeddingSize, headCount)
    }

    /// - Parameters:
    ///   - x: X.
    ///   - cosines: `cos_cache`: the cosines of each position, `[positions, R/2]`, or without position ids of each row, `[B, S, R/2]`.
    ///   - sines: `sin_cache`: the sines.
    ///   - positionIDs: `position_ids`: the position of each row, integers `[B, S]`. NaN where it is outside the caches.
    public func callAsFunction(
      _ x: Tensor, cosines: Tensor, sines: Tensor, positionIDs: Tensor? = nil, file: String = #filePath, line: Int = #line
    ) -> Tensor {
      let builder = x.builder
      return builder.located(file, line) {
        func mistake(_ message: String) -> Tensor { builder.fail("ONNX.RotaryEmbedding: \(message)", nil, guess: x.type) }
        guard x.rank == 4 || x.rank == 3, x.element.isFloat else {
          return mistake("got \(x.summary), expected floats of rank 3 or 4")
        }
        // The heads stay where they lie: before the rows, or between them and the elements.
        var (heads, rows) = (x, [0, 2, 3])
        if x.rank == 3 {
          guard let headCount, headCount > 0, let width = x.extent(2).dividedExactly(by: headCount) else {
            return mistake("got \(x.summary) for headCount = \(headCount ?? 0), expected rows of a multiple of it")
          }
          (heads, rows) = (x.reshape([x.extent(0), x.extent(1), Extent(headCount), width]), [0, 1, 3])
        }
        guard let width = heads.extent(3).constant else { return mistake("got \(x.summary), expected a constant width of heads") }
        let size = rotaryEmbeddingSize == 0 ? width : rotaryEmbeddingSize
        guard size > 0, size <= width, size % 2 == 0 else {
          return mistake("got \(size) elements to rotate of heads of \(width), expected an even number of them")
        }
        let caches = [cosines, sines].map { cache in positionIDs.map { cache.gather($0) } ?? cache }
        guard caches.allSatisfy({ $0.rank == 3 && $0.element == x.element && $0.extent(2) == Extent(size / 2) }) else {
          let expected = positionIDs == nil ? "[B, S, \(size / 2)]" : "[positions, \(size / 2)] and ids [B, S]"
          let got = "\(cosines.summary) and \(sines.summary)" + (positionIDs.map { " at \($0.summary)" } ?? "")
          return mistake("got the caches \(got), expected \(x.element)\(expected)")
        }
        return rotated(heads, caches[0], caches[1], size: size, rows: rows).reshape(x.shape)
      }
    }

    /// - Parameter rows: the dimensions of `x` that those of the angles are.
    private func rotated(_ x: Tensor, _ cosines: Tensor, _ sines: Tensor, size: Int, rows: [Int]) -> Tensor {
      let (outer, width) = (Array(x.shape.extents.dropLast()), x.extent(3).constant!)
      let part = x[.rest, 0..<size]
      let pairs = isInterleaved ? part.reshape(Shape(outer + [Extent(size / 2), 2])) : part
      let a = isInterleaved ? pairs[.rest, 0] : part[.rest, 0..<(size / 2)]
      let b = isInterleaved ? pairs[.rest, 1] : part[.rest, (size / 2)..<size]
      let (cos, sin) = (cosines.broadcast(to: a.shape, dimensions: rows), sines.broadcast(to: a.shape, dimensions: rows))
      let (real, imaginary) = (a * cos - b * sin, a * sin + b * cos)
      let rest = size == width ? [] : [x[.rest, size..<width]]
      guard isInterleaved else { return concatenate([real, imaginary] + rest, dimension: 3) }
      let joined = concatenate([real.expandingDimension(4), imaginary.expandingDimension(4)], dimension: 4)
      return concatenate([joined.reshape(Shape(outer + [Extent(size)]))] + rest, dimension: 3)
    }
  }
}
